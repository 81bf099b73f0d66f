-- Where a log of states says that the clock of the node before stands still: from the first pausing event to the next of
-- any other kind.
with in_order as (

    select
        *,
        count(case when meaning <> 'pauses' then 1 end) over (
            partition by source_system, entity, process, work_order_id
            order by at_us, first_load_id, first_row_number
            rows between unbounded preceding and current row
        ) as moves
    from ({{ latest_version(ref('stg_events')) }})
    where mode = 'states' and at_us < {{ as_of() }}

),

-- A move, and the pausing events that follow it.
steps as (

    select
        source_system,
        entity,
        process,
        work_order_id,
        moves,
        min(at_us) as moved_us,
        max(node) filter (where meaning = 'begins') as node,
        min(at_us) filter (where meaning = 'pauses') as paused_us,
        min_by(load_id, {{ ordering(['at_us', 'first_load_id', 'first_row_number']) }})
            filter (where meaning = 'pauses') as load_id,
        min_by(row_number, {{ ordering(['at_us', 'first_load_id', 'first_row_number']) }})
            filter (where meaning = 'pauses') as row_number
    from in_order
    group by source_system, entity, process, work_order_id, moves

),

closed as (

    select
        *,
        lead(moved_us) over (partition by source_system, entity, process, work_order_id order by moves) as resumed_us
    from steps

)

select
    source_system,
    entity,
    load_id,
    row_number,
    work_order_id,
    process,
    node,
    paused_us as started_us,
    resumed_us as ended_us
from closed
where paused_us is not null and node is not null
