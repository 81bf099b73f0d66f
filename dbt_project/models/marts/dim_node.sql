select
    node.process,
    node.node,
    node.node_name,
    cast(node.node_order as integer) as node_order,
    node.is_final,
    owner.department,
    owner.position
from {{ ref('stg_node') }} as node
left join {{ ref('stg_owner') }} as owner
    on
        node.process = owner.process
        and node.node = owner.node
        and coalesce(owner.valid_from_us, {{ always() }}) < {{ as_of() }}
        and coalesce(owner.valid_to_us, {{ forever() }}) >= {{ as_of() }}
