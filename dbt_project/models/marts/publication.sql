select
    '{{ var('publication_id') }}' as publication_id,
    {{ instant(as_of()) }} as as_of,
    {{ instant('cast(' ~ var('known_at_us') ~ ' as bigint)') }} as known_at,
    {{ instant('cast(' ~ var('built_at_us') ~ ' as bigint)') }} as built_at,
    '{{ var('code_version') }}' as code_version,
    '{{ var('catalogue_hash') }}' as catalogue_hash,
    organisation.name as organisation,
    organisation.business_time_zone,
    organisation.currency,
    organisation.language
from {{ ref('stg_organisation') }} as organisation
