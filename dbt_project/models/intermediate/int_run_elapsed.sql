-- Working time of every run on its calendar: a look-up at its start and one at its end, however long it lasted.
with measured as (

    select
        run.*,
        coalesce(run.ended_us, {{ as_of() }}) as until_us,
        {{ worked('run.calendar', 'run.started_us', 'at_start') }} as worked_at_start_us,
        {{ worked('run.calendar', 'coalesce(run.ended_us, ' ~ as_of() ~ ')', 'at_end') }} as worked_at_end_us
    from {{ ref('int_run_committed') }} as run
    left join {{ ref('int_calendar_slot') }} as at_start
        on
            run.calendar = at_start.calendar
            and {{ slot('run.started_us', day_us()) }} = at_start.slot
            and run.started_us >= at_start.from_us
            and run.started_us < at_start.to_us
    left join {{ ref('int_calendar_slot') }} as at_end
        on
            run.calendar = at_end.calendar
            and {{ slot('coalesce(run.ended_us, ' ~ as_of() ~ ')', day_us()) }} = at_end.slot
            and coalesce(run.ended_us, {{ as_of() }}) >= at_end.from_us
            and coalesce(run.ended_us, {{ as_of() }}) < at_end.to_us

)

select
    *,
    case
        when not coalesce(is_process_listed, false) then 'process not listed'
        when not coalesce(is_node_listed, false) then 'node not listed'
        when commitment_id is null then 'no commitment'
        when worked_at_start_us is null then 'starts outside the horizon of its calendar'
        when worked_at_end_us is null then 'ends outside the horizon of its calendar'
    end as uncommitted_reason,
    worked_at_end_us - worked_at_start_us as elapsed_us
from measured
