select *
from {{ parquet(var('accepted_path') ~ '/outages/*/*/*.parquet') }}
where landed_us <= {{ var('known_at_us') }}
