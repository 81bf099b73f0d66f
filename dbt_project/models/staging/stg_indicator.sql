select * from {{ parquet(var('catalogue_path') ~ '/indicator.parquet') }}
