{%- set positions = {'reached': 'lasted', 'commitment': 'commitment_at', 'tolerance': 'tolerance_at'} %}
{%- set kind = ['scope', 'process', 'node', 'stay', 'segment', 'service_level', 'priority', 'load'] %}
with run as (

    select *
    from {{ ref('int_like_run') }}
    where is_open and is_latest

),

likely as (

    select
        run.run_id,
        run.node as reached_node,
        reached.like_runs,
        reached.is_known,
        {%- for curve, position in positions.items() %}
        {{ curve }}.survival_before
        + (run.{{ position }} + 1 - {{ curve }}.bin) * ({{ curve }}.survival - {{ curve }}.survival_before)
            as {{ curve }}_survival,
        {%- endfor %}
        greatest(reached.half_bin - run.lasted, 0) / 64 as left_share
    from run
    {%- for curve, position in positions.items() %}
    left join {{ ref('int_survival') }} as {{ curve }}
        on
            cast(ceil(run.{{ position }}) as integer) = {{ curve }}.bin
            {%- for key in kind %}
            and run.{{ key }} = {{ curve }}.{{ key }}
            {%- endfor %}
    {%- endfor %}

),

judged as (

    select
        run.*,
        likely.like_runs,
        case when run.scope = 'process' then nullif(likely.reached_node, '(none)') end as reached_node,
        run.elapsed_seconds > run.commitment_limit_seconds as is_already_late,
        {%- for limit, probability in [('commitment', 'breach_probability'), ('tolerance', 'tolerance_breach_probability')] %}
        case
            when run.elapsed_seconds > run.{{ limit }}_limit_seconds then 1
            when likely.is_known then least(1, likely.{{ limit }}_survival / likely.reached_survival)
        end as {{ probability }},
        {%- endfor %}
        -- Nobody knows when an open pause ends.
        case
            when likely.is_known and paused.elapsed_at_open_pause_us is null
                then cast(round(likely.left_share * run.commitment_limit_seconds * 1000000) as bigint)
        end as left_us
    from {{ ref('fct_run') }} as run
    left join likely on run.run_id = likely.run_id
    left join {{ ref('int_run_paused') }} as paused on run.run_id = paused.run_id
    where run.is_open and run.state is not null

),

placed as (

    select
        run.*,
        {{ worked('run.calendar', as_of(), 'at_now') }} + run.left_us as end_target_us
    from judged as run
    {{ at_slot('at_now', 'run.calendar', as_of()) }}

),

valued as (

    select
        run.*,
        case
            when run.left_us = 0 then {{ as_of() }}
            when run.calendar = '24x7' then run.end_target_us
            else end_slot.instant_us + run.end_target_us - end_slot.after_us
        end as expected_end_us,
        commitment.penalty_per_breach,
        -- What is late already cannot be saved.
        case when run.is_already_late then 0 else run.breach_probability end
        * case
            when commitment.penalty_cap < commitment.penalty_per_breach then commitment.penalty_cap
            else commitment.penalty_per_breach
        end as penalty_at_stake,
        case when run.is_already_late then run.tolerance_breach_probability else run.breach_probability end
            as next_probability,
        case when run.is_already_late then run.seconds_to_tolerance else run.seconds_to_commitment end as seconds_to_next
    from placed as run
    left join {{ ref('stg_commitment') }} as commitment on run.commitment_id = commitment.commitment_id
    {{ at_working_slot('end_slot', 'run.calendar', 'run.end_target_us') }}

)

select
    cast(row_number() over (
        order by
            run.is_already_late,
            coalesce(run.penalty_at_stake, 0) desc,
            run.next_probability desc nulls last,
            run.seconds_to_next < 0,
            run.seconds_to_next,
            run.run_id
    ) as bigint) as stake_rank,
    run.run_id,
    run.scope,
    run.source_system,
    run.work_order_id,
    run.process,
    run.process_name,
    run.node,
    run.node_name,
    run.visit,
    run.reached_node,
    coalesce(node.node_name, run.reached_node) as reached_node_name,
    run.department,
    run.position,
    run.segment,
    run.service_level,
    run.location,
    run.priority,
    run.commitment_id,
    run.started_at,
    run.elapsed_seconds,
    run.commitment_limit_seconds,
    run.tolerance_limit_seconds,
    run.seconds_to_commitment,
    run.commitment_due_at,
    run.tolerance_due_at,
    run.is_already_late,
    run.breach_probability,
    run.tolerance_breach_probability,
    run.like_runs,
    {{ instant('run.expected_end_us') }} as expected_end_at,
    run.penalty_per_breach,
    run.penalty_at_stake,
    run.is_provisional,
    run.work_order_url,
    run.as_of
from valued as run
left join {{ ref('dim_node') }} as node on run.process = node.process and run.reached_node = node.node
