select *
from {{ parquet(var('publication_path') ~ '/*/period.parquet') }}
where landed_us <= {{ var('known_at_us') }}
