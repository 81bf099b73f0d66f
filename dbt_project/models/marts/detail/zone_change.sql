select
    time_zone,
    {{ instant('change_us') }} as changed_at,
    {{ seconds('offset_before_us') }} as offset_before_seconds,
    {{ seconds('offset_after_us') }} as offset_after_seconds
from {{ ref('stg_zone_change') }}
