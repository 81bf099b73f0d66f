with work_order as (

    select
        process,
        run_id,
        count(node_run_id) as visits,
        coalesce(max(visit) > 1, false) as has_rework,
        count(*) filter (where is_hand_over) as hand_overs
    from {{ ref('int_held_time') }}
    where reported_status = 'completed'
    group by process, run_id

),

summed as (

    select
        process,
        count(*) as process_runs,
        count(*) filter (where visits > 0) as followed,
        count(*) filter (where visits > 0 and not has_rework) as first_time_through,
        cast(sum(visits) as bigint) as visits,
        cast(sum(hand_overs) as bigint) as hand_overs
    from work_order
    group by process

)

select
    review.window_start,
    review.window_end,
    summed.process,
    coalesce(process.process_name, summed.process) as process_name,
    summed.process_runs,
    summed.followed,
    summed.first_time_through,
    {{ share('summed.first_time_through', 'summed.followed') }} as first_time_through_share,
    summed.visits,
    {{ share('summed.visits', 'summed.followed') }} as visits_per_work_order,
    summed.hand_overs,
    {{ share('summed.hand_overs', 'summed.followed') }} as hand_overs_per_work_order
from summed
cross join {{ ref('int_review_window') }} as review
left join {{ ref('stg_process') }} as process on summed.process = process.process
