select *
from {{ parquet(var('publication_path') ~ '/*/figure.parquet') }}
where landed_us <= {{ var('known_at_us') }}
