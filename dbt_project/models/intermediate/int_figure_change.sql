{{ config(materialized='table') }}
-- Figures that are not what was published last of the same period; where a row is gone, its counts are 0 now.
{%- set key = figure_key() %}
{%- set counts = figure_counts() %}
with before as (

    select figure.*
    from {{ ref('stg_published_figure') }} as figure
    inner join (
        select {{ key | join(', ') }}, max(load_id) as load_id
        from {{ ref('stg_published_figure') }}
        group by all
    ) as newest
        on
            figure.load_id = newest.load_id
            {%- for part in key %}
            and figure.{{ part }} = newest.{{ part }}
            {%- endfor %}
    -- Others are not published any more, or not complete at this as_of: nothing is said of them.
    inner join {{ ref('int_complete_period') }} as period
        on figure.grain = period.grain and figure.period_start = period.period_start

),

changed as (

    select
        {%- for part in key %}
        coalesce(figure.{{ part }}, before.{{ part }}) as {{ part }},
        {%- endfor %}
        {%- for count in counts %}
        coalesce(figure.{{ count }}, 0) as {{ count }} {{- ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('int_figure') }} as figure
    full outer join before
        on
            {%- for part in key %}
            {{ 'and ' if not loop.first }}figure.{{ part }} = before.{{ part }}
            {%- endfor %}
    where
        {%- for count in counts %}
        {{ 'or ' if not loop.first }}coalesce(figure.{{ count }}, 0) <> coalesce(before.{{ count }}, 0)
        {%- endfor %}

),

-- The publication that said last what a period was like.
compared as (

    select
        period.grain,
        period.period_start,
        period.from_us,
        period.to_us,
        max(publication.load_id) as load_id
    from {{ ref('int_complete_period') }} as period
    inner join {{ ref('stg_published_period') }} as published
        on period.grain = published.grain and period.period_start = published.period_start
    inner join {{ ref('stg_publication') }} as publication on period.to_us <= publication.as_of_us
    inner join (select distinct grain, period_start from changed) as of_change
        on period.grain = of_change.grain and period.period_start = of_change.period_start
    group by period.grain, period.period_start, period.from_us, period.to_us

)

select
    changed.*,
    compared.from_us,
    compared.to_us,
    compared.load_id as compared_load_id
from changed
left join compared on changed.grain = compared.grain and changed.period_start = compared.period_start
