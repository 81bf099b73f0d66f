with reviewed as (

    select
        *,
        cast(kept as varchar) || ' of ' || cast(due as varchar) || ' due runs were kept ('
        || {{ spoken_rate('kept / cast(nullif(due, 0) as double)') }} || ')' as figures
    from {{ ref('int_commitment_reviewed') }}

),

owned as (

    select process, cast(null as varchar) as node, department
    from {{ ref('dim_process') }}

    union all

    select process, node, department
    from {{ ref('dim_node') }}

)

select
    reviewed.commitment_id,
    reviewed.window_start,
    reviewed.window_end,
    case when reviewed.node is null then 'process' else 'node' end as scope,
    reviewed.process,
    reviewed.node,
    coalesce(process.process_name, reviewed.process) as process_name,
    coalesce(node.node_name, reviewed.node) as node_name,
    nullif(
        concat_ws(
            ', '
            {%- for qualifier in ['segment', 'service_level', 'location', 'priority'] %},
            '{{ qualifier }}=' || reviewed.{{ qualifier }}
            {%- endfor %}
        ),
        ''
    ) as qualifiers,
    owned.department,
    reviewed.calendar,
    {%- for limit in ['commitment', 'tolerance'] %}
    reviewed.{{ limit }}_limit,
    case when reviewed.{{ limit }}_limit_kind = 'time' then {{ seconds('reviewed.' ~ limit ~ '_limit_us') }} end
        as {{ limit }}_limit_seconds,
    {%- endfor %}
    cast(reviewed.due as bigint) as due,
    cast(reviewed.kept as bigint) as kept,
    reviewed.achievement_rate,
    reviewed.rate_low,
    reviewed.rate_high,
    cast(reviewed.tolerance_due as bigint) as tolerance_due,
    cast(reviewed.tolerated as bigint) as tolerated,
    reviewed.tolerance_rate,
    reviewed.target_rate,
    reviewed.recommendation,
    case reviewed.recommendation
        when 'not_enough_data'
            then cast(reviewed.due as varchar) || ' of the ' || cast(reviewed.minimum_runs as varchar)
            || ' due runs that are needed to say anything.'
        when 'uncertain'
            then reviewed.figures || ', and the interval from ' || {{ spoken_rate('reviewed.rate_low') }} || ' to '
            || {{ spoken_rate('reviewed.rate_high', 'ceil') }} || ' contains '
            || concat_ws(
                ' and ',
                case when reviewed.is_raise_at_open then 'the ' || {{ spoken_threshold('reviewed.raise_at') }} || ' to raise at' end,
                case when reviewed.is_mend_below_open then 'the ' || {{ spoken_threshold('reviewed.mend_below') }} || ' to mend below' end
            )
            || coalesce('; it takes ' || cast(reviewed.runs_needed as varchar) || ' more at this rate to settle it', '')
            || '.'
        when 'mend'
            then reviewed.figures || ', fewer than ' || {{ spoken_threshold('reviewed.mend_below') }} || '; '
            || case
                when reviewed.commitment_limit_kind <> 'time'
                    then 'its limit (' || reviewed.commitment_limit || ') is no length of time, so none is proposed'
                when proposed.limit_seconds is null
                    then 'fewer than ' || {{ spoken_threshold('coalesce(reviewed.target_rate, reviewed.raise_at)') }}
                    || ' of the runs were completed at all'
                else {{ spoken_threshold('proposed.aimed_rate') }} || ' are done within '
                    || {{ spoken_duration('proposed.limit_seconds') }} || ' of working time, where '
                    || reviewed.commitment_limit || ' is committed'
            end
            || coalesce('; begin with ' || coalesce(mended_node.node_name, to_mend.node), '') || '.'
        when 'watch'
            then reviewed.figures || ', below the target of ' || {{ spoken_threshold('reviewed.target_rate') }} || '.'
        when 'raise'
            then reviewed.figures || ', at least ' || {{ spoken_threshold('reviewed.raise_at') }} || '; '
            || case
                when reviewed.commitment_limit_kind <> 'time'
                    then 'its limit (' || reviewed.commitment_limit || ') is no length of time, so none is proposed'
                when proposed.limit_seconds is null
                    then 'that ' || {{ spoken_threshold('coalesce(reviewed.target_rate, reviewed.raise_at)') }}
                    || ' would keep a tighter limit than ' || reviewed.commitment_limit || ' is not sure enough'
                else 'with 95 % confidence ' || {{ spoken_threshold('proposed.aimed_rate') }} || ' are done within '
                    || {{ spoken_duration('proposed.limit_seconds') }} || ' of working time, where '
                    || reviewed.commitment_limit || ' is committed'
            end || '.'
        else reviewed.figures || ', '
            || coalesce('the target of ' || {{ spoken_threshold('reviewed.target_rate') }} || ' is met', 'no target is set')
            || ', and it is less than the ' || {{ spoken_threshold('reviewed.raise_at') }} || ' to raise at.'
    end as reason,
    proposed.limit_seconds as proposed_commitment_limit_seconds,
    proposed.tolerance_seconds as proposed_tolerance_limit_seconds,
    proposed.expected_rate,
    reviewed.runs_needed,
    to_mend.node as node_to_mend
from reviewed
left join {{ ref('int_limit_proposed') }} as proposed on reviewed.commitment_id = proposed.commitment_id
left join {{ ref('int_node_to_mend') }} as to_mend on reviewed.commitment_id = to_mend.commitment_id
left join {{ ref('stg_process') }} as process on reviewed.process = process.process
left join {{ ref('stg_node') }} as node on reviewed.process = node.process and reviewed.node = node.node
left join {{ ref('stg_node') }} as mended_node
    on reviewed.process = mended_node.process and to_mend.node = mended_node.node
left join owned on reviewed.process = owned.process and coalesce(reviewed.node, '') = coalesce(owned.node, '')
