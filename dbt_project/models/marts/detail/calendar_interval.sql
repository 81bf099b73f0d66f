select
    calendar,
    {{ instant('from_us') }} as from_at,
    {{ instant('to_us') }} as to_at,
    {{ seconds('before_us') }} as worked_before_seconds
from {{ ref('stg_calendar_interval') }}
