with landed as (

    select
        source_system,
        max(landed_us) as last_landed_us,
        max(data_through_us) filter (where status = 'accepted') as data_through_us
    from {{ ref('stg_decision') }}
    group by source_system

)

select
    source.source_system,
    {{ instant('landed.last_landed_us') }} as last_landed_at,
    {{ instant('landed.data_through_us') }} as data_through_at,
    {{ seconds('source.expected_every_us') }} as expected_every_seconds,
    -- A source that nothing ever came from is as stale as can be.
    coalesce({{ as_of() }} - landed.data_through_us > source.expected_every_us, true) as is_stale
from {{ ref('stg_source') }} as source
left join landed on source.source_system = landed.source_system
