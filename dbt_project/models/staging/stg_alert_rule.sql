select * from {{ parquet(var('catalogue_path') ~ '/alert_rule.parquet') }}
