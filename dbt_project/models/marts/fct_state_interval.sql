with run as (

    select
        run_id,
        scope,
        process,
        node,
        department,
        state,
        started_at,
        ended_at,
        leaves_normal_at,
        leaves_acceptable_at,
        as_of
    from {{ ref('fct_run') }}
    where state is not null

),

intervals as (

    select
        run_id, scope, process, node, department, as_of,
        'in_progress_normal' as state,
        started_at as entered_at,
        least(ended_at, leaves_normal_at) as left_at
    from run

    union all

    select
        run_id, scope, process, node, department, as_of,
        'in_progress_acceptable' as state,
        leaves_normal_at as entered_at,
        least(ended_at, leaves_acceptable_at) as left_at
    from run
    where leaves_normal_at is not null and (ended_at is null or leaves_normal_at < ended_at)

    union all

    select
        run_id, scope, process, node, department, as_of,
        'in_progress_warning' as state,
        leaves_acceptable_at as entered_at,
        ended_at as left_at
    from run
    where leaves_acceptable_at is not null and (ended_at is null or leaves_acceptable_at < ended_at)

    union all

    select
        run_id, scope, process, node, department, as_of,
        state,
        ended_at as entered_at,
        null as left_at
    from run
    where ended_at is not null

)

select
    run_id,
    scope,
    process,
    node,
    department,
    state,
    entered_at,
    left_at,
    entered_at >= as_of as is_projected
from intervals
where left_at is null or left_at > entered_at
