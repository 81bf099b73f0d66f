with typical as (

    select
        process,
        node,
        {{ percentile('work_us', 0.5) }} as work_p50_us
    from {{ ref('int_held_time') }}
    group by process, node

),

-- What the node was late for counts once a process run, however often it was visited.
blamed as (

    select
        held.process,
        held.node,
        count(distinct held.run_id) as breached_while_late
    from {{ ref('int_held_time') }} as held
    inner join {{ ref('fct_run') }} as run on held.node_run_id = run.run_id
    where not held.is_kept and run.scope = 'node' and run.commitment_overrun_seconds > 0
    group by held.process, held.node

),

by_node as (

    select
        held.process,
        held.node,
        count(held.node_run_id) as node_runs,
        typical.work_p50_us,
        cast(sum(held.work_us) as bigint) as work_us,
        cast(sum(held.waiting_us) as bigint) as waiting_us,
        cast(sum(held.paused_us) as bigint) as paused_us,
        cast(sum(case when held.visit > 1 then held.work_us + held.waiting_us + held.paused_us else 0 end) as bigint)
            as rework_us,
        sum(greatest(0, held.work_us - typical.work_p50_us)) as given_back_us
    from {{ ref('int_held_time') }} as held
    inner join typical on held.process = typical.process and held.node is not distinct from typical.node
    group by held.process, held.node, typical.work_p50_us

),

by_process as (

    select
        process,
        count(distinct run_id) as process_runs,
        count(distinct case when not is_kept then run_id end) as breached_runs,
        max(case when is_kept is not null then 1 else 0 end) = 1 as is_working_time,
        cast(sum(work_us + waiting_us + paused_us) as bigint) as all_us
    from {{ ref('int_held_time') }}
    group by process

)

select
    review.window_start,
    review.window_end,
    by_node.process,
    coalesce(process.process_name, by_node.process) as process_name,
    coalesce(by_node.node, '(none)') as node,
    coalesce(node.node_name, by_node.node, '(none)') as node_name,
    cast(node.node_order as integer) as node_order,
    by_process.is_working_time,
    by_process.process_runs,
    by_node.node_runs,
    {{ seconds('by_process.all_us') }} as process_seconds,
    {%- for name in ['work', 'waiting', 'paused', 'rework'] %}
    {{ seconds('by_node.' ~ name ~ '_us') }} as {{ name }}_seconds,
    {{ share('by_node.' ~ name ~ '_us', 'by_process.all_us') }} as {{ name }}_share,
    {%- endfor %}
    {{ share('(by_node.work_us + by_node.waiting_us + by_node.paused_us)', 'by_process.all_us') }} as time_share,
    by_process.breached_runs,
    coalesce(blamed.breached_while_late, 0) as breached_while_late,
    {{ share('coalesce(blamed.breached_while_late, 0)', 'by_process.breached_runs') }} as breached_while_late_share,
    {{ seconds('by_node.work_p50_us') }} as work_p50_seconds,
    {{ seconds('by_node.given_back_us') }} as given_back_seconds,
    rank() over (
        partition by by_node.process order by by_node.work_us + by_node.waiting_us + by_node.paused_us desc
    ) as bottleneck_rank
from by_node
inner join by_process on by_node.process = by_process.process
cross join {{ ref('int_review_window') }} as review
left join blamed on by_node.process = blamed.process and by_node.node = blamed.node
left join {{ ref('stg_process') }} as process on by_node.process = process.process
left join {{ ref('stg_node') }} as node on by_node.process = node.process and by_node.node = node.node
