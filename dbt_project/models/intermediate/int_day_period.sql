{{ config(materialized='table') }}
-- The periods that a business day belongs to. Day and week rows go back day_grain_days only.
with today as (

    select max(day) as day
    from {{ ref('stg_business_day') }}
    where from_us < {{ as_of() }}

),

days as (

    select
        business_day.day,
        organisation.day_grain_days,
        today.day as last_day
    from (select distinct day from {{ ref('stg_business_day') }} where from_us < {{ as_of() }}) as business_day
    cross join {{ ref('stg_organisation') }} as organisation
    cross join today

),

periods as (
    {% for grain in ['day', 'week', 'month', 'quarter', 'year'] %}
    select
        '{{ grain }}' as grain,
        day,
        cast(date_trunc('{{ grain }}', day) as date) as period_start,
        cast(date_trunc('{{ grain }}', day) + interval '{{ '3 month' if grain == 'quarter' else '1 ' ~ grain }}' as date) as period_end,
        {{ 'day >= last_day - day_grain_days' if grain in ['day', 'week'] else 'true' }} as is_kept
    from days
    {{ 'union all' if not loop.last }}
    {% endfor %}
)

select
    periods.grain,
    periods.day,
    periods.period_start,
    periods.period_end,
    max(periods.is_kept) over (partition by periods.grain, periods.period_start) as is_kept,
    -- Complete: the first day after it has begun by as_of.
    coalesce(next_day.from_us <= {{ as_of() }}, false) as is_complete
from periods
left join (select day, min(from_us) as from_us from {{ ref('stg_business_day') }} group by day) as next_day
    on periods.period_end = next_day.day
