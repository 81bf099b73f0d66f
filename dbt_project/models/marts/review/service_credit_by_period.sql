with subject as (

    select distinct
        commitment_id,
        process
    from {{ ref('stg_service_credit') }}

),

achieved as (

    select
        day_period.grain,
        day_period.period_start,
        day_period.period_end,
        day_period.is_complete,
        subject.commitment_id,
        subject.process,
        cast(sum(due.due) as bigint) as due,
        cast(sum(due.kept) as bigint) as kept
    from {{ ref('int_due_by_commitment') }} as due
    inner join subject
        on
            due.commitment_id = subject.commitment_id
            or (due.process = subject.process and due.scope = 'process')
    inner join {{ ref('int_day_period') }} as day_period on due.day = day_period.day
    where day_period.grain = 'month'
    group by
        day_period.grain,
        day_period.period_start,
        day_period.period_end,
        day_period.is_complete,
        subject.commitment_id,
        subject.process

)

select
    achieved.grain,
    achieved.period_start,
    achieved.period_end,
    achieved.is_complete,
    achieved.commitment_id,
    coalesce(achieved.process, commitment.process) as process,
    commitment.node,
    achieved.due,
    achieved.kept,
    {{ share('achieved.kept', 'achieved.due') }} as achievement_rate,
    band.rate_from,
    band.rate_to,
    band.credit_rate,
    band.credit_amount,
    organisation.currency
from achieved
left join {{ ref('stg_commitment') }} as commitment on achieved.commitment_id = commitment.commitment_id
inner join {{ ref('stg_service_credit') }} as band
    on
        (achieved.commitment_id = band.commitment_id or achieved.process = band.process)
        and {{ share('achieved.kept', 'achieved.due') }} >= band.rate_from
        -- Bands are half-open, but for the last: every rate falls in exactly one.
        and ({{ share('achieved.kept', 'achieved.due') }} < band.rate_to or band.rate_to = 1)
cross join {{ ref('stg_organisation') }} as organisation
