-- What a source itself said that its rows come to, beside what had been accepted and quarantined of them by then.
with last_asked as (

    select source_system, entity, max(asked_us) as asked_us
    from {{ ref('stg_control_total') }}
    group by source_system, entity

),

asked as (

    select said.source_system, said.entity, said.measure, said.asked_us, max(said.source_value) as source_value
    from {{ ref('stg_control_total') }} as said
    inner join last_asked
        on
            said.source_system = last_asked.source_system
            and said.entity = last_asked.entity
            and said.asked_us = last_asked.asked_us
    group by said.source_system, said.entity, said.measure, said.asked_us

),

accepted as (

    {%- for shape in ['runs', 'events', 'milestones', 'pauses', 'feedback', 'outages'] %}
    select
        delivered.source_system,
        delivered.entity,
        delivered.key_hash,
        max_by(delivered.control_amount, delivered.version) as amount,
        max_by(coalesce(delivered.deleted_by, ''), delivered.version) as deleted_by
    from {{ ref('stg_' ~ shape) }} as delivered
    inner join asked
        on
            delivered.source_system = asked.source_system
            and delivered.entity = asked.entity
            and delivered.landed_us <= asked.asked_us
    group by delivered.source_system, delivered.entity, delivered.key_hash
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}

),

released as (

    select release.source_system, release.entity, release.quarantined_load_id, release.quarantined_row_number
    from {{ ref('stg_quarantine_release') }} as release
    inner join asked
        on
            release.source_system = asked.source_system
            and release.entity = asked.entity
            and release.landed_us <= asked.asked_us

),

-- A row whose earlier version was accepted is counted there.
quarantined as (

    select
        waiting.source_system,
        waiting.entity,
        coalesce(waiting.key_hash, waiting.load_id || '/' || cast(waiting.row_number as varchar)) as key_hash,
        max_by(waiting.control_amount, {{ ordering(['waiting.load_id', 'waiting.row_number']) }}) as amount
    from {{ ref('stg_quarantine') }} as waiting
    inner join asked
        on
            waiting.source_system = asked.source_system
            and waiting.entity = asked.entity
            and waiting.landed_us <= asked.asked_us
    left join released
        on
            waiting.source_system = released.source_system
            and waiting.entity = released.entity
            and waiting.load_id = released.quarantined_load_id
            and waiting.row_number = released.quarantined_row_number
    left join accepted
        on
            waiting.source_system = accepted.source_system
            and waiting.entity = accepted.entity
            and waiting.key_hash = accepted.key_hash
    where released.quarantined_load_id is null and accepted.key_hash is null
    group by
        waiting.source_system,
        waiting.entity,
        coalesce(waiting.key_hash, waiting.load_id || '/' || cast(waiting.row_number as varchar))

),

{% for rows in ['accepted', 'quarantined'] -%}
{{ rows }}_total as (

    select source_system, entity, count(*) as row_count, sum(amount) as amount
    from {{ rows }}
    {{ "where deleted_by = ''" if rows == 'accepted' }}
    group by source_system, entity

),

{% endfor -%}
compared as (

    select
        asked.*
        {%- for rows in ['accepted', 'quarantined'] %},
        case
            when asked.measure = 'count' then coalesce({{ rows }}_total.row_count, 0)
            else coalesce({{ rows }}_total.amount, 0)
        end as {{ rows }}_value
        {%- endfor %}
    from asked
    {%- for rows in ['accepted', 'quarantined'] %}
    left join {{ rows }}_total
        on asked.source_system = {{ rows }}_total.source_system and asked.entity = {{ rows }}_total.entity
    {%- endfor %}

)

select
    source_system,
    entity,
    measure,
    {{ instant('asked_us') }} as asked_at,
    cast(source_value as double) as source_value,
    cast(accepted_value as double) as warehouse_value,
    cast(quarantined_value as double) as quarantined_value,
    cast(source_value - accepted_value - quarantined_value as double) as difference
from compared
