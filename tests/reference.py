"""A slow reference of our own for working time, in plain Python, written apart from what it checks.

It walks through the hours of a calendar one stretch of the clock at a time and asks of each stretch whether it is
worked, where the project sorts edges and looks things up. Slowness is its virtue: each rule is one line.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Version:
    """The hours of a calendar from one instant to another; windows are seconds after the midnight of their day."""

    time_zone: str
    hours: Mapping[int, Sequence[tuple[int, int]]]
    holidays: frozenset[date] = frozenset()
    exceptions: Mapping[date, Sequence[tuple[int, int]]] = field(default_factory=dict)
    closures: Sequence[tuple[int, int]] = ()
    valid_from_us: int | None = None
    valid_to_us: int | None = None


@dataclass(frozen=True)
class Calendar:
    """A calendar in the form that pipelines.calendars reads."""

    time_zone: str
    horizon_from: date
    horizon_to: date
    versions: Sequence[Version]
    name: str = "reference"


def one_version(
    time_zone: str,
    hours: Mapping[int, Sequence[tuple[int, int]]],
    horizon_from: date,
    horizon_to: date,
    *,
    holidays: Iterable[date] = (),
    exceptions: Mapping[date, Sequence[tuple[int, int]]] | None = None,
    closures: Sequence[tuple[int, int]] = (),
) -> Calendar:
    """Return a calendar that never changed."""
    version = Version(time_zone, hours, frozenset(holidays), exceptions or {}, closures)
    return Calendar(time_zone, horizon_from, horizon_to, [version])


def microseconds(instant: datetime) -> int:
    """Return an instant as whole microseconds since 1970 UTC."""
    return (instant - EPOCH) // MICROSECOND


def instant_of(local: datetime, zone: ZoneInfo) -> datetime:
    """Return the first instant at which the clocks show ``local``, or at which they jump past it."""
    candidates = [local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)]
    shown = [instant for instant in candidates if instant.astimezone(zone).replace(tzinfo=None) == local]
    if shown:
        return min(shown)
    # Skipped: walk over the seconds between the two readings until the clocks are past it.
    earlier, later = min(candidates), max(candidates)
    low, high = 0, int((later - earlier).total_seconds())
    while low < high:
        middle = (low + high) // 2
        if (earlier + timedelta(seconds=middle)).astimezone(zone).replace(tzinfo=None) > local:
            high = middle
        else:
            low = middle + 1
    return earlier + timedelta(seconds=low)


def shifts_of(version: Version, day: date) -> Iterator[tuple[datetime, datetime]]:
    """Yield the shifts that start on ``day``, in wall time."""
    windows = version.exceptions[day] if day in version.exceptions else version.hours.get(day.weekday(), [])
    for start, end in windows:
        midnight = datetime.combine(day, time())
        yield midnight + timedelta(seconds=start), midnight + timedelta(seconds=end, days=1 if end <= start else 0)


def is_day_off(version: Version, day: date) -> bool:
    """Say whether ``day`` is a holiday on which no exception gives hours."""
    return day in version.holidays and not version.exceptions.get(day)


def worked_on(version: Version, day: date) -> list[tuple[int, int]]:
    """Return what is worked between the two midnights of a local day, in microseconds UTC, cut at every edge."""
    if is_day_off(version, day):
        return []
    zone = ZoneInfo(version.time_zone)
    begin, finish = datetime.combine(day, time()), datetime.combine(day + ONE_DAY, time())
    shifts = [shift for back in range(3) for shift in shifts_of(version, day - back * ONE_DAY)]
    edges = {begin, finish, *(edge for shift in shifts for edge in shift if begin < edge < finish)}
    walls = sorted(edges)
    instants = [microseconds(instant_of(wall, zone)) for wall in walls]
    worked = []
    for wall, start, end in zip(walls, instants, instants[1:], strict=False):
        if any(opening <= wall < closing for opening, closing in shifts):
            worked.extend(without((start, end), version.closures))
    return worked


def without(stretch: tuple[int, int], closures: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return what closures leave of a stretch."""
    left = [stretch]
    for shut, reopened in closures:
        left = [piece for a, b in left for piece in ((a, min(b, shut)), (max(a, reopened), b)) if piece[0] < piece[1]]
    return left


def working_intervals(calendar: Calendar) -> list[tuple[int, int]]:
    """Return every working interval of a calendar within its horizon, joined where they touch."""
    home = ZoneInfo(calendar.time_zone)
    horizon = [
        microseconds(instant_of(datetime.combine(day, time()), home))
        for day in (calendar.horizon_from, calendar.horizon_to)
    ]
    pieces = []
    for version in calendar.versions:
        low = horizon[0] if version.valid_from_us is None else max(horizon[0], version.valid_from_us)
        high = horizon[1] if version.valid_to_us is None else min(horizon[1], version.valid_to_us)
        day = calendar.horizon_from - 2 * ONE_DAY
        while day <= calendar.horizon_to + 2 * ONE_DAY:
            clipped = [(max(a, low), min(b, high)) for a, b in worked_on(version, day)]
            pieces += [piece for piece in clipped if piece[0] < piece[1]]
            day += ONE_DAY
    joined: list[tuple[int, int]] = []
    for start, end in sorted(pieces):
        if joined and start <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((start, end))
    return joined


def elapsed(intervals: Sequence[tuple[int, int]], start: int, end: int) -> int:
    """Return the working time between two instants."""
    return sum(max(0, min(b, end) - max(a, start)) for a, b in intervals)


def deadline(intervals: Sequence[tuple[int, int]], start: int, limit: int) -> int | None:
    """Return the earliest instant at which ``limit`` has been worked since ``start``; None: not within the horizon."""
    if limit == 0:
        return start
    for opening, closing in intervals:
        opening = max(opening, start)
        if opening >= closing:
            continue
        if closing - opening >= limit:
            return opening + limit
        limit -= closing - opening
    return None


def state(status: str, worked: int, commitment_limit: int, tolerance_limit: int) -> str:
    """Return the state of a committed run: limits are inclusive."""
    if status == "cancelled":
        return "cancelled"
    level = "warning" if worked > tolerance_limit else "acceptable" if worked > commitment_limit else "normal"
    return f"{status}_{level}"
