select * from {{ parquet(var('catalogue_path') ~ '/service_credit.parquet') }}
