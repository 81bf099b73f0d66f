with released as (

    select
        quarantined.source_system,
        quarantined.entity,
        quarantined.load_id,
        quarantined.row_number,
        min(release.landed_us) as released_us
    from {{ ref('stg_quarantine') }} as quarantined
    inner join {{ ref('stg_quarantine_release') }} as release
        on
            quarantined.source_system = release.source_system
            and quarantined.entity = release.entity
            and quarantined.key_hash = release.key_hash
            and quarantined.load_id <= release.load_id
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
    quarantined."row",
    {{ instant('released.released_us') }} as released_at
from {{ ref('stg_quarantine') }} as quarantined
left join released
    on
        quarantined.source_system = released.source_system
        and quarantined.entity = released.entity
        and quarantined.load_id = released.load_id
        and quarantined.row_number = released.row_number
