select * from {{ parquet(var('catalogue_path') ~ '/entity.parquet') }}
