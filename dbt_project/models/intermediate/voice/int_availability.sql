-- How long a service was to be there in a period, on its indicator's calendar, and how long it was: outages that overlap
-- count once, announced ones are in neither, one that is still going on lasts until as_of.
with period as (

    select * from {{ ref('int_indicator_period') }}
    where kind = 'availability'

),

outage as (

    select
        process,
        node,
        is_planned,
        started_us,
        case when ended_us < {{ as_of() }} then ended_us else {{ as_of() }} end as ended_us
    from ({{ latest_version(ref('stg_outages')) }})
    where started_us < {{ as_of() }}

),

within_period as (

    select
        period.indicator,
        period.grain,
        period.period_start,
        period.calendar,
        outage.is_planned,
        greatest(outage.started_us, period.from_us) as from_us,
        least(outage.ended_us, period.to_us) as to_us
    from period
    inner join outage
        on
            period.process = outage.process
            -- Where the whole is down, so is every node of it.
            and (outage.node is null or outage.node = period.node)
            and outage.started_us < period.to_us
            and outage.ended_us > period.from_us

),

spans as (

    select indicator, grain, period_start, calendar, 'down' as what, from_us, to_us
    from within_period

    union all

    select indicator, grain, period_start, calendar, 'planned' as what, from_us, to_us
    from within_period
    where is_planned

    union all

    select indicator, grain, period_start, calendar, 'period' as what, from_us, to_us
    from period

),

merged as (

    {{ merged_spans('spans', ['indicator', 'grain', 'period_start', 'what'], ['calendar']) | indent(4) }}

),

worked as (

    select
        merged.indicator,
        merged.grain,
        merged.period_start,
        merged.what,
        {{ worked('merged.calendar', 'merged.to_us', 'at_end') }}
        - {{ worked('merged.calendar', 'merged.from_us', 'at_start') }} as worked_us
    from merged
    {{ at_slot('at_start', 'merged.calendar', 'merged.from_us') }}
    {{ at_slot('at_end', 'merged.calendar', 'merged.to_us') }}

)

select
    indicator,
    grain,
    period_start,
    sum(case what when 'period' then worked_us when 'down' then -worked_us else 0 end) as available_us,
    sum(case what when 'period' then worked_us when 'planned' then -worked_us else 0 end) as wanted_us
from worked
group by indicator, grain, period_start
-- Beyond the horizon of its calendar nobody knows what would have been worked.
having count(worked_us) = count(*)
