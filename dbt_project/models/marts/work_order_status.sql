-- Few runs are open: only they need their nodes and departments put together.
with open_now as (

    select
        work_order_id,
        process,
        {{ listing('node', 'true') }} as current_nodes,
        {{ listing('department', 'true') }} as current_departments
    from {{ ref('fct_run') }}
    where scope = 'node' and is_open
    group by work_order_id, process

),

per_work_order as (

    select
        run.work_order_id,
        run.process,
        max(run.process_name) as process_name,
        count(*) filter (where run.scope = 'node' and run.reported_status = 'completed') as nodes_completed,
        count(*) filter (where run.scope = 'node' and run.reported_status = 'in_progress') as nodes_in_progress,
        count(*) filter (where run.scope = 'node' and run.reported_status = 'cancelled') as nodes_cancelled,
        count(*) filter (where run.scope = 'node' and not run.is_commitment_kept) as nodes_late,
        max(
            case run.level when 'normal' then 1 when 'acceptable' then 2 when 'warning' then 3 end
        ) as worst,
        max(case when run.scope = 'process' then run.visit end) as last_visit
    from {{ ref('fct_run') }} as run
    group by run.work_order_id, run.process

)

select
    per_work_order.work_order_id,
    per_work_order.process,
    per_work_order.process_name,
    process_run.run_id as process_run_id,
    process_run.source_system,
    process_run.segment,
    process_run.started_at,
    process_run.ended_at,
    process_run.reported_status,
    process_run.state as process_state,
    process_run.level as process_level,
    process_run.commitment_due_at,
    process_run.tolerance_due_at,
    open_now.current_nodes,
    open_now.current_departments,
    per_work_order.nodes_completed,
    per_work_order.nodes_in_progress,
    per_work_order.nodes_cancelled,
    per_work_order.nodes_late,
    case per_work_order.worst when 1 then 'normal' when 2 then 'acceptable' when 3 then 'warning' end as worst_level,
    process_run.is_provisional,
    process_run.has_quarantined_node,
    process_run.work_order_url
from per_work_order
inner join {{ ref('fct_run') }} as process_run
    on
        process_run.scope = 'process'
        and per_work_order.process = process_run.process
        and per_work_order.work_order_id = process_run.work_order_id
        and per_work_order.last_visit = process_run.visit
left join open_now
    on per_work_order.process = open_now.process and per_work_order.work_order_id = open_now.work_order_id
