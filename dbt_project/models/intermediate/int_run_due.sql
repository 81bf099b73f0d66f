-- Deadlines: the earliest instant at which the working time reaches a limit; and the latest at which it still equals
-- it, when the run leaves the state.
{%- set limits = ['commitment', 'tolerance'] %}
with targeted as (

    select
        *,
        uncommitted_reason is null as is_committed,
        case when uncommitted_reason is null then worked_at_start_us + commitment_limit_us end as commitment_target_us,
        case when uncommitted_reason is null then worked_at_start_us + tolerance_limit_us end as tolerance_target_us
    from {{ ref('int_run_elapsed') }}

)

select
    run.*,
    {%- for limit in limits %}
    case
        when run.{{ limit }}_limit_us = 0 and run.is_committed then run.started_us
        when run.calendar = '24x7' then run.{{ limit }}_target_us
        else {{ limit }}_slot.instant_us + run.{{ limit }}_target_us - {{ limit }}_slot.after_us
    end as {{ limit }}_due_us,
    case
        when run.calendar = '24x7' then run.{{ limit }}_target_us
        when run.{{ limit }}_target_us = {{ limit }}_slot.up_to_us
            then greatest(run.started_us, {{ limit }}_slot.next_instant_us)
        else {{ limit }}_slot.instant_us + run.{{ limit }}_target_us - {{ limit }}_slot.after_us
    end as {{ limit }}_left_us {{ ',' if not loop.last }}
    {%- endfor %}
from targeted as run
{%- for limit in limits %}
left join {{ ref('int_working_slot') }} as {{ limit }}_slot
    on
        run.calendar = {{ limit }}_slot.calendar
        and {{ slot('run.' ~ limit ~ '_target_us - 1', day_us()) }} = {{ limit }}_slot.slot
        and run.{{ limit }}_target_us > {{ limit }}_slot.after_us
        and run.{{ limit }}_target_us <= {{ limit }}_slot.up_to_us
{%- endfor %}
