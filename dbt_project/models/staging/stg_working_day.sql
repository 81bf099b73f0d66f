select * from {{ parquet(var('catalogue_path') ~ '/working_day.parquet') }}
