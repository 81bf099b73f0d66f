select
    calendar,
    version,
    {{ instant('valid_from_us') }} as valid_from,
    {{ instant('valid_to_us') }} as valid_to,
    time_zone,
    description
from {{ ref('stg_calendar_version') }}
