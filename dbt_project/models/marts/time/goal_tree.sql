{%- set levels = ['organisation', 'process', 'node', 'department', 'position'] %}
with period as (

    select grain, period_start, period_end, is_complete, day, true as is_published
    from {{ ref('int_day_period') }}
    where grain = 'month'

    union all

    select
        'review' as grain,
        case when day.day < review.window_start then review.before_start else review.window_start end as period_start,
        case when day.day < review.window_start then review.window_start else review.window_end end as period_end,
        true as is_complete,
        day.day,
        day.day >= review.window_start as is_published
    from {{ ref('int_day_period') }} as day
    inner join {{ ref('int_review_window') }} as review
        on day.day >= review.before_start and day.day < review.window_end
    where day.grain = 'month'

),

counted as (

    select
        period.grain,
        period.period_start,
        period.period_end,
        period.is_complete,
        period.is_published,
        due.scope,
        due.process,
        due.node,
        coalesce(due.department, '(none)') as department,
        coalesce(due.position, '(none)') as position,
        sum(due.due) as due,
        sum(due.kept) as kept,
        sum(case when commitment.target_rate is not null then due.due end) as target_due,
        -- A sum of doubles depends on its order, which no engine promises.
        sum(due.due * cast(commitment.target_rate as decimal(18, 12))) as target_kept
    from {{ ref('int_due_by_commitment') }} as due
    inner join period on due.day = period.day
    left join {{ ref('stg_commitment') }} as commitment on due.commitment_id = commitment.commitment_id
    group by all

),

branch as (
    {% for level in levels %}
    {%- set scope = 'process' if loop.index0 < 2 else 'node' %}
    {%- set path = levels[1:loop.index] %}
    select
        grain,
        period_start,
        period_end,
        is_complete,
        is_published,
        '{{ level }}' as level,
        '{{ scope }}' as scope,
        {{ path | join(" || ' > ' || ") if path else "'organisation'" }} as goal_id,
        {{ path[:-1] | join(" || ' > ' || ") if path | length > 1 else ("'organisation'" if path else 'cast(null as varchar)') }} as parent_id,
        {%- for name in levels[1:] %}
        {{ name if name in path else 'cast(null as varchar)' }} as {{ name }},
        {%- endfor %}
        {%- for name in ['due', 'kept', 'target_due', 'target_kept'] %}
        sum(case when scope = '{{ scope }}' then {{ name }} end) as {{ name }}{{ ',' if not loop.last }}
        {%- endfor %}
    from counted
    {%- if loop.index0 >= 2 %}
    where scope = 'node'
    {%- endif %}
    group by all
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

rated as (

    select
        grain,
        period_start,
        period_end,
        is_complete,
        is_published,
        level,
        scope,
        goal_id,
        parent_id,
        {{ levels[1:] | join(', ') }},
        cast(coalesce(due, 0) as bigint) as due,
        cast(coalesce(kept, 0) as bigint) as kept,
        {{ share('kept', 'due') }} as achievement_rate,
        cast(target_kept as double) / cast(target_due as double) as target_rate
    from branch

),

compared as (

    select
        rated.*,
        rated.achievement_rate - before.achievement_rate as trend,
        case when rated.target_rate is not null then greatest(0, rated.target_rate * rated.due - rated.kept) end as shortfall,
        sum(rated.due) over (partition by rated.grain, rated.period_start, rated.level) as level_due,
        sum(rated.due) over (partition by rated.grain, rated.period_start, rated.level, rated.process) as process_due
    from rated
    left join rated as before
        on
            rated.grain = before.grain
            and rated.level = before.level
            and rated.goal_id = before.goal_id
            and rated.period_start = before.period_end

)

select
    compared.grain,
    compared.period_start,
    compared.period_end,
    compared.is_complete,
    compared.level,
    compared.scope,
    compared.goal_id,
    compared.parent_id,
    compared.process,
    coalesce(process.process_name, compared.process) as process_name,
    compared.node,
    coalesce(node.node_name, compared.node) as node_name,
    compared.department,
    compared.position,
    compared.due,
    compared.kept,
    compared.achievement_rate,
    compared.target_rate,
    compared.achievement_rate - compared.target_rate as gap,
    compared.trend,
    {{ share('compared.shortfall', 'compared.level_due') }} as contribution,
    case
        when compared.level <> 'organisation' then {{ share('compared.shortfall', 'compared.process_due') }}
    end as contribution_to_process,
    case
        when compared.shortfall is not null
            then rank() over (
                partition by compared.grain, compared.period_start, compared.level
                order by {{ share('compared.shortfall', 'compared.level_due') }} desc nulls last
            )
    end as contribution_rank
from compared
left join {{ ref('stg_process') }} as process on compared.process = process.process
left join {{ ref('stg_node') }} as node on compared.process = node.process and compared.node = node.node
where compared.is_published
