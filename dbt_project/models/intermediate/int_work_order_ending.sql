-- Where an event log says that a work order is over, whatever node came last.
select
    process,
    work_order_id,
    max(at_us) as ended_us,
    max_by(case when meaning = 'cancels' then 'cancelled' else 'completed' end, at_us) as reported_status
from ({{ latest_version(ref('stg_events')) }})
where meaning in ('ends', 'cancels') and at_us < {{ as_of() }}
group by process, work_order_id
