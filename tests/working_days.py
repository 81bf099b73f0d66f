"""A slow reference of our own for working days, beside the one for working time: each shift of each day, one by one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from reference import ONE_DAY, Calendar, Version, instant_of, is_day_off, microseconds, shifts_of, without

EVER_US = 2**62


def working_days(calendar: Calendar) -> list[tuple[date, int, int]]:
    """Return each working day: its date, from when on a start counts as this day, and the end of its last work."""
    home = ZoneInfo(calendar.time_zone)
    begin, finish = (midnight(day, home) for day in (calendar.horizon_from, calendar.horizon_to))
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


def midnight(day: date, zone: ZoneInfo) -> int:
    """Return the instant at which a date begins."""
    return microseconds(instant_of(datetime.combine(day, time()), zone))


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
        low = max(begin, midnight(day, ZoneInfo(version.time_zone)))
        low = low if version.valid_from_us is None else max(low, version.valid_from_us)
        if version.valid_to_us is None or low < version.valid_to_us:
            return low
    raise AssertionError("the last version never ends")
