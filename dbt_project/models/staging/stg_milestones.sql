select *
from {{ parquet(var('accepted_path') ~ '/milestones/*/*/*.parquet') }}
where landed_us <= {{ var('known_at_us') }}
