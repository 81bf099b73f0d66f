{{ config(materialized='table') }}
-- How many runs of each commitment fell due on each day, decided, and how many of them were kept. What is due and not
-- kept is a miss.
select
    commitment_id,
    scope,
    process,
    coalesce(node, '(all)') as node,
    commitment_due_on as day,
    count(*) as due,
    count(*) filter (where reported_status = 'completed' and is_commitment_kept) as kept
from {{ ref('fct_run') }}
where
    state is not null
    and commitment_due_at < as_of
    and (reported_status = 'completed' or commitment_overrun_seconds > 0)
group by all
