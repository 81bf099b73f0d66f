with bounds as (

    select
        min(review.window_start) as window_start,
        min(review.window_end) as window_end,
        min(business_day.from_us) as from_us,
        max(business_day.to_us) as to_us
    from {{ ref('int_review_window') }} as review
    inner join {{ ref('stg_business_day') }} as business_day
        on business_day.day >= review.window_start and business_day.day < review.window_end

),

transition as (

    select
        bounds.window_start,
        bounds.window_end,
        passage.process,
        passage.from_node,
        passage.node as to_node,
        passage.is_hand_over,
        passage.free_us > passage.started_us as is_side_by_side,
        greatest(0, passage.started_us - passage.free_us) as wall_us,
        case
            when passage.free_us >= passage.started_us and passage.calendar is not null then 0
            else
                {{ worked('passage.calendar', 'passage.started_us', 'at_start') }}
                - {{ worked('passage.calendar', 'passage.free_us', 'at_free') }}
        end as waiting_us
    from {{ ref('int_passage') }} as passage
    inner join bounds on passage.started_us >= bounds.from_us and passage.started_us < bounds.to_us
    {{ at_slot('at_start', 'passage.calendar', 'passage.started_us') }}
    {{ at_slot('at_free', 'case when passage.free_us < passage.started_us then passage.calendar end', 'passage.free_us') }}
    where passage.from_run_id is not null

),

summed as (

    select
        window_start,
        window_end,
        process,
        from_node,
        to_node,
        count(*) as transitions,
        count(waiting_us) as measured_transitions,
        count(*) filter (where is_side_by_side) as side_by_side,
        count(*) filter (where is_hand_over) as hand_overs
        {%- for name in ['waiting', 'wall'] %}
        {%- for share in ['50', '90'] %},
        {{ percentile(name ~ '_us', '0.' ~ share) }} as {{ name }}_p{{ share }}_us
        {%- endfor %}
        {%- endfor %}
    from transition
    group by all

)

select
    summed.window_start,
    summed.window_end,
    summed.process,
    coalesce(process.process_name, summed.process) as process_name,
    summed.from_node,
    coalesce(from_node.node_name, summed.from_node) as from_node_name,
    summed.to_node,
    coalesce(to_node.node_name, summed.to_node) as to_node_name,
    summed.transitions,
    summed.measured_transitions,
    summed.side_by_side,
    summed.hand_overs,
    {{ share('summed.hand_overs', 'summed.transitions') }} as hand_over_share,
    {{ seconds('summed.waiting_p50_us') }} as waiting_p50_seconds,
    {{ seconds('summed.waiting_p90_us') }} as waiting_p90_seconds,
    {{ seconds('summed.wall_p50_us') }} as waiting_wall_p50_seconds,
    {{ seconds('summed.wall_p90_us') }} as waiting_wall_p90_seconds
from summed
left join {{ ref('stg_process') }} as process on summed.process = process.process
left join {{ ref('stg_node') }} as from_node on summed.process = from_node.process and summed.from_node = from_node.node
left join {{ ref('stg_node') }} as to_node on summed.process = to_node.process and summed.to_node = to_node.node
