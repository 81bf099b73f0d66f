{{ config(materialized='table') }}
-- What a passage says for the indicators of its process: the day on which it counts, and how it did. Times are working time
-- of the passage's own calendar: took_us until it was answered or resolved (null: not yet), so_far_us until as_of at most.
with declared as (

    select distinct kind, process, node
    from {{ ref('stg_indicator') }}

),

run as (

    select
        run.process,
        run.work_order_id,
        run.segment,
        run.visit,
        run.reported_status,
        run.state,
        run.calendar,
        run.started_on,
        run.ended_on,
        cast(round(run.elapsed_seconds * 1000000) as bigint) as elapsed_us,
        {{ microseconds('run.started_at') }} as started_us,
        {{ microseconds('run.ended_at') }} as ended_us
    from {{ ref('fct_run') }} as run
    inner join (select distinct process from declared) as measured on run.process = measured.process
    where run.scope = 'process'

),

-- Answered: the node that answers was left for the first time; where none is named, the first that the work order was in.
answer as (

    select
        passage.process,
        passage.work_order_id,
        declared.node,
        min(passage.ended_us) as answered_us
    from {{ ref('int_passage') }} as passage
    inner join declared
        on
            passage.process = declared.process
            and coalesce(passage.node = declared.node, passage.from_run_id is null)
    where declared.kind = 'response_time'
    group by passage.process, passage.work_order_id, declared.node

),

answered as (

    select
        run.*,
        declared.kind,
        declared.node,
        -- Whoever withdraws while waiting was not answered by that.
        case when run.reported_status <> 'cancelled' or answer.answered_us < run.ended_us then answer.answered_us end
            as answered_us
    from run
    inner join declared on run.process = declared.process and declared.kind = 'response_time'
    left join answer
        on
            run.process = answer.process
            and run.work_order_id = answer.work_order_id
            and declared.node is not distinct from answer.node
    where run.state is not null

),

-- Not right the first time: some node was visited again, or another was begun after the work order had been completed.
rework as (

    select
        passage.process,
        passage.work_order_id,
        max(passage.visit) > 1
        or coalesce(
            max(case when not node.is_final then passage.started_us end)
            >= min(case when node.is_final then passage.ended_us end), false
        ) as is_rework
    from {{ ref('int_passage') }} as passage
    inner join declared on passage.process = declared.process and declared.kind = 'first_time_right'
    left join {{ ref('stg_node') }} as node on passage.process = node.process and passage.node = node.node
    group by passage.process, passage.work_order_id

),

timed as (

    select
        answered.kind,
        answered.process,
        answered.node,
        answered.segment,
        answered.started_on as day,
        answered.reported_status = 'cancelled' as is_cancelled,
        answered.answered_us is not null as is_done,
        {{ worked('answered.calendar', 'coalesce(answered.answered_us, answered.ended_us, ' ~ as_of() ~ ')', 'at_end') }}
        - {{ worked('answered.calendar', 'answered.started_us', 'at_start') }} as worked_us
    from answered
    {{ at_slot('at_start', 'answered.calendar', 'answered.started_us') }}
    {{ at_slot('at_end', 'answered.calendar', 'coalesce(answered.answered_us, answered.ended_us, ' ~ as_of() ~ ')') }}

    union all

    select
        declared.kind,
        run.process,
        declared.node,
        run.segment,
        run.started_on as day,
        run.reported_status = 'cancelled' as is_cancelled,
        run.reported_status = 'completed' as is_done,
        run.elapsed_us as worked_us
    from run
    inner join declared on run.process = declared.process and declared.kind = 'resolution_time'
    where run.state is not null

)

select
    kind,
    process,
    node,
    segment,
    day,
    is_cancelled,
    case when is_done then worked_us end as took_us,
    worked_us as so_far_us,
    cast(null as boolean) as is_right
from timed

union all

select
    declared.kind,
    run.process,
    declared.node,
    run.segment,
    run.ended_on as day,
    false as is_cancelled,
    cast(null as bigint) as took_us,
    cast(null as bigint) as so_far_us,
    run.visit = 1 and not coalesce(rework.is_rework, false) as is_right
from run
inner join declared on run.process = declared.process and declared.kind = 'first_time_right'
left join rework on run.process = rework.process and run.work_order_id = rework.work_order_id
where run.reported_status = 'completed'

union all

-- The work orders that complaints are counted by.
select
    declared.kind,
    run.process,
    declared.node,
    run.segment,
    run.started_on as day,
    false as is_cancelled,
    cast(null as bigint) as took_us,
    cast(null as bigint) as so_far_us,
    cast(null as boolean) as is_right
from run
inner join declared on run.process = declared.process and declared.kind = 'complaints'
