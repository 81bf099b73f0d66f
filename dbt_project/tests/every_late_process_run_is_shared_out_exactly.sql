-- Departments hold the time of each late process run of the review window to the microsecond, and none is left out.
select
    late.run_id,
    late.elapsed_seconds,
    shared.held_us
from {{ ref('int_reviewed_run') }} as late
left join (
    select run_id, sum(cast(round(held_seconds * 1000000) as bigint)) as held_us
    from {{ ref('responsibility_share') }}
    group by run_id
) as shared on late.run_id = shared.run_id
where
    late.scope = 'process'
    and not late.is_kept
    and cast(round(late.elapsed_seconds * 1000000) as bigint) is distinct from shared.held_us
