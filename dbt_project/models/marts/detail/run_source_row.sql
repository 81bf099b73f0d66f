-- The deliveries behind each node run: the row of the run itself, and those of the pauses that stop it. A process run that
-- is derived rests on those of its node runs.
select run_id, 'run' as role, source_system, entity, load_id, row_number
from {{ ref('int_node_run') }}

union all

select run_id, 'pause' as role, source_system, entity, load_id, row_number
from {{ ref('int_node_run_pause') }}
