select * from {{ parquet(var('catalogue_path') ~ '/calendar_version.parquet') }}
