{%- set key = figure_key() %}
{%- set counts = figure_counts() %}
{%- set reasons = reasons() %}
with said as (

    select
        figure.load_id,
        publication.publication_id,
        figure.{{ key | join(', figure.') }},
        figure.{{ counts | join(', figure.') }},
        figure.{{ reasons | join(', figure.') }}
    from {{ ref('stg_published_figure') }} as figure
    inner join {{ ref('stg_publication') }} as publication on figure.load_id = publication.load_id

    union all

    select
        -- Sorts after every load.
        'now' as load_id,
        '{{ var('publication_id') }}' as publication_id,
        {{ key | join(', ') }},
        {{ counts | join(', ') }},
        {{ reasons | join(', ') }}
    from {{ ref('changed_figure') }}
    where is_restated

),

first_said as (

    select
        published.grain,
        published.period_start,
        published.load_id,
        publication.publication_id
    from {{ ref('stg_published_period') }} as published
    inner join {{ ref('stg_publication') }} as publication on published.load_id = publication.load_id
    inner join {{ ref('int_complete_period') }} as period
        on published.grain = period.grain and published.period_start = period.period_start

),

-- Few figures are ever said again.
said_again as (

    select distinct
        said.{{ key | join(', said.') }},
        first_said.load_id as first_load_id,
        first_said.publication_id as first_publication_id
    from said
    inner join first_said on said.grain = first_said.grain and said.period_start = first_said.period_start
    where said.load_id <> first_said.load_id

),

series as (

    select
        said.load_id,
        said.publication_id,
        said_again.*,
        said.{{ counts | join(', said.') }},
        said.{{ reasons | join(', said.') }}
    from said
    inner join said_again
        on
            {%- for part in key %}
            {{ 'and ' if not loop.first }}said.{{ part }} = said_again.{{ part }}
            {%- endfor %}

    union all

    -- A row that the first publication did not have counted nothing.
    select
        said_again.first_load_id as load_id,
        said_again.first_publication_id as publication_id,
        said_again.*,
        {%- for count in counts %}
        0 as {{ count }},
        {%- endfor %}
        {%- for reason in reasons %}
        false as {{ reason }} {{- ',' if not loop.last }}
        {%- endfor %}
    from said_again
    left join said
        on
            said_again.first_load_id = said.load_id
            {%- for part in key %}
            and said_again.{{ part }} = said.{{ part }}
            {%- endfor %}
    where said.load_id is null

),

measured as (
    {% for measure in counts + (figure_rates() | list) %}
    select
        load_id,
        publication_id,
        first_load_id,
        first_publication_id,
        {{ key | join(', ') }},
        {{ reasons | join(', ') }},
        '{{ measure }}' as measure,
        {{ figure_rates()[measure] if measure in figure_rates() else 'cast(' ~ measure ~ ' as double)' }} as said
    from series
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

compared as (

    select
        *,
        lag(said) over (partition by {{ key | join(', ') }}, measure order by load_id) as said_before,
        lead(load_id) over (partition by {{ key | join(', ') }}, measure order by load_id) as next_load_id
    from measured

),

-- One row a figure that is not what it was first; when and why it changed is asked of the publications that changed it.
changes as (

    select
        {{ key | join(', ') }},
        measure,
        max(load_id) as load_id
        {%- for reason in reasons %},
        max(case when {{ reason }} then 1 else 0 end) as {{ reason }}
        {%- endfor %}
    from compared
    where load_id <> first_load_id and said is distinct from said_before
    group by all

)

select
    first_row.grain,
    first_row.period_start,
    first_row.scope,
    first_row.process,
    first_row.node,
    first_row.measure,
    first_row.said as first_published,
    last_row.said as now,
    last_change.publication_id,
    nullif(
        concat_ws(
            ', '
            {%- for reason, word in reasons.items() %},
            case when changes.{{ reason }} = 1 then '{{ word }}' end
            {%- endfor %}
        ),
        ''
    ) as reason,
    first_row.first_publication_id
from compared as first_row
{%- for name, condition in [
    ('last_row', 'last_row.next_load_id is null'), ('last_change', 'last_change.load_id = changes.load_id')
] %}
{%- if name == 'last_change' %}
inner join changes
    on
        first_row.measure = changes.measure
        {%- for part in key %}
        and first_row.{{ part }} = changes.{{ part }}
        {%- endfor %}
{%- endif %}
inner join compared as {{ name }}
    on
        {{ condition }}
        and first_row.measure = {{ name }}.measure
        {%- for part in key %}
        and first_row.{{ part }} = {{ name }}.{{ part }}
        {%- endfor %}
{%- endfor %}
where first_row.load_id = first_row.first_load_id and first_row.said is distinct from last_row.said
