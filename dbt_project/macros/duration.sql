{# The quantiles of a duration: how much survives each. #}
{% macro survivors() %}{{ return({'p50': '0.5', 'p80': '0.2', 'p90': '0.1', 'p95': '0.05'}) }}{% endmacro %}

{# What is published of a cohort, for a process and for a node. #}
{% macro duration_columns() -%}
    {%- for name in ['period_start', 'period_end', 'is_complete', 'runs', 'completed', 'open_runs', 'cancelled', 'uncommitted'] %}
    duration.{{ name }},
    {%- endfor %}
    {%- for name in survivors() %}
    duration.elapsed_{{ name }}_seconds,
    duration.elapsed_{{ name }}_low_seconds,
    duration.elapsed_{{ name }}_high_seconds,
    duration.naive_{{ name }}_seconds{{ ',' if not loop.last }}
    {%- endfor %}
{%- endmacro %}
