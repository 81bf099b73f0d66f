{{ config(materialized='table') }}
-- How many runs of each kind lasted until each 64th of their limit, how many of them ended there, and of how many it is
-- known, or nearly, whether they kept their commitment.
select
    scope,
    process,
    node,
    stay,
    segment,
    service_level,
    priority,
    load,
    bin,
    count(*) as runs,
    count(*) filter (where is_ended) as ended,
    count(*) filter (where is_ended or bin > 64) as known
from {{ ref('int_like_run') }}
where is_recent
group by all
