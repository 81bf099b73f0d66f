select *
from {{ parquet(var('accepted_path') ~ '/decision/*/*/*.parquet') }}
where landed_us <= {{ var('known_at_us') }}
