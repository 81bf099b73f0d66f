{{ config(materialized='table') }}
-- The combinations that commitments can tell apart: few, however many runs there are.
select distinct process, node, segment, service_level, location, priority
from {{ ref('int_run') }}
