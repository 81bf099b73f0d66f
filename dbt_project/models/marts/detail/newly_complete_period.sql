select
    period.grain,
    period.period_start
from {{ ref('int_complete_period') }} as period
left join {{ ref('stg_published_period') }} as published
    on period.grain = published.grain and period.period_start = published.period_start
where published.grain is null
