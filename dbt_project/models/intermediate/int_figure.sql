-- The published figures of complete periods, of processes and of nodes.
{%- set counts = figure_counts() %}
select
    grain,
    period_start,
    'process' as scope,
    process,
    '(all)' as node,
    {{ counts | join(', ') }}
from {{ ref('achievement_by_process') }}
where is_complete

union all

select
    grain,
    period_start,
    'node' as scope,
    process,
    node,
    {{ counts | join(', ') }}
from {{ ref('achievement_by_node') }}
where is_complete
