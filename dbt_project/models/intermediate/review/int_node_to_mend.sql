-- Where mending begins: of a node's commitment the node; of a process's, the node that overran its own commitments by the
-- most working time in the process runs that were late.
with mended as (

    select commitment_id, process, node
    from {{ ref('int_commitment_reviewed') }}
    where recommendation = 'mend'

),

late as (

    select distinct
        run.commitment_id,
        run.process,
        run.work_order_id
    from {{ ref('int_reviewed_run') }} as run
    inner join mended on run.commitment_id = mended.commitment_id
    where run.scope = 'process' and not run.is_kept

),

overrun as (

    select
        late.commitment_id,
        run.node,
        -- A sum of doubles depends on its order, which no engine promises.
        sum(cast(run.commitment_overrun_seconds as decimal(18, 6))) as overrun_seconds
    from late
    inner join {{ ref('fct_run') }} as run on late.process = run.process and late.work_order_id = run.work_order_id
    where run.scope = 'node' and run.commitment_overrun_seconds > 0
    group by late.commitment_id, run.node

),

longest as (

    select
        *,
        row_number() over (partition by commitment_id order by overrun_seconds desc, node) as nth
    from overrun

)

select commitment_id, node
from mended
where node is not null

union all

select commitment_id, node
from longest
where nth = 1
