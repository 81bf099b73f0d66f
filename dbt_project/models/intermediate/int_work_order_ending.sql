-- Where an event log says that a work order is over, whatever node came last.
select
    process,
    work_order_id,
    max(at_us) as ended_us,
    -- Of several at one instant the one delivered last.
    max_by(
        case when meaning = 'cancels' then 'cancelled' else 'completed' end,
        {{ ordering(['at_us', 'first_load_id', 'first_row_number', 'source_system', 'entity']) }}
    ) as reported_status
from ({{ latest_version(ref('stg_events')) }})
where meaning in ('ends', 'cancels') and at_us < {{ as_of() }}
group by process, work_order_id
