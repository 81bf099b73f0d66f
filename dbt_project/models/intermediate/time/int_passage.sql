{{ config(materialized='table') }}
-- Each node run beside the one before it of the same work order: in order of start, then end, then node. It waited from
-- the latest end before it to its own start; where that end is later, or not there yet, the two ran side by side.
select
    run_id,
    work_order_id,
    process,
    node,
    department,
    visit,
    calendar,
    started_us,
    ended_us,
    row_number() over in_order as place,
    lag(run_id) over in_order as from_run_id,
    lag(node) over in_order as from_node,
    lag(department) over in_order as from_department,
    lead(started_us) over in_order as next_started_us,
    max(coalesce(ended_us, {{ forever() }})) over (
        partition by process, work_order_id
        order by started_us, coalesce(ended_us, {{ forever() }}), coalesce(node_order, 0), run_id
        rows between unbounded preceding and 1 preceding
    ) as free_us,
    -- A department that nobody names is no other one.
    coalesce(lag(department) over in_order <> department, false) as is_hand_over
from {{ ref('int_run_committed') }}
where scope = 'node'
window in_order as (
    partition by process, work_order_id
    order by started_us, coalesce(ended_us, {{ forever() }}), coalesce(node_order, 0), run_id
)
