-- Each run starts in exactly one month: what the years start together is what there is.
select *
from (
    select
        (select count(*) from {{ ref('fct_run') }}) as runs,
        (select sum(started) from {{ ref('achievement_by_period') }} where grain = 'year') as started
)
where runs <> coalesce(started, 0)
