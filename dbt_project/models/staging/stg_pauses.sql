select *
from {{ parquet(var('accepted_path') ~ '/pauses/*/*/*.parquet') }}
where landed_us <= {{ var('known_at_us') }}
