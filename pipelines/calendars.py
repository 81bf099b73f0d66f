"""Working intervals in UTC: what the wall-clock hours of a calendar are in instants.

The rules are applied to wall times first and turned into instants last. That is exact because the way to UTC never
turns back (see zones), so cutting at a local midnight and then converting is the same as the other way round.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date
from typing import Protocol

import numpy as np
import numpy.typing as npt

from pipelines.zones import BEGINNING_US, DAY_US, END_US, SECOND_US, Instants, day_number, midnight_us, to_local, to_utc

# A window may end at 48:00, so a shift reaches at most into the day after the next one.
LONGEST_REACH_DAYS = 2

# 1970-01-01, day 0, was a Thursday; the week begins with Monday, 0.
EPOCH_WEEKDAY = 3

# Seconds after local midnight; an end at or before the start is on the next day.
Window = tuple[int, int]
Intervals = tuple[Instants, Instants]

_NONE: Instants = np.array([], dtype=np.int64)


@dataclass(frozen=True)
class WorkingDays:
    """Days in order: number of the local date, the zone of its clocks, when its runs begin and its work ends."""

    day: Instants
    zone: npt.NDArray[np.str_]
    from_us: Instants
    closes_us: Instants


class CalendarVersionLike(Protocol):
    """What is needed of one version of a calendar, see pipelines.catalogue.calendars."""

    @property
    def valid_from_us(self) -> int | None: ...
    @property
    def valid_to_us(self) -> int | None: ...
    @property
    def time_zone(self) -> str: ...
    @property
    def hours(self) -> Mapping[int, Sequence[Window]]: ...
    @property
    def holidays(self) -> Set[date]: ...
    @property
    def exceptions(self) -> Mapping[date, Sequence[Window]]: ...
    @property
    def closures(self) -> Sequence[tuple[int, int]]: ...


class CalendarLike(Protocol):
    """What is needed of a calendar, see pipelines.catalogue.calendars."""

    @property
    def time_zone(self) -> str: ...
    @property
    def horizon_from(self) -> date: ...
    @property
    def horizon_to(self) -> date: ...
    @property
    def versions(self) -> Sequence[CalendarVersionLike]: ...


def horizon(calendar: CalendarLike) -> tuple[int, int]:
    """Return the instants between which ``calendar`` is laid out: local midnights of the dates of its horizon."""
    zone = calendar.time_zone
    return midnight_us(zone, calendar.horizon_from), midnight_us(zone, calendar.horizon_to)


def lay_out(calendar: CalendarLike) -> Intervals:
    """Return the starts and ends of all working intervals within the horizon: ascending, disjoint, not touching."""
    from_us, to_us = horizon(calendar)
    pieces = [_lay_out_version(version, from_us, to_us) for version in calendar.versions]
    return subtract(_concatenate(pieces), _intervals([]))


def worked_before(from_us: Instants, to_us: Instants) -> Instants:
    """Return the working time accumulated before the start of each interval."""
    length = to_us - from_us
    return np.cumsum(length) - length


def working_days(calendar: CalendarLike) -> WorkingDays:
    """Return the days on which a shift that starts on them works within the horizon, in order.

    What is left of a shift after the midnight that ends a holiday belongs to the day that begins there.
    """
    begin_us, finish_us = horizon(calendar)
    of_version = [_worked_on_days(version, begin_us, finish_us) for version in calendar.versions]
    owner, starts, ends = (np.concatenate([_NONE, *(piece[side] for piece in of_version)]) for side in range(3))
    is_within = np.isin(owner, owner[starts < finish_us])
    days, of_day = np.unique(owner[is_within], return_inverse=True)
    # The true end, even where it is beyond the horizon.
    closes_us = np.full(len(days), BEGINNING_US)
    np.maximum.at(closes_us, of_day, ends[is_within])

    dates, zone, date_begins_us = _dates(calendar, begin_us, finish_us)
    # The night before the first date may have left its shift.
    nth = np.searchsorted(dates, days)
    closed_before_us = np.concatenate([[BEGINNING_US], np.maximum.accumulate(closes_us)[:-1]])[: len(days)]
    return WorkingDays(days, zone[nth], np.maximum(date_begins_us[nth], closed_before_us), closes_us)


def every_day(zone: str, first: date, last: date) -> WorkingDays:
    """Return the dates of a zone from ``first`` to ``last`` as the working days of a clock that never stops."""
    days = np.arange(day_number(first), day_number(last) + 2, dtype=np.int64)
    midnight = to_utc(zone, days * DAY_US)
    days, from_us, to_us = days[:-1], midnight[:-1], midnight[1:]
    # A date that a zone skipped as it crossed the date line has no instants.
    is_day = from_us < to_us
    return WorkingDays(days[is_day], np.full(is_day.sum(), zone), from_us[is_day], to_us[is_day])


def at_clock(days: WorkingDays, seconds: int) -> Instants:
    """Return the instant of a time of day on each of ``days``, by the clocks of the day."""
    local_us = days.day * DAY_US + seconds * SECOND_US
    instants = np.empty_like(local_us)
    for zone in np.unique(days.zone):
        is_here = days.zone == zone
        instants[is_here] = to_utc(zone, local_us[is_here])
    return instants


def worked_until(intervals: Intervals, instants: Instants) -> Instants:
    """Return the working time from the beginning of the horizon up to each instant."""
    from_us, to_us = intervals
    if not len(from_us):
        return np.zeros_like(instants)
    row = np.searchsorted(from_us, instants, side="right") - 1
    before = worked_before(from_us, to_us)[row] + np.minimum(instants, to_us[row]) - from_us[row]
    return np.where(row < 0, 0, before)


def subtract(intervals: Intervals, cuts: Intervals) -> Intervals:
    """Return the instants in one of ``intervals`` and in none of ``cuts`` as maximal intervals, whatever overlaps."""
    edges, position = np.unique(np.concatenate([*intervals, *cuts]), return_inverse=True)
    opened = np.zeros(len(edges) + 1, dtype=np.int64)
    cut = np.zeros(len(edges) + 1, dtype=np.int64)
    bounds = np.cumsum([len(side) for side in (*intervals, *cuts)])
    for counter, step, place in zip(
        (opened, opened, cut, cut), (1, -1, 1, -1), np.split(position, bounds[:-1]), strict=True
    ):
        np.add.at(counter, place, step)
    # What holds from one edge to the next; the last counter, beyond all edges, closes what is still open.
    is_open = (np.cumsum(opened) > 0) & (np.cumsum(cut) == 0)
    changes = np.diff(is_open.astype(np.int8), prepend=0)
    return edges[np.flatnonzero(changes == 1)], edges[np.flatnonzero(changes == -1)]


def _lay_out_version(version: CalendarVersionLike, from_us: int, to_us: int) -> Intervals:
    zone = version.time_zone
    valid_from_us, valid_to_us = _validity(version)
    from_us, to_us = max(from_us, valid_from_us), min(to_us, valid_to_us)
    if from_us >= to_us:
        return _intervals([])
    first, last = (int(local) // DAY_US for local in to_local(zone, [from_us, to_us]))
    local = subtract(_shifts(version, first - LONGEST_REACH_DAYS - 1, last + 1), _days(_days_off(version)))
    starts, ends = subtract((to_utc(zone, local[0]), to_utc(zone, local[1])), _intervals(version.closures))
    starts, ends = np.clip(starts, from_us, to_us), np.clip(ends, from_us, to_us)
    return starts[starts < ends], ends[starts < ends]


def _worked_on_days(version: CalendarVersionLike, begin_us: int, finish_us: int) -> tuple[Instants, Instants, Instants]:
    """Return the days whose shifts work after one instant, from when to when; one may come twice, and reach beyond."""
    zone = version.time_zone
    from_us, to_us = _validity(version)
    if max(from_us, begin_us) >= min(to_us, finish_us):
        return _NONE, _NONE, _NONE
    first, last = (int(local) // DAY_US for local in to_local(zone, [max(from_us, begin_us), min(to_us, finish_us)]))
    starts, ends = _shifts(version, first - LONGEST_REACH_DAYS - 1, last + 1)
    # A window reaches at most to the end of the next day: a shift has a part before midnight and perhaps one after.
    day = starts // DAY_US
    midnight = (day + 1) * DAY_US
    off = np.array([day_number(each) for each in _days_off(version)], dtype=np.int64)
    is_off, is_next_off = np.isin(day, off), np.isin(day + 1, off)
    owner = np.concatenate([day[~is_off], (day + is_off)[~is_next_off]])
    starts = np.concatenate([starts[~is_off], np.maximum(starts, midnight)[~is_next_off]])
    ends = np.concatenate([np.minimum(ends, midnight)[~is_off], ends[~is_next_off]])
    is_left = starts < ends
    owner, starts, ends = owner[is_left], to_utc(zone, starts[is_left]), to_utc(zone, ends[is_left])
    starts, ends = np.clip(starts, max(from_us, begin_us), to_us), np.clip(ends, max(from_us, begin_us), to_us)
    starts, ends = _without(starts, ends, subtract(_intervals(version.closures), _intervals([])))
    is_left = starts < ends
    return owner[is_left], starts[is_left], ends[is_left]


def _without(starts: Instants, ends: Instants, cuts: Intervals) -> Intervals:
    """Return the first and the last of each interval that ``cuts``, which are apart and in order, leave of it."""
    if not len(cuts[0]):
        return starts, ends
    cut = np.searchsorted(cuts[0], starts, side="right") - 1
    starts = np.where((cut >= 0) & (starts < cuts[1][cut]), cuts[1][cut], starts)
    cut = np.searchsorted(cuts[0], ends, side="left") - 1
    return starts, np.where((cut >= 0) & (ends <= cuts[1][cut]), cuts[0][cut], ends)


def _dates(calendar: CalendarLike, begin_us: int, finish_us: int) -> tuple[Instants, npt.NDArray[np.str_], Instants]:
    """Return each local date between two instants, the zone in force as it begins, and when that is.

    Where a version moves to another zone, a date begins when the clocks in force first show it, or a later one.
    """
    dates, zones, begins = [_NONE], [np.array([], dtype=str)], [_NONE]
    reached = None
    for version in calendar.versions:
        zone = version.time_zone
        from_us, to_us = _validity(version)
        from_us, to_us = max(from_us, begin_us), min(to_us, finish_us)
        if from_us >= to_us:
            continue
        first, last = (int(local) // DAY_US for local in to_local(zone, [from_us, to_us]))
        new = np.arange(first if reached is None else reached + 1, last + 2, dtype=np.int64)
        new_begins = np.maximum(to_utc(zone, new * DAY_US), from_us)
        new, new_begins = new[new_begins < to_us], new_begins[new_begins < to_us]
        dates.append(new)
        zones.append(np.full(len(new), zone))
        begins.append(new_begins)
        reached = int(new[-1]) if len(new) else reached
    return np.concatenate(dates), np.concatenate(zones), np.concatenate(begins)


def _validity(version: CalendarVersionLike) -> tuple[int, int]:
    return (
        BEGINNING_US if version.valid_from_us is None else version.valid_from_us,
        END_US if version.valid_to_us is None else version.valid_to_us,
    )


def _shifts(version: CalendarVersionLike, first: int, last: int) -> Intervals:
    """Return the shifts that start on the local days from ``first`` to ``last``, in wall time, however they overlap."""
    days = np.arange(first, last + 1, dtype=np.int64)
    weekday = (days + EPOCH_WEEKDAY) % 7
    # A shift belongs to the day it starts: an exception replaces those of its date, not the end of last night's.
    is_usual = ~np.isin(days, np.array([day_number(day) for day in version.exceptions], dtype=np.int64))
    pieces = [
        _on(days[is_usual & (weekday == of_week)], window)
        for of_week, windows in version.hours.items()
        for window in windows
    ]
    pieces += [
        _on(np.array([day_number(day)], dtype=np.int64), window)
        for day, windows in version.exceptions.items()
        for window in windows
    ]
    return _concatenate(pieces)


def _on(days: Instants, window: Window) -> Intervals:
    start, end = window
    length = end - start if end > start else end - start + 86_400
    starts = days * DAY_US + start * SECOND_US
    return starts, starts + length * SECOND_US


def _days_off(version: CalendarVersionLike) -> Iterable[date]:
    """Return the holidays in force: an exception wins over its holiday, unless it says closed, as the holiday does."""
    return (day for day in version.holidays if not version.exceptions.get(day))


def _days(days: Iterable[date]) -> Intervals:
    starts = np.array([day_number(day) for day in days], dtype=np.int64) * DAY_US
    return starts, starts + DAY_US


def _intervals(pairs: Sequence[tuple[int, int]]) -> Intervals:
    table = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return table[:, 0], table[:, 1]


def _concatenate(pieces: Sequence[Intervals]) -> Intervals:
    pieces = [_intervals([]), *pieces]
    return np.concatenate([starts for starts, _ in pieces]), np.concatenate([ends for _, ends in pieces])
