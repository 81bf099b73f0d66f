-- Passages that were open at the end of a period, or are at as_of, each with its age on the indicator's calendar.
with period as (

    select * from {{ ref('int_indicator_period') }}
    where kind = 'backlog_age'

),

-- What begins and ends within one month is open at the end of none.
run as (

    select
        run.process,
        run.segment,
        {{ microseconds('run.started_at') }} as started_us,
        coalesce({{ microseconds('run.ended_at') }}, {{ forever() }}) as ended_us
    from {{ ref('fct_run') }} as run
    inner join (select distinct process from period) as measured on run.process = measured.process
    where
        run.scope = 'process'
        and (run.ended_on is null or date_trunc('month', run.started_on) < date_trunc('month', run.ended_on))

),

open_run as (

    select
        period.indicator,
        period.grain,
        period.period_start,
        period.calendar,
        period.to_us,
        run.segment,
        run.started_us
    from period
    inner join run
        on
            period.process = run.process
            and run.started_us < period.to_us
            and run.ended_us >= period.to_us

)

select
    open_run.indicator,
    open_run.grain,
    open_run.period_start,
    open_run.segment,
    {{ worked('open_run.calendar', 'open_run.to_us', 'at_end') }}
    - {{ worked('open_run.calendar', 'open_run.started_us', 'at_start') }} as age_us
from open_run
{{ at_slot('at_start', 'open_run.calendar', 'open_run.started_us') }}
{{ at_slot('at_end', 'open_run.calendar', 'open_run.to_us') }}
