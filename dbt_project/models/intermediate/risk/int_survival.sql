{{ config(materialized='table') }}
-- How many runs last longer than each 64th of their limit, for each kind of run that is open now: Kaplan-Meier, with
-- what is open or cancelled censored. A finer kind counts by its size, beside `prior` runs of the coarser.
{%- set prior = 20 %}
{%- set minimum = 10 %}
{%- set levels = [['scope', 'process'], ['node', 'stay'], ['segment', 'service_level', 'priority'], ['load']] %}
{%- set all_keys = levels | sum(start=[]) %}
with asked as (

    select distinct {{ all_keys | join(', ') }}
    from {{ ref('int_like_run') }}
    where is_open and is_latest

),

digit as (

    select 0 as digit
    {%- for digit in range(1, 8) %}
    union all
    select {{ digit }}
    {%- endfor %}

),

grid as (

    select hundreds.digit * 64 + tens.digit * 8 + ones.digit as bin
    from digit as hundreds
    cross join digit as tens
    cross join digit as ones

    union all

    select 512 as bin

),
{%- set keys = [] %}
{%- for level in levels %}
{%- set coarser = keys | list %}
{%- do keys.extend(level) %}

asked_{{ loop.index }} as (select distinct {{ keys | join(', ') }} from asked),

gone_{{ loop.index }} as (

    select
        {%- for key in keys %}
        asked.{{ key }},
        {%- endfor %}
        cell.bin,
        sum(cell.runs) as runs,
        sum(cell.ended) as ended,
        sum(cell.known) as known
    from {{ ref('int_like_run_count') }} as cell
    inner join asked_{{ loop.index }} as asked
        on
            {%- for key in keys %}
            {{ 'and ' if not loop.first }}cell.{{ key }} {{ '>=' if key == 'stay' else '=' }} asked.{{ key }}
            {%- endfor %}
    group by all

),

at_risk_{{ loop.index }} as (

    select
        {%- for key in keys %}
        asked.{{ key }},
        {%- endfor %}
        grid.bin,
        coalesce(gone.ended, 0) as ended,
        sum(coalesce(gone.runs, 0)) over later as runs,
        sum(coalesce(gone.known, 0)) over later as known,
        sum(coalesce(gone.known, 0)) over (partition by {% for key in keys %}asked.{{ key }}{{ ', ' if not loop.last }}{% endfor %}) as known_ever
    from asked_{{ loop.index }} as asked
    cross join grid
    left join gone_{{ loop.index }} as gone
        on
            grid.bin = gone.bin
            {%- for key in keys %}
            and asked.{{ key }} = gone.{{ key }}
            {%- endfor %}
    window later as (
        partition by {% for key in keys %}asked.{{ key }}{{ ', ' if not loop.last }}{% endfor %}
        order by grid.bin desc rows between unbounded preceding and current row
    )

),

hazard_{{ loop.index }} as (

    select
        fine.{{ keys | join(', fine.') }},
        fine.bin,
        {%- if loop.first %}
        fine.ended / cast(nullif(fine.runs, 0) as double) as hazard,
        fine.known >= {{ minimum }} as is_known,
        fine.known as like_runs
        {%- else %}
        (fine.ended + {{ prior }} * coarse.hazard) / (fine.runs + {{ prior }}) as hazard,
        {%- if loop.index == 2 %}
        coarse.is_known and fine.known_ever >= {{ minimum }} as is_known,
        fine.known as like_runs
        {%- else %}
        coarse.is_known,
        coarse.like_runs
        {%- endif %}
        {%- endif %}
    from at_risk_{{ loop.index }} as fine
    {%- if not loop.first %}
    inner join hazard_{{ loop.index - 1 }} as coarse
        on
            fine.bin = coarse.bin
            {%- for key in coarser %}
            and fine.{{ key }} = coarse.{{ key }}
            {%- endfor %}
    {%- endif %}

),
{%- endfor %}

curve as (

    select
        *,
        greatest(1 - coalesce(hazard, 0), 1e-12) as stays,
        sum(-ln(greatest(1 - coalesce(hazard, 0), 1e-12))) over (
            partition by {{ all_keys | join(', ') }} order by bin rows between unbounded preceding and current row
        ) as lost
    from hazard_{{ levels | length }}

)

select
    {{ all_keys | join(', ') }},
    bin,
    cast(like_runs as bigint) as like_runs,
    is_known,
    exp(-lost) as survival,
    exp(-lost) / stays as survival_before,
    -- Where half of those that lasted as long have ended: survival has fallen by a factor of two, or just not quite.
    min(bin) over (
        partition by {{ all_keys | join(', ') }} order by lost range between 0.693147 following and unbounded following
    ) as half_bin
from curve
