-- Runs as those that are open now are compared with them: of a node, each run; of a process, each node that it reached,
-- since time went on from there. Times count in 64ths of the run's own commitment limit (`bin`), on its own clock.
{%- set lasted = 'run.elapsed_seconds + run.paused_seconds' %}
{%- set ticks = '64 / run.commitment_limit_seconds' %}
with run as (

    select
        *,
        {{ microseconds('started_at') }} as started_us,
        {{ microseconds('coalesce(ended_at, as_of)') }} as until_us
    from {{ ref('fct_run') }}
    where
        state is not null
        and commitment_limit_seconds > 0
        -- What a run of longer ago says of today's is little, but it may still be open.
        and (is_open or started_at >= as_of - interval '365 days')

),

node_run as (

    select
        *,
        cast(null as bigint) as reached_us,
        cast(null as bigint) as next_us,
        node as reached_node,
        true as is_latest
    from run
    where scope = 'node'

),

process_run as (

    select
        run.*,
        least(greatest(coalesce(passage.started_us, run.started_us), run.started_us), run.until_us) as reached_us,
        least(greatest(coalesce(passage.next_started_us, run.until_us), run.started_us), run.until_us) as next_us,
        passage.node as reached_node,
        passage.next_started_us is null as is_latest
    from run
    left join {{ ref('int_passage') }} as passage
        on run.process = passage.process and run.work_order_id = passage.work_order_id
    where run.scope = 'process'

),

passed as (

    select * from node_run

    union all

    select * from process_run

),

measured as (

    select
        run.*,
        -- Pauses are taken to lie evenly in the run.
        coalesce(
            ({{ worked('run.calendar', 'run.reached_us', 'at_node') }}
                - {{ worked('run.calendar', 'run.started_us', 'at_start') }})
            * run.elapsed_seconds / nullif({{ lasted }}, 0) / 1e6, 0
        ) * {{ ticks }} as reached_at,
        coalesce(
            ({{ worked('run.calendar', 'run.next_us', 'at_next') }}
                - {{ worked('run.calendar', 'run.reached_us', 'at_node') }})
            * run.elapsed_seconds / nullif({{ lasted }}, 0) / 1e6, 0
        ) * {{ ticks }} as stayed,
        run.elapsed_seconds * {{ ticks }} as elapsed,
        run.tolerance_limit_seconds * {{ ticks }} as tolerance
    from passed as run
    {{ at_slot('at_start', 'run.calendar', "case when run.scope = 'process' then run.started_us end") }}
    {{ at_slot('at_node', 'run.calendar', 'run.reached_us') }}
    {{ at_slot('at_next', 'run.calendar', "case when run.scope = 'process' then run.next_us end") }}

)

select
    run.run_id,
    run.scope,
    run.process,
    coalesce(run.reached_node, '(none)') as node,
    coalesce(run.segment, '(none)') as segment,
    coalesce(run.service_level, '(none)') as service_level,
    coalesce(run.priority, '(none)') as priority,
    coalesce(load_by_day.load, 'none') as load,
    -- How long it stayed at the node, at least: 1/32, 1/8, 1/2 of the limit.
    case when run.stayed >= 32 then 3 when run.stayed >= 8 then 2 when run.stayed >= 2 then 1 else 0 end as stay,
    run.is_open,
    run.is_latest,
    run.started_at >= run.as_of - interval '365 days' as is_recent,
    run.reported_status = 'completed' and run.elapsed - run.reached_at <= 512 as is_ended,
    least(greatest(run.elapsed - run.reached_at, 0), 512) as lasted,
    cast(ceil(least(greatest(run.elapsed - run.reached_at, 0), 512)) as integer) as bin,
    least(greatest(64 - run.reached_at, 0), 512) as commitment_at,
    least(greatest(run.tolerance - run.reached_at, 0), 512) as tolerance_at
from measured as run
left join {{ ref('int_load_by_day') }} as load_by_day
    on
        run.scope = load_by_day.scope
        and run.process = load_by_day.process
        and coalesce(run.node, '(all)') = load_by_day.node
        and run.started_on = load_by_day.day
