{%- set key = ['grain', 'period_start', 'period_end', 'is_complete', 'process'] %}
with day_period as (

    select grain, day, period_start, period_end, is_complete
    from {{ ref('int_day_period') }}
    where grain in ('month', 'quarter')

    union all

    select 'review' as grain, month.day, review.window_start as period_start, review.window_end as period_end, true as is_complete
    from {{ ref('int_day_period') }} as month
    inner join {{ ref('int_review_window') }} as review
        on month.day >= review.window_start and month.day < review.window_end
    where month.grain = 'month'

),

due as (

    select
        run.process,
        run.commitment_due_on as day,
        run.commitment_id,
        run.reported_status = 'completed' as is_completed,
        run.reported_status = 'completed' and run.is_commitment_kept as is_kept,
        run.commitment_overrun_seconds,
        run.elapsed_seconds - run.commitment_limit_seconds as over_seconds
    from {{ ref('fct_run') }} as run
    where
        run.scope = 'process'
        and run.state is not null
        and run.commitment_due_at < run.as_of
        and (run.reported_status = 'completed' or run.commitment_overrun_seconds > 0)

),

-- Who says twice what they expect of a passage means the last.
expected as (

    select
        *,
        row_number() over (partition by run_id order by at_us desc, expected_us) as from_last
    from {{ ref('int_feedback') }}
    where kind = 'expectation' and commitment_limit_seconds is not null and expected_us is not null

),

satisfaction as (

    select run_id, avg(satisfaction) as satisfaction
    from {{ ref('int_feedback') }}
    where kind = 'rating' and run_id is not null
    group by run_id

),

-- What each work order falls short of, in the gaps that one work order alone can show.
fallen_short as (

    select
        1 as gap,
        process,
        said_on as day,
        commitment_limit_seconds > {{ seconds('expected_us') }} as is_concerned,
        commitment_limit_seconds - {{ seconds('expected_us') }} as short_seconds,
        cast(null as double) as satisfaction
    from expected
    where from_last = 1

    union all

    select
        3 as gap,
        process,
        day,
        not is_kept as is_concerned,
        commitment_overrun_seconds as short_seconds,
        cast(null as double) as satisfaction
    from due

    union all

    select
        4 as gap,
        promised.process,
        promised.promised_on as day,
        not promised.is_kept as is_concerned,
        {{ seconds('promised.late_us') }} as short_seconds,
        satisfaction.satisfaction
    from {{ ref('int_promised_run') }} as promised
    left join satisfaction on promised.run_id = satisfaction.run_id

),

of_work_orders as (

    select
        {% for name in key[:4] %}day_period.{{ name }}, {% endfor %}
        fallen_short.process,
        fallen_short.gap,
        count(*) as n,
        count(case when fallen_short.is_concerned then 1 end) as concerned,
        -- A sum of doubles depends on its order, which no engine promises.
        count(case when fallen_short.is_concerned then fallen_short.short_seconds end) as sized,
        sum(cast(case when fallen_short.is_concerned then fallen_short.short_seconds end as decimal(24, 6))) as short_seconds,
        {{ percentile('case when fallen_short.is_concerned then fallen_short.short_seconds end', 0.5) }} as median_seconds,
        {%- for outcome, condition in [('kept', 'not fallen_short.is_concerned'), ('broken', 'fallen_short.is_concerned')] %}
        count(case when {{ condition }} then fallen_short.satisfaction end) as ratings_{{ outcome }},
        sum(cast(case when {{ condition }} then fallen_short.satisfaction end as decimal(24, 9))) as sum_{{ outcome }}
        {{- ',' if not loop.last }}
        {%- endfor %}
    from fallen_short
    inner join day_period on fallen_short.day = day_period.day
    group by all

),

-- The standard: of each commitment, how much longer it would have to be for its target. Where the target was met there is
-- nothing to sort.
by_commitment as (

    select
        {% for name in key[:4] %}day_period.{{ name }}, {% endfor %}
        due.process,
        due.commitment_id,
        sum(due.due) as n,
        sum(due.kept) as kept,
        -- The fewest that make the rate; what a double adds to a whole number makes it no greater.
        cast(
            ceil(max(coalesce(commitment.target_rate, organisation.raise_at)) * sum(due.due) - 0.000001) as bigint
        ) as wanted
    from {{ ref('int_due_by_commitment') }} as due
    inner join day_period on due.day = day_period.day
    left join {{ ref('stg_commitment') }} as commitment on due.commitment_id = commitment.commitment_id
    cross join {{ ref('stg_organisation') }} as organisation
    where due.scope = 'process'
    group by all

),

missed as (

    select * from by_commitment
    where kept < wanted

),

in_order as (

    select
        missed.grain,
        missed.period_start,
        missed.commitment_id,
        missed.wanted,
        due.over_seconds,
        -- What is not done yet, or never was, takes longer than anything that is.
        row_number() over (
            partition by missed.grain, missed.period_start, missed.commitment_id
            order by due.is_completed desc, due.over_seconds
        ) as place
    from missed
    inner join day_period
        on missed.grain = day_period.grain and missed.period_start = day_period.period_start
    inner join due on missed.commitment_id = due.commitment_id and day_period.day = due.day

),

longer as (

    select grain, period_start, commitment_id, max(over_seconds) as short_seconds
    from in_order
    where place <= wanted
    group by grain, period_start, commitment_id

),

of_standards as (

    select
        {% for name in key %}by_commitment.{{ name }}, {% endfor %}
        2 as gap,
        cast(sum(by_commitment.n) as bigint) as n,
        cast(coalesce(sum(case when longer.short_seconds > 0 then by_commitment.n end), 0) as bigint) as concerned,
        sum(by_commitment.n * cast(case when longer.short_seconds > 0 then longer.short_seconds end as decimal(24, 6)))
            as short_seconds
    from by_commitment
    left join longer
        on
            by_commitment.grain = longer.grain
            and by_commitment.period_start = longer.period_start
            and by_commitment.commitment_id = longer.commitment_id
    group by all

),

measured as (

    select
        {{ key | join(', ') }},
        gap,
        n,
        concerned,
        sized,
        short_seconds,
        median_seconds,
        ratings_kept,
        ratings_broken,
        sum_kept,
        sum_broken
    from of_work_orders

    union all

    select
        {{ key | join(', ') }},
        gap,
        n,
        concerned,
        concerned as sized,
        short_seconds,
        cast(null as double) as median_seconds,
        cast(null as bigint) as ratings_kept,
        cast(null as bigint) as ratings_broken,
        cast(null as decimal(38, 9)) as sum_kept,
        cast(null as decimal(38, 9)) as sum_broken
    from of_standards

),

whole as (

    select distinct {{ key | join(', ') }}
    from measured

),

gap_name as (
    {% for name in ['expectation', 'standard', 'performance', 'promise'] %}
    select {{ loop.index }} as gap, '{{ name }}' as gap_name
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

-- What a process has ever had: else the row says that there is no source for it.
source as (

    select 1 as gap, process from {{ ref('int_feedback') }}
    where kind = 'expectation'
    union
    select 4 as gap, process from {{ ref('fct_run') }}
    where scope = 'process' and promised_at is not null

),

sized as (

    select
        {% for name in key %}whole.{{ name }}, {% endfor %}
        gap_name.gap,
        gap_name.gap_name,
        case
            when measured.n > 0 then 'measured'
            when gap_name.gap in (2, 3) then 'no commitment fell due'
            when source.gap is null and gap_name.gap = 1 then 'no source delivers expectations'
            when source.gap is null then 'no source delivers promises'
            when gap_name.gap = 1 then 'no expectation came'
            else 'no promised time came'
        end as status,
        coalesce(measured.n, 0) as n,
        measured.concerned,
        {{ share('measured.concerned', 'measured.n') }} as share,
        cast(measured.short_seconds as double) / nullif(measured.sized, 0) as size_seconds,
        measured.median_seconds,
        -- Of those whose size is not known nothing can be said, so they are taken to be like the others.
        case
            when measured.concerned = 0 then 0
            else cast(measured.short_seconds as double) / nullif(measured.sized, 0) * measured.concerned / measured.n
        end as size_per_work_order_seconds,
        {%- for outcome in ['kept', 'broken'] %}
        case when gap_name.gap = 4 then cast(measured.sum_{{ outcome }} as double) / nullif(measured.ratings_{{ outcome }}, 0) end
            as satisfaction_{{ outcome }},
        case when gap_name.gap = 4 then measured.ratings_{{ outcome }} end as ratings_{{ outcome }}
        {{- ',' if not loop.last }}
        {%- endfor %}
    from whole
    cross join gap_name
    left join measured
        on
            whole.grain = measured.grain
            and whole.period_start = measured.period_start
            and whole.process = measured.process
            and gap_name.gap = measured.gap
    left join source on whole.process = source.process and gap_name.gap = source.gap

)

select
    sized.grain,
    sized.period_start,
    sized.period_end,
    sized.is_complete,
    sized.process,
    coalesce(process.process_name, sized.process) as process_name,
    cast(sized.gap as integer) as gap,
    sized.gap_name,
    sized.status,
    sized.n,
    sized.concerned,
    sized.share,
    sized.size_seconds,
    sized.median_seconds,
    sized.size_per_work_order_seconds,
    sized.satisfaction_kept,
    sized.ratings_kept,
    sized.satisfaction_broken,
    sized.ratings_broken,
    coalesce(sized.size_per_work_order_seconds > 0, false)
    and row_number() over (
        partition by sized.grain, sized.period_start, sized.process
        order by sized.size_per_work_order_seconds desc nulls last, sized.gap
    ) = 1 as is_largest
from sized
left join {{ ref('stg_process') }} as process on sized.process = process.process
