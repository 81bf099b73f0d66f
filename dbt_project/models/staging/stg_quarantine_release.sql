select *
from {{ parquet(var('quarantine_path') ~ '/release/*/*/*.parquet') }}
where landed_us <= {{ var('known_at_us') }}
