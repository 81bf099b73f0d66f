{{ config(materialized='table') }}
-- What holds for a combination from one instant to another: owner and commitment, tiling all time.
{%- set key = ['process', 'node', 'segment', 'service_level', 'location', 'priority'] %}
with boundaries as (

    select {{ key | join(', ') }}, {{ always() }} as from_us
    from {{ ref('int_run_scope') }}

    union

    select {{ key | join(', ') }}, valid_from_us as from_us
    from {{ ref('int_commitment_candidate') }}

    union

    select {{ key | join(', ') }}, valid_to_us as from_us
    from {{ ref('int_commitment_candidate') }}
    where valid_to_us < {{ forever() }}

    union

    select scope.{{ key | join(', scope.') }}, owner.valid_from_us as from_us
    from {{ ref('int_run_scope') }} as scope
    inner join {{ ref('stg_owner') }} as owner
        on scope.process = owner.process and coalesce(scope.node, '') = coalesce(owner.node, '')
    where owner.valid_from_us is not null

),

segments as (

    select
        *,
        coalesce(
            lead(from_us) over (partition by {{ key | join(', ') }} order by from_us), {{ forever() }}
        ) as to_us
    from boundaries

),

matched as (

    select
        segments.*,
        candidate.commitment_id,
        candidate.calendar,
        {%- for limit in ['commitment', 'tolerance'] %}
        candidate.{{ limit }}_limit_kind,
        candidate.{{ limit }}_term_us,
        candidate.{{ limit }}_limit_days,
        candidate.{{ limit }}_limit_clock,
        {%- endfor %}
        -- The most specific match wins; the catalogue's check leaves no ties.
        row_number() over (
            partition by segments.{{ key | join(', segments.') }}, segments.from_us
            order by candidate.specificity desc nulls last, candidate.commitment_id
        ) as preference
    from segments
    left join {{ ref('int_commitment_candidate') }} as candidate
        on
            segments.process = candidate.process
            {%- for part in key[1:] %}
            and segments.{{ part }} is not distinct from candidate.{{ part }}
            {%- endfor %}
            and candidate.valid_from_us <= segments.from_us
            and candidate.valid_to_us > segments.from_us

)

select
    {%- for part in key %}
    matched.{{ part }},
    {%- endfor %}
    matched.from_us,
    matched.to_us,
    matched.commitment_id,
    matched.calendar,
    {%- for limit in ['commitment', 'tolerance'] %}
    matched.{{ limit }}_limit_kind,
    matched.{{ limit }}_term_us,
    matched.{{ limit }}_limit_days,
    matched.{{ limit }}_limit_clock,
    {%- endfor %}
    owner.department,
    owner.position,
    process.process_name,
    node.node_name,
    node.node_order,
    process.process is not null as is_process_listed,
    matched.node is null or node.node is not null as is_node_listed
from matched
left join {{ ref('stg_owner') }} as owner
    on
        matched.process = owner.process
        and coalesce(matched.node, '') = coalesce(owner.node, '')
        and coalesce(owner.valid_from_us, {{ always() }}) <= matched.from_us
        and coalesce(owner.valid_to_us, {{ forever() }}) > matched.from_us
left join {{ ref('stg_process') }} as process on matched.process = process.process
left join {{ ref('stg_node') }} as node on matched.process = node.process and matched.node = node.node
where matched.preference = 1
