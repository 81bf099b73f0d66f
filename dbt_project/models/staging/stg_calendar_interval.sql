select * from {{ parquet(var('catalogue_path') ~ '/calendar_interval.parquet') }}
