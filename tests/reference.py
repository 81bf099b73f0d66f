"""A slow reference of our own for working time, in plain Python, written apart from what it checks.

It walks through the hours of a calendar one stretch of the clock at a time and asks of each stretch whether it is
worked, where the project sorts edges and looks things up. Slowness is its virtue: each rule is one line.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
FOREVER = 2**62
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


def midnight(day: date, zone: str) -> int:
    """Return the instant at which a local day begins."""
    return microseconds(instant_of(datetime.combine(day, time()), ZoneInfo(zone)))


def horizon(calendar: Calendar) -> tuple[int, int]:
    """Return the instants between which a calendar is known: not before its first version, either."""
    first = calendar.versions[0].valid_from_us
    begins = midnight(calendar.horizon_from, calendar.time_zone)
    return (
        begins if first is None else max(begins, first),
        midnight(calendar.horizon_to, calendar.time_zone),
    )


def working_intervals(calendar: Calendar) -> list[tuple[int, int]]:
    """Return every working interval of a calendar within its horizon, joined where they touch."""
    limits = midnight(calendar.horizon_from, calendar.time_zone), midnight(calendar.horizon_to, calendar.time_zone)
    pieces = []
    for version in calendar.versions:
        low = limits[0] if version.valid_from_us is None else max(limits[0], version.valid_from_us)
        high = limits[1] if version.valid_to_us is None else min(limits[1], version.valid_to_us)
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


# ---------------------------------------------------------------- runs and their pauses

Pause = tuple[int, int | None]


@dataclass(frozen=True)
class Run:
    """A span of a work order, as its source gives it; an end that is None is not known yet."""

    started_us: int
    ended_us: int | None = None
    status: str = "completed"


@dataclass(frozen=True)
class Judged:
    """What a run and a commitment make of each other; instants that are None are not known, or never come."""

    run: Run
    clock: Sequence[tuple[int, int]]
    elapsed_us: int
    limits_us: tuple[int, int]
    due_us: tuple[int | None, int | None]
    left_us: tuple[int | None, int | None]
    state: str

    def state_at(self, instant: int) -> str | None:
        """Return the state just before an instant: what happens at it has not happened."""
        if instant <= self.run.started_us:
            return None
        if self.run.ended_us is not None and instant > self.run.ended_us:
            return self.state
        return state("in_progress", elapsed(self.clock, self.run.started_us, instant), *self.limits_us)


def as_it_stood(run: Run, as_of: int) -> Run | None:
    """Return a run as it stood: what starts at ``as_of`` or later is not there, what ends then is in progress."""
    if run.started_us >= as_of:
        return None
    if run.status == "in_progress" or run.ended_us is None or run.ended_us >= as_of:
        return Run(run.started_us, None, "in_progress")
    return run


def standstills(run: Run, pauses: Iterable[Pause], as_of: int) -> list[tuple[int, int]]:
    """Return what of the pauses falls into a run; an open one lasts for ever, or until the run ends."""
    found = []
    for begun, closed in pauses:
        if begun >= as_of:
            continue
        stands_from = max(begun, run.started_us)
        stands_to = closed if closed is not None and closed < as_of else FOREVER
        if run.ended_us is not None:
            stands_to = min(stands_to, run.ended_us)
        if stands_from < stands_to:
            found.append((stands_from, stands_to))
    return found


def process_standstills(
    process_run: Run,
    node_runs: Sequence[tuple[Run, Sequence[Pause]]],
    whole_pauses: Sequence[Pause],
    as_of: int,
) -> list[tuple[int, int]]:
    """Return when the clock of a process run stands still.

    That is in a pause of the whole work order, or while at least one node run is open and each that is open is paused.
    Each node run comes with the pauses that were given for its node.
    """
    stood = [(as_it_stood(run, as_of), pauses) for run, pauses in node_runs]
    nodes = [(run, standstills(run, [*pauses, *whole_pauses], as_of)) for run, pauses in stood if run is not None]
    whole = standstills(process_run, whole_pauses, as_of)
    ends = FOREVER if process_run.ended_us is None else process_run.ended_us
    edges = {process_run.started_us, ends}
    edges |= {edge for pause in whole for edge in pause}
    for run, pauses in nodes:
        edges |= {run.started_us, FOREVER if run.ended_us is None else run.ended_us}
        edges |= {edge for pause in pauses for edge in pause}
    inside = sorted(edge for edge in edges if process_run.started_us <= edge <= ends)

    found = []
    for begin, end in pairwise(inside):
        is_open = [
            pauses
            for run, pauses in nodes
            if run.started_us <= begin < (FOREVER if run.ended_us is None else run.ended_us)
        ]
        all_paused = bool(is_open) and all(any(a <= begin < b for a, b in pauses) for pauses in is_open)
        if all_paused or any(a <= begin < b for a, b in whole):
            found.append((begin, end))
    return found


def leaving(clock: Sequence[tuple[int, int]], start: int, limit: int) -> int | None:
    """Return the latest instant at which no more than ``limit`` has been worked since ``start``; None: not known."""
    for opening, closing in clock:
        opening = max(opening, start)
        if opening >= closing:
            continue
        if closing - opening > limit:
            return opening + limit
        limit -= closing - opening
    return None


def judge(
    run: Run,
    intervals: Sequence[tuple[int, int]],
    still: Sequence[tuple[int, int]],
    limits: tuple[int, int],
    as_of: int,
) -> Judged:
    """Judge a run as it stood at ``as_of``, whose clock runs in ``intervals`` and stands still in ``still``."""
    clock = [piece for stretch in intervals if stretch[1] > run.started_us for piece in without(stretch, still)]
    limits = max(0, limits[0]), max(0, *limits)
    worked = elapsed(clock, run.started_us, as_of if run.ended_us is None else run.ended_us)
    return Judged(
        run,
        clock,
        worked,
        limits,
        (deadline(clock, run.started_us, limits[0]), deadline(clock, run.started_us, limits[1])),
        (leaving(clock, run.started_us, limits[0]), leaving(clock, run.started_us, limits[1])),
        state(run.status, worked, *limits),
    )


def signed_elapsed(intervals: Sequence[tuple[int, int]], start: int, end: int) -> int:
    """Return the working time between two instants, less than nothing where the second comes first."""
    return elapsed(intervals, start, end) if start <= end else -elapsed(intervals, end, start)
