{#- Work and its owner differ from node to node within a passage, so these two look at node runs. -#}
{%- set dimensions = {
    'node': ['node', 'department'],
    'process': ['segment', 'service_level', 'location', 'priority', 'weekday', 'hour', 'load', 'hand_overs'],
} %}
with counted as (
    {% for scope, names in dimensions.items() %}
    {%- set last_scope = loop.last %}
    {%- for name in names %}
    select
        process,
        scope,
        '{{ name }}' as dimension,
        {{ name }} as value,
        count(*) as runs,
        count(*) filter (where not is_kept) as misses
    from {{ ref('int_run_circumstance') }}
    where scope = '{{ scope }}'
    group by process, scope, {{ name }}
    {{ 'union all' if not (last_scope and loop.last) }}
    {% endfor %}
    {%- endfor %}
),

compared as (

    select
        *,
        cast(sum(runs) over whole as bigint) - runs as runs_elsewhere,
        cast(sum(misses) over whole as bigint) - misses as misses_elsewhere,
        sum(misses) over whole / cast(sum(runs) over whole as double) as whole_rate
    from counted
    window whole as (partition by process, dimension)

),

bounded as (

    select
        *,
        {{ share('misses', 'runs') }} as miss_rate,
        {{ share('misses_elsewhere', 'runs_elsewhere') }} as miss_rate_elsewhere,
        {{ wilson('misses', 'runs', '-') }} as rate_low,
        {{ wilson('misses', 'runs', '+') }} as rate_high,
        {{ wilson('misses_elsewhere', 'runs_elsewhere', '-') }} as elsewhere_low,
        {{ wilson('misses_elsewhere', 'runs_elsewhere', '+') }} as elsewhere_high
    from compared

),

scored as (

    select
        *,
        miss_rate - miss_rate_elsewhere as difference,
        -- Fewer than five misses or kept runs to be expected on either side: not looked at, so not among the many either.
        case
            when least(runs, runs_elsewhere) * least(whole_rate, 1 - whole_rate) >= 5
                then (miss_rate - miss_rate_elsewhere)
                    / sqrt(whole_rate * (1 - whole_rate) * (1 / cast(runs as double) + 1 / cast(runs_elsewhere as double)))
        end as z
    from bounded

),

tested as (

    select
        *,
        {{ two_sided_p('z') }} as p_value
    from scored

),

ordered as (

    select
        *,
        count(p_value) over (partition by process) as tests,
        row_number() over (partition by process order by p_value desc nulls last, dimension, value) as from_last
    from tested

),

-- Benjamini and Hochberg: the share of false ones among all that look at least as notable.
corrected as (

    select
        *,
        least(1, min(p_value * tests / (tests - from_last + 1)) over (
            partition by process order by from_last rows between unbounded preceding and current row
        )) as lowest_q
    from ordered

),

noted as (

    select
        *,
        case when p_value is not null then lowest_q end as q_value,
        p_value is not null and lowest_q <= 0.05 as is_notable,
        misses - runs * miss_rate_elsewhere as extra_misses
    from corrected

)

select
    noted.process,
    coalesce(process.process_name, noted.process) as process_name,
    review.window_start,
    review.window_end,
    noted.scope,
    noted.dimension,
    noted.value,
    coalesce(node.node_name, noted.value) as value_name,
    noted.runs,
    noted.misses,
    noted.miss_rate,
    noted.runs_elsewhere,
    noted.misses_elsewhere,
    noted.miss_rate_elsewhere,
    noted.difference,
    noted.difference - sqrt(
        (noted.miss_rate - noted.rate_low) * (noted.miss_rate - noted.rate_low)
        + (noted.elsewhere_high - noted.miss_rate_elsewhere) * (noted.elsewhere_high - noted.miss_rate_elsewhere)
    ) as difference_low,
    noted.difference + sqrt(
        (noted.rate_high - noted.miss_rate) * (noted.rate_high - noted.miss_rate)
        + (noted.miss_rate_elsewhere - noted.elsewhere_low) * (noted.miss_rate_elsewhere - noted.elsewhere_low)
    ) as difference_high,
    noted.p_value,
    noted.q_value,
    noted.is_notable,
    noted.extra_misses,
    cast(row_number() over (
        partition by noted.process
        order by noted.is_notable desc, noted.extra_misses desc nulls last, noted.dimension, noted.value
    ) as bigint) as driver_rank
from noted
cross join {{ ref('int_review_window') }} as review
left join {{ ref('dim_process') }} as process on noted.process = process.process
left join {{ ref('dim_node') }} as node
    on noted.dimension = 'node' and noted.process = node.process and noted.value = node.node
