-- Every run as its source last reported it, from all shapes. One cancelled without an end gets one: the source's last
-- change, else the landing of the delivery that first said so.
with runs as (

    select
        key_hash,
        run_id,
        source_system,
        entity,
        load_id,
        row_number,
        work_order_id,
        process,
        node,
        visit,
        department,
        position,
        segment,
        service_level,
        location,
        priority,
        started_us,
        ended_us,
        reported_status,
        promised_us,
        changed_us,
        work_order_url
    from ({{ latest_version(ref('stg_runs')) }})

    union all

    select
        key_hash,
        run_id,
        source_system,
        entity,
        load_id,
        row_number,
        work_order_id,
        process,
        node,
        cast(null as integer) as visit,
        department,
        position,
        segment,
        service_level,
        location,
        priority,
        started_us,
        ended_us,
        case when ended_us is not null then 'completed' else coalesce(order_status, 'in_progress') end as reported_status,
        promised_us,
        changed_us,
        work_order_url
    from ({{ latest_version(ref('stg_milestones')) }})
    where started_us is not null

),

deliveries as (

    select key_hash, version, landed_us, coalesce(reported_status = 'cancelled', false) as is_cancelled
    from {{ ref('stg_runs') }}
    where ended_us is null and deleted_by is null

    union all

    select key_hash, version, landed_us, coalesce(order_status = 'cancelled', false) as is_cancelled
    from {{ ref('stg_milestones') }}
    where ended_us is null and deleted_by is null

),

first_said as (

    select cancelled.key_hash, min(cancelled.landed_us) as landed_us
    from deliveries as cancelled
    left join (
        select key_hash, max(version) as version
        from deliveries
        where not is_cancelled and version > 0
        group by key_hash
    ) as open_before
        on cancelled.key_hash = open_before.key_hash
    where cancelled.is_cancelled and cancelled.version > coalesce(open_before.version, 0)
    group by cancelled.key_hash

)

select
    runs.run_id,
    runs.source_system,
    runs.entity,
    runs.load_id,
    runs.row_number,
    runs.work_order_id,
    runs.process,
    runs.node,
    runs.visit,
    runs.department,
    runs.position,
    runs.segment,
    runs.service_level,
    runs.location,
    runs.priority,
    runs.started_us,
    case
        when runs.reported_status = 'in_progress' then null
        when runs.reported_status = 'cancelled'
            then coalesce(runs.ended_us, greatest(runs.started_us, coalesce(runs.changed_us, first_said.landed_us)))
        else runs.ended_us
    end as ended_us,
    runs.reported_status,
    runs.promised_us,
    runs.changed_us,
    runs.work_order_url,
    runs.reported_status = 'cancelled' and runs.ended_us is null as is_end_estimated
from runs
left join first_said
    on runs.key_hash = first_said.key_hash and runs.ended_us is null and runs.reported_status = 'cancelled'

union all

select * from {{ ref('int_event_run') }}
