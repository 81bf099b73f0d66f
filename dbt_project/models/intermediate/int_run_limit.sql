-- Every run with its limits in working time, whatever they were written as, and the working time at its start and end: a
-- look-up each, however long it lasted.
{%- set limits = ['commitment', 'tolerance'] %}
with measured as (

    select
        run.*,
        coalesce(run.ended_us, {{ as_of() }}) as until_us,
        {{ worked('run.calendar', 'run.started_us', 'at_start') }} as worked_at_start_us,
        {{ worked('run.calendar', 'coalesce(run.ended_us, ' ~ as_of() ~ ')', 'at_end') }} as worked_at_end_us,
        {{ worked('run.calendar', 'run.promised_us', 'at_promise') }} as worked_at_promise_us,
        commitment_day.due_worked_us as worked_at_commitment_day_us,
        tolerance_day.due_worked_us as worked_at_tolerance_day_us
    from {{ ref('int_run_committed') }} as run
    {{ at_slot('at_start', 'run.calendar', 'run.started_us') }}
    {{ at_slot('at_end', 'run.calendar', 'coalesce(run.ended_us, ' ~ as_of() ~ ')') }}
    {{ at_slot('at_promise', "case when 'promised' in (run.commitment_limit_kind, run.tolerance_limit_kind) then run.calendar end", 'run.promised_us') }}
    {%- for limit in limits %}
    left join {{ ref('stg_working_day') }} as {{ limit }}_day
        on
            run.calendar = {{ limit }}_day.calendar
            and run.{{ limit }}_limit_clock = {{ limit }}_day.clock
            and at_start.working_day + run.{{ limit }}_limit_days = {{ limit }}_day.working_day
    {%- endfor %}

),

converted as (

    select
        *
        {%- for limit in limits %},
        case {{ limit }}_limit_kind
            when 'time' then {{ limit }}_term_us
            when 'working_days' then worked_at_{{ limit }}_day_us - worked_at_start_us
            when 'promised' then worked_at_promise_us - worked_at_start_us + {{ limit }}_term_us
        end as {{ limit }}_worked_us
        {%- endfor %}
    from measured

)

select
    *,
    case
        when not coalesce(is_process_listed, false) then 'process not listed'
        when not coalesce(is_node_listed, false) then 'node not listed'
        when commitment_id is null then 'no commitment'
        when worked_at_start_us is null then 'starts outside the horizon of its calendar'
        when worked_at_end_us is null then 'ends outside the horizon of its calendar'
        when 'promised' in (commitment_limit_kind, tolerance_limit_kind) and promised_us is null then 'no promise'
        when commitment_worked_us is null or tolerance_worked_us is null
            then 'limit beyond the horizon of its calendar'
    end as uncommitted_reason,
    greatest(0, commitment_worked_us) as commitment_limit_us,
    greatest(0, commitment_worked_us, tolerance_worked_us) as tolerance_limit_us
from converted
