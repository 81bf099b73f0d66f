select * from {{ parquet(var('catalogue_path') ~ '/node.parquet') }}
