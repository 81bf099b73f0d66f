{{ config(materialized='table') }}
-- Each indicator and period, as the indicator was defined when the period began: a later definition changes no past figure.
-- From the period of its process's first passage on; to_us is the end of the period, or as_of if that comes first.
with day as (

    select
        day,
        min(from_us) as from_us,
        max(to_us) as to_us
    from {{ ref('stg_business_day') }}
    where from_us < {{ as_of() }}
    group by day

),

period as (

    select
        day_period.grain,
        day_period.period_start,
        day_period.period_end,
        day_period.is_complete,
        min(day.from_us) as from_us,
        least(max(day.to_us), {{ as_of() }}) as to_us
    from {{ ref('int_day_period') }} as day_period
    inner join day on day_period.day = day.day
    where day_period.grain in ('month', 'quarter', 'year')
    group by day_period.grain, day_period.period_start, day_period.period_end, day_period.is_complete

),

began as (

    select process, min(started_us) as started_us
    from {{ ref('int_process_run') }}
    where started_us < {{ as_of() }}
    group by process

)

select
    indicator.indicator,
    indicator.kind,
    indicator.process,
    indicator.node,
    indicator.measure,
    indicator.within_us,
    indicator.is_by_segment,
    indicator.calendar,
    indicator.target,
    indicator.unit,
    indicator.is_higher_better,
    indicator.indicator_name,
    indicator.indicator_order,
    period.grain,
    period.period_start,
    period.period_end,
    period.is_complete,
    period.from_us,
    period.to_us
from {{ ref('stg_indicator') }} as indicator
inner join began on indicator.process = began.process
inner join period
    on
        began.started_us < period.to_us
        and coalesce(indicator.valid_from_us, {{ always() }}) <= period.from_us
        and coalesce(indicator.valid_to_us, {{ forever() }}) > period.from_us
