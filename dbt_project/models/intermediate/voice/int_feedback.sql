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

placed as (

    select
        said.*,
        run.run_id,
        run.process as process_of_run,
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
    left join {{ ref('fct_run') }} as run
        on
            said.work_order_id = run.work_order_id
            and coalesce(said.process = run.process, true)
            and run.scope = 'process'

)

select
    said.kind,
    coalesce(said.process_of_run, said.process) as process,
    said.work_order_id,
    said.run_id,
    said.segment,
    said.at_us,
    business_day.day as said_on,
    said.commitment_limit_seconds,
    case when said.kind = 'rating' then cast((said.value - said.worst) / (said.scale - said.worst) as decimal(18, 9)) end
        as satisfaction,
    case
        when said.kind <> 'expectation' then null
        when said.unit = 'working_hours' then {{ expects_us }}
        else {{ worked('said.calendar', 'said.started_us + ' ~ expects_us, 'at_end') }}
            - {{ worked('said.calendar', 'said.started_us', 'at_start') }}
    end as expected_us
from placed as said
inner join {{ ref('stg_business_day') }} as business_day
    on
        {{ slot('said.at_us', day_us()) }} = business_day.slot_day
        and said.at_us >= business_day.from_us
        and said.at_us < business_day.to_us
{{ at_slot('at_start', "case when said.kind = 'expectation' then said.calendar end", 'said.started_us') }}
{{ at_slot('at_end', "case when said.kind = 'expectation' then said.calendar end", 'said.started_us + ' ~ expects_us) }}
where said.preference = 1
