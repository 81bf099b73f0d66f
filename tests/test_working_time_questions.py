"""Questions about working time, worked out by hand, put to a whole home: catalogue, sources, gate, models, `fct_run`.

2026-06-01 is a Monday. The arithmetic of each answer stands beside it.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.home import Home
from pipelines.run import run

# One home is built for all questions.
pytestmark = pytest.mark.xdist_group("questions")

# The end of that day.
AS_OF = "2026-11-30"

ORGANISATION = """\
name: Questions
business_time_zone: Europe/Amsterdam
currency: EUR
"""

CALENDARS = """\
calendars:
  office:
    time_zone: Europe/Amsterdam
    hours: {mon-fri: ["09:00-17:00"]}
    holidays: [2026-04-06]
    horizon: {from: 2020-01-01, to: 2028-01-01}
  nights:
    time_zone: Europe/Amsterdam
    hours: {mon-sun: ["22:00-06:00"]}
    holidays: [2026-06-03]
    horizon: {from: 2020-01-01, to: 2028-01-01}
  small_hours:
    time_zone: Europe/Amsterdam
    hours: {mon-sun: ["02:15-03:15"]}
    horizon: {from: 2020-01-01, to: 2028-01-01}
  always_but_holidays:
    time_zone: UTC
    hours: {mon-sun: ["00:00-24:00"]}
    holidays: [2026-06-03]
    horizon: {from: 2020-01-01, to: 2028-01-01}
  longer_from_wednesday:
    time_zone: UTC
    horizon: {from: 2020-01-01, to: 2028-01-01}
    versions:
      - {valid_from: 2020-01-01, hours: {mon-fri: ["09:00-17:00"]}}
      - {valid_from: 2026-06-03, hours: {mon-fri: ["08:00-20:00"]}}
  lord_howe:
    time_zone: Australia/Lord_Howe
    hours: {mon-sun: ["00:00-24:00"]}
    horizon: {from: 2020-01-01, to: 2028-01-01}
  lord_howe_small_hours:
    time_zone: Australia/Lord_Howe
    hours: {mon-sun: ["01:30-02:15"]}
    horizon: {from: 2020-01-01, to: 2028-01-01}
  sao_paulo:
    time_zone: America/Sao_Paulo
    hours: {mon-sun: ["00:00-24:00"]}
    horizon: {from: 2010-01-01, to: 2028-01-01}
  tehran:
    time_zone: Asia/Tehran
    hours: {sat-wed: ["08:00-16:00"]}
    horizon: {from: 2010-01-01, to: 2028-01-01}
  apia:
    time_zone: Pacific/Apia
    hours: {mon-sun: ["09:00-17:00"]}
    horizon: {from: 2010-01-01, to: 2028-01-01}
  kathmandu:
    time_zone: Asia/Kathmandu
    hours: {mon-fri: ["10:00-17:00"]}
    horizon: {from: 2020-01-01, to: 2028-01-01}
  never:
    time_zone: UTC
    hours: {}
    horizon: {from: 2020-01-01, to: 2028-01-01}
"""

SOURCES = """\
sources:
  desk:
    kind: files
    connection: in
    entities:
      jobs:
        shape: runs
        from: jobs.csv
        key: [order, node]
        columns:
          {work_order_id: order, process: process, node: node, started_at: started, ended_at: ended, status: state,
           promised_at: promised}
        statuses: {completed: [DONE], in_progress: [OPEN], cancelled: [VOID]}
      waits:
        shape: pauses
        from: waits.csv
        key: [order, node, started]
        columns: {work_order_id: order, process: process, node: node, started_at: started, ended_at: ended}
"""

LIMITS = ("4h", "8h")


@dataclass(frozen=True)
class Question:
    """A run, its calendar, limits and pauses; and what is to be answered: hours, and instants with offset."""

    about: str
    calendar: str
    started: str
    ended: str
    elapsed: float
    due: str | None
    tolerance_due: str | None
    limits: tuple[str, str] = LIMITS
    pauses: tuple[tuple[str, str], ...] = ()
    paused: float = 0
    promised: str = ""
    # Where it is not the deadline: when the run leaves normal, or acceptable.
    normal_until: str | None = "the deadline"
    acceptable_until: str | None = "the deadline"
    state: str | None = None
    # In working hours, where the limit is counted for the run.
    limit: float | None = None


QUESTIONS = [
    # ------------------------------------------------------------ hours
    Question(
        "a_day_at_the_office",
        "office",
        "2026-06-01T09:00+02:00",
        "2026-06-01T17:00+02:00",
        8,
        "2026-06-01T13:00+02:00",
        # Eight hours are over as the office closes; nothing more is worked before Tuesday's opening.
        "2026-06-01T17:00+02:00",
        acceptable_until="2026-06-02T09:00+02:00",
        state="completed_acceptable",
    ),
    Question(
        "nothing_is_worked_at_the_weekend",
        "office",
        # Friday 16-17 and Monday 9-10: 2 h; four are over on Monday at 9 + 3, eight at 9 + 7.
        "2026-06-05T16:00+02:00",
        "2026-06-08T10:00+02:00",
        2,
        "2026-06-08T12:00+02:00",
        "2026-06-08T16:00+02:00",
    ),
    Question(
        "easter_monday_is_a_holiday",
        "office",
        # Friday 3 April 16-17, Tuesday 9-10.
        "2026-04-03T16:00+02:00",
        "2026-04-07T10:00+02:00",
        2,
        "2026-04-07T12:00+02:00",
        "2026-04-07T16:00+02:00",
    ),
    Question(
        "what_starts_and_ends_outside_hours_works_only_what_lies_between",
        "office",
        # Sunday noon to Tuesday 7:00: Monday's 8 h.
        "2026-06-07T12:00+02:00",
        "2026-06-09T07:00+02:00",
        8,
        "2026-06-08T13:00+02:00",
        "2026-06-08T17:00+02:00",
        acceptable_until="2026-06-09T09:00+02:00",
    ),
    Question(
        "exactly_at_the_limit_is_kept",
        "office",
        "2026-06-01T09:00+02:00",
        "2026-06-01T13:00+02:00",
        4,
        "2026-06-01T13:00+02:00",
        "2026-06-01T17:00+02:00",
        acceptable_until="2026-06-02T09:00+02:00",
        state="completed_normal",
    ),
    Question(
        "a_microsecond_later_is_not_kept",
        "office",
        "2026-06-01T09:00+02:00",
        "2026-06-01T13:00:00.000001+02:00",
        4 + 1e-6 / 3600,
        "2026-06-01T13:00+02:00",
        "2026-06-01T17:00+02:00",
        acceptable_until="2026-06-02T09:00+02:00",
        state="completed_acceptable",
    ),
    Question(
        "a_whole_day_limit_is_kept_all_evening",
        "office",
        "2026-06-01T09:00+02:00",
        "2026-06-01T20:00+02:00",
        8,
        "2026-06-01T17:00+02:00",
        # 8 h on Monday, 8 on Tuesday.
        "2026-06-02T17:00+02:00",
        limits=("8h", "16h"),
        normal_until="2026-06-02T09:00+02:00",
        acceptable_until="2026-06-03T09:00+02:00",
        state="completed_normal",
    ),
    Question(
        "instants_count_to_the_microsecond",
        "office",
        # One microsecond on Monday and one on Tuesday; so Tuesday's deadline is one before 13:00.
        "2026-06-01T16:59:59.999999+02:00",
        "2026-06-02T09:00:00.000001+02:00",
        2e-6 / 3600,
        "2026-06-02T12:59:59.999999+02:00",
        "2026-06-02T16:59:59.999999+02:00",
    ),
    Question(
        "three_years_are_as_exact_as_a_day",
        "office",
        # Monday 2023-01-02 to Friday 2026-01-02, both whole: 1097 days = 156 weeks and Monday to Friday,
        # so 157 x 5 = 785 days of 8 h, and no holiday of the list among them.
        "2023-01-02T09:00+01:00",
        "2026-01-02T17:00+01:00",
        785 * 8,
        "2023-01-02T13:00+01:00",
        "2023-01-02T17:00+01:00",
        acceptable_until="2023-01-03T09:00+01:00",
        state="completed_warning",
    ),
    Question(
        "a_calendar_without_hours_has_no_deadline",
        "never",
        "2026-06-01T09:00+00:00",
        "2026-06-05T09:00+00:00",
        0,
        None,
        None,
        state="completed_normal",
    ),
    # ------------------------------------------------------------ clocks that change
    Question(
        "office_hours_are_the_same_after_the_clocks_went_forward",
        "office",
        "2026-03-27T16:00+01:00",
        "2026-03-30T10:00+02:00",
        2,
        "2026-03-30T12:00+02:00",
        "2026-03-30T16:00+02:00",
    ),
    Question(
        "office_hours_are_the_same_after_the_clocks_went_back",
        "office",
        "2026-10-23T16:00+02:00",
        "2026-10-26T10:00+01:00",
        2,
        "2026-10-26T12:00+01:00",
        "2026-10-26T16:00+01:00",
    ),
    Question(
        "noon_to_noon_round_the_clock_is_23_hours_in_spring",
        "24x7",
        "2026-03-28T12:00+01:00",
        "2026-03-29T12:00+02:00",
        23,
        "2026-03-29T13:00+02:00",
        "2026-03-30T13:00+02:00",
        limits=("24h", "48h"),
    ),
    Question(
        "noon_to_noon_round_the_clock_is_25_hours_in_autumn",
        "24x7",
        "2026-10-24T12:00+02:00",
        "2026-10-25T12:00+01:00",
        25,
        "2026-10-25T11:00+01:00",
        "2026-10-26T11:00+01:00",
        limits=("24h", "48h"),
    ),
    Question(
        "the_night_shift_of_the_spring_change_has_seven_hours",
        "nights",
        # 22:00+01 is 21:00 UTC, 6:00+02 is 4:00 UTC. Four hours: 1:00 UTC. Eight: one more of Sunday's shift.
        "2026-03-28T22:00+01:00",
        "2026-03-29T06:00+02:00",
        7,
        "2026-03-29T03:00+02:00",
        "2026-03-29T23:00+02:00",
    ),
    Question(
        "the_night_shift_of_the_autumn_change_has_nine_hours",
        "nights",
        # 20:00 UTC to 5:00 UTC. Four hours: 0:00 UTC, still summer time. Eight: 4:00 UTC.
        "2026-10-24T22:00+02:00",
        "2026-10-25T06:00+01:00",
        9,
        "2026-10-25T02:00+02:00",
        "2026-10-25T05:00+01:00",
    ),
    Question(
        "a_window_that_begins_in_the_skipped_hour_begins_with_the_change",
        "small_hours",
        # The change is at 1:00 UTC; 3:15+02 is 1:15 UTC: a quarter of an hour. Then an hour a night from 0:15 UTC:
        # 4 h are over 45 minutes into the fourth night after, 8 h into the eighth.
        "2026-03-28T12:00+01:00",
        "2026-03-29T12:00+02:00",
        0.25,
        "2026-04-02T03:00+02:00",
        "2026-04-06T03:00+02:00",
    ),
    Question(
        "a_window_that_begins_in_the_repeated_hour_begins_the_first_time",
        "small_hours",
        # 2:15+02 is 0:15 UTC, 3:15+01 is 2:15 UTC: two hours. Two more nights of one hour make four, six eight.
        "2026-10-24T12:00+02:00",
        "2026-10-25T12:00+01:00",
        2,
        "2026-10-27T03:15+01:00",
        "2026-10-31T03:15+01:00",
        normal_until="2026-10-28T02:15+01:00",
        acceptable_until="2026-11-01T02:15+01:00",
    ),
    Question(
        "half_an_hour_is_repeated_on_lord_howe",
        "lord_howe",
        "2026-04-05T00:00+11:00",
        "2026-04-06T00:00+10:30",
        24.5,
        "2026-04-05T23:30+10:30",
        "2026-04-06T23:30+10:30",
        limits=("24h", "48h"),
    ),
    Question(
        "half_an_hour_is_skipped_on_lord_howe",
        "lord_howe",
        "2026-10-04T00:00+10:30",
        "2026-10-05T00:00+11:00",
        23.5,
        "2026-10-05T00:30+11:00",
        "2026-10-06T00:30+11:00",
        limits=("24h", "48h"),
    ),
    Question(
        "a_window_from_the_repeated_half_hour_of_lord_howe",
        "lord_howe_small_hours",
        # 1:30 comes first at 1:30+11, 14:30 UTC; 2:15+10:30 is 15:45 UTC: 75 minutes. Two nights of 45 more: 2:45 h.
        "2026-04-05T00:00+11:00",
        "2026-04-05T12:00+10:30",
        1.25,
        "2026-04-05T02:00+10:30",
        # 1:15 h and 45 minutes of Monday are two hours.
        "2026-04-06T02:15+10:30",
        limits=("1h", "2h"),
        acceptable_until="2026-04-07T01:30+10:30",
    ),
    Question(
        "a_window_to_the_skipped_half_hour_of_lord_howe",
        "lord_howe_small_hours",
        # 1:30+10:30 is 15:00 UTC; 2:15 is skipped: the change, 15:30 UTC: half an hour. 30 + 30 minutes: Monday 2:00.
        "2026-10-04T00:00+10:30",
        "2026-10-04T12:00+11:00",
        0.5,
        "2026-10-05T02:00+11:00",
        # 30 + 45 + 45 minutes are two hours.
        "2026-10-06T02:15+11:00",
        limits=("1h", "2h"),
        acceptable_until="2026-10-07T01:30+11:00",
    ),
    Question(
        "a_day_without_its_midnight_in_sao_paulo",
        "sao_paulo",
        # Saturday's 24 h end as the clocks jump to 1:00-02; Sunday has 23.
        "2015-10-17T00:00-03:00",
        "2015-10-19T00:00-02:00",
        47,
        "2015-10-18T01:00-02:00",
        "2015-10-19T00:00-02:00",
        limits=("24h", "47h"),
    ),
    Question(
        "tehran_changes_at_midnight_on_a_monday",
        "tehran",
        "2021-03-21T15:00+03:30",
        "2021-03-22T09:00+04:30",
        2,
        "2021-03-22T11:00+04:30",
        "2021-03-22T15:00+04:30",
    ),
    Question(
        "tehran_changes_back_on_a_wednesday_and_rests_on_thursday_and_friday",
        "tehran",
        # Tuesday 15-16, Wednesday 8-16 is nine hours; the tenth is Saturday's first.
        "2021-09-21T15:00+04:30",
        "2021-09-22T09:00+03:30",
        2,
        "2021-09-22T11:00+03:30",
        "2021-09-25T09:00+03:30",
        limits=("4h", "10h"),
    ),
    Question(
        "apia_had_no_30_december_2011",
        "apia",
        # Thursday 16-17, then Saturday.
        "2011-12-29T16:00-10:00",
        "2011-12-31T10:00+14:00",
        2,
        "2011-12-31T12:00+14:00",
        "2011-12-31T16:00+14:00",
    ),
    Question(
        "kathmandu_is_five_hours_and_three_quarters_ahead",
        "kathmandu",
        # Monday 16:30-17:00, Tuesday from 10:00.
        "2026-06-01T16:30+05:45",
        "2026-06-02T10:45+05:45",
        1.25,
        "2026-06-02T13:30+05:45",
        # Half an hour, Tuesday's seven, half an hour of Wednesday.
        "2026-06-03T10:30+05:45",
    ),
    # ------------------------------------------------------------ holidays and versions
    Question(
        "a_holiday_cuts_the_night_shifts_at_its_midnights",
        "nights",
        # Tuesday 22-24: 2 h. Wednesday is off, also its own shift's beginning; Thursday 0-6: 6 h.
        "2026-06-02T22:00+02:00",
        "2026-06-04T12:00+02:00",
        8,
        "2026-06-04T02:00+02:00",
        "2026-06-04T06:00+02:00",
        acceptable_until="2026-06-04T22:00+02:00",
    ),
    Question(
        "a_holiday_takes_one_day_of_a_week_round_the_clock",
        "always_but_holidays",
        # 7 x 24 - 24. Three days are Monday, Tuesday and Thursday.
        "2026-06-01T00:00+00:00",
        "2026-06-08T00:00+00:00",
        144,
        "2026-06-05T00:00+00:00",
        "2026-06-08T00:00+00:00",
        limits=("72h", "144h"),
    ),
    Question(
        "two_days_are_left_when_the_holiday_is_over",
        "always_but_holidays",
        # Monday and Tuesday are 48 h: due as the holiday begins, normal as long as it lasts.
        "2026-06-01T00:00+00:00",
        "2026-06-03T12:00+00:00",
        48,
        "2026-06-03T00:00+00:00",
        "2026-06-05T00:00+00:00",
        limits=("48h", "72h"),
        normal_until="2026-06-04T00:00+00:00",
        state="completed_normal",
    ),
    Question(
        "new_hours_hold_from_wednesday_and_not_before",
        "longer_from_wednesday",
        # 8 + 8 until Tuesday, then 12 + 12 + 12. The 20th hour is Wednesday's fourth, 8-12.
        "2026-06-01T09:00+00:00",
        "2026-06-05T20:00+00:00",
        52,
        "2026-06-03T12:00+00:00",
        "2026-06-05T20:00+00:00",
        limits=("20h", "52h"),
        acceptable_until="2026-06-08T08:00+00:00",
    ),
    Question(
        "a_run_that_is_open_as_the_hours_change_has_both",
        "longer_from_wednesday",
        # Tuesday 16-17, Wednesday 8-9. 20 h: 1 + 12 + 7, Thursday at 15. 52 h: 1 + 3 x 12, Monday's 12 are 49, 3 more.
        "2026-06-02T16:00+00:00",
        "2026-06-03T09:00+00:00",
        2,
        "2026-06-04T15:00+00:00",
        "2026-06-09T11:00+00:00",
        limits=("20h", "52h"),
    ),
    # ------------------------------------------------------------ pauses
    Question(
        "a_pause_partly_outside_hours_costs_the_working_part",
        "office",
        # 8 + 3 h, less Monday 16-17 and Tuesday 9-10. Seven hours by Monday 16:00, the eighth is Tuesday's 10-11.
        "2026-06-01T09:00+02:00",
        "2026-06-02T12:00+02:00",
        9,
        "2026-06-01T13:00+02:00",
        "2026-06-02T11:00+02:00",
        pauses=(("2026-06-01T16:00+02:00", "2026-06-02T10:00+02:00"),),
        paused=2,
    ),
    Question(
        "a_pause_outside_hours_costs_nothing",
        "office",
        "2026-06-01T09:00+02:00",
        "2026-06-02T10:00+02:00",
        9,
        "2026-06-01T13:00+02:00",
        "2026-06-01T17:00+02:00",
        pauses=(("2026-06-01T18:00+02:00", "2026-06-02T08:00+02:00"),),
        acceptable_until="2026-06-02T09:00+02:00",
    ),
    Question(
        "a_pause_that_begins_as_the_limit_is_reached_keeps_the_run_normal",
        "office",
        "2026-06-01T09:00+02:00",
        "2026-06-01T16:00+02:00",
        5,
        "2026-06-01T13:00+02:00",
        # Four hours, 15-17, and two on Tuesday.
        "2026-06-02T11:00+02:00",
        pauses=(("2026-06-01T13:00+02:00", "2026-06-01T15:00+02:00"),),
        paused=2,
        normal_until="2026-06-01T15:00+02:00",
    ),
    Question(
        "a_pause_after_closing_time_keeps_the_run_normal_until_one_of_both_ends",
        "office",
        # Eight hours on Monday; Tuesday's first half hour is paused until the run ends, and what would have been paused
        # after its end is not: 7.5 h on Tuesday and half an hour on Wednesday make sixteen.
        "2026-06-01T09:00+02:00",
        "2026-06-02T09:30+02:00",
        8,
        "2026-06-01T17:00+02:00",
        "2026-06-03T09:30+02:00",
        limits=("8h", "16h"),
        pauses=(("2026-06-01T18:00+02:00", "2026-06-02T10:00+02:00"),),
        paused=0.5,
        normal_until="2026-06-02T09:30+02:00",
        state="completed_normal",
    ),
    Question(
        "pauses_that_overlap_count_once",
        "office",
        # 10-13 in all. One hour before, four are over at 16:00; five by 17:00, three more on Tuesday.
        "2026-06-01T09:00+02:00",
        "2026-06-01T17:00+02:00",
        5,
        "2026-06-01T16:00+02:00",
        "2026-06-02T12:00+02:00",
        pauses=(
            ("2026-06-01T10:00+02:00", "2026-06-01T12:00+02:00"),
            ("2026-06-01T11:00+02:00", "2026-06-01T13:00+02:00"),
            ("2026-06-01T11:30+02:00", "2026-06-01T11:45+02:00"),
        ),
        paused=3,
    ),
    Question(
        "only_what_is_inside_the_run_counts_of_a_pause",
        "office",
        # 9-10 and 16:30-17:00. From 10:00 four hours: 14:00. 6.5 h by its end, 1.5 h on Tuesday from 9:00 on.
        "2026-06-01T09:00+02:00",
        "2026-06-01T17:00+02:00",
        6.5,
        "2026-06-01T14:00+02:00",
        "2026-06-02T10:30+02:00",
        pauses=(
            ("2026-06-01T08:00+02:00", "2026-06-01T10:00+02:00"),
            ("2026-06-01T16:30+02:00", "2026-06-02T12:00+02:00"),
        ),
        paused=1.5,
    ),
    Question(
        "an_open_pause_stops_the_projection",
        "office",
        "2026-11-23T09:00+01:00",
        "",
        3,
        None,
        None,
        pauses=(("2026-11-23T12:00+01:00", ""),),
        # Monday 12-17, and Tuesday to Monday, five days of 8 h, until 1 December.
        paused=5 + 5 * 8,
        state="in_progress_normal",
    ),
    Question(
        "a_deadline_reached_before_an_open_pause_stays",
        "office",
        "2026-11-23T09:00+01:00",
        "",
        5,
        "2026-11-23T13:00+01:00",
        None,
        pauses=(("2026-11-23T14:00+01:00", ""),),
        paused=3 + 5 * 8,
        state="in_progress_acceptable",
    ),
    Question(
        "a_deadline_reached_as_an_open_pause_begins_stays_and_the_state_does_too",
        "office",
        "2026-11-23T09:00+01:00",
        "",
        4,
        "2026-11-23T13:00+01:00",
        None,
        pauses=(("2026-11-23T13:00+01:00", ""),),
        paused=4 + 5 * 8,
        normal_until=None,
        state="in_progress_normal",
    ),
    Question(
        "a_pause_that_ends_after_the_day_that_is_judged_is_open",
        "office",
        "2026-11-30T09:00+01:00",
        "",
        1,
        None,
        None,
        pauses=(("2026-11-30T10:00+01:00", "2026-12-01T10:00+01:00"),),
        paused=7,
        state="in_progress_normal",
    ),
    Question(
        "so_is_a_pause_that_ends_with_the_day_that_is_judged",
        "office",
        "2026-11-30T09:00+01:00",
        "",
        1,
        None,
        None,
        pauses=(("2026-11-30T10:00+01:00", "2026-12-01T00:00+01:00"),),
        paused=7,
        state="in_progress_normal",
    ),
    Question(
        "an_open_pause_closes_with_its_run",
        "office",
        # 14-15 is paused. Five hours by the end, two until 17:00, one on Tuesday.
        "2026-06-01T09:00+02:00",
        "2026-06-01T15:00+02:00",
        5,
        "2026-06-01T13:00+02:00",
        "2026-06-02T10:00+02:00",
        pauses=(("2026-06-01T14:00+02:00", ""),),
        paused=1,
    ),
    Question(
        "a_pause_over_the_change_of_the_clocks_costs_real_hours",
        "24x7",
        # Midnight to six is five hours in spring; 24 - 1 - 5.
        "2026-03-28T12:00+01:00",
        "2026-03-29T12:00+02:00",
        18,
        "2026-03-29T18:00+02:00",
        "2026-03-30T18:00+02:00",
        limits=("24h", "48h"),
        pauses=(("2026-03-29T00:00+01:00", "2026-03-29T06:00+02:00"),),
        paused=5,
    ),
    # ------------------------------------------------------------ limits of other kinds
    Question(
        "three_working_days_end_with_the_third_day_after",
        "office",
        # Thursday 10:00; Friday, Monday, Tuesday. Limit: 7 + 3 x 8. Five days: Thursday of the week after.
        "2026-06-04T10:00+02:00",
        "2026-06-05T10:00+02:00",
        8,
        "2026-06-09T17:00+02:00",
        "2026-06-11T17:00+02:00",
        limits=("3wd", "5wd"),
        limit=31,
        normal_until="2026-06-10T09:00+02:00",
        acceptable_until="2026-06-12T09:00+02:00",
    ),
    Question(
        "working_days_from_a_saturday_begin_on_monday",
        "office",
        "2026-06-06T12:00+02:00",
        "2026-06-08T10:00+02:00",
        1,
        "2026-06-10T17:00+02:00",
        "2026-06-12T17:00+02:00",
        limits=("3wd", "5wd"),
        limit=24,
        normal_until="2026-06-11T09:00+02:00",
        acceptable_until="2026-06-15T09:00+02:00",
    ),
    Question(
        "by_16_00_of_the_next_working_day_after_easter",
        "office",
        # Friday 10-17 and Tuesday 9-16; the day after that for the tolerance.
        "2026-04-03T10:00+02:00",
        "2026-04-07T16:00+02:00",
        14,
        "2026-04-07T16:00+02:00",
        "2026-04-08T16:00+02:00",
        limits=("1wd 16:00", "2wd 16:00"),
        limit=14,
        state="completed_normal",
    ),
    Question(
        "a_start_in_the_night_shift_belongs_to_the_day_on_which_that_began",
        "nights",
        # Tuesday 3:00 is Monday's shift, 3 h are left of it; Tuesday's closes on Wednesday at 6:00: 3 + 8.
        "2026-06-09T03:00+02:00",
        "2026-06-09T06:00+02:00",
        3,
        "2026-06-10T06:00+02:00",
        "2026-06-11T06:00+02:00",
        limits=("1wd", "2wd"),
        limit=11,
        normal_until="2026-06-10T22:00+02:00",
        acceptable_until="2026-06-11T22:00+02:00",
    ),
    Question(
        "a_pause_moves_the_end_of_working_days",
        "office",
        # 3wd are 31 h as above; Friday's 9-11 is paused, so that they end on Wednesday at 11:00.
        "2026-06-04T10:00+02:00",
        "2026-06-05T12:00+02:00",
        8,
        "2026-06-10T11:00+02:00",
        "2026-06-12T11:00+02:00",
        limits=("3wd", "5wd"),
        limit=31,
        pauses=(("2026-06-05T09:00+02:00", "2026-06-05T11:00+02:00"),),
        paused=2,
    ),
    Question(
        "a_promise_is_its_working_time_from_the_start",
        "office",
        # Monday 15-17, Tuesday, Wednesday 9-12.
        "2026-06-01T15:00+02:00",
        "2026-06-03T12:00+02:00",
        13,
        "2026-06-03T12:00+02:00",
        # Eight hours more: Wednesday until 17:00, Thursday until 12:00.
        "2026-06-04T12:00+02:00",
        limits=("promised", "promised+8h"),
        promised="2026-06-03T12:00+02:00",
        limit=13,
        state="completed_normal",
    ),
    Question(
        "a_promise_for_the_evening_is_due_at_closing_time",
        "office",
        "2026-06-01T15:00+02:00",
        "2026-06-02T16:00+02:00",
        9,
        "2026-06-02T17:00+02:00",
        "2026-06-03T17:00+02:00",
        limits=("promised", "promised+8h"),
        promised="2026-06-02T20:00+02:00",
        limit=10,
        normal_until="2026-06-03T09:00+02:00",
        acceptable_until="2026-06-04T09:00+02:00",
    ),
    Question(
        "a_promise_of_a_date_lasts_to_the_end_of_that_day",
        "24x7",
        # One day less the microsecond that belongs to Thursday.
        "2026-06-03T00:00+02:00",
        "2026-06-03T12:00+02:00",
        12,
        "2026-06-03T23:59:59.999999+02:00",
        "2026-06-04T07:59:59.999999+02:00",
        limits=("promised", "promised+8h"),
        promised="2026-06-03",
        limit=24 - 1e-6 / 3600,
    ),
    Question(
        "a_promise_before_the_start_leaves_nothing",
        "office",
        # B(promise) - B(start) is -8 h, less than nothing; with eight hours more it is nothing.
        "2026-06-02T12:00+02:00",
        "2026-06-02T13:00+02:00",
        1,
        "2026-06-02T12:00+02:00",
        "2026-06-02T12:00+02:00",
        limits=("promised", "promised+8h"),
        promised="2026-06-01T12:00+02:00",
        limit=0,
        state="completed_warning",
    ),
]


def node_of(question: Question) -> str:
    """A node a calendar and pair of limits."""
    return f"{question.calendar} {' or '.join(question.limits)}"


def write_csv(file: Path, header: str, rows: Sequence[Sequence[str]]) -> None:
    with file.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([header.split(","), *rows])


@pytest.fixture(scope="module")
def answered(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], dict[str, Any]]:
    """What fct_run says, by work order and scope or node."""
    home = Home(tmp_path_factory.mktemp("questions"))
    home.catalogue.mkdir(parents=True)
    (home.root / "in").mkdir()
    nodes = {node_of(question): question for question in QUESTIONS}
    processes = "".join(f'      - {{node: "{node}"}}\n' for node in nodes)
    (home.catalogue / "organisation.yml").write_text(ORGANISATION, encoding="utf-8")
    (home.catalogue / "calendars.yml").write_text(CALENDARS, encoding="utf-8")
    (home.catalogue / "sources.yml").write_text(SOURCES, encoding="utf-8")
    (home.catalogue / "processes.yml").write_text(
        f"processes:\n  questions:\n    nodes:\n{processes}"
        "  passage:\n    nodes:\n      - {node: first}\n      - {node: second}\n",
        encoding="utf-8",
    )
    write_csv(
        home.catalogue / "commitments.csv",
        "process,node,calendar,commitment_limit,tolerance_limit",
        [
            *(["questions", node, question.calendar, *question.limits] for node, question in nodes.items()),
            ["passage", "", "24x7", "6h", "12h"],
            ["passage", "first", "24x7", "6h", "12h"],
            ["passage", "second", "24x7", "6h", "12h"],
        ],
    )
    jobs = [
        [
            question.about,
            "questions",
            node_of(question),
            question.started,
            question.ended,
            "DONE" if question.ended else "OPEN",
            question.promised,
        ]
        for question in QUESTIONS
    ]
    waits = [[question.about, "questions", "", *pause] for question in QUESTIONS for pause in question.pauses]
    jobs += [
        ["P1", "passage", "first", "2026-06-01T00:00Z", "2026-06-01T12:00Z", "DONE", ""],
        ["P1", "passage", "second", "2026-06-01T06:00Z", "2026-06-01T18:00Z", "DONE", ""],
        ["forgotten", "questions", "office promised or promised+8h", "2026-06-01T09:00Z", "", "OPEN", ""],
    ]
    waits += [
        ["P1", "passage", "first", "2026-06-01T04:00Z", "2026-06-01T10:00Z"],
        ["P1", "passage", "second", "2026-06-01T08:00Z", "2026-06-01T14:00Z"],
    ]
    write_csv(home.root / "in" / "jobs.csv", "order,process,node,started,ended,state,promised", jobs)
    write_csv(home.root / "in" / "waits.csv", "order,process,node,started,ended", waits)

    outcome = run(home, AS_OF)
    assert outcome.exit_code == 0, outcome

    with duckdb.connect(str(home.root / "published" / "warehouse.duckdb"), read_only=True) as con:
        answer = con.execute("SELECT * FROM marts.fct_run")
        names = [column[0] for column in answer.description or []]
        rows = [dict(zip(names, row, strict=True)) for row in answer.fetchall()]
    return {(row["work_order_id"], row["node"] or row["scope"]): row for row in rows}


def instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.about)
def test_a_question_is_answered_as_worked_out_by_hand(
    question: Question, answered: dict[tuple[str, str], dict[str, Any]]
) -> None:
    row = answered[question.about, node_of(question)]

    assert row["uncommitted_reason"] is None
    assert timedelta(seconds=row["elapsed_seconds"]) == timedelta(hours=question.elapsed)
    assert timedelta(seconds=row["paused_seconds"]) == timedelta(hours=question.paused)
    assert row["commitment_due_at"] == instant(question.due)
    assert row["tolerance_due_at"] == instant(question.tolerance_due)
    for column, until, due in (
        ("leaves_normal_at", question.normal_until, question.due),
        ("leaves_acceptable_at", question.acceptable_until, question.tolerance_due),
    ):
        assert row[column] == instant(due if until == "the deadline" else until)
    if question.limit is not None:
        assert timedelta(seconds=row["commitment_limit_seconds"]) == timedelta(hours=question.limit)
    if question.state is not None:
        assert row["state"] == question.state


def test_a_process_stands_still_while_all_of_its_open_nodes_do(
    answered: dict[tuple[str, str], dict[str, Any]],
) -> None:
    process, first, second = (answered["P1", key] for key in ("process", "first", "second"))

    # Paused with it: 4-6 (the second has not begun), 8-10 (both are), 12-14 (the first is over): 18 h less 6.
    assert (process["paused_seconds"], process["elapsed_seconds"]) == (6 * 3600, 12 * 3600)
    # 0-4 and 6-8 are six hours, as the pause of both begins.
    assert process["commitment_due_at"] == instant("2026-06-01T08:00Z")
    assert process["leaves_normal_at"] == instant("2026-06-01T10:00Z")
    # 10-12 and 14-18 are six more, as it ends.
    assert process["tolerance_due_at"] == process["leaves_acceptable_at"] == instant("2026-06-01T18:00Z")
    assert process["state"] == "completed_acceptable"
    # Each node has its own pause of six hours in twelve.
    assert {node["elapsed_seconds"] for node in (first, second)} == {6 * 3600}


def test_a_run_without_the_promise_that_its_limit_needs_is_uncommitted(
    answered: dict[tuple[str, str], dict[str, Any]],
) -> None:
    row = answered["forgotten", "office promised or promised+8h"]

    assert (row["state"], row["uncommitted_reason"]) == (None, "no promise")
