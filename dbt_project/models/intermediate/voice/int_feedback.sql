{{ config(materialized='table') }}
-- What customers had said by as_of, beside the passage that it is about: of the process that it names, else of any process
-- of the work order; the one begun last by then. Ratings are between 0 and 1, expectations in working time of the passage.
{%- set expects_us = 'cast(said.value * 3600000000 as bigint)' %}
with said as (

    select
        key_hash,
        work_order_id,
        process,
        at_us,
        kind,
        value,
        unit,
        scale,
        worst
    from ({{ latest_version(ref('stg_feedback')) }})
    where at_us < {{ as_of() }}

),

-- An inner join, as an outer one that also compares processes would be a nested loop.
about as (

    select
        said.key_hash,
        run.run_id,
        run.process,
        run.segment,
        run.calendar,
        run.commitment_limit_seconds,
        {{ microseconds('run.started_at') }} as started_us,
        row_number() over (
            partition by said.key_hash
            order by
                case when {{ microseconds('run.started_at') }} <= said.at_us then run.started_at end desc nulls last,
                run.started_at,
                run.run_id
        ) as preference
    from said
    inner join {{ ref('fct_run') }} as run on said.work_order_id = run.work_order_id
    where run.scope = 'process' and (said.process is null or said.process = run.process)

)

select
    said.kind,
    coalesce(run.process, said.process) as process,
    said.work_order_id,
    run.run_id,
    run.segment,
    said.at_us,
    business_day.day as said_on,
    run.commitment_limit_seconds,
    case when said.kind = 'rating' then cast((said.value - said.worst) / (said.scale - said.worst) as decimal(18, 9)) end
        as satisfaction,
    case
        when said.kind <> 'expectation' then null
        when said.unit = 'working_hours' then {{ expects_us }}
        else {{ worked('run.calendar', 'run.started_us + ' ~ expects_us, 'at_end') }}
            - {{ worked('run.calendar', 'run.started_us', 'at_start') }}
    end as expected_us
from said
inner join {{ ref('stg_business_day') }} as business_day
    on
        {{ slot('said.at_us', day_us()) }} = business_day.slot_day
        and said.at_us >= business_day.from_us
        and said.at_us < business_day.to_us
left join about as run on said.key_hash = run.key_hash and run.preference = 1
{{ at_slot('at_start', "case when said.kind = 'expectation' then run.calendar end", 'run.started_us') }}
{{ at_slot('at_end', "case when said.kind = 'expectation' then run.calendar end", 'run.started_us + ' ~ expects_us) }}
