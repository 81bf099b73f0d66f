with achieved as (

    {{ achievement(['grain', 'period_start', 'period_end', 'is_complete', 'process', 'node'], "scope = 'node'") | indent(4) }}

)

select
    achieved.*,
    coalesce(process.process_name, achieved.process) as process_name,
    coalesce(node.node_name, achieved.node) as node_name,
    cast(node.node_order as integer) as node_order,
    percentile.elapsed_p50_seconds,
    percentile.elapsed_p90_seconds,
    percentile.elapsed_p95_seconds,
    target.target_rate
from achieved
left join {{ ref('stg_process') }} as process on achieved.process = process.process
left join {{ ref('stg_node') }} as node on achieved.process = node.process and achieved.node = node.node
left join {{ ref('int_elapsed_percentile') }} as percentile
    on
        percentile.scope = 'node'
        and achieved.grain = percentile.grain
        and achieved.period_start = percentile.period_start
        and achieved.process = percentile.process
        and achieved.node = percentile.node
left join {{ ref('int_target') }} as target
    on
        target.scope = 'node'
        and achieved.grain = target.grain
        and achieved.period_start = target.period_start
        and achieved.process = target.process
        and achieved.node = target.node
