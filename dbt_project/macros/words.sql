{# The instant at which states are judged, exclusive. #}
{% macro as_of() %}cast({{ var('as_of_us') }} as bigint){% endmacro %}

{# Bounds of time for what has no beginning or no end. #}
{% macro always() %}cast(-4611686018427387904 as bigint){% endmacro %}
{% macro forever() %}cast(4611686018427387904 as bigint){% endmacro %}

{% macro day_us() %}86400000000{% endmacro %}

{% macro seconds(microseconds) %}({{ microseconds }}) / cast(1000000 as double){% endmacro %}

{# The seven states. #}
{% macro state(status, elapsed, commitment_limit, tolerance_limit) -%}
    case
        when {{ status }} = 'cancelled' then 'cancelled'
        when {{ elapsed }} <= {{ commitment_limit }} then {{ status }} || '_normal'
        when {{ elapsed }} <= {{ tolerance_limit }} then {{ status }} || '_acceptable'
        when {{ elapsed }} > {{ tolerance_limit }} then {{ status }} || '_warning'
    end
{%- endmacro %}

{# The rows of a shape as last delivered, but for those that are deleted: version counts the accepted deliveries of a
   key, and what its source said of its being gone. #}
{% macro latest_version(relation) -%}
    select versions.*
    from {{ relation }} as versions
    left join (
        select key_hash, max(version) as version
        from {{ relation }}
        -- Few keys come twice: only they need a look at what replaced them.
        where version > 1
        group by key_hash
    ) as replaced
        on versions.key_hash = replaced.key_hash
    where versions.version = coalesce(replaced.version, 1) and versions.deleted_by is null
{%- endmacro %}

{% macro share(numerator, denominator) %}{{ numerator }} / cast(nullif({{ denominator }}, 0) as double){% endmacro %}

{# Bounds of the 95 % Wilson score interval of kept / due. #}
{% macro wilson(kept, due, sign) -%}
    (
        {{ kept }} + 1.9207294103470892
        {{ sign }} 1.959963984540054
        * sqrt({{ kept }} * cast({{ due }} - {{ kept }} as double) / nullif({{ due }}, 0) + 0.9603647051735446)
    ) / (nullif({{ due }}, 0) + 3.8414588206941785)
{%- endmacro %}

{% macro state_names() -%}
    {{ return(['completed_normal', 'completed_acceptable', 'completed_warning',
               'in_progress_normal', 'in_progress_acceptable', 'in_progress_warning', 'cancelled']) }}
{%- endmacro %}

{% macro dimensions() -%}
    {{ return(['scope', 'process', 'node', 'department', 'position', 'segment', 'service_level', 'location',
               'priority', 'source_system']) }}
{%- endmacro %}

{% macro flows() -%}
    {{ return(['started', 'completed', 'cancelled_in_period', 'due', 'undecided', 'kept', 'tolerance_due', 'tolerated',
               'completed_committed', 'completed_kept']) }}
{%- endmacro %}

{# The counts of a published figure, and the rates made of them. #}
{% macro figure_counts() -%}
    {{ return(['runs'] + state_names() + ['uncommitted', 'runs_completed', 'runs_cancelled'] + flows()) }}
{%- endmacro %}

{% macro figure_rates() -%}
    {{ return({'completion_rate': share('runs_completed', 'runs - runs_cancelled'),
               'achievement_rate': share('kept', 'due'),
               'tolerance_rate': share('tolerated', 'tolerance_due'),
               'completed_rate': share('completed_kept', 'completed_committed')}) }}
{%- endmacro %}

{# What a figure is of. #}
{% macro figure_key() -%}
    {{ return(['grain', 'period_start', 'scope', 'process', 'node']) }}
{%- endmacro %}

{# Why a published figure may change: the column that says so, and the word for it. #}
{% macro reasons() -%}
    {{ return({'is_late_data': 'late data', 'is_corrected': 'corrected', 'is_deleted': 'deleted',
               'is_catalogue': 'catalogue', 'is_software': 'software', 'is_decided_later': 'decided later'}) }}
{%- endmacro %}

{# The business day that holds an instant, as `business_day`. #}
{% macro on_business_day(instant) -%}
    inner join {{ ref('stg_business_day') }} as business_day
        on
            {{ slot(microseconds(instant), day_us()) }} = business_day.slot_day
            and {{ microseconds(instant) }} >= business_day.from_us
            and {{ microseconds(instant) }} < business_day.to_us
{%- endmacro %}

{# For sentences. A rate is rounded down to hundredths of a percent, so that 89.996 % never reads 90 %. #}
{% macro spoken_rate(rate, rounded='floor') -%}
    cast(cast({{ rounded }}({{ rate }} * 10000) / 100 as decimal(5, 2)) as varchar) || ' %'
{%- endmacro %}

{# A rate that people wrote, with as many digits as they did. #}
{% macro spoken_threshold(rate) %}cast(round({{ rate }} * 100, 6) as varchar) || ' %'{% endmacro %}

{% macro spoken_duration(seconds) -%}
    case
        when {{ seconds }} < 60 then cast(round({{ seconds }}, 1) as varchar) || ' s'
        when {{ seconds }} < 3600 then cast(round({{ seconds }} / 60, 1) as varchar) || ' min'
        else cast(round({{ seconds }} / 3600, 2) as varchar) || ' h'
    end
{%- endmacro %}
