select
    source_system,
    entity,
    load_id,
    {{ instant('landed_us') }} as landed_at,
    status,
    cast(pulled as bigint) as pulled,
    cast(accepted as bigint) as accepted,
    cast(quarantined as bigint) as quarantined,
    cast(duplicates as bigint) as duplicates,
    cast(held as bigint) as held,
    cast(deleted as bigint) as deleted,
    reason
from {{ ref('stg_decision') }}
