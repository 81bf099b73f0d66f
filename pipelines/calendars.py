"""Working intervals in UTC: what the wall-clock hours of a calendar are in instants.

The rules are applied to wall times first and turned into instants last. That is exact because the way to UTC never
turns back (see zones), so cutting at a local midnight and then converting is the same as the other way round.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from datetime import date
from typing import Protocol

import numpy as np

from pipelines.zones import BEGINNING_US, DAY_US, END_US, SECOND_US, Instants, day_number, midnight_us, to_local, to_utc

# A window may end at 48:00, so a shift reaches at most into the day after the next one.
LONGEST_REACH_DAYS = 2

# 1970-01-01, day 0, was a Thursday; the week begins with Monday, 0.
EPOCH_WEEKDAY = 3

# Seconds after local midnight; an end at or before the start is on the next day.
Window = tuple[int, int]
Intervals = tuple[Instants, Instants]


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
    from_us = max(from_us, BEGINNING_US if version.valid_from_us is None else version.valid_from_us)
    to_us = min(to_us, END_US if version.valid_to_us is None else version.valid_to_us)
    if from_us >= to_us:
        return _intervals([])
    first, last = (int(local) // DAY_US for local in to_local(zone, [from_us, to_us]))
    local = subtract(_shifts(version, first - LONGEST_REACH_DAYS - 1, last + 1), _days(_days_off(version)))
    starts, ends = subtract((to_utc(zone, local[0]), to_utc(zone, local[1])), _intervals(version.closures))
    starts, ends = np.clip(starts, from_us, to_us), np.clip(ends, from_us, to_us)
    return starts[starts < ends], ends[starts < ends]


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
