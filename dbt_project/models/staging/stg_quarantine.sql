select *
from {{ parquet(var('quarantine_path') ~ '/row/*/*/*.parquet') }}
where landed_us <= {{ var('known_at_us') }}
