{{ config(materialized='table') }}
-- Of each delivered pause the part inside each node run that it stops.
select
    run.run_id,
    run.process,
    run.work_order_id,
    pause.source_system,
    pause.entity,
    pause.load_id,
    pause.row_number,
    greatest(run.started_us, pause.started_us) as from_us,
    least(coalesce(run.ended_us, {{ forever() }}), coalesce(pause.ended_us, {{ forever() }})) as to_us
from {{ ref('int_pause') }} as pause
inner join {{ ref('int_node_run') }} as run
    on
        pause.process = run.process
        and pause.work_order_id = run.work_order_id
        and (pause.node is null or pause.node = run.node)
where
    run.node is not null
    and coalesce(pause.ended_us, {{ forever() }}) > greatest(run.started_us, pause.started_us)
    and coalesce(run.ended_us, {{ forever() }}) > greatest(run.started_us, pause.started_us)
