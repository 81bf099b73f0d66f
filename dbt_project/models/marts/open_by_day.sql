-- The achievement's stocks at day grain, one row a state.
{%- for name in ['in_progress_normal', 'in_progress_acceptable', 'in_progress_warning', 'in_progress_uncommitted'] %}
select
    period_start as day,
    scope,
    process,
    node,
    department,
    '{{ 'uncommitted' if name == 'in_progress_uncommitted' else name }}' as state,
    cast(sum({{ name }}) as bigint) as open_runs
from {{ ref('int_achievement') }}
where grain = 'day'
group by all
having sum({{ name }}) <> 0
{{ 'union all' if not loop.last }}
{%- endfor %}
