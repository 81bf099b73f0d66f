-- The delivery behind each run; a derived process run rests on those of its node runs.
select run_id, source_system, entity, load_id, row_number
from {{ ref('int_node_run') }}
