-- The limit that the runs of the review window bear out, of each commitment to be raised or mended that is a length of
-- time. To raise: the one that the share aimed at keeps with 95 % confidence, and never more than today's; to mend: the
-- one that this share of the window's runs kept. Runs that did not complete are longer than any limit.
with aimed as (

    select
        *,
        coalesce(target_rate, raise_at) as aimed_rate
    from {{ ref('int_commitment_reviewed') }}
    where recommendation in ('raise', 'mend') and commitment_limit_kind = 'time'

),

bounded as (

    select
        *,
        case recommendation
            -- The k-th shortest run bounds a quantile from above (order statistics); k is the binomial quantile by
            -- Cornish and Fisher's expansion, which is the exact one or the next: never too small.
            when 'raise' then ceil(
                due * aimed_rate + 0.5 + 1.6448536269514722 * sqrt(due * aimed_rate * (1 - aimed_rate))
                + 0.2842572423492339 * (1 - 2 * aimed_rate)
            )
            else ceil(round(due * aimed_rate, 6))
        end as wanted_rank
    from aimed

),

ranked as (

    select
        run.commitment_id,
        case when run.reported_status = 'completed' then run.elapsed_seconds end as elapsed_seconds,
        row_number() over (
            partition by run.commitment_id
            order by case when run.reported_status = 'completed' then run.elapsed_seconds end nulls last
        ) as elapsed_rank
    from {{ ref('int_reviewed_run') }} as run
    inner join aimed on run.commitment_id = aimed.commitment_id

),

proposed as (

    select
        bounded.commitment_id,
        bounded.recommendation,
        bounded.aimed_rate,
        ranked.elapsed_seconds as limit_seconds,
        case
            when bounded.tolerance_limit_kind = 'time'
                then ranked.elapsed_seconds * bounded.tolerance_limit_us / nullif(bounded.commitment_limit_us, 0)
        end as tolerance_seconds
    from bounded
    inner join ranked
        on bounded.commitment_id = ranked.commitment_id and bounded.wanted_rank = ranked.elapsed_rank
    where
        bounded.recommendation = 'mend'
        or ranked.elapsed_seconds < {{ seconds('bounded.commitment_limit_us') }}

),

expected as (

    select
        proposed.commitment_id,
        {{ share(
            "count(*) filter (where run.reported_status = 'completed' and run.elapsed_seconds <= proposed.limit_seconds)",
            "count(*) filter (where run.reported_status = 'completed' or run.elapsed_seconds > proposed.limit_seconds)"
        ) }} as expected_rate
    from {{ ref('fct_run') }} as run
    inner join proposed on run.commitment_id = proposed.commitment_id
    cross join {{ ref('int_review_window') }} as review
    where
        run.state is not null
        and run.commitment_due_at < run.as_of
        and run.commitment_due_on >= review.window_start
        and run.commitment_due_on < review.window_end
    group by proposed.commitment_id

)

select
    proposed.*,
    expected.expected_rate
from proposed
inner join expected on proposed.commitment_id = expected.commitment_id
where
    proposed.limit_seconds is not null
    -- Runs that were cancelled within today's limit may have been past a tighter one.
    and (proposed.recommendation = 'mend' or expected.expected_rate >= proposed.aimed_rate)
