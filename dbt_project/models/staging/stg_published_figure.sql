select *
from {{ parquet_of_any_version(var('publication_path') ~ '/*/figure.parquet') }}
where landed_us <= {{ var('known_at_us') }}
