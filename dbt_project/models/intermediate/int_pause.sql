{{ config(materialized='table') }}
-- Pauses as delivered and as told by logs, as they stood at as_of: one that ends then or later is open. Without a node it
-- stops the whole work order.
with pauses as (

    select
        source_system,
        entity,
        load_id,
        row_number,
        work_order_id,
        process,
        node,
        started_us,
        ended_us
    from ({{ latest_version(ref('stg_pauses')) }})

    union all

    select
        source_system,
        entity,
        load_id,
        row_number,
        work_order_id,
        process,
        node,
        started_us,
        ended_us
    from {{ ref('int_event_pause') }}

)

select
    source_system,
    entity,
    load_id,
    row_number,
    work_order_id,
    process,
    node,
    started_us,
    case when ended_us < {{ as_of() }} then ended_us end as ended_us
from pauses
where started_us < {{ as_of() }}
