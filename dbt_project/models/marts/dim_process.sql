select
    process.process,
    process.process_name,
    cast(process.process_order as integer) as process_order,
    owner.department,
    owner.position
from {{ ref('stg_process') }} as process
left join {{ ref('stg_owner') }} as owner
    on
        process.process = owner.process
        and owner.node is null
        and coalesce(owner.valid_from_us, {{ always() }}) < {{ as_of() }}
        and coalesce(owner.valid_to_us, {{ forever() }}) >= {{ as_of() }}
