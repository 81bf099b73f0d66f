{{ config(materialized='table') }}
-- How long the runs that began in a month take, by the Kaplan-Meier estimate: what is open, or was cancelled, took at
-- least as long as it did. A quantile is the first duration that no more than its rest survives; its limits are where the
-- 95 % limits of survival (Greenwood's variance, log-log transformed) come to that.
{%- set survivors = survivors() %}
{#- Read twice rather than kept: ten million rows are more to hold than to read. #}
{%- set run %}
    select
        scope,
        process,
        coalesce(node, '(all)') as node,
        cast(date_trunc('month', started_on) as date) as period_start,
        reported_status,
        reported_status = 'completed' as is_event,
        cast(round(elapsed_seconds * 1000000) as bigint) as elapsed_us
    from {{ ref('fct_run') }}
    where started_on is not null
{%- endset %}
with counted as (

    select
        *,
        cast(row_number() over (order by scope, process, node, period_start) as integer) as cohort
    from (
        select
            scope,
            process,
            node,
            period_start,
            count(elapsed_us) as runs,
            count(*) - count(elapsed_us) as uncommitted
            {%- for name, status in [('completed', 'completed'), ('open_runs', 'in_progress'), ('cancelled', 'cancelled')] %},
            count(elapsed_us) filter (where reported_status = '{{ status }}') as {{ name }}
            {%- endfor %}
            {%- for name, survive in survivors.items() %},
            {{ percentile("case when is_event then elapsed_us end", '1 - ' ~ survive) }} as naive_{{ name }}_us
            {%- endfor %}
        from ({{ run }}) as run
        group by all
    ) as cohorts

),

-- Of equal durations the completed ones come first: what was censored then was still at risk.
in_order as (

    select
        counted.cohort,
        run.elapsed_us,
        run.is_event,
        counted.runs + 1 - row_number() over shortest_first as at_risk,
        lead(case when run.is_event then run.elapsed_us end) over shortest_first as next_event_us
    from ({{ run }}) as run
    inner join counted
        on
            run.scope = counted.scope
            and run.process = counted.process
            and run.node = counted.node
            and run.period_start = counted.period_start
    where run.elapsed_us is not null
    window shortest_first as (
        partition by counted.cohort
        order by run.elapsed_us, case when run.is_event then 0 else 1 end
    )

),

-- Each completed run by itself: after the last of equal durations product and sum are what they are for all at once. Of
-- the very last nothing survives, and there is no variance.
survival as (

    select
        cohort,
        elapsed_us,
        is_event and coalesce(next_event_us <> elapsed_us, true) as is_step,
        at_risk,
        sum(case when is_event then ln({{ share('nullif(at_risk - 1, 0)', 'at_risk') }}) end) over longer as log_survival,
        sum(case when is_event then 1 / (at_risk * cast(nullif(at_risk - 1, 0) as double)) end) over longer as variance
    from in_order
    window longer as (
        partition by cohort order by at_risk desc rows between unbounded preceding and current row
    )

),

banded as (

    select
        cohort,
        elapsed_us,
        case when at_risk = 1 then 0 else exp(log_survival) end as survived,
        {%- for name, sign in [('low', '-'), ('high', '')] %}
        case
            when at_risk > 1
                then exp(log_survival * exp({{ sign }}1.959963984540054 * sqrt(variance) / log_survival))
        end as survived_{{ name }}{{ ',' if not loop.last }}
        {%- endfor %}
    from survival
    where is_step

),

quantile as (

    select
        cohort
        {%- for name, survive in survivors.items() %}
        {%- for suffix in ['', '_low', '_high'] %},
        -- A sum of logarithms is not exact.
        min(elapsed_us) filter (where survived{{ suffix }} <= {{ survive }} + 1e-9) as elapsed_{{ name }}{{ suffix }}_us
        {%- endfor %}
        {%- endfor %}
    from banded
    group by cohort

)

select
    counted.scope,
    counted.process,
    counted.node,
    period.period_start,
    period.period_end,
    period.is_complete,
    counted.runs,
    counted.completed,
    counted.open_runs,
    counted.cancelled,
    counted.uncommitted
    {%- for name in survivors %},
    {{ seconds('quantile.elapsed_' ~ name ~ '_us') }} as elapsed_{{ name }}_seconds,
    {{ seconds('quantile.elapsed_' ~ name ~ '_low_us') }} as elapsed_{{ name }}_low_seconds,
    {{ seconds('quantile.elapsed_' ~ name ~ '_high_us') }} as elapsed_{{ name }}_high_seconds,
    {{ seconds('counted.naive_' ~ name ~ '_us') }} as naive_{{ name }}_seconds
    {%- endfor %}
from counted
inner join (
    select distinct period_start, period_end, is_complete from {{ ref('int_day_period') }}
    where grain = 'month'
) as period on counted.period_start = period.period_start
left join quantile on counted.cohort = quantile.cohort
