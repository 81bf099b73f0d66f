with run as (

    select
        *,
        {{ state('reported_status', 'elapsed_us', 'commitment_limit_us', 'tolerance_limit_us') }} as judged_state,
        case
            when reported_status = 'completed' then elapsed_us <= commitment_limit_us
            when elapsed_us > commitment_limit_us then false
        end as is_kept,
        case
            when reported_status = 'completed' then elapsed_us <= tolerance_limit_us
            when elapsed_us > tolerance_limit_us then false
        end as is_tolerated
    from {{ ref('int_run_due') }}

),

-- What no source keeps up any more may have moved on.
up_to_date as (

    select source_system from {{ ref('source_freshness') }}
    where not is_stale

),

order_behind as (

    select distinct node_run.process, node_run.work_order_id
    from {{ ref('int_node_run') }} as node_run
    left join up_to_date on node_run.source_system = up_to_date.source_system
    where up_to_date.source_system is null

),

order_in_quarantine as (

    select distinct process_run.process, process_run.work_order_id
    from {{ ref('quarantine') }} as waiting
    left join {{ ref('stg_entity') }} as entity
        on waiting.source_system = entity.source_system and waiting.entity = entity.entity
    inner join {{ ref('int_process_run') }} as process_run
        on waiting.work_order_id = process_run.work_order_id
    where
        waiting.released_at is null
        and coalesce(waiting.process = process_run.process, true)
        and coalesce(entity.shape, '') not in ('pauses', 'feedback', 'outages')

)

select
    run.run_id,
    run.scope,
    run.source_system,
    run.work_order_id,
    run.process,
    run.process_name,
    run.node,
    run.node_name,
    cast(run.node_order as integer) as node_order,
    cast(run.visit as integer) as visit,
    run.department,
    run.position,
    run.segment,
    run.service_level,
    run.location,
    run.priority,
    {{ instant('run.started_us') }} as started_at,
    {{ instant('run.ended_us') }} as ended_at,
    started.day as started_on,
    ended.day as ended_on,
    due.day as commitment_due_on,
    run.reported_status,
    run.commitment_id,
    run.calendar,
    case when run.is_committed then {{ seconds('run.commitment_limit_us') }} end as commitment_limit_seconds,
    case when run.is_committed then {{ seconds('run.tolerance_limit_us') }} end as tolerance_limit_seconds,
    case when run.is_committed then {{ seconds('run.elapsed_us') }} end as elapsed_seconds,
    case when run.is_committed then {{ seconds('run.paused_us') }} end as paused_seconds,
    {{ seconds('run.until_us - run.started_us') }} as lead_seconds,
    {{ instant('run.commitment_due_us') }} as commitment_due_at,
    {{ instant('run.tolerance_due_us') }} as tolerance_due_at,
    {{ instant('run.commitment_left_us') }} as leaves_normal_at,
    {{ instant('run.tolerance_left_us') }} as leaves_acceptable_at,
    case when run.is_committed then run.judged_state end as state,
    case
        when not run.is_committed or run.reported_status = 'cancelled' then null
        when run.elapsed_us <= run.commitment_limit_us then 'normal'
        when run.elapsed_us <= run.tolerance_limit_us then 'acceptable'
        else 'warning'
    end as level,
    run.ended_us is null as is_open,
    run.uncommitted_reason,
    case when run.is_committed then run.is_kept end as is_commitment_kept,
    case when run.is_committed then run.is_tolerated end as is_within_tolerance,
    case when run.is_committed then {{ seconds('greatest(0, run.elapsed_us - run.commitment_limit_us)') }} end
        as commitment_overrun_seconds,
    case when run.is_committed then {{ seconds('greatest(0, run.elapsed_us - run.tolerance_limit_us)') }} end
        as tolerance_overrun_seconds,
    case when run.is_committed then {{ seconds('run.commitment_limit_us - run.elapsed_us') }} end
        as seconds_to_commitment,
    case when run.is_committed then {{ seconds('run.tolerance_limit_us - run.elapsed_us') }} end
        as seconds_to_tolerance,
    case when run.is_committed then {{ share('run.elapsed_us', 'run.commitment_limit_us') }} end as limit_used_share,
    {{ instant('run.promised_us') }} as promised_at,
    run.work_order_url,
    run.is_end_estimated,
    run.ended_us is null
    and (
        up_to_date.source_system is null
        or (run.scope = 'process' and order_behind.work_order_id is not null)
    ) as is_provisional,
    case when run.scope = 'process' then order_in_quarantine.work_order_id is not null end as has_quarantined_node,
    {{ instant(as_of()) }} as as_of,
    {{ instant('run.changed_us') }} as changed_at
from run
left join up_to_date on run.source_system = up_to_date.source_system
left join order_behind
    on run.process = order_behind.process and run.work_order_id = order_behind.work_order_id
left join order_in_quarantine
    on run.process = order_in_quarantine.process and run.work_order_id = order_in_quarantine.work_order_id
{%- for name, column in [('started', 'started_us'), ('ended', 'ended_us'), ('due', 'commitment_due_us')] %}
left join {{ ref('stg_business_day') }} as {{ name }}
    on
        {{ slot('run.' ~ column, day_us()) }} = {{ name }}.slot_day
        and run.{{ column }} >= {{ name }}.from_us
        and run.{{ column }} < {{ name }}.to_us
{%- endfor %}
