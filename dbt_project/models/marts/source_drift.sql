select
    source_system,
    entity,
    column_name,
    what,
    type_before,
    type_now,
    is_used,
    load_id,
    {{ instant('landed_us') }} as landed_at
from {{ ref('stg_drift') }}
