{{ config(materialized='table') }}
-- Runs as they stood at as_of: what starts later is not there, what ends later is in progress.
with begun as (

    select
        *,
        coalesce(ended_us < {{ as_of() }}, false) as is_ended
    from {{ ref('int_reported_run') }}
    where started_us < {{ as_of() }}

),

-- Few work orders come back to a node: only their runs need to be counted in order.
returned as (

    select process, work_order_id, node
    from begun
    where node is not null
    group by process, work_order_id, node
    having count(*) > 1

),

visits as (

    select
        begun.run_id,
        row_number() over (
            partition by begun.process, begun.work_order_id, begun.node
            order by begun.started_us, begun.ended_us nulls last, begun.run_id
        ) as visit
    from begun
    inner join returned
        on
            begun.process = returned.process
            and begun.work_order_id = returned.work_order_id
            and begun.node = returned.node

)

select
    begun.run_id,
    begun.source_system,
    begun.entity,
    begun.load_id,
    begun.row_number,
    begun.work_order_id,
    begun.process,
    begun.node,
    coalesce(begun.visit, visits.visit, case when begun.node is not null then 1 end) as visit,
    begun.department,
    begun.position,
    begun.segment,
    begun.service_level,
    begun.location,
    begun.priority,
    begun.started_us,
    case when begun.is_ended then begun.ended_us end as ended_us,
    case when begun.is_ended then begun.reported_status else 'in_progress' end as reported_status,
    begun.promised_us,
    begun.changed_us,
    begun.work_order_url,
    begun.is_end_estimated and begun.is_ended as is_end_estimated,
    node.node_order,
    coalesce(node.is_final, false) as is_final
from begun
left join {{ ref('stg_node') }} as node on begun.process = node.process and begun.node = node.node
left join visits on begun.run_id = visits.run_id
