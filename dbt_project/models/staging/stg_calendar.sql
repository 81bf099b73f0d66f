select * from {{ parquet(var('catalogue_path') ~ '/calendar.parquet') }}
