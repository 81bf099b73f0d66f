-- The last complete months, which commitments are reviewed by: one row, bounds as business days and as instants, the end
-- exclusive; and the day on which as many months before them begin. Without a complete month all are null.
with month as (

    select distinct
        period_start,
        period_end
    from {{ ref('int_day_period') }}
    where grain = 'month' and is_complete

),

newest as (

    select
        month.*,
        organisation.review_months,
        row_number() over (order by month.period_start desc) as back
    from month
    cross join {{ ref('stg_organisation') }} as organisation

),

review as (

    select
        min(case when back <= review_months then period_start end) as window_start,
        max(period_end) as window_end,
        min(period_start) as before_start
    from newest
    where back <= 2 * review_months

)

select
    review.window_start,
    review.window_end,
    review.before_start,
    min(first_day.from_us) as window_from_us,
    min(day_after.from_us) as window_to_us
from review
left join {{ ref('stg_business_day') }} as first_day on review.window_start = first_day.day
left join {{ ref('stg_business_day') }} as day_after on review.window_end = day_after.day
group by review.window_start, review.window_end, review.before_start
