{{ config(materialized='table') }}
-- Under which circumstances each run of the review window began and went.
with hand_over as (

    select
        run.run_id,
        count(*) filter (where passage.is_hand_over) as hand_overs
    from {{ ref('int_reviewed_run') }} as run
    inner join {{ ref('int_passage') }} as passage
        on run.process = passage.process and run.work_order_id = passage.work_order_id
    where run.scope = 'process'
    group by run.run_id

)

select
    run.scope,
    run.process,
    run.is_kept,
    {%- for dimension in ['node', 'department', 'segment', 'service_level', 'location', 'priority'] %}
    coalesce(run.{{ dimension }}, '(none)') as {{ dimension }},
    {%- endfor %}
    case started.date_day
        {%- for day in ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'] %}
        when cast(started.week_start + interval '{{ loop.index0 }} days' as date) then '{{ day }}'
        {%- endfor %}
    end as weekday,
    -- Hours since the day began: on the day of a change of clocks one more or less than the clock says.
    case {{ slot(microseconds('run.started_at') ~ ' - ' ~ microseconds('started.begins_at'), 14400000000) }}
        when 0 then '00:00-04:00'
        when 1 then '04:00-08:00'
        when 2 then '08:00-12:00'
        when 3 then '12:00-16:00'
        when 4 then '16:00-20:00'
        else '20:00-24:00'
    end as hour,
    coalesce(load_by_day.load, 'none') as load,
    case
        when hand_over.hand_overs = 0 then '0'
        when hand_over.hand_overs = 1 then '1'
        when hand_over.hand_overs = 2 then '2'
        when hand_over.hand_overs is not null then '3 or more'
        else '(none)'
    end as hand_overs
from {{ ref('int_reviewed_run') }} as run
inner join {{ ref('dim_date') }} as started on run.started_on = started.date_day
left join {{ ref('int_load_by_day') }} as load_by_day
    on
        run.scope = load_by_day.scope
        and run.process = load_by_day.process
        and coalesce(run.node, '(all)') = load_by_day.node
        and run.started_on = load_by_day.day
left join hand_over on run.run_id = hand_over.run_id
