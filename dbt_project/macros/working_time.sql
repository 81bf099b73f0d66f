{# Working time of a calendar up to an instant, from its slot; a 24x7 clock counts every microsecond. #}
{% macro worked(calendar, instant, slot) -%}
    case
        when {{ calendar }} = '24x7' then {{ instant }}
        else {{ slot }}.before_us + least({{ instant }}, {{ slot }}.work_until_us) - {{ slot }}.from_us
    end
{%- endmacro %}

{# Joins the slot of a calendar that holds an instant, as `name`. #}
{% macro at_slot(name, calendar, instant) -%}
    left join {{ ref('int_calendar_slot') }} as {{ name }}
        on
            {{ calendar }} = {{ name }}.calendar
            and {{ slot(instant, day_us()) }} = {{ name }}.slot
            and {{ instant }} >= {{ name }}.from_us
            and {{ instant }} < {{ name }}.to_us
{%- endmacro %}

{# Joins the slot in which a calendar's working time reaches a value, as `name`. #}
{% macro at_working_slot(name, calendar, target) -%}
    left join {{ ref('int_working_slot') }} as {{ name }}
        on
            {{ calendar }} = {{ name }}.calendar
            and {{ slot(target ~ ' - 1', day_us()) }} = {{ name }}.slot
            and {{ target }} > {{ name }}.after_us
            and {{ target }} <= {{ name }}.up_to_us
{%- endmacro %}

{# The latest instant at which working time still equals a value, from its slot; null where it never passes it. #}
{% macro left_at(target, slot) -%}
    case
        when {{ target }} < {{ slot }}.up_to_us then {{ slot }}.instant_us + {{ target }} - {{ slot }}.after_us
        when {{ slot }}.next_instant_us is not null then greatest(run.started_us, {{ slot }}.next_instant_us)
    end
{%- endmacro %}

{# Spans (from_us, to_us) of the same keys put together where they overlap or touch; what the keys determine is carried
   along, as it would only make the sort dearer. #}
{% macro merged_spans(relation, keys, carried=[]) -%}
    select
        {{ keys | join(', ') }},
        {%- for column in carried %}
        min({{ column }}) as {{ column }},
        {%- endfor %}
        min(from_us) as from_us,
        max(to_us) as to_us
    from (
        select *, sum(case when from_us <= covered_us then 0 else 1 end) over in_order as span
        from (
            select
                {{ (keys + carried) | join(', ') }},
                from_us,
                to_us,
                max(to_us) over (
                    partition by {{ keys | join(', ') }}
                    order by from_us, to_us
                    rows between unbounded preceding and 1 preceding
                ) as covered_us
            from {{ relation }}
            where from_us < to_us
        ) as spans
        window in_order as (partition by {{ keys | join(', ') }} order by from_us, to_us)
    ) as numbered
    group by {{ keys | join(', ') }}, span
{%- endmacro %}
