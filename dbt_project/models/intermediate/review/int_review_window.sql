-- The last complete months, which commitments are reviewed by: one row, bounds in business days, the end exclusive; and
-- where as many months before them begin. Without a complete month all are null.
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

)

select
    min(case when back <= review_months then period_start end) as window_start,
    max(period_end) as window_end,
    min(period_start) as before_start
from newest
where back <= 2 * review_months
