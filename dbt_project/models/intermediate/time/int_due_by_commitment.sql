{{ config(materialized='table') }}
-- How many runs fell due on each day and were decided, and how many of them were kept, by whom and by what they were held to.
select
    scope,
    process,
    node,
    department,
    position,
    commitment_due_on as day,
    commitment_id,
    count(*) as due,
    count(*) filter (where reported_status = 'completed' and is_commitment_kept) as kept
from {{ ref('fct_run') }}
where
    state is not null
    and commitment_due_at < as_of
    and (reported_status = 'completed' or commitment_overrun_seconds > 0)
group by all
