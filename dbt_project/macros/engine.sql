{# What differs between engines, and nothing else. DuckDB here, Spark beside it. #}

{% macro instant(microseconds) %}{{ adapter.dispatch('instant')(microseconds) }}{% endmacro %}
{% macro default__instant(microseconds) %}make_timestamptz({{ microseconds }}){% endmacro %}
{% macro spark__instant(microseconds) %}timestamp_micros({{ microseconds }}){% endmacro %}

{% macro microseconds(instant) %}{{ adapter.dispatch('microseconds')(instant) }}{% endmacro %}
{% macro default__microseconds(instant) %}epoch_us({{ instant }}){% endmacro %}
{% macro spark__microseconds(instant) %}unix_micros({{ instant }}){% endmacro %}

{# The number of the slot of `size` microseconds that holds a value: rounded down, before 1970 too. #}
{% macro slot(value, size) %}{{ adapter.dispatch('slot')(value, size) }}{% endmacro %}
{% macro default__slot(value, size) -%}
    (({{ value }}) // {{ size }} - case when ({{ value }}) % {{ size }} < 0 then 1 else 0 end)
{%- endmacro %}
{% macro spark__slot(value, size) -%}
    (({{ value }}) div {{ size }} - case when ({{ value }}) % {{ size }} < 0 then 1 else 0 end)
{%- endmacro %}

{# One value that sorts by several. #}
{% macro ordering(parts) %}{{ adapter.dispatch('ordering')(parts) }}{% endmacro %}
{% macro default__ordering(parts) %}row({{ parts | join(', ') }}){% endmacro %}
{% macro spark__ordering(parts) %}struct({{ parts | join(', ') }}){% endmacro %}

{# Distinct values as one text, in alphabetical order. #}
{% macro listing(value, condition) %}{{ adapter.dispatch('listing')(value, condition) }}{% endmacro %}
{% macro default__listing(value, condition) -%}
    string_agg(distinct {{ value }}, ', ' order by {{ value }}) filter (where {{ condition }})
{%- endmacro %}
{% macro spark__listing(value, condition) -%}
    nullif(array_join(array_sort(collect_set(case when {{ condition }} then {{ value }} end)), ', '), '')
{%- endmacro %}

{# A percentile between values (continuous). #}
{% macro percentile(value, share) %}{{ adapter.dispatch('percentile')(value, share) }}{% endmacro %}
{% macro default__percentile(value, share) %}quantile_cont({{ value }}, {{ share }}){% endmacro %}
{% macro spark__percentile(value, share) %}percentile({{ value }}, {{ share }}){% endmacro %}

{# Every Parquet file below a folder, read as one table. #}
{% macro parquet(path) %}{{ adapter.dispatch('parquet')(path) }}{% endmacro %}
{% macro default__parquet(path) %}read_parquet('{{ path | replace("'", "''") }}'){% endmacro %}
{% macro spark__parquet(path) %}parquet.`{{ path }}`{% endmacro %}

{# The same where files of earlier versions may lack a column: it is null in them (Spark: spark.sql.parquet.mergeSchema). #}
{% macro parquet_of_any_version(path) %}{{ adapter.dispatch('parquet_of_any_version')(path) }}{% endmacro %}
{% macro default__parquet_of_any_version(path) -%}
    read_parquet('{{ path | replace("'", "''") }}', union_by_name = true)
{%- endmacro %}
{% macro spark__parquet_of_any_version(path) %}parquet.`{{ path }}`{% endmacro %}
