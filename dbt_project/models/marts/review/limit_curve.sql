-- In hundredths of today's limit; closer together where a limit is likely to go.
{%- set percents = [10, 20, 25, 30, 40, 50, 60, 70, 75, 80, 85, 90, 95, 100, 105, 110, 120, 125, 130, 140, 150, 175, 200,
                    250, 300, 400] %}
with run as (

    select
        run.commitment_id,
        run.reported_status,
        cast(round(run.elapsed_seconds * 1000000) as bigint) * 100 as elapsed,
        cast(round(run.commitment_limit_seconds * 1000000) as bigint) as commitment_limit,
        run.tolerance_overrun_seconds = 0 as is_within_tolerance,
        review.window_start,
        review.window_end
    from {{ ref('fct_run') }} as run
    cross join {{ ref('int_review_window') }} as review
    where
        run.state is not null
        and run.commitment_due_at < run.as_of
        and run.commitment_due_on >= review.window_start
        and run.commitment_due_on < review.window_end

),

-- Of each run the tightest limit of the grid that holds it: one pass over the runs, exact in whole microseconds.
placed as (

    select
        commitment_id,
        window_start,
        window_end,
        reported_status,
        is_within_tolerance,
        case
            {%- for percent in percents %}
            when elapsed <= commitment_limit * {{ percent }} then {{ percent }}
            {%- endfor %}
        end as within_percent,
        count(*) as runs
    from run
    group by all

),

grid as (
    {% for percent in percents %}
    select {{ percent }} as percent, '{{ 'commitment' if percent == 100 else 'grid' }}' as limit_kind
    union all
    {%- endfor %}
    select cast(null as integer) as percent, 'tolerance' as limit_kind

),

judged as (

    select
        placed.commitment_id,
        placed.window_start,
        placed.window_end,
        placed.reported_status,
        placed.runs,
        grid.limit_kind,
        grid.percent,
        case
            when grid.limit_kind = 'tolerance' then placed.is_within_tolerance
            else coalesce(placed.within_percent <= grid.percent, false)
        end as is_within
    from placed
    cross join grid

),

counted as (

    select
        commitment_id,
        window_start,
        window_end,
        limit_kind,
        percent,
        cast(sum(case when reported_status = 'completed' or not is_within then runs else 0 end) as bigint) as due,
        cast(sum(case when reported_status = 'completed' and is_within then runs else 0 end) as bigint) as kept,
        cast(sum(case when reported_status = 'in_progress' and is_within then runs else 0 end) as bigint) as undecided
    from judged
    group by all

)

select
    counted.commitment_id,
    counted.window_start,
    counted.window_end,
    counted.limit_kind,
    coalesce(
        counted.percent / cast(100 as double),
        case
            when commitment.commitment_limit_kind = 'time' and commitment.tolerance_limit_kind = 'time'
                then {{ share('commitment.tolerance_limit_us', 'commitment.commitment_limit_us') }}
        end
    ) as limit_share,
    case
        when counted.limit_kind <> 'tolerance' and commitment.commitment_limit_kind = 'time'
            then {{ seconds('commitment.commitment_limit_us * counted.percent / cast(100 as double)') }}
        when counted.limit_kind = 'tolerance' and commitment.tolerance_limit_kind = 'time'
            then {{ seconds('commitment.tolerance_limit_us') }}
    end as limit_seconds,
    counted.due,
    counted.kept,
    counted.undecided,
    {{ share('counted.kept', 'counted.due') }} as achievement_rate,
    {{ wilson('counted.kept', 'counted.due', '-') }} as rate_low,
    {{ wilson('counted.kept', 'counted.due', '+') }} as rate_high
from counted
inner join {{ ref('stg_commitment') }} as commitment on counted.commitment_id = commitment.commitment_id
