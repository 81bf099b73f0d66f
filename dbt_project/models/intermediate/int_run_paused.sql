{{ config(materialized='table') }}
-- Of each paused run: how long its clock stood still, and by how much each limit moves because of it. A deadline moves
-- past the pauses that begin before the limit is reached; the state is left past those too that begin as it is reached.
select
    run_id,
    cast(sum(paused_us) as bigint) as paused_us,
    max(case when to_us is null then elapsed_us end) as elapsed_at_open_pause_us
    {%- for limit in ['commitment', 'tolerance'] %},
    cast(sum(case when elapsed_us < {{ limit }}_limit_us then paused_us else 0 end) as bigint) as {{ limit }}_due_shift_us,
    cast(sum(case when elapsed_us <= {{ limit }}_limit_us then paused_us else 0 end) as bigint)
        as {{ limit }}_left_shift_us
    {%- endfor %}
from {{ ref('int_run_pause_worked') }}
group by run_id
