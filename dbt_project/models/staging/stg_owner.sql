select * from {{ parquet(var('catalogue_path') ~ '/owner.parquet') }}
