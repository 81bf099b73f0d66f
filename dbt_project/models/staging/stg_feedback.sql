select *
from {{ parquet(var('accepted_path') ~ '/feedback/*/*/*.parquet') }}
where landed_us <= {{ var('known_at_us') }}
