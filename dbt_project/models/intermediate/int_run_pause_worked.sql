{{ config(materialized='table') }}
-- What each pause of a committed run costs in working time, and how much had elapsed when it began.
with pause as (

    select
        run.run_id,
        run.commitment_limit_us,
        run.tolerance_limit_us,
        run.worked_at_start_us,
        pause.from_us,
        pause.to_us,
        {{ worked('run.calendar', 'pause.from_us', 'at_start') }} as worked_at_start_of_pause_us,
        {{ worked('run.calendar', 'coalesce(pause.to_us, ' ~ as_of() ~ ')', 'at_end') }} as worked_at_end_of_pause_us
    from {{ ref('int_run_limit') }} as run
    inner join {{ ref('int_run_pause') }} as pause on run.run_id = pause.run_id
    {{ at_slot('at_start', 'run.calendar', 'pause.from_us') }}
    {{ at_slot('at_end', 'run.calendar', 'coalesce(pause.to_us, ' ~ as_of() ~ ')') }}
    where run.uncommitted_reason is null

)

select
    run_id,
    commitment_limit_us,
    tolerance_limit_us,
    from_us,
    to_us,
    worked_at_end_of_pause_us - worked_at_start_of_pause_us as paused_us,
    worked_at_start_of_pause_us - worked_at_start_us
    - coalesce(
        sum(worked_at_end_of_pause_us - worked_at_start_of_pause_us) over (
            partition by run_id order by from_us rows between unbounded preceding and 1 preceding
        ), 0
    ) as elapsed_us
from pause
