select *
from {{ parquet(var('accepted_path') ~ '/events/*/*/*.parquet') }}
where landed_us <= {{ var('known_at_us') }}
