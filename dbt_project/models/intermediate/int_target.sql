-- The mean target of the commitments that fell due in a period, weighted by how many of their runs did.
select
    day_period.grain,
    day_period.period_start,
    due.scope,
    due.process,
    coalesce(due.node, '(all)') as node,
    -- A sum of doubles depends on its order, which no engine promises.
    cast(sum(due.due * cast(commitment.target_rate as decimal(18, 12))) as double) / cast(sum(due.due) as double)
        as target_rate
from {{ ref('int_due_by_commitment') }} as due
inner join {{ ref('stg_commitment') }} as commitment on due.commitment_id = commitment.commitment_id
inner join {{ ref('int_day_period') }} as day_period on due.day = day_period.day
where commitment.target_rate is not null and day_period.is_kept
group by all
