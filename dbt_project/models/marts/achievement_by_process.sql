with achieved as (

    {{ achievement(['grain', 'period_start', 'period_end', 'is_complete', 'process'], "scope = 'process'") | indent(4) }}

)
,

nodes as (

    select
        grain,
        period_start,
        process,
        cast(sum(due) as bigint) as node_due,
        cast(sum(kept) as bigint) as node_kept
    from {{ ref('achievement_by_node') }}
    group by all

)

select
    achieved.*,
    coalesce(process.process_name, achieved.process) as process_name,
    percentile.elapsed_p50_seconds,
    percentile.elapsed_p90_seconds,
    percentile.elapsed_p95_seconds,
    target.target_rate,
    coalesce(nodes.node_due, 0) as node_due,
    coalesce(nodes.node_kept, 0) as node_kept,
    {{ share('nodes.node_kept', 'nodes.node_due') }} as node_achievement_rate
from achieved
left join {{ ref('stg_process') }} as process on achieved.process = process.process
left join {{ ref('int_elapsed_percentile') }} as percentile
    on
        percentile.scope = 'process'
        and achieved.grain = percentile.grain
        and achieved.period_start = percentile.period_start
        and achieved.process = percentile.process
left join {{ ref('int_target') }} as target
    on
        target.scope = 'process'
        and achieved.grain = target.grain
        and achieved.period_start = target.period_start
        and achieved.process = target.process
left join nodes
    on
        achieved.grain = nodes.grain
        and achieved.period_start = nodes.period_start
        and achieved.process = nodes.process
