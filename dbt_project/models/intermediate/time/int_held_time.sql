{{ config(materialized='table') }}
-- Which node run held how much of the time of its process run, of the process runs in the review window: in work, in
-- waiting before it, and while the clock stood still. On the clock of the process run, so that it adds up to it exactly.
with chosen as (

    select
        run.run_id,
        run.process,
        run.work_order_id,
        run.department,
        run.is_kept,
        run.reported_status,
        run.calendar,
        {{ microseconds('run.started_at') }} as started_us,
        coalesce({{ microseconds('run.ended_at') }}, {{ as_of() }}) as until_us
    from {{ ref('int_reviewed_run') }} as run
    where run.scope = 'process'

    union all

    -- Where nothing is promised for the whole, what ended in the window, by the clock on the wall.
    select
        run.run_id,
        run.process,
        run.work_order_id,
        run.department,
        cast(null as boolean) as is_kept,
        run.reported_status,
        '24x7' as calendar,
        {{ microseconds('run.started_at') }} as started_us,
        {{ microseconds('run.ended_at') }} as until_us
    from {{ ref('fct_run') }} as run
    cross join {{ ref('int_review_window') }} as review
    left join (select distinct process from {{ ref('stg_commitment') }} where node is null) as committed
        on run.process = committed.process
    where
        run.scope = 'process'
        and run.ended_on >= review.window_start
        and run.ended_on < review.window_end
        and committed.process is null

),

-- Numbers in the place of ids: they are sorted by again and again.
process_run as (

    select *, row_number() over (order by run_id) as number
    from chosen

),

node_run as (

    select
        run.number,
        run.calendar,
        run.started_us as begun_us,
        run.until_us,
        passage.place,
        passage.run_id as node_run_id,
        passage.node,
        passage.department,
        passage.visit,
        passage.is_hand_over,
        passage.free_us,
        greatest(passage.started_us, run.started_us) as from_us,
        least(coalesce(passage.ended_us, run.until_us), run.until_us) as to_us
    from process_run as run
    inner join {{ ref('int_passage') }} as passage
        on run.process = passage.process and run.work_order_id = passage.work_order_id
    where passage.started_us <= run.until_us and coalesce(passage.ended_us, run.until_us) >= run.started_us

),

-- Time in which no node run was open is waiting for the next one; where none came, the last one kept it waiting.
span as (

    select number, calendar, place, true as is_work, from_us, to_us
    from node_run

    union all

    select
        number,
        calendar,
        place,
        false as is_work,
        greatest(begun_us, coalesce(free_us, begun_us)) as from_us,
        from_us as to_us
    from node_run
    where greatest(begun_us, coalesce(free_us, begun_us)) < from_us

    union all

    select
        run.number,
        run.calendar,
        last_run.place,
        false as is_work,
        coalesce(last_run.to_us, run.started_us) as from_us,
        run.until_us as to_us
    from process_run as run
    left join (
        select
            number,
            max(to_us) as to_us,
            max(place) as place
        from node_run
        group by number
    ) as last_run on run.number = last_run.number
    where last_run.number is null or last_run.to_us < run.until_us

),

edge as (

    select number, calendar, from_us as at_us, 0 as paused
    from span

    union all

    select number, calendar, to_us as at_us, 0 as paused
    from span
    where is_work

    union all

    select number, calendar, until_us as at_us, 0 as paused
    from process_run
    {%- for edge, paused in [('pause.from_us', 1), ('coalesce(pause.to_us, run.until_us)', -1)] %}

    union all

    select run.number, run.calendar, {{ edge }} as at_us, {{ paused }} as paused
    from {{ ref('int_run_pause') }} as pause
    inner join process_run as run on pause.run_id = run.run_id
    {%- endfor %}

),

stretch as (

    select
        edge.number,
        edge.at_us as from_us,
        lead(edge.at_us) over in_order as to_us,
        lead({{ worked('edge.calendar', 'edge.at_us', 'here') }}) over in_order
        - {{ worked('edge.calendar', 'edge.at_us', 'here') }} as worked_us,
        -- With all edges of the same instant.
        sum(edge.paused) over in_order > 0 as is_paused
    from edge
    {{ at_slot('here', 'edge.calendar', 'edge.at_us') }}
    window in_order as (partition by edge.number order by edge.at_us)

),

-- Node runs side by side share a stretch equally, to the microsecond: the n-th of them has what is between n - 1 and n
-- parts of it.
held as (

    select
        span.number,
        span.place,
        span.is_work,
        stretch.is_paused,
        stretch.worked_us,
        count(*) over (partition by stretch.number, stretch.from_us) as sharing,
        row_number() over (partition by stretch.number, stretch.from_us order by span.place) as part
    from span
    inner join stretch
        on span.number = stretch.number and span.from_us <= stretch.from_us and span.to_us >= stretch.to_us
    where stretch.from_us < stretch.to_us

),

summed as (

    select
        number,
        place
        {%- for name, condition in [
            ('work', 'is_work and not is_paused'), ('waiting', 'not is_work and not is_paused'), ('paused', 'is_paused')
        ] %},
        cast(sum(case when {{ condition }} then part_us else 0 end) as bigint) as {{ name }}_us
        {%- endfor %}
    from (
        select
            *,
            {{ slot('worked_us * part', 'sharing') }} - {{ slot('worked_us * (part - 1)', 'sharing') }} as part_us
        from held
    ) as parts
    group by number, place

)

select
    run.run_id,
    run.work_order_id,
    run.process,
    run.reported_status,
    run.is_kept,
    node_run.node_run_id,
    node_run.node,
    -- Of a passage whose nodes nobody delivers, its owner held it all.
    coalesce(case when node_run.number is null then run.department else node_run.department end, '(none)') as department,
    node_run.visit,
    node_run.is_hand_over,
    coalesce(summed.work_us, 0) as work_us,
    coalesce(summed.waiting_us, 0) as waiting_us,
    coalesce(summed.paused_us, 0) as paused_us
from process_run as run
left join node_run on run.number = node_run.number
left join summed on run.number = summed.number and node_run.place is not distinct from summed.place
