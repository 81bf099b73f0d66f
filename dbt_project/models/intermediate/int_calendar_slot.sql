{{ config(materialized='table') }}
-- Working time up to any instant as a look-up: the time line of a calendar cut at every UTC midnight and every opening.
-- Up to x it is before_us + least(x, work_until_us) - from_us, in the piece that holds x. Where limits count working days
-- it is cut where each of them begins too, and working_day is the last that had begun (-1: none).
with openings as (

    select calendar, from_us, to_us, before_us
    from {{ ref('stg_calendar_interval') }}

),

working_days as (

    select calendar, working_day, from_us
    from {{ ref('stg_working_day') }}
    where clock = ''

),

calendars as (

    select calendar, horizon_from_us, horizon_to_us
    from {{ ref('stg_calendar') }}
    where horizon_from_us is not null

    union all

    -- Around the clock nothing is looked up but working days, where a limit counts them.
    select calendar, min(from_us) as horizon_from_us, max(due_us) as horizon_to_us
    from {{ ref('stg_working_day') }}
    where calendar = '24x7'
    group by calendar

),

midnights as (

    select
        calendars.calendar,
        greatest(days.slot_day * {{ day_us() }}, calendars.horizon_from_us) as from_us
    from calendars
    inner join (select distinct slot_day from {{ ref('stg_business_day') }}) as days
        on
            (days.slot_day + 1) * {{ day_us() }} > calendars.horizon_from_us
            and days.slot_day * {{ day_us() }} < calendars.horizon_to_us

),

cuts as (

    select calendar, from_us from midnights
    union
    select calendar, from_us from openings
    union
    select calendar, from_us from working_days

),

pieces as (

    select
        cuts.calendar,
        cuts.from_us,
        lead(cuts.from_us) over later as next_from_us,
        max(openings.from_us) over earlier as opened_us,
        max(openings.to_us) over earlier as closes_us,
        max(openings.before_us) over earlier as opened_before_us,
        max(working_days.working_day) over earlier as working_day
    from cuts
    left join openings on cuts.calendar = openings.calendar and cuts.from_us = openings.from_us
    left join working_days on cuts.calendar = working_days.calendar and cuts.from_us = working_days.from_us
    window
        later as (partition by cuts.calendar order by cuts.from_us),
        earlier as (
            partition by cuts.calendar order by cuts.from_us rows between unbounded preceding and current row
        )

)

select
    pieces.calendar,
    {{ slot('pieces.from_us', day_us()) }} as slot,
    pieces.from_us,
    coalesce(pieces.next_from_us, calendars.horizon_to_us) as to_us,
    coalesce(pieces.opened_before_us + least(pieces.from_us, pieces.closes_us) - pieces.opened_us, 0) as before_us,
    greatest(pieces.from_us, coalesce(pieces.closes_us, pieces.from_us)) as work_until_us,
    coalesce(pieces.working_day, -1) as working_day
from pieces
inner join calendars on pieces.calendar = calendars.calendar
