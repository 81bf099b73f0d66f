{{ config(materialized='table') }}
-- Counts by period and every dimension: flows are sums over the period's days; stocks are the running sum of all changes
-- up to its end, carried on through periods in which nothing happened.
{%- set keys = dimensions() %}
{%- set open_states = ['in_progress_normal', 'in_progress_acceptable', 'in_progress_warning', 'in_progress_uncommitted'] %}
{%- set terminal = ['completed_normal', 'completed_acceptable', 'completed_warning', 'cancelled',
                    'uncommitted_completed', 'uncommitted_cancelled'] %}
with changes as (

    select
        day_period.grain,
        day_period.period_start,
        flow.{{ keys | join(', flow.') }}
        {%- for measure in flows() + terminal %},
        sum(flow.{{ measure }}) as {{ measure }}
        {%- endfor %}
        {%- for name in open_states %},
        sum(flow.{{ name }}_change) as {{ name }}_change
        {%- endfor %}
    from {{ ref('int_flow_by_day') }} as flow
    inner join {{ ref('int_day_period') }} as day_period on flow.day = day_period.day
    group by all

),

running as (

    select
        *
        {%- for name in open_states %},
        sum({{ name }}_change) over so_far as {{ name }}
        {%- endfor %},
        lead(period_start) over (partition by grain, {{ keys | join(', ') }} order by period_start) as next_change
    from changes
    window so_far as (
        partition by grain, {{ keys | join(', ') }}
        order by period_start
        rows between unbounded preceding and current row
    )

),

period as (

    select distinct grain, period_start, period_end, is_complete
    from {{ ref('int_day_period') }}
    where is_kept

)

select
    period.grain,
    period.period_start,
    period.period_end,
    period.is_complete,
    running.{{ keys | join(', running.') }}
    {%- for name in open_states %},
    cast(running.{{ name }} as bigint) as {{ name }}
    {%- endfor %}
    {%- for measure in flows() + terminal %},
    cast(case when period.period_start = running.period_start then running.{{ measure }} else 0 end as bigint)
        as {{ measure }}
    {%- endfor %}
from running
inner join period
    on
        running.grain = period.grain
        and period.period_start >= running.period_start
        and (running.next_change is null or period.period_start < running.next_change)
where
    period.period_start = running.period_start
    or {% for name in open_states %}running.{{ name }} <> 0 {{ 'or ' if not loop.last }}{% endfor %}
