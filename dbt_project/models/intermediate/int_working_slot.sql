{{ config(materialized='table') }}
-- The inverse look-up: the instant at which a calendar's working time reaches a value, cut at whole working days.
-- In the piece with after_us < value <= up_to_us it is instant_us + value - after_us; where it stays at the value until
-- the next opening, next_instant_us says when that is.
with openings as (

    select
        calendar,
        from_us,
        before_us,
        before_us + to_us - from_us as until_us
    from {{ ref('stg_calendar_interval') }}

),

cuts as (

    select calendar, before_us as after_us from openings

    union

    select totals.calendar, days.slot_day * {{ day_us() }} as after_us
    from (select calendar, max(until_us) as until_us from openings group by calendar) as totals
    inner join (select distinct slot_day from {{ ref('stg_business_day') }} where slot_day > 0) as days
        on days.slot_day * {{ day_us() }} < totals.until_us

),

pieces as (

    select
        cuts.calendar,
        cuts.after_us,
        max(openings.from_us) over earlier as opened_us,
        max(openings.before_us) over earlier as opened_before_us,
        max(openings.until_us) over earlier as until_us
    from cuts
    left join openings on cuts.calendar = openings.calendar and cuts.after_us = openings.before_us
    window earlier as (
        partition by cuts.calendar order by cuts.after_us rows between unbounded preceding and current row
    )

),

placed as (

    select
        calendar,
        after_us,
        opened_us + after_us - opened_before_us as instant_us,
        until_us
    from pieces

),

-- Before the first opening no working time has passed.
all_placed as (

    select * from placed

    union all

    select calendar.calendar, -1 as after_us, calendar.horizon_from_us - 1 as instant_us, 0 as until_us
    from {{ ref('stg_calendar') }} as calendar
    where calendar.horizon_from_us is not null

)

select
    calendar,
    {{ slot('after_us', day_us()) }} as slot,
    after_us,
    coalesce(lead(after_us) over later, until_us) as up_to_us,
    instant_us,
    lead(instant_us) over later as next_instant_us
from all_placed
window later as (partition by calendar order by after_us)
