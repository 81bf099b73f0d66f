{# Counts rolled up to the given keys, and the rates made from them: counts add, rates are never averaged. #}
{% macro achievement(keys, condition='true') -%}
{%- set sums = state_names() + flows() %}
with summed as (

    select
        {{ keys | join(', ') }}
        {%- for name in sums + ['in_progress_uncommitted', 'uncommitted_completed', 'uncommitted_cancelled'] %},
        cast(sum({{ name }}) as bigint) as {{ name }}
        {%- endfor %}
    from {{ ref('int_achievement') }}
    where {{ condition }}
    group by all

),

counted as (

    select
        *,
        in_progress_uncommitted + uncommitted_completed + uncommitted_cancelled as uncommitted,
        {{ state_names() | join(' + ') }}
        + in_progress_uncommitted + uncommitted_completed + uncommitted_cancelled as runs,
        completed_normal + completed_acceptable + completed_warning + uncommitted_completed as runs_completed,
        cancelled + uncommitted_cancelled as runs_cancelled
    from summed

)

select
    {{ keys | join(', ') }},
    runs,
    {{ state_names() | join(', ') }},
    uncommitted,
    runs_completed,
    runs_cancelled,
    {%- for level in ['normal', 'acceptable', 'warning'] %}
    {{ share('(completed_' ~ level ~ ' + in_progress_' ~ level ~ ')', 'runs - cancelled - uncommitted') }} as {{ level }}_share,
    {%- endfor %}
    {{ share('runs_completed', 'runs - runs_cancelled') }} as completion_rate,
    {{ flows()[:6] | join(', ') }},
    {{ share('kept', 'due') }} as achievement_rate,
    {{ wilson('kept', 'due', '-') }} as rate_low,
    {{ wilson('kept', 'due', '+') }} as rate_high,
    tolerance_due,
    tolerated,
    {{ share('tolerated', 'tolerance_due') }} as tolerance_rate,
    completed_committed,
    completed_kept,
    {{ share('completed_kept', 'completed_committed') }} as completed_rate
from counted
where runs > 0 or {{ flows() | join(' > 0 or ') }} > 0
{%- endmacro %}
