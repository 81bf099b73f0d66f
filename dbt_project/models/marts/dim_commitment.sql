select
    commitment_id,
    process,
    node,
    segment,
    service_level,
    location,
    priority,
    calendar,
    commitment_limit,
    tolerance_limit,
    {%- for limit in ['commitment', 'tolerance'] %}
    case when {{ limit }}_limit_kind = 'time' then {{ seconds(limit ~ '_limit_us') }} end as {{ limit }}_limit_seconds,
    {%- endfor %}
    target_rate,
    penalty_per_breach,
    penalty_per_hour,
    penalty_cap,
    {{ instant('valid_from_us') }} as valid_from,
    {{ instant('valid_to_us') }} as valid_to,
    coalesce(valid_from_us < {{ as_of() }}, true) and coalesce(valid_to_us >= {{ as_of() }}, true) as is_in_force
from {{ ref('stg_commitment') }}
