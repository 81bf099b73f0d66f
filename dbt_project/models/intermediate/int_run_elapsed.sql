-- Working time of every run less its pauses, and the working time of its calendar at which it reaches and leaves each
-- limit. An open pause stops the clock for good: what lies behind it is not known.
{%- set limits = ['commitment', 'tolerance'] %}
select
    run.*,
    run.uncommitted_reason is null as is_committed,
    coalesce(paused.paused_us, 0) as paused_us,
    run.worked_at_end_us - run.worked_at_start_us - coalesce(paused.paused_us, 0) as elapsed_us
    {%- for limit in limits %},
    case
        when run.uncommitted_reason is null
            and coalesce(paused.elapsed_at_open_pause_us >= run.{{ limit }}_limit_us, true)
            then run.worked_at_start_us + run.{{ limit }}_limit_us + coalesce(paused.{{ limit }}_due_shift_us, 0)
    end as {{ limit }}_target_us,
    case
        when run.uncommitted_reason is null
            and coalesce(paused.elapsed_at_open_pause_us > run.{{ limit }}_limit_us, true)
            then run.worked_at_start_us + run.{{ limit }}_limit_us + coalesce(paused.{{ limit }}_left_shift_us, 0)
    end as {{ limit }}_left_target_us
    {%- endfor %}
from {{ ref('int_run_limit') }} as run
left join {{ ref('int_run_paused') }} as paused on run.run_id = paused.run_id
