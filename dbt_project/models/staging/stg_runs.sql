select *
from {{ parquet(var('accepted_path') ~ '/runs/*/*/*.parquet') }}
where landed_us <= {{ var('known_at_us') }}
