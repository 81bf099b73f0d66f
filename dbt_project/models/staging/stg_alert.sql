select *
from {{ parquet(var('alert_path')) }}
where noted_us <= {{ var('known_at_us') }}
