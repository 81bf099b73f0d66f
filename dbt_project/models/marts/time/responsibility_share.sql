with held as (

    select
        run_id,
        process,
        work_order_id,
        department,
        sum(work_us + waiting_us) as held_us
    from {{ ref('int_held_time') }}
    where not is_kept
    group by all

)

select
    review.window_start,
    review.window_end,
    held.run_id,
    held.process,
    coalesce(process.process_name, held.process) as process_name,
    held.work_order_id,
    held.department,
    {{ seconds('held.held_us') }} as held_seconds,
    {{ share('held.held_us', 'sum(held.held_us) over (partition by held.run_id)') }} as held_share
from held
cross join {{ ref('int_review_window') }} as review
left join {{ ref('stg_process') }} as process on held.process = process.process
