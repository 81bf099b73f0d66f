select *
from {{ parquet(var('control_path') ~ '/*/control_total.parquet') }}
where landed_us <= {{ var('known_at_us') }}
