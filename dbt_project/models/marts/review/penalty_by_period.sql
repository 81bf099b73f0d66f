select
    day_period.grain,
    day_period.period_start,
    day_period.period_end,
    day_period.is_complete,
    run.scope,
    run.process,
    run.node,
    max(run.process_name) as process_name,
    max(run.node_name) as node_name,
    run.commitment_id,
    organisation.currency,
    cast(count(*) as bigint) as breaches,
    cast(sum(run.overrun_hours) as double) as overrun_hours,
    cast(sum(run.breach_penalty) as double) as breach_penalty,
    cast(sum(run.hourly_penalty) as double) as hourly_penalty,
    cast(sum(run.penalty) as double) as penalty
from {{ ref('int_run_penalised') }} as run
inner join {{ ref('int_day_period') }} as day_period on run.commitment_due_on = day_period.day
cross join {{ ref('stg_organisation') }} as organisation
where day_period.is_kept
group by
    day_period.grain,
    day_period.period_start,
    day_period.period_end,
    day_period.is_complete,
    run.scope,
    run.process,
    run.node,
    run.commitment_id,
    organisation.currency
