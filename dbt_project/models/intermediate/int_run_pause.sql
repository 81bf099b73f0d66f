{{ config(materialized='table') }}
-- When the clock of a run stands still: its pauses put together, so that what overlaps counts once. An open one has no
-- end. A process run's clock stands still while all of its open node runs are paused, and in pauses of the whole.
with node_pause as (

    {{ merged_spans(ref('int_node_run_pause'), ['run_id'], ['process', 'work_order_id']) | indent(4) }}

),

-- Most work orders are at one node at a time, and what stops that node stops the whole. Only where another node run is
-- open during a pause need the node runs be put side by side.
parallel as (

    select distinct
        pause.process,
        pause.work_order_id
    from node_pause as pause
    inner join {{ ref('int_node_run') }} as other
        on
            pause.process = other.process
            and pause.work_order_id = other.work_order_id
            and pause.run_id <> other.run_id
            and pause.to_us > other.started_us
            and pause.from_us < coalesce(other.ended_us, {{ forever() }})
    where other.node is not null

),

placed_pause as (

    select
        node_pause.*,
        parallel.work_order_id is not null as is_parallel
    from node_pause
    left join parallel
        on node_pause.process = parallel.process and node_pause.work_order_id = parallel.work_order_id

),

node_run as (

    select
        run.process,
        run.work_order_id,
        run.started_us,
        coalesce(run.ended_us, {{ forever() }}) as ended_us
    from {{ ref('int_node_run') }} as run
    inner join parallel
        on run.process = parallel.process and run.work_order_id = parallel.work_order_id
    where run.node is not null

),

edges as (

    select process, work_order_id, started_us as at_us, 1 as opened, 0 as paused
    from node_run

    union all

    select process, work_order_id, ended_us as at_us, -1 as opened, 0 as paused
    from node_run

    union all

    select process, work_order_id, from_us as at_us, 0 as opened, 1 as paused
    from placed_pause
    where is_parallel

    union all

    select process, work_order_id, to_us as at_us, 0 as opened, -1 as paused
    from placed_pause
    where is_parallel

),

stretches as (

    select
        process,
        work_order_id,
        at_us as from_us,
        lead(at_us) over later as to_us,
        sum(sum(opened)) over later as open_runs,
        sum(sum(paused)) over later as paused_runs
    from edges
    group by process, work_order_id, at_us
    window later as (partition by process, work_order_id order by at_us)

),

still as (

    select process, work_order_id, from_us, to_us
    from stretches
    where open_runs > 0 and open_runs = paused_runs

    union all

    select process, work_order_id, from_us, to_us
    from placed_pause
    where not is_parallel

    union all

    select process, work_order_id, started_us as from_us, coalesce(ended_us, {{ forever() }}) as to_us
    from {{ ref('int_pause') }}
    where node is null

),

process_still as (

    select
        run.run_id,
        greatest(run.started_us, still.from_us) as from_us,
        least(coalesce(run.ended_us, {{ forever() }}), still.to_us) as to_us
    from still
    inner join {{ ref('int_process_run') }} as run
        on still.process = run.process and still.work_order_id = run.work_order_id

),

process_pause as (

    {{ merged_spans('process_still', ['run_id']) | indent(4) }}

)

select run_id, from_us, nullif(to_us, {{ forever() }}) as to_us
from node_pause

union all

select run_id, from_us, nullif(to_us, {{ forever() }}) as to_us
from process_pause
