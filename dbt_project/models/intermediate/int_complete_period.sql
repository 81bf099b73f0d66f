-- The periods that are over and published: what is said of them is compared with what was said before.
with period as (

    select distinct
        grain,
        period_start,
        period_end
    from {{ ref('int_day_period') }}
    where is_kept and is_complete

),

day as (

    select
        day,
        min(from_us) as from_us
    from {{ ref('stg_business_day') }}
    group by day

)

select
    period.grain,
    period.period_start,
    min(first_day.from_us) as from_us,
    min(next_day.from_us) as to_us
from period
inner join day as next_day on period.period_end = next_day.day
-- The first day of a period may be one that the zone skipped.
inner join day as first_day on period.period_start <= first_day.day and first_day.day < period.period_end
group by period.grain, period.period_start
