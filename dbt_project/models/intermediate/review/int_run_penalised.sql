-- Every run past its commitment limit whose commitment has a penalty, with what it costs: for the breach, for each working
-- hour over the limit, and both together up to the cap. Amounts are decimals, so that sums are the same on every engine.
{%- set amount = 'decimal(28, 6)' %}
with breach as (

    select
        run.run_id,
        run.commitment_id,
        run.scope,
        run.process,
        run.node,
        run.process_name,
        run.node_name,
        run.work_order_id,
        run.commitment_due_on,
        run.commitment_due_at,
        cast(run.commitment_overrun_seconds / 3600 as {{ amount }}) as overrun_hours,
        coalesce(cast(commitment.penalty_per_breach as {{ amount }}), 0) as breach_penalty,
        coalesce(
            cast(commitment.penalty_per_hour * (run.commitment_overrun_seconds / 3600) as {{ amount }}), 0
        ) as hourly_penalty,
        cast(commitment.penalty_cap as {{ amount }}) as penalty_cap
    from {{ ref('fct_run') }} as run
    inner join {{ ref('stg_commitment') }} as commitment on run.commitment_id = commitment.commitment_id
    where
        run.commitment_overrun_seconds > 0
        and run.commitment_due_at < run.as_of
        and (commitment.penalty_per_breach is not null or commitment.penalty_per_hour is not null)

)

select
    *,
    least(breach_penalty + hourly_penalty, coalesce(penalty_cap, breach_penalty + hourly_penalty)) as penalty
from breach
