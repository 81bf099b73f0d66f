with released as (

    select
        source_system,
        entity,
        quarantined_load_id,
        quarantined_row_number,
        min(landed_us) as released_us
    from {{ ref('stg_quarantine_release') }}
    group by all

)

select
    quarantined.source_system,
    quarantined.entity,
    quarantined.load_id,
    quarantined.row_number,
    {{ instant('quarantined.landed_us') }} as landed_at,
    quarantined.rule,
    quarantined.detail,
    quarantined.work_order_id,
    quarantined.process,
    quarantined.node,
    quarantined."row",
    {{ instant('released.released_us') }} as released_at
from {{ ref('stg_quarantine') }} as quarantined
left join released
    on
        quarantined.source_system = released.source_system
        and quarantined.entity = released.entity
        and quarantined.load_id = released.quarantined_load_id
        and quarantined.row_number = released.quarantined_row_number
