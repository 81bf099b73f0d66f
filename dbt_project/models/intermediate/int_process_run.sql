{{ config(materialized='table') }}
-- A work order's passage through the whole process: as a source delivers it, else derived over all sources.
{%- set place = ordering(['started_us', 'coalesce(ended_us, ' ~ forever() ~ ')', 'coalesce(node_order, 0)', 'run_id']) %}
with delivered as (

    select * from {{ ref('int_node_run') }}
    where node is null

),

derived as (

    select
        process,
        work_order_id,
        min(started_us) as started_us,
        max(ended_us) as last_ended_us,
        max(started_us) as last_started_us,
        max(case when reported_status = 'in_progress' then 1 else 0 end) = 1 as is_open,
        max(case when is_final and reported_status = 'completed' then 1 else 0 end) = 1 as is_final_completed,
        max_by(reported_status, {{ place }}) as last_status,
        min_by(source_system, {{ place }}) as source_system,
        {%- for qualifier in ['segment', 'service_level', 'location', 'priority', 'promised_us', 'work_order_url'] %}
        min_by({{ qualifier }}, {{ place }}) filter (where {{ qualifier }} is not null) as {{ qualifier }},
        {%- endfor %}
        max(changed_us) as changed_us,
        max_by(is_end_estimated, {{ ordering(['coalesce(ended_us, ' ~ always() ~ ')', 'run_id']) }}) as is_end_estimated
    from {{ ref('int_node_run') }}
    where node is not null
    group by process, work_order_id

),

judged as (

    select
        derived.*,
        greatest(derived.last_ended_us, coalesce(ending.ended_us, derived.last_ended_us)) as closed_us,
        case
            when derived.is_open then 'in_progress'
            -- A node run that begins after the log's closing event reopens the work order.
            when ending.ended_us >= derived.last_started_us then ending.reported_status
            when derived.last_status = 'cancelled' then 'cancelled'
            when derived.is_final_completed then 'completed'
            else 'in_progress'
        end as reported_status
    from derived
    left join {{ ref('int_work_order_ending') }} as ending
        on derived.process = ending.process and derived.work_order_id = ending.work_order_id

)

select
    run_id,
    source_system,
    work_order_id,
    process,
    coalesce(visit, row_number() over (partition by process, work_order_id order by started_us, run_id)) as visit,
    department,
    position,
    segment,
    service_level,
    location,
    priority,
    started_us,
    ended_us,
    reported_status,
    promised_us,
    changed_us,
    work_order_url,
    is_end_estimated
from delivered

union all

select
    md5('process|' || length(judged.process) || '|' || judged.process || '|' || judged.work_order_id) as run_id,
    judged.source_system,
    judged.work_order_id,
    judged.process,
    1 as visit,
    cast(null as varchar) as department,
    cast(null as varchar) as position,
    judged.segment,
    judged.service_level,
    judged.location,
    judged.priority,
    judged.started_us,
    case when judged.reported_status <> 'in_progress' then judged.closed_us end as ended_us,
    judged.reported_status,
    judged.promised_us,
    judged.changed_us,
    judged.work_order_url,
    judged.is_end_estimated and judged.reported_status <> 'in_progress' as is_end_estimated
from judged
left join (select distinct process, work_order_id from delivered) as given
    on judged.process = given.process and judged.work_order_id = given.work_order_id
where given.work_order_id is null
