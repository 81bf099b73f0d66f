-- What the catalogue does not know or reach, and how many runs it leaves unjudged.
select
    run.uncommitted_reason as finding,
    run.source_system,
    run.process,
    run.node,
    run.calendar,
    count(*) as runs,
    min(run.started_at) as first_started_at,
    max(run.started_at) as last_started_at,
    min(run.work_order_id) as example_work_order_id
from {{ ref('fct_run') }} as run
where run.uncommitted_reason is not null and run.uncommitted_reason <> 'no commitment'
group by all
