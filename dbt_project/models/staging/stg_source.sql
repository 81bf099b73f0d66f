select * from {{ parquet(var('catalogue_path') ~ '/source.parquet') }}
