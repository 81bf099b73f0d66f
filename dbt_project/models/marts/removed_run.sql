-- What a version that says "gone" replaced is the last that was there; whoever comes back has a version after it.
{%- set shapes = {
    'runs': {'started_us': 'started_us', 'is_run': 'true'},
    'milestones': {'started_us': 'started_us', 'is_run': 'true'},
    'events': {'started_us': 'at_us', 'is_run': "(was_there.mode = 'completions' or was_there.meaning = 'begins')"}
} %}
with removed as (
    {% for shape, columns in shapes.items() %}
    select
        was_there.run_id,
        was_there.source_system,
        was_there.entity,
        was_there.work_order_id,
        was_there.process,
        was_there.node,
        was_there.{{ columns.started_us }} as began_us,
        gone.landed_us,
        gone.load_id,
        gone.deleted_by
    from (
        select distinct key_hash, version, landed_us, load_id, deleted_by
        from {{ ref('stg_' ~ shape) }}
        where deleted_by is not null
    ) as gone
    inner join {{ ref('stg_' ~ shape) }} as was_there
        on gone.key_hash = was_there.key_hash and gone.version - 1 = was_there.version
    left join (
        select distinct key_hash, version
        from {{ ref('stg_' ~ shape) }}
        where version > 2
    ) as back
        on gone.key_hash = back.key_hash and gone.version + 1 = back.version
    where back.key_hash is null and {{ columns.is_run }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
)

select
    run_id,
    source_system,
    entity,
    work_order_id,
    process,
    node,
    {{ instant('began_us') }} as started_at,
    {{ instant('landed_us') }} as removed_at,
    load_id,
    deleted_by
from removed
-- A step that had not begun was no run, nor was what starts at as_of or later.
where began_us < {{ as_of() }}
