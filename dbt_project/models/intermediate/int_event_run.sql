-- Events become runs, by the mode of their log. What happens at as_of or later has not happened.
with events as (

    select *
    from ({{ latest_version(ref('stg_events')) }})
    where at_us < {{ as_of() }}

),

in_order as (

    select
        *,
        lag(at_us) over in_log as previous_at_us,
        coalesce(lag(meaning) over in_log = 'pauses', false) as is_after_pause
    from events
    where mode <> 'lifecycle'
    window in_log as (
        partition by source_system, entity, process, work_order_id
        order by at_us, first_load_id, first_row_number
    )

),

-- Pauses leave a work order where it is, and who comes out of one into the node of before goes on with the same run.
moves as (

    select
        *,
        is_after_pause
        and meaning = 'begins'
        and coalesce(lag(meaning) over in_log = 'begins' and lag(node) over in_log = node, false) as is_resumed
    from in_order
    where mode = 'states' and meaning <> 'pauses'
    window in_log as (
        partition by source_system, entity, process, work_order_id
        order by at_us, first_load_id, first_row_number
    )

),

-- An event begins the node it names and ends the one before.
begun as (

    select
        *,
        lead(at_us) over in_log as next_at_us,
        lead(meaning) over in_log as next_meaning
    from moves
    where not is_resumed
    window in_log as (
        partition by source_system, entity, process, work_order_id
        order by at_us, first_load_id, first_row_number
    )

),

states as (

    select
        run_id,
        at_us as started_us,
        next_at_us as ended_us,
        case
            when next_at_us is null then 'in_progress'
            when next_meaning = 'cancels' then 'cancelled'
            else 'completed'
        end as reported_status
    from begun
    where meaning = 'begins'

),

-- An event ends the node it names, which began at the event before; the first began and ended at once.
completions as (

    select
        run_id,
        coalesce(previous_at_us, at_us) as started_us,
        at_us as ended_us,
        case when meaning = 'cancels' then 'cancelled' else 'completed' end as reported_status
    from in_order
    where mode = 'completions'

),

-- Starts and completes of a node are paired first in, first out.
balanced as (

    select
        *,
        sum(case when lifecycle = 'complete' then 1 else -1 end) over up_to_here as surplus,
        sum(case when lifecycle = 'complete' then 1 else 0 end) over up_to_here as completes,
        sum(case when lifecycle = 'start' then 1 else 0 end) over up_to_here as starts
    from events
    where mode = 'lifecycle' and lifecycle in ('start', 'complete')
    window up_to_here as (
        partition by source_system, entity, process, work_order_id, node
        order by at_us, first_load_id, first_row_number
        rows between unbounded preceding and current row
    )

),

-- A complete that brings the surplus to a new height has no start left to pair with.
surplussed as (

    select
        *,
        greatest(0, max(surplus) over up_to_here) as unmatched,
        greatest(0, coalesce(max(surplus) over before_here, 0)) as unmatched_before
    from balanced
    window
        up_to_here as (
            partition by source_system, entity, process, work_order_id, node
            order by at_us, first_load_id, first_row_number
            rows between unbounded preceding and current row
        ),
        before_here as (
            partition by source_system, entity, process, work_order_id, node
            order by at_us, first_load_id, first_row_number
            rows between unbounded preceding and 1 preceding
        )

),

-- What is still open when its work order ends, ends with it.
endings as (

    select source_system, entity, process, work_order_id, at_us, meaning, first_load_id, first_row_number
    from events
    where mode = 'lifecycle' and meaning in ('ends', 'cancels')

),

lifecycle as (

    select
        begun.run_id,
        begun.at_us as started_us,
        coalesce(done.at_us, min(endings.at_us)) as ended_us,
        case
            when done.at_us is not null then case when done.meaning = 'cancels' then 'cancelled' else 'completed' end
            when min(endings.at_us) is null then 'in_progress'
            when
                min_by(
                    endings.meaning,
                    {{ ordering(['endings.at_us', 'endings.first_load_id', 'endings.first_row_number']) }}
                ) = 'cancels'
                then 'cancelled'
            else 'completed'
        end as reported_status
    from surplussed as begun
    left join surplussed as done
        on
            begun.source_system = done.source_system
            and begun.entity = done.entity
            and begun.process = done.process
            and begun.work_order_id = done.work_order_id
            and begun.node = done.node
            and begun.starts = done.completes - done.unmatched
            and done.lifecycle = 'complete'
            and done.unmatched = done.unmatched_before
    left join endings
        on
            begun.source_system = endings.source_system
            and begun.entity = endings.entity
            and begun.process = endings.process
            and begun.work_order_id = endings.work_order_id
            and done.at_us is null
            and begun.at_us <= endings.at_us
    where begun.lifecycle = 'start'
    group by begun.run_id, begun.at_us, done.at_us, done.meaning

    union all

    select
        run_id,
        at_us as started_us,
        at_us as ended_us,
        case when meaning = 'cancels' then 'cancelled' else 'completed' end as reported_status
    from surplussed
    where lifecycle = 'complete' and unmatched > unmatched_before

),

spans as (

    select * from states
    union all
    select * from completions
    union all
    select * from lifecycle

)

select
    events.run_id,
    events.source_system,
    events.entity,
    events.load_id,
    events.row_number,
    events.work_order_id,
    events.process,
    events.node,
    cast(null as integer) as visit,
    events.department,
    events.position,
    events.segment,
    events.service_level,
    events.location,
    events.priority,
    spans.started_us,
    spans.ended_us,
    spans.reported_status,
    events.promised_us,
    events.changed_us,
    events.work_order_url,
    false as is_end_estimated
from spans
inner join events on spans.run_id = events.run_id
