{{ config(materialized='table') }}
-- The runs that count in the review window: committed, due in it, and decided. The same runs as in `due` of its months.
select
    run.run_id,
    run.scope,
    run.process,
    run.node,
    run.work_order_id,
    run.visit,
    run.department,
    run.position,
    run.segment,
    run.service_level,
    run.location,
    run.priority,
    run.commitment_id,
    run.calendar,
    run.commitment_limit_seconds,
    run.tolerance_limit_seconds,
    run.elapsed_seconds,
    run.started_at,
    run.started_on,
    run.ended_at,
    run.reported_status,
    run.reported_status = 'completed' and run.is_commitment_kept as is_kept
from {{ ref('fct_run') }} as run
cross join {{ ref('int_review_window') }} as review
where
    run.state is not null
    and run.commitment_due_at < run.as_of
    and run.commitment_due_on >= review.window_start
    and run.commitment_due_on < review.window_end
    and (run.reported_status = 'completed' or run.commitment_overrun_seconds > 0)
