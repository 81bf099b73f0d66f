select * from {{ parquet(var('catalogue_path') ~ '/commitment.parquet') }}
