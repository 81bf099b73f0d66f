select * from {{ parquet(var('catalogue_path') ~ '/process.parquet') }}
