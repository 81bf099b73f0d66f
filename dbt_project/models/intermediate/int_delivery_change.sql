{{ config(materialized='table') }}
-- When what has been delivered since can have changed a figure: spans of time by process and node (null: any node). Before
-- the first difference between two versions of a row nothing changed, and after the end of its work order nothing does.
{%- set said = ['process', 'work_order_id', 'node', 'started_us', 'segment', 'service_level', 'location', 'priority',
                'department', 'position', 'promised_us'] %}
{%- set shapes = {
    'runs': {'part': "''", 'started_us': 'started_us', 'ended_us': 'ended_us',
             'status': 'reported_status', 'node': "coalesce(node, '(all)')"},
    'milestones': {'part': 'node', 'started_us': 'started_us', 'ended_us': 'ended_us',
                   'status': "case when ended_us is not null then 'completed' else coalesce(order_status, 'in_progress') end",
                   'node': 'node'},
    'events': {'part': "''", 'started_us': 'at_us', 'ended_us': 'at_us', 'status': "meaning || coalesce(node, '')",
               'node': 'cast(null as varchar)'},
    'pauses': {'part': "''", 'started_us': 'started_us', 'ended_us': 'ended_us', 'status': "'in_progress'",
               'node': 'node'}
} %}
with since as (

    select min(publication.known_at_us) as known_at_us
    from {{ ref('stg_publication') }} as publication
    inner join (select distinct compared_load_id from {{ ref('int_figure_change') }}) as change
        on publication.load_id = change.compared_load_id

),

-- A batch that somebody let in by hand counts from then on.
let_in as (

    select decision.source_system, decision.entity, decision.load_id, decision.accepted_by_hand_us
    from {{ ref('stg_decision') }} as decision
    inner join since on decision.accepted_by_hand_us > since.known_at_us

),

-- Few rows came since, however many there are.
came as (
    {% for shape in shapes %}
    select delivery.key_hash
    from {{ ref('stg_' ~ shape) }} as delivery
    cross join since
    left join let_in
        on
            delivery.source_system = let_in.source_system
            and delivery.entity = let_in.entity
            and delivery.load_id = let_in.load_id
    where delivery.landed_us > since.known_at_us or let_in.load_id is not null
    {{ 'union' if not loop.last }}
    {% endfor %}
),

delivered as (
    {% for shape, columns in shapes.items() %}
    select
        delivery.key_hash,
        {{ 'cast(null as varchar)' if shape == 'pauses' else 'delivery.run_id' }} as run_id,
        {{ columns.part }} as part,
        delivery.version,
        delivery.landed_us > since.known_at_us or let_in.load_id is not null as is_since,
        delivery.process,
        delivery.work_order_id,
        {{ columns.node }} as node,
        {{ columns.started_us }} as started_us,
        {{ columns.ended_us }} as ended_us,
        {{ columns.status }} as status,
        delivery.changed_us,
        delivery.deleted_by is not null as is_deleted,
        {%- for name in said[4:] %}
        delivery.{{ name }} {{- ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('stg_' ~ shape) }} as delivery
    inner join came on delivery.key_hash = came.key_hash
    cross join since
    left join let_in
        on
            delivery.source_system = let_in.source_system
            and delivery.entity = let_in.entity
            and delivery.load_id = let_in.load_id
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

recent as (

    select
        key_hash,
        part,
        max(version) as version
    from delivered
    where is_since
    group by key_hash, part

),

earlier as (

    select
        delivered.key_hash,
        delivered.part,
        max(delivered.version) as version
    from delivered
    inner join recent on delivered.key_hash = recent.key_hash and delivered.part = recent.part
    where not delivered.is_since
    group by delivered.key_hash, delivered.part

),

compared as (

    select
        is_now.key_hash,
        is_now.part,
        earlier.version is null as is_late_data,
        earlier.version is not null and not is_now.is_deleted as is_corrected,
        is_now.is_deleted,
        coalesce(
            is_now.is_deleted <> was.is_deleted
            {%- for name in said %}
            or is_now.{{ name }} is distinct from was.{{ name }}
            {%- endfor %},
            true
        ) as is_another,
        least(is_now.started_us, coalesce(was.started_us, is_now.started_us)) as started_us,
        -- Open: for ever; cancelled without an end: as early as can be.
        least(
            coalesce(is_now.ended_us, case when is_now.status = 'in_progress' then {{ forever() }} end, is_now.started_us),
            coalesce(was.ended_us, case when was.status = 'in_progress' then {{ forever() }} end, was.started_us)
        ) as ended_us,
        coalesce(is_now.ended_us is distinct from was.ended_us or is_now.status is distinct from was.status, true)
            as is_ended_otherwise
    from recent
    inner join delivered as is_now
        on
            recent.key_hash = is_now.key_hash
            and recent.part = is_now.part
            and recent.version = is_now.version
    left join earlier on recent.key_hash = earlier.key_hash and recent.part = earlier.part
    left join delivered as was
        on
            earlier.key_hash = was.key_hash
            and earlier.part = was.part
            and earlier.version = was.version
    -- What was not there before and is not there now changed nothing.
    where not (is_now.is_deleted and coalesce(was.is_deleted, true))

),

-- Both where it belongs now and where it belonged before.
touching as (

    select distinct
        delivered.process,
        delivered.work_order_id,
        delivered.node,
        delivered.run_id,
        compared.is_late_data,
        compared.is_corrected,
        compared.is_deleted,
        case when compared.is_another then compared.started_us else compared.ended_us end as from_us
    from compared
    inner join delivered on compared.key_hash = delivered.key_hash and compared.part = delivered.part
    -- What says that a row is gone need not say what it was.
    where (compared.is_another or compared.is_ended_otherwise) and not delivered.is_deleted

),

work_order as (

    select
        run.process,
        run.work_order_id,
        max(coalesce({{ microseconds('run.ended_at') }}, {{ forever() }})) as ended_us,
        max({{ microseconds('run.tolerance_due_at') }}) as due_us
    from {{ ref('fct_run') }} as run
    inner join (select distinct process, work_order_id from touching) as touched
        on run.process = touched.process and run.work_order_id = touched.work_order_id
    group by run.process, run.work_order_id

),

spans as (

    select
        touching.process,
        touching.node,
        touching.is_late_data,
        touching.is_corrected,
        touching.is_deleted,
        -- What an event ends began before it.
        least(touching.from_us, coalesce({{ microseconds('run.started_at') }}, touching.from_us)) as from_us,
        greatest(
            touching.from_us,
            -- When a deleted run was due is not known any more.
            case when touching.is_deleted then {{ forever() }} else touching.from_us end,
            coalesce(work_order.ended_us, touching.from_us),
            coalesce(work_order.due_us, touching.from_us)
        ) as to_us
    from touching
    left join work_order
        on touching.process = work_order.process and touching.work_order_id = work_order.work_order_id
    left join {{ ref('fct_run') }} as run on touching.run_id = run.run_id and touching.node is null

),

-- Spans that overlap become one: there may be many, and few are left.
begun as (

    select
        *,
        max(to_us) over (
            partition by process, node, is_late_data, is_corrected, is_deleted
            order by from_us, to_us
            rows between unbounded preceding and 1 preceding
        ) as reached_us
    from spans

),

numbered as (

    select
        *,
        sum(case when reached_us >= from_us then 0 else 1 end) over (
            partition by process, node, is_late_data, is_corrected, is_deleted
            order by from_us, to_us
            rows between unbounded preceding and current row
        ) as number
    from begun

)

select
    process,
    node,
    is_late_data,
    is_corrected,
    is_deleted,
    min(from_us) as from_us,
    max(to_us) as to_us
from numbered
group by process, node, is_late_data, is_corrected, is_deleted, number
