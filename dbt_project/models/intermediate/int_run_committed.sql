-- Every run with its owner and the commitment it is held to: the ones in force when it started, not today's.
select
    run.run_id,
    run.scope,
    run.source_system,
    run.work_order_id,
    run.process,
    run.node,
    run.visit,
    run.segment,
    run.service_level,
    run.location,
    run.priority,
    run.started_us,
    run.ended_us,
    run.reported_status,
    run.promised_us,
    run.changed_us,
    run.work_order_url,
    run.is_end_estimated,
    coalesce(run.department, term.department) as department,
    coalesce(run.position, term.position) as position,
    coalesce(term.process_name, run.process) as process_name,
    coalesce(term.node_name, run.node) as node_name,
    term.node_order,
    term.is_process_listed,
    term.is_node_listed,
    term.commitment_id,
    term.calendar,
    {%- for limit in ['commitment', 'tolerance'] %}
    term.{{ limit }}_limit_kind,
    term.{{ limit }}_term_us,
    term.{{ limit }}_limit_days,
    term.{{ limit }}_limit_clock{{ ',' if not loop.last }}
    {%- endfor %}
from {{ ref('int_run') }} as run
left join {{ ref('int_term') }} as term
    on
        run.process = term.process
        and run.node is not distinct from term.node
        and run.segment is not distinct from term.segment
        and run.service_level is not distinct from term.service_level
        and run.location is not distinct from term.location
        and run.priority is not distinct from term.priority
        and run.started_us >= term.from_us
        and run.started_us < term.to_us
