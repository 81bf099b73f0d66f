select *
from {{ parquet(var('accepted_path') ~ '/drift/*/*/*.parquet') }}
where landed_us <= {{ var('known_at_us') }}
