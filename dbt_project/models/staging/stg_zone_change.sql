select * from {{ parquet(var('catalogue_path') ~ '/zone_change.parquet') }}
