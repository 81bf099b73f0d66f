-- Node runs and process runs, one beside the other.
select
    run_id,
    'node' as scope,
    source_system,
    work_order_id,
    process,
    node,
    visit,
    department,
    position,
    segment,
    service_level,
    location,
    priority,
    started_us,
    ended_us,
    reported_status,
    promised_us,
    changed_us,
    work_order_url,
    is_end_estimated
from {{ ref('int_node_run') }}
where node is not null

union all

select
    run_id,
    'process' as scope,
    source_system,
    work_order_id,
    process,
    cast(null as varchar) as node,
    visit,
    department,
    position,
    segment,
    service_level,
    location,
    priority,
    started_us,
    ended_us,
    reported_status,
    promised_us,
    changed_us,
    work_order_url,
    is_end_estimated
from {{ ref('int_process_run') }}
