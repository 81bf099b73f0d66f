select
    process,
    node,
    segment,
    service_level,
    location,
    priority,
    commitment_id,
    calendar,
    specificity,
    case when valid_from_us > {{ always() }} then {{ instant('valid_from_us') }} end as valid_from,
    case when valid_to_us < {{ forever() }} then {{ instant('valid_to_us') }} end as valid_to
from {{ ref('int_commitment_candidate') }}
