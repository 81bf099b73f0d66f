"""A slow reference of our own for working days, beside the one for working time: each shift of each day, one by one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from reference import (
    ONE_DAY,
    Calendar,
    Version,
    instant_of,
    is_day_off,
    microseconds,
    midnight,
    shifts_of,
    signed_elapsed,
    without,
)

EVER_US = 2**62


def working_days(calendar: Calendar) -> list[tuple[date, int, int]]:
    """Return each working day: its date, from when on a start counts as this day, and the end of its last work."""
    begin, finish = (midnight(day, calendar.time_zone) for day in (calendar.horizon_from, calendar.horizon_to))
    closings: dict[date, int] = {}
    begun = set()
    for version in calendar.versions:
        for owner, start, end in parts(version, calendar.horizon_from, calendar.horizon_to):
            if end > begin:
                closings[owner] = max(closings.get(owner, end), end)
                begun |= {owner} if start < finish else set()
    found = []
    night_before = begin
    for day in sorted(begun):
        found.append((day, max(first_shown(calendar, day, begin), night_before), closings[day]))
        night_before = max(night_before, closings[day])
    return found


def limit_of(
    calendar: Calendar, intervals: Sequence[tuple[int, int]], start: int, days: int, clock: timedelta | None
) -> int | None:
    """Return the working time from ``start`` to the closing, or to ``clock``, of the nth working day after its own.

    For calendars that keep to one zone. None: that is beyond the horizon.
    """
    found = working_days(calendar)
    own = max((number for number, (_, begins, _) in enumerate(found) if begins <= start), default=-1)
    if own + days >= len(found):
        return None
    day, _, closes = found[own + days]
    wall = datetime.combine(day, time())
    due = closes if clock is None else microseconds(instant_of(wall + clock, ZoneInfo(calendar.time_zone)))
    return signed_elapsed(intervals, start, due) if due <= midnight(calendar.horizon_to, calendar.time_zone) else None


def parts(version: Version, first: date, last: date) -> Iterator[tuple[date, int, int]]:
    """Yield what is worked of each shift of a version on each date that it touches, with the day that it counts for."""
    zone = ZoneInfo(version.time_zone)
    valid_from = -EVER_US if version.valid_from_us is None else version.valid_from_us
    valid_to = EVER_US if version.valid_to_us is None else version.valid_to_us
    day = first - timedelta(days=4)
    while day <= last + timedelta(days=4):
        for opening, closing in shifts_of(version, day):
            for touched in (day, day + ONE_DAY):
                wall = datetime.combine(touched, time())
                low, high = max(opening, wall), min(closing, wall + ONE_DAY)
                if low >= high or is_day_off(version, touched):
                    continue
                owner = touched if is_day_off(version, day) else day
                stretch = (
                    max(microseconds(instant_of(low, zone)), valid_from),
                    min(microseconds(instant_of(high, zone)), valid_to),
                )
                if stretch[0] < stretch[1]:
                    yield from ((owner, *left) for left in without(stretch, version.closures))
        day += ONE_DAY


def first_shown(calendar: Calendar, day: date, begin: int) -> int:
    """Return the first instant at which the clocks in force have reached a date."""
    for version in calendar.versions:
        low = max(begin, midnight(day, version.time_zone))
        low = low if version.valid_from_us is None else max(low, version.valid_from_us)
        if version.valid_to_us is None or low < version.valid_to_us:
            return low
    raise AssertionError("the last version never ends")
