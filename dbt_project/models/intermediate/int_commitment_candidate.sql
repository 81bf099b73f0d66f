{{ config(materialized='table') }}
-- Every commitment that could apply to a combination, with how specific it is.
select
    scope.process,
    scope.node,
    scope.segment,
    scope.service_level,
    scope.location,
    scope.priority,
    commitment.commitment_id,
    commitment.calendar,
    {%- for limit in ['commitment', 'tolerance'] %}
    commitment.{{ limit }}_limit_kind,
    commitment.{{ limit }}_limit_us as {{ limit }}_term_us,
    commitment.{{ limit }}_limit_days,
    commitment.{{ limit }}_limit_clock,
    {%- endfor %}
    coalesce(commitment.valid_from_us, {{ always() }}) as valid_from_us,
    coalesce(commitment.valid_to_us, {{ forever() }}) as valid_to_us,
    {%- for qualifier in ['segment', 'service_level', 'location', 'priority'] %}
    case when commitment.{{ qualifier }} is not null then 1 else 0 end {{ '+' if not loop.last }}
    {%- endfor %} as specificity
from {{ ref('int_run_scope') }} as scope
inner join {{ ref('stg_commitment') }} as commitment
    on
        scope.process = commitment.process
        and coalesce(scope.node, '') = coalesce(commitment.node, '')
        {%- for qualifier in ['segment', 'service_level', 'location', 'priority'] %}
        and (commitment.{{ qualifier }} is null or commitment.{{ qualifier }} = scope.{{ qualifier }})
        {%- endfor %}
