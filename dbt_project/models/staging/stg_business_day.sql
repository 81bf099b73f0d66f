select * from {{ parquet(var('catalogue_path') ~ '/business_day.parquet') }}
