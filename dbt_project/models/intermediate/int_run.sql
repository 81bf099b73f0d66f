-- Node runs and process runs, one beside the other.
{%- set columns = ['source_system', 'work_order_id', 'process', 'visit', 'department', 'position', 'segment',
                   'service_level', 'location', 'priority', 'started_us', 'ended_us', 'reported_status', 'promised_us',
                   'changed_us', 'work_order_url', 'is_end_estimated'] %}
select run_id, 'node' as scope, node, {{ columns | join(', ') }}
from {{ ref('int_node_run') }}
where node is not null

union all

select run_id, 'process' as scope, cast(null as varchar) as node, {{ columns | join(', ') }}
from {{ ref('int_process_run') }}
