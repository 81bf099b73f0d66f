{%- set spans = [1, 7, 28] %}
-- Nobody plans for ten years.
{%- set most_days = 3650 %}
with today as (

    select max(day) as day
    from {{ ref('int_day_period') }}

),

by_day as (

    select
        due.commitment_id,
        due.day,
        due.due,
        due.due - due.kept as missed,
        commitment.target_rate,
        today.day as last_day,
        review.window_start
    from {{ ref('int_due_by_commitment') }} as due
    inner join {{ ref('stg_commitment') }} as commitment on due.commitment_id = commitment.commitment_id
    cross join {{ ref('int_review_window') }} as review
    cross join today
    where coalesce(due.day >= review.window_start, true)

),

running as (

    select
        *,
        (1 - target_rate) * sum(due) over so_far - sum(missed) over so_far as left_then
    from by_day
    window so_far as (
        partition by commitment_id order by day range between unbounded preceding and current row
    )

),

lasting as (

    select
        *,
        max(case when left_then > 0.000001 then day end) over (partition by commitment_id) as last_day_with_budget
    from running

),

summed as (

    select
        commitment_id,
        coalesce(max(window_start), min(day)) as window_start,
        max(last_day) as last_day,
        max(target_rate) as target_rate,
        sum(due) as due,
        sum(missed) as used,
        -- Used up: by the first day since which nothing has been left.
        min(case when missed > 0 and coalesce(day > last_day_with_budget, true) then day end) as used_up_on
        {%- for span in spans %},
        coalesce(sum(case when day > last_day - {{ span }} then due end), 0) as due_{{ span }}_days,
        coalesce(sum(case when day > last_day - {{ span }} then missed end), 0) as missed_{{ span }}_days
        {%- endfor %}
    from lasting
    group by commitment_id

),

budgeted as (

    select
        *,
        round((1 - target_rate) * due, 6) as allowed_misses,
        round((1 - target_rate) * due - used, 6) as misses_left,
        -- What a day takes from the budget beyond what falls due adds to it.
        (missed_28_days - (1 - target_rate) * due_28_days) / 28 as lost_a_day
    from summed

)

select
    budgeted.commitment_id,
    case when commitment.node is null then 'process' else 'node' end as scope,
    commitment.process,
    commitment.node,
    coalesce(process.process_name, commitment.process) as process_name,
    coalesce(node.node_name, commitment.node) as node_name,
    budgeted.window_start,
    budgeted.last_day as window_end,
    budgeted.target_rate,
    cast(budgeted.due as bigint) as due,
    budgeted.allowed_misses,
    cast(budgeted.used as bigint) as used,
    budgeted.misses_left,
    {%- for span in spans %}
    budgeted.missed_{{ span }}_days / nullif(round((1 - budgeted.target_rate) * budgeted.due_{{ span }}_days, 6), 0)
        as burn_rate_{{ span }}_day{{ 's' if span > 1 }},
    {%- endfor %}
    case
        when budgeted.used > 0 and budgeted.misses_left <= 0 then budgeted.used_up_on
        when budgeted.lost_a_day > 0 and budgeted.misses_left / budgeted.lost_a_day < {{ most_days }}
            then budgeted.last_day + cast(ceil(round(budgeted.misses_left / budgeted.lost_a_day, 6)) as integer)
    end as exhausted_on
from budgeted
inner join {{ ref('stg_commitment') }} as commitment on budgeted.commitment_id = commitment.commitment_id
left join {{ ref('stg_process') }} as process on commitment.process = process.process
left join {{ ref('stg_node') }} as node on commitment.process = node.process and commitment.node = node.node
