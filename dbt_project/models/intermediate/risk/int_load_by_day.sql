{{ config(materialized='table') }}
-- How much work a process or node had open when a business day began, and whether that is among the low, the middle or
-- the high third of its days. A day without a row began with none, or lies before the days that are kept.
with backlog as (

    select
        scope,
        process,
        node,
        cast(day + interval '1 day' as date) as day,
        cast(sum(open_runs) as bigint) as open_runs
    from {{ ref('open_by_day') }}
    group by scope, process, node, day

),

thirds as (

    select
        scope,
        process,
        node,
        {{ percentile('open_runs', 0.3333333333333333) }} as low_runs,
        {{ percentile('open_runs', 0.6666666666666667) }} as middle_runs
    from backlog
    group by scope, process, node

)

select
    backlog.*,
    case
        when backlog.open_runs <= thirds.low_runs then 'low'
        when backlog.open_runs <= thirds.middle_runs then 'middle'
        else 'high'
    end as load
from backlog
inner join thirds
    on backlog.scope = thirds.scope and backlog.process = thirds.process and backlog.node = thirds.node
