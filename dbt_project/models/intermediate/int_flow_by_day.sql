{{ config(materialized='table') }}
-- What began, ended, fell due and changed state on each business day, by every dimension. Each run counts on one day per
-- measure, so that these counts add up over days and dimensions; stocks are their running sums.
{%- set keys = dimensions() %}
with run as (

    select
        run.scope,
        run.process,
        coalesce(run.node, '(all)') as node,
        coalesce(run.department, '(none)') as department,
        coalesce(run.position, '(none)') as position,
        {%- for name in ['segment', 'service_level', 'location', 'priority', 'source_system'] %}
        case when organisation.by_{{ name }} then coalesce(run.{{ name }}, '(none)') else '(all)' end as {{ name }},
        {%- endfor %}
        run.started_on,
        run.ended_on,
        run.commitment_due_on,
        run.started_at,
        run.ended_at,
        run.commitment_due_at,
        run.tolerance_due_at,
        run.leaves_normal_at,
        run.leaves_acceptable_at,
        run.as_of,
        run.reported_status,
        run.state,
        run.is_commitment_kept,
        run.is_within_tolerance,
        run.commitment_overrun_seconds,
        run.tolerance_overrun_seconds,
        run.state is not null as is_committed
    from {{ ref('fct_run') }} as run
    cross join {{ ref('stg_organisation') }} as organisation

),

started as (

    select
        {{ keys | join(', ') }},
        started_on as day,
        count(*) as started,
        count(*) filter (where is_committed) as enter_normal,
        count(*) filter (where not is_committed) as enter_uncommitted
    from run
    group by all

),

ended as (

    select
        {{ keys | join(', ') }},
        ended_on as day,
        count(*) filter (where reported_status = 'completed') as completed,
        count(*) filter (where reported_status = 'cancelled') as cancelled_in_period,
        count(*) filter (where reported_status = 'completed' and is_committed) as completed_committed,
        count(*) filter (where reported_status = 'completed' and is_commitment_kept) as completed_kept,
        {%- for name in state_names() if not name.startswith('in_progress') %}
        count(*) filter (where state = '{{ name }}') as {{ name }},
        {%- endfor %}
        count(*) filter (where not is_committed) as leave_uncommitted,
        count(*) filter (where not is_committed and reported_status = 'completed') as uncommitted_completed,
        count(*) filter (where not is_committed and reported_status = 'cancelled') as uncommitted_cancelled,
        -- A run that ends leaves the state it was in just before.
        count(*) filter (where is_committed and coalesce(leaves_normal_at >= ended_at, true)) as end_normal,
        count(*) filter (
            where is_committed and leaves_normal_at < ended_at and coalesce(leaves_acceptable_at >= ended_at, true)
        ) as end_acceptable,
        count(*) filter (where is_committed and leaves_acceptable_at < ended_at) as end_warning
    from run
    where ended_on is not null
    group by all

),

-- Decided: completed, or past the limit; one cancelled within its limit is out.
due as (

    select
        {{ keys | join(', ') }},
        commitment_due_on as day,
        count(*) filter (where reported_status = 'completed' or commitment_overrun_seconds > 0) as due,
        count(*) filter (where reported_status = 'in_progress' and commitment_overrun_seconds = 0) as undecided,
        count(*) filter (where reported_status = 'completed' and is_commitment_kept) as kept
    from run
    where is_committed and commitment_due_at < as_of
    group by all

),

tolerance_due as (

    select
        run.{{ keys | join(', run.') }},
        business_day.day,
        count(*) filter (where run.reported_status = 'completed' or run.tolerance_overrun_seconds > 0) as tolerance_due,
        count(*) filter (where run.reported_status = 'completed' and run.is_within_tolerance) as tolerated
    from run
    {{ on_business_day('run.tolerance_due_at') }}
    where run.is_committed and run.tolerance_due_at < run.as_of
    group by all

),

left_normal as (

    select
        run.{{ keys | join(', run.') }},
        business_day.day,
        count(*) as leave_normal
    from run
    {{ on_business_day('run.leaves_normal_at') }}
    where
        run.is_committed
        and run.leaves_normal_at < run.as_of
        and (run.ended_at is null or run.leaves_normal_at < run.ended_at)
    group by all

),

left_acceptable as (

    select
        run.{{ keys | join(', run.') }},
        business_day.day,
        count(*) as leave_acceptable
    from run
    {{ on_business_day('run.leaves_acceptable_at') }}
    where
        run.is_committed
        and run.leaves_acceptable_at < run.as_of
        and (run.ended_at is null or run.leaves_acceptable_at < run.ended_at)
    group by all

),
{%- set parts = {
    'started': ['started', 'enter_normal', 'enter_uncommitted'],
    'ended': ['completed', 'cancelled_in_period', 'completed_committed', 'completed_kept', 'completed_normal',
              'completed_acceptable', 'completed_warning', 'cancelled', 'leave_uncommitted', 'uncommitted_completed',
              'uncommitted_cancelled', 'end_normal', 'end_acceptable', 'end_warning'],
    'due': ['due', 'undecided', 'kept'],
    'tolerance_due': ['tolerance_due', 'tolerated'],
    'left_normal': ['leave_normal'],
    'left_acceptable': ['leave_acceptable']
} %}
{%- set measures = [] %}
{%- for columns in parts.values() %}{% do measures.extend(columns) %}{% endfor %}

unioned as (
    {% for part, columns in parts.items() %}
    select
        {{ keys | join(', ') }},
        day
        {%- for measure in measures %},
        {{ measure if measure in columns else 'cast(0 as bigint) as ' ~ measure }}
        {%- endfor %}
    from {{ part }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
)

select
    {{ keys | join(', ') }},
    day
    {%- for measure in measures if not measure.startswith('en') and not measure.startswith('leave') %},
    cast(sum({{ measure }}) as bigint) as {{ measure }}
    {%- endfor %},
    cast(sum(enter_normal - leave_normal - end_normal) as bigint) as in_progress_normal_change,
    cast(sum(leave_normal - leave_acceptable - end_acceptable) as bigint) as in_progress_acceptable_change,
    cast(sum(leave_acceptable - end_warning) as bigint) as in_progress_warning_change,
    cast(sum(enter_uncommitted - leave_uncommitted) as bigint) as in_progress_uncommitted_change
from unioned
group by all
