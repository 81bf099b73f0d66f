select
    duration.process,
    coalesce(process.process_name, duration.process) as process_name,
    duration.node,
    coalesce(node.node_name, duration.node) as node_name,
    cast(node.node_order as integer) as node_order,
    {{ duration_columns() }}
from {{ ref('int_duration') }} as duration
left join {{ ref('stg_process') }} as process on duration.process = process.process
left join {{ ref('stg_node') }} as node on duration.process = node.process and duration.node = node.node
where duration.scope = 'node'
