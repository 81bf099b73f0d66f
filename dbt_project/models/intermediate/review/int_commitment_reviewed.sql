{{ config(materialized='table') }}
-- What each commitment came to in the review window, and the first rule that applies. Those in force without a run that
-- fell due are there too.
{%- set thresholds = ['raise_at', 'mend_below'] %}
with judged as (

    select
        commitment_id,
        count(*) as due,
        count(*) filter (where is_kept) as kept
    from {{ ref('int_reviewed_run') }}
    group by commitment_id

),

tolerance as (

    select
        run.commitment_id,
        count(*) as tolerance_due,
        count(*) filter (where run.reported_status = 'completed' and run.is_within_tolerance) as tolerated
    from {{ ref('fct_run') }} as run
    cross join {{ ref('int_review_window') }} as review
    where
        run.state is not null
        and run.tolerance_due_at < run.as_of
        and run.tolerance_due_at >= {{ instant('review.window_from_us') }}
        and run.tolerance_due_at < {{ instant('review.window_to_us') }}
        and (run.reported_status = 'completed' or run.tolerance_overrun_seconds > 0)
    group by run.commitment_id

),

counted as (

    select
        commitment.*,
        review.window_start,
        review.window_end,
        organisation.minimum_runs,
        organisation.raise_at,
        organisation.mend_below,
        coalesce(judged.due, 0) as due,
        coalesce(judged.kept, 0) as kept,
        coalesce(tolerance.tolerance_due, 0) as tolerance_due,
        coalesce(tolerance.tolerated, 0) as tolerated
    from {{ ref('stg_commitment') }} as commitment
    cross join {{ ref('int_review_window') }} as review
    cross join {{ ref('stg_organisation') }} as organisation
    left join judged on commitment.commitment_id = judged.commitment_id
    left join tolerance on commitment.commitment_id = tolerance.commitment_id
    where
        review.window_start is not null
        and (
            judged.due > 0
            or tolerance.tolerance_due > 0
            or (
                coalesce(commitment.valid_from_us, {{ always() }}) < review.window_to_us
                and coalesce(commitment.valid_to_us, {{ forever() }}) > review.window_from_us
            )
        )

),

rated as (

    select
        *,
        {{ share('kept', 'due') }} as achievement_rate,
        {{ wilson('kept', 'due', '-') }} as rate_low,
        {{ wilson('kept', 'due', '+') }} as rate_high,
        {{ share('tolerated', 'tolerance_due') }} as tolerance_rate
    from counted

),

compared as (

    select
        *
        {%- for threshold in thresholds %},
        coalesce(rate_low <= {{ threshold }} and rate_high >= {{ threshold }}, false) as is_{{ threshold }}_open,
        -- The score interval contains a rate t as long as n (rate - t)² <= z² t (1 - t).
        floor(
            3.841458820694124 * {{ threshold }} * (1 - {{ threshold }})
            / nullif((achievement_rate - {{ threshold }}) * (achievement_rate - {{ threshold }}), 0)
        ) + 1 as runs_to_{{ threshold }}
        {%- endfor %}
    from rated

),

recommended as (

    select
        *,
        case
            when due < minimum_runs then 'not_enough_data'
            when is_raise_at_open or is_mend_below_open then 'uncertain'
            when achievement_rate < mend_below then 'mend'
            when achievement_rate < target_rate then 'watch'
            when achievement_rate >= raise_at then 'raise'
            else 'keep'
        end as recommendation
    from compared

)

select
    *,
    case
        when recommendation = 'uncertain' and achievement_rate <> raise_at and achievement_rate <> mend_below
            then cast(
                greatest(
                    due + 1
                    {%- for threshold in thresholds %},
                    case when is_{{ threshold }}_open then runs_to_{{ threshold }} else 0 end
                    {%- endfor %}
                ) as bigint
            ) - due
    end as runs_needed
from recommended
