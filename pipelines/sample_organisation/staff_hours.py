"""When the people of the sample organisation work.

Written apart from the catalogue on purpose: the catalogue says how time is *counted*, this says when work is *done*. A
user who edits a calendar to see what happens must not rewrite history by it. A test holds the two together.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import holidays
import numpy as np

HOME_ZONE = "Asia/Shanghai"
# China has kept one offset since 1991, so local days of the operator are cut by a constant.
HOME_OFFSET = 8 * 3600
DAY = 86_400
NEVER = np.int64(1) << np.int64(60)

Windows = tuple[tuple[int, int], ...]

_OFFICE: Windows = ((9 * 60, 12 * 60), (13 * 60 + 30, 18 * 60))
_SHOP: Windows = ((10 * 60, 21 * 60),)
_NIGHT: Windows = ((23 * 60, 29 * 60),)
_STOCKHOLM: Windows = ((8 * 60, 12 * 60), (13 * 60, 17 * 60))
_STOCKHOLM_FRIDAY: Windows = ((8 * 60, 12 * 60), (13 * 60, 16 * 60))

# Weekend days that the State Council declares working days, in exchange for longer holidays.
_MADE_UP = [
    (2025, 1, 26), (2025, 2, 8), (2025, 4, 27), (2025, 9, 28), (2025, 10, 11),
    (2026, 1, 4), (2026, 2, 14), (2026, 2, 28), (2026, 5, 9), (2026, 9, 20), (2026, 10, 10),
]  # fmt: skip
_NEW_YEARS_EVES = [(2025, 1, 28), (2026, 2, 16), (2027, 2, 5)]
_NEW_YEARS_DAYS = [(2025, 1, 29), (2026, 2, 17), (2027, 2, 6)]
_MIDSUMMER_EVES = [(2025, 6, 20), (2026, 6, 19), (2027, 6, 25)]
_SHORT_IN_STOCKHOLM = [(12, 31)]
_CLOSED_IN_STOCKHOLM = [(12, 24)]
# No changes to the network while everybody is on the phone or on the road.
CHANGE_FREEZES = [("2025-09-30", "2025-10-09"), ("2026-02-14", "2026-02-24"), ("2026-09-30", "2026-10-08")]
# A Wednesday: from then on the crews drive on Saturdays too, and from eight to seven.
FIELD_HOURS_EXTENDED = dt.date(2026, 3, 4)


@dataclass(frozen=True)
class StaffHours:
    """Working intervals in UTC seconds, with the time worked before each."""

    begin: np.ndarray
    end: np.ndarray
    before: np.ndarray

    @classmethod
    def of(cls, intervals: Iterable[tuple[int, int]]) -> StaffHours:
        """Lay out ascending intervals that do not overlap."""
        edges = np.array(list(intervals), dtype=np.int64).reshape(-1, 2)
        lengths = edges[:, 1] - edges[:, 0]
        return cls(edges[:, 0], edges[:, 1], np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype(np.int64))

    def worked(self, instant: np.ndarray) -> np.ndarray:
        """Working seconds up to an instant."""
        instant = np.asarray(instant, dtype=np.int64)
        at = np.clip(np.searchsorted(self.begin, instant, side="right") - 1, 0, None)
        return self.before[at] + np.clip(instant - self.begin[at], 0, self.end[at] - self.begin[at])

    def after(self, instant: np.ndarray, seconds: np.ndarray) -> np.ndarray:
        """When ``seconds`` of work begun at ``instant`` are done: in working hours always; NEVER past the layout."""
        wanted = self.worked(instant) + np.maximum(np.asarray(seconds, dtype=np.int64), 1)
        done = self.before + (self.end - self.begin)
        at = np.searchsorted(done, wanted, side="left")
        inside = np.minimum(at, len(done) - 1)
        return np.where(at < len(done), self.begin[inside] + wanted - self.before[inside], NEVER)


@dataclass(frozen=True)
class Staff:
    """Everybody's hours over one span of days."""

    office: StaffHours
    shop: StaffHours
    field: StaffHours
    night: StaffHours
    stockholm: StaffHours
    always: StaffHours


def staff(first: dt.date, last: dt.date) -> Staff:
    """Lay out the hours of all staff from ``first`` to ``last``, both included."""
    years = range(first.year, last.year + 1)
    days = [first + dt.timedelta(n) for n in range((last - first).days + 1)]
    china = set(holidays.country_holidays("CN", years=years))
    sweden = set(holidays.country_holidays("SE", years=years))
    made_up, eves, new_year = (_dates(d) for d in (_MADE_UP, _NEW_YEARS_EVES, _NEW_YEARS_DAYS))
    midsummer = _dates(_MIDSUMMER_EVES)

    def office(day: dt.date) -> Windows:
        return _OFFICE if day in made_up or (day.weekday() < 5 and day not in china) else ()

    def shop(day: dt.date) -> Windows:
        return () if day in new_year else ((10 * 60, 17 * 60),) if day in eves else _SHOP

    def field(day: dt.date) -> Windows:
        if day in china:
            return ()
        if day < FIELD_HOURS_EXTENDED:
            return ((8 * 60 + 30, 17 * 60 + 30),) if day.weekday() < 5 else ()
        return ((8 * 60, 19 * 60),) if day.weekday() < 6 else ()

    def stockholm(day: dt.date) -> Windows:
        if (day.month, day.day) in _SHORT_IN_STOCKHOLM:
            return ((8 * 60, 12 * 60),)
        if day in sweden or day in midsummer or (day.month, day.day) in _CLOSED_IN_STOCKHOLM or day.weekday() > 4:
            return ()
        return _STOCKHOLM_FRIDAY if day.weekday() == 4 else _STOCKHOLM

    freezes = [tuple(_instant(dt.date.fromisoformat(day), 0, HOME_ZONE) for day in freeze) for freeze in CHANGE_FREEZES]
    nights = _without(_laid_out(days, lambda day: _NIGHT, HOME_ZONE), freezes)
    return Staff(
        office=StaffHours.of(_laid_out(days, office, HOME_ZONE)),
        shop=StaffHours.of(_laid_out(days, shop, HOME_ZONE)),
        field=StaffHours.of(_laid_out(days, field, HOME_ZONE)),
        night=StaffHours.of(nights),
        stockholm=StaffHours.of(_laid_out(days, stockholm, "Europe/Stockholm")),
        always=StaffHours.of([(_instant(first, 0, HOME_ZONE), _instant(last, 0, HOME_ZONE) + DAY)]),
    )


def local_day(instant: np.ndarray) -> np.ndarray:
    """The operator's local day (days since 1970) of an instant."""
    return (np.asarray(instant, dtype=np.int64) + HOME_OFFSET) // DAY


def midnight(day: np.ndarray | int) -> np.ndarray | int:
    """The instant at which a local day of the operator begins."""
    return day * DAY - HOME_OFFSET


def months_of(days: np.ndarray) -> np.ndarray:
    """Months since 1970 of days since 1970."""
    return days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)


def month_of_year(days: np.ndarray) -> np.ndarray:
    """1 for January."""
    return months_of(days) % 12 + 1


def day_of_month(days: np.ndarray) -> np.ndarray:
    """1 for the first."""
    return days - months_of(days).astype("datetime64[M]").astype("datetime64[D]").astype(np.int64) + 1


def weekday(days: np.ndarray) -> np.ndarray:
    """0 for Monday."""
    return (days + 3) % 7


def _dates(parts: list[tuple[int, int, int]]) -> set[dt.date]:
    return {dt.date(*part) for part in parts}


def _instant(day: dt.date, minute: int, zone: str) -> int:
    wall = dt.datetime.combine(day, dt.time(), ZoneInfo(zone)) + dt.timedelta(minutes=minute)
    return int(wall.timestamp())


def _laid_out(days: list[dt.date], windows: Callable[[dt.date], Windows], zone: str) -> list[tuple[int, int]]:
    return [(_instant(day, a, zone), _instant(day, b, zone)) for day in days for a, b in windows(day)]


def _without(intervals: list[tuple[int, int]], cuts: list[tuple[int, int]]) -> list[tuple[int, int]]:
    for cut_from, cut_to in cuts:
        intervals = [
            piece
            for begin, end in intervals
            for piece in ((begin, min(end, cut_from)), (max(begin, cut_to), end))
            if piece[0] < piece[1]
        ]
    return intervals
