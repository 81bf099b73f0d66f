select
    calendar,
    time_zone,
    {{ instant('horizon_from_us') }} as horizon_from_at,
    {{ instant('horizon_to_us') }} as horizon_to_at,
    description
from {{ ref('stg_calendar') }}
