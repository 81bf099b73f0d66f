"""Calendars laid out: hand-checked days first, then any calendar against the slow reference."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import pytest
import reference
import working_days as slow
from hypothesis import example, given, settings
from hypothesis import strategies as st
from look_up import Clock
from reference import Calendar, Version, microseconds, one_version

from pipelines.calendars import (
    at_clock,
    every_day,
    horizon,
    lay_out,
    subtract,
    worked_before,
    worked_until,
    working_days,
)
from pipelines.catalogue import calendars as catalogue

HOUR = 3600
HOUR_US = HOUR * 1_000_000
DAY = timedelta(days=1)
Hours = Mapping[int, Sequence[tuple[int, int]]]

EVERY_DAY = range(7)
WEEKDAYS = range(5)
MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY, SATURDAY, SUNDAY = EVERY_DAY


def hours(text: str) -> list[tuple[int, int]]:
    """Read "09:00-12:30 13:15-17:30" as the catalogue does."""
    windows = []
    for window in text.split():
        start, end = ([int(part) for part in clock.split(":")] for clock in window.split("-"))
        windows.append((start[0] * 3600 + start[1] * 60, end[0] * 3600 + end[1] * 60))
    return windows


def daily(text: str, days: Sequence[int] = EVERY_DAY) -> Hours:
    return {day: hours(text) for day in days}


def us(text: str) -> int:
    """Read an instant; without an offset it is UTC."""
    instant = datetime.fromisoformat(text)
    return microseconds(instant if instant.tzinfo else instant.replace(tzinfo=UTC))


def shown(calendar: Calendar, zone: str | None = None) -> list[str]:
    """Return the working intervals as people of the calendar's zone would write them down."""
    clocks = ZoneInfo(zone or calendar.time_zone)
    lines = []
    for start, end in zip(*lay_out(calendar), strict=True):
        begin, finish = (
            (reference.EPOCH + timedelta(microseconds=int(instant))).astimezone(clocks) for instant in (start, end)
        )
        lines.append(f"{begin:%m-%d %H:%M} {finish:%m-%d %H:%M}")
    return lines


def worked_hours(calendar: Calendar) -> float:
    starts, ends = lay_out(calendar)
    return int((ends - starts).sum()) / HOUR_US


def week(zone: str, windows: Hours, monday: date, **options: object) -> Calendar:
    return one_version(zone, windows, monday, monday + 7 * DAY, **options)  # type: ignore[arg-type]


def day(zone: str, windows: Hours, of: date, **options: object) -> Calendar:
    return one_version(zone, windows, of, of + DAY, **options)  # type: ignore[arg-type]


# ---------------------------------------------------------------- hours


def test_office_hours_with_a_lunch_break_are_two_intervals_a_day() -> None:
    office = {**daily("09:00-12:30 13:15-17:30", range(4)), FRIDAY: hours("09:00-16:00")}

    assert shown(week("Europe/Amsterdam", office, date(2026, 6, 1)))[-3:] == [
        "06-04 09:00 06-04 12:30",
        "06-04 13:15 06-04 17:30",
        "06-05 09:00 06-05 16:00",
    ]


def test_a_summer_morning_in_amsterdam_begins_at_seven_utc() -> None:
    morning = day("Europe/Amsterdam", daily("09:00-12:00"), date(2026, 6, 1))

    assert shown(morning, "UTC") == ["06-01 07:00 06-01 10:00"]


def test_windows_that_overlap_or_touch_count_once() -> None:
    assert shown(day("UTC", daily("09:00-12:00 11:00-13:00 13:00-14:00"), date(2026, 6, 1))) == [
        "06-01 09:00 06-01 14:00"
    ]


def test_days_of_twenty_four_hours_are_one_interval() -> None:
    assert shown(week("UTC", daily("00:00-24:00"), date(2026, 6, 1))) == ["06-01 00:00 06-08 00:00"]


def test_an_end_equal_to_the_start_is_twenty_four_hours() -> None:
    assert shown(week("UTC", {TUESDAY: hours("08:00-08:00")}, date(2026, 6, 1))) == ["06-02 08:00 06-03 08:00"]


def test_a_night_shift_belongs_to_the_day_it_starts() -> None:
    assert shown(week("UTC", {FRIDAY: hours("22:00-06:00")}, date(2026, 6, 1))) == ["06-05 22:00 06-06 06:00"]


def test_a_shift_may_last_until_the_midnight_after_next() -> None:
    assert shown(week("UTC", {FRIDAY: hours("18:00-48:00")}, date(2026, 6, 1))) == ["06-05 18:00 06-07 00:00"]


def test_the_first_day_of_the_horizon_has_the_end_of_the_night_before() -> None:
    assert shown(day("UTC", {SUNDAY: hours("22:00-30:00")}, date(2026, 6, 1))) == ["06-01 00:00 06-01 06:00"]
    assert shown(day("UTC", {SATURDAY: hours("22:00-48:00")}, date(2026, 6, 1))) == []
    assert shown(day("UTC", {SATURDAY: hours("22:00-48:00")}, date(2026, 5, 31))) == ["05-31 00:00 06-01 00:00"]


def test_a_calendar_without_hours_has_no_working_time() -> None:
    assert shown(week("UTC", {}, date(2026, 6, 1))) == []


def test_an_empty_horizon_has_no_working_time() -> None:
    assert shown(one_version("UTC", daily("00:00-24:00"), date(2026, 6, 1), date(2026, 6, 1))) == []


def test_the_horizon_is_local_midnights() -> None:
    calendar = one_version("Asia/Shanghai", {}, date(2026, 6, 1), date(2026, 7, 1))

    assert horizon(calendar) == (us("2026-05-31 16:00"), us("2026-06-30 16:00"))


# ---------------------------------------------------------------- holidays, exceptions, closures


def test_a_holiday_is_cut_out_of_round_the_clock_hours_and_nothing_else_is() -> None:
    calendar = week("UTC", daily("00:00-24:00"), date(2026, 6, 1), holidays=[date(2026, 6, 3)])

    assert shown(calendar) == ["06-01 00:00 06-03 00:00", "06-04 00:00 06-08 00:00"]


def test_a_holiday_cuts_night_shifts_at_midnight_on_both_sides() -> None:
    nights = week("UTC", daily("22:00-06:00", [TUESDAY, WEDNESDAY]), date(2026, 6, 1), holidays=[date(2026, 6, 3)])

    # Tuesday's shift ends with Tuesday; of the holiday's own shift the part after midnight is left.
    assert shown(nights) == ["06-02 22:00 06-03 00:00", "06-04 00:00 06-04 06:00"]


def test_an_exception_replaces_the_hours_of_its_date() -> None:
    office = daily("09:00-17:00", WEEKDAYS)
    exceptions = {
        date(2026, 6, 3): hours("09:00-12:00"),
        date(2026, 6, 4): [],
        date(2026, 6, 6): hours("10:00-11:00 14:00-15:00"),
    }

    assert shown(week("UTC", office, date(2026, 6, 1), exceptions=exceptions)) == [
        "06-01 09:00 06-01 17:00",
        "06-02 09:00 06-02 17:00",
        "06-03 09:00 06-03 12:00",
        "06-05 09:00 06-05 17:00",
        "06-06 10:00 06-06 11:00",
        "06-06 14:00 06-06 15:00",
    ]


def test_an_exception_leaves_the_end_of_last_nights_shift() -> None:
    nights = week(
        "UTC", daily("22:00-06:00", [TUESDAY, WEDNESDAY]), date(2026, 6, 1), exceptions={date(2026, 6, 3): []}
    )

    assert shown(nights) == ["06-02 22:00 06-03 06:00"]


def test_an_exception_wins_over_its_holiday() -> None:
    office = daily("09:00-17:00", WEEKDAYS)
    eve = date(2025, 12, 24)
    calendar = week("UTC", office, date(2025, 12, 22), holidays=[eve], exceptions={eve: hours("09:00-12:00")})

    assert shown(calendar)[2] == "12-24 09:00 12-24 12:00"


def test_an_exception_on_the_eve_does_not_reach_into_the_holiday() -> None:
    calendar = week(
        "UTC",
        {},
        date(2025, 12, 22),
        holidays=[date(2025, 12, 25)],
        exceptions={date(2025, 12, 24): hours("20:00-04:00")},
    )

    assert shown(calendar) == ["12-24 20:00 12-25 00:00"]


def test_a_holiday_that_an_exception_closes_too_stays_a_holiday() -> None:
    nights = daily("22:00-06:00")
    feast = date(2026, 6, 3)
    closed_twice = week("UTC", nights, date(2026, 6, 1), holidays=[feast], exceptions={feast: []})

    assert "06-02 22:00 06-03 00:00" in shown(closed_twice)
    assert worked_hours(closed_twice) < worked_hours(week("UTC", nights, date(2026, 6, 1), holidays=[feast]))


def test_closures_are_cut_out_of_the_hours() -> None:
    closures = [
        (us("2026-06-01 10:00"), us("2026-06-01 11:30")),
        (us("2026-06-01 11:00"), us("2026-06-01 12:00")),
        (us("2026-06-01 16:59:59.999999"), us("2026-06-02 10:00")),
        (us("2026-06-03 05:00"), us("2026-06-03 06:00")),
    ]

    starts, ends = lay_out(week("UTC", daily("09:00-17:00", range(3)), date(2026, 6, 1), closures=closures))

    assert list(zip(starts, ends, strict=True)) == [
        (us("2026-06-01 09:00"), us("2026-06-01 10:00")),
        (us("2026-06-01 12:00"), us("2026-06-01 16:59:59.999999")),
        (us("2026-06-02 10:00"), us("2026-06-02 17:00")),
        (us("2026-06-03 09:00"), us("2026-06-03 17:00")),
    ]


# ---------------------------------------------------------------- versions


def test_hours_change_at_the_instant_of_a_version_even_on_a_wednesday_at_noon() -> None:
    change = us("2026-06-03 12:00")
    before = Version("UTC", daily("09:00-17:00", WEEKDAYS), valid_to_us=change)
    after = Version("UTC", daily("08:00-20:00", WEEKDAYS), valid_from_us=change)

    assert shown(Calendar("UTC", date(2026, 6, 1), date(2026, 6, 6), [before, after])) == [
        "06-01 09:00 06-01 17:00",
        "06-02 09:00 06-02 17:00",
        "06-03 09:00 06-03 20:00",
        "06-04 08:00 06-04 20:00",
        "06-05 08:00 06-05 20:00",
    ]


def test_a_night_shift_is_cut_where_the_next_version_begins() -> None:
    change = us("2026-06-03 00:00")
    nights = Version("UTC", {TUESDAY: hours("22:00-06:00")}, valid_to_us=change)
    none = Version("UTC", {}, valid_from_us=change)

    assert shown(Calendar("UTC", date(2026, 6, 1), date(2026, 6, 8), [nights, none])) == ["06-02 22:00 06-03 00:00"]


def test_a_version_may_move_to_another_zone() -> None:
    change = us("2026-06-02 00:00")
    shanghai = Version("Asia/Shanghai", daily("09:00-17:00"), valid_to_us=change)
    lisbon = Version("Europe/Lisbon", daily("09:00-17:00"), valid_from_us=change)

    assert shown(Calendar("UTC", date(2026, 6, 1), date(2026, 6, 3), [shanghai, lisbon])) == [
        "06-01 01:00 06-01 09:00",
        "06-02 08:00 06-02 16:00",
    ]


def test_a_version_outside_the_horizon_adds_nothing() -> None:
    over = Version("UTC", daily("00:00-24:00"), valid_to_us=us("2020-01-01"))
    now = Version("UTC", daily("09:00-10:00"), valid_from_us=us("2020-01-01"))

    assert shown(Calendar("UTC", date(2026, 6, 1), date(2026, 6, 2), [over, now])) == ["06-01 09:00 06-01 10:00"]


# ---------------------------------------------------------------- clocks that change


@pytest.mark.parametrize(
    ("zone", "of", "expected"),
    [
        ("Europe/Amsterdam", date(2026, 3, 29), 23),
        ("Europe/Amsterdam", date(2026, 10, 25), 25),
        ("Australia/Lord_Howe", date(2026, 10, 4), 23.5),
        ("Australia/Lord_Howe", date(2026, 4, 5), 24.5),
        ("America/Sao_Paulo", date(2015, 10, 18), 23),
        ("America/Sao_Paulo", date(2016, 2, 20), 25),
        ("Asia/Tehran", date(2021, 3, 22), 23),
        ("Asia/Tehran", date(2021, 9, 21), 25),
        ("Pacific/Apia", date(2011, 12, 29), 24),
        ("Pacific/Apia", date(2011, 12, 30), 0),
        ("Africa/Casablanca", date(2026, 2, 15), 25),
        ("Africa/Casablanca", date(2026, 3, 22), 23),
        ("Europe/Dublin", date(2026, 3, 29), 23),
        ("Asia/Shanghai", date(2026, 3, 29), 24),
    ],
)
def test_a_whole_day_has_as_many_hours_as_really_pass(zone: str, of: date, expected: float) -> None:
    assert worked_hours(day(zone, daily("00:00-24:00"), of)) == expected


def test_nine_to_five_is_eight_hours_on_the_day_the_clocks_change() -> None:
    for of in (date(2026, 3, 29), date(2026, 10, 25)):
        assert worked_hours(day("Europe/Amsterdam", daily("09:00-17:00"), of)) == 8


@pytest.mark.parametrize(
    ("of", "window", "utc"),
    [
        # The clocks go from 02:00 to 03:00 at 01:00 UTC.
        (date(2026, 3, 29), "01:00-02:30", ["03-29 00:00 03-29 01:00"]),
        (date(2026, 3, 29), "02:30-03:15", ["03-29 01:00 03-29 01:15"]),
        (date(2026, 3, 29), "02:15-02:45", []),
        (date(2026, 3, 29), "22:00-06:00", ["03-29 20:00 03-29 22:00"]),
        # They go from 03:00 back to 02:00 at 01:00 UTC: boundaries between are meant the first time.
        (date(2026, 10, 25), "01:00-02:30", ["10-24 23:00 10-25 00:30"]),
        (date(2026, 10, 25), "02:15-02:45", ["10-25 00:15 10-25 00:45"]),
        (date(2026, 10, 25), "02:30-03:15", ["10-25 00:30 10-25 02:15"]),
    ],
)
def test_a_boundary_in_the_hour_of_the_change_is_clear(of: date, window: str, utc: list[str]) -> None:
    assert shown(day("Europe/Amsterdam", {of.weekday(): hours(window)}, of), "UTC") == utc


def test_a_night_shift_over_the_change_is_an_hour_shorter_or_longer() -> None:
    nights = {SATURDAY: hours("22:00-06:00")}

    assert worked_hours(one_version("Europe/Amsterdam", nights, date(2026, 3, 23), date(2026, 4, 3))) == 7
    assert worked_hours(one_version("Europe/Amsterdam", nights, date(2026, 10, 19), date(2026, 10, 30))) == 9


def test_neighbouring_windows_stay_neighbours_through_the_change() -> None:
    for of in (date(2026, 3, 29), date(2026, 10, 25)):
        split = day("Europe/Amsterdam", daily("00:00-02:30 02:30-24:00"), of)

        assert len(shown(split)) == 1


def test_a_holiday_where_midnight_is_skipped_begins_with_its_first_instant() -> None:
    calendar = one_version(
        "America/Sao_Paulo",
        daily("00:00-24:00"),
        date(2015, 10, 17),
        date(2015, 10, 20),
        holidays=[date(2015, 10, 18)],
    )

    assert shown(calendar, "UTC") == ["10-17 03:00 10-18 03:00", "10-19 02:00 10-20 02:00"]


# ---------------------------------------------------------------- any calendar

# Around these dates the zones change their clocks, one even its date.
PLACES = [
    ("Africa/Casablanca", date(2026, 2, 15)),
    ("America/New_York", date(2026, 3, 8)),
    ("America/Sao_Paulo", date(2015, 10, 18)),
    ("America/Sao_Paulo", date(2016, 2, 21)),
    ("Asia/Shanghai", date(2026, 1, 1)),
    ("Asia/Tehran", date(2021, 9, 22)),
    ("Australia/Lord_Howe", date(2026, 4, 5)),
    ("Europe/Amsterdam", date(2026, 10, 25)),
    ("Europe/Dublin", date(2026, 3, 29)),
    ("Pacific/Apia", date(2011, 12, 30)),
]
WEEKS_AROUND = 10 * DAY

boundaries = st.one_of(
    st.sampled_from([0, 2 * HOUR, 2 * HOUR + 1800, 3 * HOUR, 12 * HOUR, 22 * HOUR, 24 * HOUR - 1]),
    st.integers(0, 86_399),
)
windows = st.tuples(boundaries, st.one_of(boundaries, st.just(24 * HOUR), st.integers(1, 48 * HOUR)))
window_lists = st.lists(windows, max_size=3)


@st.composite
def versions(draw: st.DrawFn, place: tuple[str, date]) -> Version:
    zone, around = place
    near = st.integers(-9, 9).map(lambda days: around + days * DAY)
    instants = st.integers(-9 * 86_400, 9 * 86_400).map(
        lambda second: microseconds(datetime(around.year, around.month, around.day, tzinfo=UTC)) + second * 1_000_000
    )
    closures = draw(st.lists(st.tuples(instants, st.integers(1, 2 * 86_400_000_000)), max_size=2))
    return Version(
        zone,
        draw(st.dictionaries(st.integers(0, 6), window_lists)),
        frozenset(draw(st.lists(near, max_size=3))),
        draw(st.dictionaries(near, window_lists, max_size=3)),
        [(start, start + length) for start, length in closures],
    )


@st.composite
def calendars(draw: st.DrawFn) -> Calendar:
    place = draw(st.sampled_from(PLACES))
    zone, around = place
    lived = draw(st.lists(versions(place), min_size=1, max_size=3))
    noon = microseconds(datetime(around.year, around.month, around.day, 12, tzinfo=UTC))
    changes = sorted(draw(st.sets(st.integers(-200, 200), min_size=len(lived) - 1, max_size=len(lived) - 1)))
    instants = [None, *(noon + change * HOUR_US for change in changes), None]
    dated = [
        replace(version, valid_from_us=start, valid_to_us=end)
        for version, start, end in zip(lived, instants[:-1], instants[1:], strict=True)
    ]
    return Calendar(zone, around - WEEKS_AROUND, around + WEEKS_AROUND, dated)


@given(calendars())
def test_any_calendar_is_laid_out_as_the_reference_lays_it_out(calendar: Calendar) -> None:
    starts, ends = lay_out(calendar)

    assert list(zip(starts.tolist(), ends.tolist(), strict=True)) == reference.working_intervals(calendar)


@given(calendars())
def test_intervals_are_ascending_apart_and_within_the_horizon(calendar: Calendar) -> None:
    starts, ends = lay_out(calendar)

    assert (starts < ends).all()
    assert (ends[:-1] < starts[1:]).all()
    if len(starts):
        assert horizon(calendar)[0] <= starts[0]
        assert ends[-1] <= horizon(calendar)[1]


@given(calendars(), st.lists(st.floats(0, 1), min_size=3, max_size=3))
def test_working_time_splits_without_loss(calendar: Calendar, shares: list[float]) -> None:
    low, high = horizon(calendar)
    a, b, c = (low + int(share * (high - low)) for share in sorted(shares))
    intervals = reference.working_intervals(calendar)
    starts, ends = lay_out(calendar)
    clock = Clock(starts, ends)

    assert clock.elapsed(a, b) + clock.elapsed(b, c) == clock.elapsed(a, c) == reference.elapsed(intervals, a, c)
    assert 0 <= clock.elapsed(a, c) <= c - a


@given(calendars(), st.floats(0, 1), st.integers(0, 20 * 24 * HOUR_US))
def test_a_deadline_is_the_earliest_instant_at_which_the_limit_is_worked(
    calendar: Calendar, share: float, limit: int
) -> None:
    low, high = horizon(calendar)
    start = low + int(share * (high - low))
    starts, ends = lay_out(calendar)
    clock = Clock(starts, ends)
    due = int(clock.deadline(start, limit))
    expected = reference.deadline(reference.working_intervals(calendar), start, limit)

    assert due == (-1 if expected is None else expected)
    if due >= 0:
        assert clock.elapsed(start, due) == limit
        assert limit == 0 or clock.elapsed(start, due - 1) == limit - 1


@given(calendars(), st.integers(-9, 9))
def test_one_more_holiday_never_adds_working_time(calendar: Calendar, days: int) -> None:
    feast = calendar.horizon_from + WEEKS_AROUND + days * DAY
    observant = replace(
        calendar,
        versions=[replace(version, holidays=version.holidays | {feast}) for version in calendar.versions],
    )
    more, less = lay_out(calendar), lay_out(observant)
    added = subtract(less, more)

    assert len(added[0]) == 0


@given(calendars(), st.floats(0, 1))
def test_a_window_split_in_two_changes_nothing(calendar: Calendar, share: float) -> None:
    def split(windows: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
        pieces = []
        for start, end in windows:
            end = end if end > start else end + 24 * HOUR
            middle = start + max(1, int(share * (end - start)))
            pieces += [(start, middle), (middle, end)] if middle < end else [(start, end)]
        return pieces

    halved = replace(
        calendar,
        versions=[
            replace(
                version,
                hours={of: split(windows) for of, windows in version.hours.items()},
                exceptions={of: split(windows) for of, windows in version.exceptions.items()},
            )
            for version in calendar.versions
        ],
    )

    assert [side.tolist() for side in lay_out(halved)] == [side.tolist() for side in lay_out(calendar)]


@given(calendars())
def test_one_version_in_two_halves_changes_nothing(calendar: Calendar) -> None:
    noon = sum(horizon(calendar)) // 2 + 12_345_678
    halves = []
    for version in calendar.versions:
        low = version.valid_from_us if version.valid_from_us is not None else -(2**61)
        high = version.valid_to_us if version.valid_to_us is not None else 2**61
        if low < noon < high:
            halves += [replace(version, valid_to_us=noon), replace(version, valid_from_us=noon)]
        else:
            halves.append(version)

    assert [side.tolist() for side in lay_out(replace(calendar, versions=halves))] == [
        side.tolist() for side in lay_out(calendar)
    ]


@given(st.sampled_from(PLACES), st.sampled_from(PLACES))
def test_round_the_clock_is_the_same_in_every_zone(place: tuple[str, date], other: tuple[str, date]) -> None:
    around = place[1]
    span = (us(f"{around - DAY}"), us(f"{around + DAY}"))
    clocks = [
        Clock(*lay_out(one_version(zone, daily("00:00-24:00"), around - WEEKS_AROUND, around + WEEKS_AROUND)))
        for zone in (place[0], other[0])
    ]

    assert clocks[0].elapsed(*span) == clocks[1].elapsed(*span) == span[1] - span[0]


@settings(max_examples=200)
@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)).map(sorted), max_size=6),
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)).map(sorted), max_size=6),
)
@example([[3, 3]], [])
@example([[1, 9]], [[5, 5]])
def test_subtracting_intervals_leaves_the_moments_in_one_and_not_in_the_other(
    kept: list[list[int]], cut: list[list[int]]
) -> None:
    expected = {moment for a, b in kept for moment in range(a, b)} - {moment for a, b in cut for moment in range(a, b)}
    sides = [np.array(pairs, dtype=np.int64).reshape(-1, 2) for pairs in (kept, cut)]
    starts, ends = subtract((sides[0][:, 0], sides[0][:, 1]), (sides[1][:, 0], sides[1][:, 1]))

    assert [moment for a, b in zip(starts, ends, strict=True) for moment in range(a, b)] == sorted(expected)
    assert (ends[:-1] < starts[1:]).all()


def test_working_time_before_each_interval_is_the_sum_of_those_before() -> None:
    assert worked_before(np.array([10, 30, 100]), np.array([15, 50, 101])).tolist() == [0, 5, 25]


def test_sixteen_years_of_twenty_calendars_are_laid_out_in_a_moment() -> None:
    office = daily("09:00-12:30 13:15-17:30", WEEKDAYS)
    calendars = [
        one_version(zone, office, date(2015, 1, 1), date(2031, 1, 1), holidays=[date(2026, 1, 1)])
        for zone, _ in PLACES * 2
    ]
    began = time.process_time()
    laid_out = [lay_out(calendar) for calendar in calendars]

    # 0.5 s measured, nearly all of it reading the rules of nine zones; a loop over days would take half a minute.
    assert time.process_time() - began < 5
    assert all(len(starts) > 8_000 for starts, _ in laid_out)


def test_a_calendar_of_the_catalogue_is_laid_out_alike() -> None:
    spec = catalogue.Calendar(
        name="office",
        time_zone="Asia/Shanghai",
        horizon_from=date(2026, 6, 1),
        horizon_to=date(2026, 6, 8),
        versions=(
            catalogue.CalendarVersion(
                time_zone="Asia/Shanghai",
                hours={of: tuple(hours("09:00-17:00")) for of in WEEKDAYS},
                holidays=frozenset([date(2026, 6, 3)]),
            ),
        ),
    )
    ours = week("Asia/Shanghai", daily("09:00-17:00", WEEKDAYS), date(2026, 6, 1), holidays=[date(2026, 6, 3)])

    assert [side.tolist() for side in lay_out(spec)] == [side.tolist() for side in lay_out(ours)]


# ---------------------------------------------------------------- working days


def days_of(calendar: Calendar) -> list[str]:
    """Return the working days with when each begins and closes, in the calendar's zone."""
    clocks = ZoneInfo(calendar.time_zone)
    days = working_days(calendar)
    return [
        f"{date(1970, 1, 1) + int(number) * DAY:%a %d}: "
        + " ".join(
            f"{(reference.EPOCH + timedelta(microseconds=int(instant))).astimezone(clocks):%d %H:%M}"
            for instant in (from_us, closes_us)
        )
        for number, from_us, closes_us in zip(days.day, days.from_us, days.closes_us, strict=True)
    ]


def test_a_working_day_closes_with_its_last_shift_and_weekends_are_none() -> None:
    office = week("Europe/Amsterdam", daily("09:00-12:30 13:15-17:30", [FRIDAY, SATURDAY, MONDAY]), date(2026, 6, 1))

    assert days_of(office) == ["Mon 01: 01 00:00 01 17:30", "Fri 05: 05 00:00 05 17:30", "Sat 06: 06 00:00 06 17:30"]


def test_a_night_shift_is_part_of_the_day_on_which_it_starts() -> None:
    nights = week("UTC", daily("22:00-06:00", [MONDAY, TUESDAY, FRIDAY]), date(2026, 6, 1))

    assert days_of(nights) == ["Mon 01: 01 00:00 02 06:00", "Tue 02: 02 06:00 03 06:00", "Fri 05: 05 00:00 06 06:00"]


def test_what_a_holidays_shift_leaves_after_midnight_is_the_next_days() -> None:
    nights = week("UTC", daily("22:00-06:00", [MONDAY, TUESDAY]), date(2026, 6, 1), holidays=[date(2026, 6, 2)])

    assert days_of(nights) == ["Mon 01: 01 00:00 02 00:00", "Wed 03: 03 00:00 03 06:00"]


def test_closures_and_exceptions_may_leave_no_working_day_or_an_earlier_closing() -> None:
    office = week(
        "UTC",
        daily("09:00-17:00", range(4)),
        date(2026, 6, 1),
        exceptions={date(2026, 6, 2): [], date(2026, 6, 6): hours("10:00-11:00")},
        closures=[
            (us("2026-06-01 16:00"), us("2026-06-01 20:00")),
            (us("2026-06-03 08:00"), us("2026-06-03 12:00")),
            (us("2026-06-03 11:00"), us("2026-06-03 17:00")),
        ],
    )

    assert days_of(office) == ["Mon 01: 01 00:00 01 16:00", "Thu 04: 04 00:00 04 17:00", "Sat 06: 06 00:00 06 11:00"]


def test_a_shift_that_the_horizon_cuts_keeps_its_true_closing() -> None:
    assert days_of(day("UTC", daily("22:00-06:00"), date(2026, 6, 2))) == [
        "Mon 01: 02 00:00 02 06:00",
        "Tue 02: 02 06:00 03 06:00",
    ]


def test_a_version_that_begins_at_midnight_takes_over_with_its_day() -> None:
    wednesday = us("2026-06-03 00:00")
    old = Version("UTC", daily("09:00-17:00"), valid_to_us=wednesday)
    new = Version("UTC", daily("10:00-18:00 22:00-02:00"), valid_from_us=wednesday)

    # The night shift that the new hours would have begun on Tuesday is still Tuesday's.
    assert days_of(Calendar("UTC", date(2026, 6, 1), date(2026, 6, 5), [old, new])) == [
        "Mon 01: 01 00:00 01 17:00",
        "Tue 02: 02 00:00 03 02:00",
        "Wed 03: 03 02:00 04 02:00",
        "Thu 04: 04 02:00 05 02:00",
    ]


def test_a_version_that_moves_to_another_zone_has_the_dates_of_that_zone() -> None:
    wednesday = us("2026-03-04 00:00+01:00")
    old = Version("Europe/Amsterdam", daily("09:00-17:00"), valid_to_us=wednesday)
    new = Version("America/New_York", daily("09:00-17:00"), valid_from_us=wednesday)

    assert days_of(Calendar("Europe/Amsterdam", date(2026, 3, 3), date(2026, 3, 5), [old, new])) == [
        "Tue 03: 03 00:00 03 17:00",
        "Wed 04: 04 06:00 04 23:00",
    ]


def test_a_time_of_day_is_that_of_the_days_clocks() -> None:
    nights = daily("00:00-24:00")
    spring = working_days(day("Europe/Amsterdam", nights, date(2026, 3, 29)))
    autumn = working_days(day("Europe/Amsterdam", nights, date(2026, 10, 25)))

    assert at_clock(spring, 16 * HOUR).tolist() == [us("2026-03-29 14:00")]
    # 02:30 is skipped in spring and comes twice in autumn.
    assert at_clock(spring, 2 * HOUR + 1800).tolist() == [us("2026-03-29 01:00")]
    assert at_clock(autumn, 2 * HOUR + 1800).tolist() == [us("2026-10-25 00:30")]
    assert at_clock(autumn, 24 * HOUR).tolist() == [us("2026-10-25 23:00")]


def test_a_clock_that_never_stops_has_every_date_but_the_one_that_a_zone_skipped() -> None:
    days = every_day("Pacific/Apia", date(2011, 12, 29), date(2011, 12, 31))

    assert [int(number) - int(days.day[0]) for number in days.day] == [0, 2]
    assert days.closes_us[0] == days.from_us[1] == us("2011-12-30 10:00")


@settings(max_examples=150)
@given(calendars())
def test_any_working_days_are_those_of_the_reference(calendar: Calendar) -> None:
    days = working_days(calendar)
    ours = [
        (date(1970, 1, 1) + int(number) * DAY, int(from_us), int(closes_us))
        for number, from_us, closes_us in zip(days.day, days.from_us, days.closes_us, strict=True)
    ]

    assert ours == slow.working_days(calendar)


@settings(max_examples=50)
@given(calendars())
def test_working_days_begin_in_order_and_together_work_all_that_is_worked(calendar: Calendar) -> None:
    days, intervals = working_days(calendar), lay_out(calendar)
    worked = worked_until(intervals, np.append(days.from_us, horizon(calendar)[1]))

    assert (np.diff(days.day) > 0).all()
    assert (np.diff(days.from_us) >= 0).all()
    # Nothing is worked before the first day begins.
    assert not len(days.day) or worked[0] == 0
    assert worked[-1] == (intervals[1] - intervals[0]).sum()


def test_twenty_years_of_working_days_of_twenty_calendars_take_a_moment() -> None:
    began_us = us("2011-01-01 00:00")
    starts = [None, *(began_us + month * 30 * 24 * HOUR_US for month in range(1, 240)), None]
    calendars = [
        Calendar(
            zone,
            date(2011, 1, 1),
            date(2031, 1, 1),
            [
                Version(zone, daily("09:00-12:30 13:15-17:30 22:00-06:00"), valid_from_us=start, valid_to_us=end)
                for start, end in pairwise(starts)
            ],
        )
        for zone, _ in PLACES * 2
    ]
    began = time.process_time()
    found = [working_days(calendar) for calendar in calendars]

    # 0.9 s measured, 0.1 s with one version a calendar.
    assert time.process_time() - began < 5
    assert all(len(days.day) > 7_000 for days in found)
