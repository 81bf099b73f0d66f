-- From the first run's year to two years after as_of.
with days as (

    select
        day,
        min(from_us) as from_us,
        max(to_us) as to_us
    from {{ ref('stg_business_day') }}
    group by day

),

bounds as (

    select
        date_trunc('year', min(started_on)) as first_day,
        date_trunc('year', max(as_of)) + interval '3 year' as end_day
    from {{ ref('fct_run') }}

)

select
    days.day as date_day,
    cast(extract(year from days.day) as integer) as year,
    cast(extract(quarter from days.day) as integer) as quarter,
    cast(extract(month from days.day) as integer) as month,
    cast(date_trunc('week', days.day) as date) as week_start,
    cast(date_trunc('month', days.day) as date) as month_start,
    cast(date_trunc('quarter', days.day) as date) as quarter_start,
    cast(date_trunc('year', days.day) as date) as year_start,
    {{ instant('days.from_us') }} as begins_at,
    {{ instant('days.to_us') }} as ends_at
from days
inner join bounds on days.day >= bounds.first_day and days.day < bounds.end_day
