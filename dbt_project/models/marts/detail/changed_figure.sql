-- What landing keeps of a publication: the figures that it changed, and why.
{%- set key = figure_key() %}
with reasoned as (

    select
        change.*,
        {%- for name in ['is_late_data', 'is_corrected', 'is_deleted'] %}
        exists(
            select 1
            from {{ ref('int_delivery_change') }} as delivery
            where
                delivery.{{ name }}
                and delivery.process = change.process
                and (change.scope = 'process' or delivery.node is null or delivery.node = change.node)
                and delivery.from_us < change.to_us
                and delivery.to_us >= change.from_us
        ) as {{ name }},
        {%- endfor %}
        compared.catalogue_hash <> '{{ var('catalogue_hash') }}'
        or compared.catalogue_tables_hash <> '{{ var('catalogue_tables_hash') }}' as is_catalogue,
        compared.code_version <> '{{ var('code_version') }}' as is_software,
        compared.as_of_us <> {{ as_of() }} as is_other_as_of
    from {{ ref('int_figure_change') }} as change
    left join {{ ref('stg_publication') }} as compared on change.compared_load_id = compared.load_id

)

select
    {{ key | join(', ') }},
    {%- for count in figure_counts() %}
    cast({{ count }} as bigint) as {{ count }},
    {%- endfor %}
    -- Published for the first time: no reason is asked for.
    compared_load_id is not null as is_restated,
    compared_load_id is not null and is_late_data as is_late_data,
    compared_load_id is not null and is_corrected as is_corrected,
    compared_load_id is not null and is_deleted as is_deleted,
    coalesce(is_catalogue, false) as is_catalogue,
    coalesce(is_software, false) as is_software,
    coalesce(is_other_as_of and not (is_late_data or is_corrected or is_deleted or is_catalogue or is_software), false)
        as is_decided_later
from reasoned
