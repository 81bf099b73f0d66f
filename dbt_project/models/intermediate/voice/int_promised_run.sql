-- Passages whose customer was told a time that has come: kept if done by then, and else how late, in working time of the
-- passage and its pauses included, so far if it is not done. One cancelled before its time, or nobody knows when, is out; one
-- cancelled later is a miss.
{%- set until = 'coalesce(run.ended_at, run.as_of)' %}
select
    run.run_id,
    run.process,
    business_day.day as promised_on,
    run.reported_status = 'completed' and run.ended_at <= run.promised_at as is_kept,
    case
        when run.reported_status = 'completed' and run.ended_at <= run.promised_at then 0
        else {{ worked('run.calendar', microseconds(until), 'at_end') }}
            - {{ worked('run.calendar', microseconds('run.promised_at'), 'at_promise') }}
    end as late_us
from {{ ref('fct_run') }} as run
{{ on_business_day('run.promised_at') }}
{{ at_slot('at_promise', 'run.calendar', microseconds('run.promised_at')) }}
{{ at_slot('at_end', 'run.calendar', microseconds(until)) }}
where
    run.scope = 'process'
    and run.promised_at < run.as_of
    and (run.reported_status <> 'cancelled' or (run.ended_at > run.promised_at and not run.is_end_estimated))
