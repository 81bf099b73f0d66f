{%- set key = ['indicator', 'grain', 'period_start'] %}
with period as (

    select * from {{ ref('int_indicator_period') }}

),

-- What counts for an indicator in a period, by the day on which it counts.
counted as (

    select
        {% for name in key %}period.{{ name }}, {% endfor %}
        period.kind,
        period.measure,
        period.within_us,
        period.is_by_segment,
        run.segment,
        run.is_cancelled,
        run.took_us,
        run.so_far_us,
        run.is_right,
        cast(null as decimal(18, 9)) as satisfaction,
        cast(0 as bigint) as complaints
    from {{ ref('int_indicator_run') }} as run
    inner join {{ ref('int_day_period') }} as day_period on run.day = day_period.day
    inner join period
        on
            day_period.grain = period.grain
            and day_period.period_start = period.period_start
            and run.kind = period.kind
            and run.process = period.process
            and run.node is not distinct from period.node

    union all

    select
        {% for name in key %}period.{{ name }}, {% endfor %}
        period.kind,
        period.measure,
        period.within_us,
        period.is_by_segment,
        feedback.segment,
        false as is_cancelled,
        cast(null as bigint) as took_us,
        cast(null as bigint) as so_far_us,
        cast(null as boolean) as is_right,
        feedback.satisfaction,
        cast(1 as bigint) as complaints
    from {{ ref('int_feedback') }} as feedback
    inner join {{ ref('int_day_period') }} as day_period on feedback.said_on = day_period.day
    inner join period
        on
            day_period.grain = period.grain
            and day_period.period_start = period.period_start
            and feedback.process = period.process
            and case feedback.kind when 'rating' then 'satisfaction' when 'complaint' then 'complaints' end = period.kind

    union all

    select
        {% for name in key %}age.{{ name }}, {% endfor %}
        period.kind,
        period.measure,
        period.within_us,
        period.is_by_segment,
        age.segment,
        false as is_cancelled,
        age.age_us as took_us,
        age.age_us as so_far_us,
        cast(null as boolean) as is_right,
        cast(null as decimal(18, 9)) as satisfaction,
        cast(0 as bigint) as complaints
    from {{ ref('int_backlog_age') }} as age
    inner join period
        on
            age.indicator = period.indicator
            and age.grain = period.grain
            and age.period_start = period.period_start
    where age.age_us is not null

),

by_segment as (

    select *, '(all)' as of_segment
    from counted

    union all

    select *, coalesce(segment, '(none)') as of_segment
    from counted
    where is_by_segment

),

summed as (

    select
        {{ key | join(', ') }},
        of_segment as segment,
        kind,
        measure,
        case
            when measure = 'share_within' then count(case when took_us <= within_us then 1 end)
            when measure = 'mean' then {{ seconds('sum(cast(took_us as decimal(24, 0)))') }}
            when kind = 'first_time_right' then count(case when is_right then 1 end)
            when kind = 'satisfaction' then cast(sum(satisfaction) as double)
            when kind = 'complaints' then sum(complaints)
        end as numerator,
        case
            -- Decided: done, or past its time; one withdrawn before that is out.
            when measure = 'share_within' then count(case when took_us is not null or so_far_us > within_us then 1 end)
            when kind = 'complaints' then count(*) - sum(complaints)
            else count(case when took_us is not null or not is_cancelled then 1 end)
        end as denominator,
        case when kind in ('response_time', 'resolution_time') then
            count(case
                when took_us is null and not is_cancelled and (measure = 'median' or so_far_us <= within_us) then 1
            end)
        end as undecided,
        -- What is not done yet takes longer than anything that is: the middle may be unknown.
        {{ percentile("case when measure = 'median' and (took_us is not null or not is_cancelled) then coalesce(took_us, " ~ forever() ~ ") end", 0.5) }}
            as median_us
    from by_segment
    group by {{ key | join(', ') }}, of_segment, kind, measure

),

valued as (

    select
        {{ key | join(', ') }},
        segment,
        numerator,
        denominator,
        case
            when measure = 'median' and median_us < {{ forever() }} / 4 then {{ seconds('median_us') }}
            when measure = 'median' then null
            when kind = 'complaints' then 1000 * {{ share('numerator', 'denominator') }}
            else {{ share('numerator', 'denominator') }}
        end as value,
        undecided
    from summed

    union all

    select
        {{ key | join(', ') }},
        '(all)' as segment,
        {{ seconds('available_us') }} as numerator,
        {{ seconds('wanted_us') }} as denominator,
        {{ share('available_us', 'wanted_us') }} as value,
        cast(null as bigint) as undecided
    from {{ ref('int_availability') }}

),

cell as (

    select {{ key | join(', ') }}, '(all)' as segment
    from period
    union
    select {{ key | join(', ') }}, segment
    from valued

),

-- What some source has ever delivered of a process; outages of one are known where any are.
source as (

    select distinct
        case kind when 'rating' then 'satisfaction' when 'complaint' then 'complaints' end as kind,
        process
    from {{ ref('int_feedback') }}

),

outages as (

    select count(*) as entities
    from {{ ref('stg_entity') }}
    where shape = 'outages'

),

said as (

    select
        period.*,
        cell.segment,
        case
            when period.kind = 'availability' and outages.entities = 0 then 'no source delivers outages'
            when period.kind = 'availability' and valued.value is null then 'beyond the horizon of its calendar'
            when period.kind = 'satisfaction' and source.kind is null then 'no source delivers ratings'
            when period.kind = 'complaints' and source.kind is null then 'no source delivers complaints'
            when coalesce(valued.denominator, 0) = 0 then 'nothing to measure'
            when valued.value is null then 'more than half are not done yet'
            else 'measured'
        end as status,
        valued.numerator,
        valued.denominator,
        valued.value,
        valued.undecided
    from cell
    inner join period
        on
            cell.indicator = period.indicator
            and cell.grain = period.grain
            and cell.period_start = period.period_start
    left join valued
        on
            cell.indicator = valued.indicator
            and cell.grain = valued.grain
            and cell.period_start = valued.period_start
            and cell.segment = valued.segment
    left join source on period.process = source.process and period.kind = source.kind
    cross join outages

)

select
    said.indicator,
    said.indicator_name,
    cast(said.indicator_order as integer) as indicator_order,
    said.kind,
    said.measure,
    said.grain,
    said.period_start,
    said.period_end,
    said.is_complete,
    said.process,
    coalesce(process.process_name, said.process) as process_name,
    said.node,
    said.segment,
    said.status,
    cast(case when said.status = 'measured' then said.numerator end as double) as numerator,
    cast(case when said.status not like 'no source%' then coalesce(said.denominator, 0) end as double) as denominator,
    case when said.status = 'measured' then said.value end as value,
    said.unit,
    said.target,
    said.is_higher_better,
    case
        when said.status <> 'measured' then null
        when said.is_higher_better then said.value >= said.target
        else said.value <= said.target
    end as is_target_met,
    said.undecided
from said
left join {{ ref('stg_process') }} as process on said.process = process.process
