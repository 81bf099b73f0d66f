select * from {{ parquet(var('catalogue_path') ~ '/organisation.parquet') }}
