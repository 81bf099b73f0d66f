select *
from {{ parquet(var('publication_path') ~ '/*/publication.parquet') }}
where landed_us <= {{ var('known_at_us') }}
