-- What the catalogue does not list or reach, and what it leaves unjudged or without a deadline.
with run as (

    select
        run.*,
        case
            when run.uncommitted_reason <> 'no commitment' then run.uncommitted_reason
            when run.state is null or waiting.run_id is not null then null
            when (run.commitment_due_at is null or run.tolerance_due_at is null) and worked.calendar is null
                then 'calendar without working time'
            when run.commitment_due_at is null or run.tolerance_due_at is null
                then 'deadline outside the horizon of its calendar'
        end as finding
    from {{ ref('fct_run') }} as run
    -- Behind an open pause no deadline is known yet.
    left join (select distinct run_id from {{ ref('int_run_pause') }} where to_us is null) as waiting
        on run.run_id = waiting.run_id
    left join (select distinct calendar from {{ ref('stg_calendar_interval') }}) as worked
        on run.calendar = worked.calendar

),

pause as (

    select
        pause.*,
        case
            when known.work_order_id is null then 'pause of an unknown work order'
            when run.work_order_id is null then 'pause of a node that its work order never was in'
        end as finding
    from {{ ref('int_pause') }} as pause
    left join (select distinct process, work_order_id from {{ ref('int_node_run') }}) as known
        on pause.process = known.process and pause.work_order_id = known.work_order_id
    left join (select distinct process, work_order_id, node from {{ ref('int_node_run') }}) as run
        on
            pause.process = run.process
            and pause.work_order_id = run.work_order_id
            and coalesce(pause.node, run.node, '') = coalesce(run.node, '')

),

found as (

    select
        finding,
        source_system,
        process,
        node,
        calendar,
        count(*) as runs,
        cast(0 as bigint) as pauses,
        min(started_at) as first_started_at,
        max(started_at) as last_started_at,
        max(coalesce(ended_at, as_of)) as reaches_to_at,
        min(work_order_id) as example_work_order_id
    from run
    where finding is not null
    group by finding, source_system, process, node, calendar

    union all

    select
        finding,
        source_system,
        process,
        node,
        cast(null as varchar) as calendar,
        cast(0 as bigint) as runs,
        count(*) as pauses,
        {{ instant('min(started_us)') }} as first_started_at,
        {{ instant('max(started_us)') }} as last_started_at,
        {{ instant('max(coalesce(ended_us, ' ~ as_of() ~ '))') }} as reaches_to_at,
        min(work_order_id) as example_work_order_id
    from pause
    where finding is not null
    group by finding, source_system, process, node

)

select
    found.*,
    {{ instant('calendar.horizon_from_us') }} as horizon_from_at,
    {{ instant('calendar.horizon_to_us') }} as horizon_to_at
from found
left join {{ ref('stg_calendar') }} as calendar on found.calendar = calendar.calendar
