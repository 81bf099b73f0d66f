-- Percentiles of the working time of committed runs that completed in a period, from the runs themselves.
with completed as (

    select scope, process, node, ended_on, elapsed_seconds
    from {{ ref('fct_run') }}
    where reported_status = 'completed' and state is not null

)

select
    day_period.grain,
    day_period.period_start,
    completed.scope,
    completed.process,
    coalesce(completed.node, '(all)') as node,
    {{ percentile('completed.elapsed_seconds', 0.5) }} as elapsed_p50_seconds,
    {{ percentile('completed.elapsed_seconds', 0.9) }} as elapsed_p90_seconds,
    {{ percentile('completed.elapsed_seconds', 0.95) }} as elapsed_p95_seconds
from completed
inner join {{ ref('int_day_period') }} as day_period on completed.ended_on = day_period.day
where day_period.is_kept
group by all
