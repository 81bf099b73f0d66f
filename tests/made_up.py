"""Homes that hypothesis makes up: calendars whose clocks change, runs and pauses with ends where it matters."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

import reference
import working_days
from hypothesis import settings
from hypothesis import strategies as st
from reference import Calendar, Judged, Version, deadline, elapsed, microseconds, one_version, working_intervals
from sql_engine import MadeUpHome, Pause, Promise, Run

DAY = timedelta(days=1)
SECOND_US = 1_000_000
HOUR = 3600
HOUR_US = HOUR * SECOND_US
DAY_US = 24 * HOUR_US
ROUND_THE_CLOCK = "24x7"

# Around these dates the zones change their clocks: by an hour or half of one, at night or at midnight or a minute
# after it, and one its date.
PLACES = [
    ("America/New_York", date(1990, 4, 1)),
    ("America/New_York", date(2026, 11, 1)),
    ("America/Sao_Paulo", date(1990, 10, 21)),
    ("America/Sao_Paulo", date(2015, 10, 18)),
    ("America/Sao_Paulo", date(2016, 2, 21)),
    ("America/St_Johns", date(2006, 4, 2)),
    ("America/St_Johns", date(2006, 10, 29)),
    ("Asia/Kathmandu", date(2026, 1, 1)),
    ("Asia/Tehran", date(1991, 5, 3)),
    ("Asia/Tehran", date(2021, 3, 22)),
    ("Asia/Tehran", date(2021, 9, 22)),
    ("Australia/Lord_Howe", date(1996, 10, 27)),
    ("Australia/Lord_Howe", date(2026, 4, 5)),
    ("Australia/Lord_Howe", date(2026, 10, 4)),
    ("Australia/Sydney", date(2008, 10, 5)),
    ("Australia/Sydney", date(2026, 4, 5)),
    ("Europe/Amsterdam", date(2026, 3, 29)),
    ("Europe/Amsterdam", date(2026, 10, 25)),
    ("Europe/Amsterdam", date(2045, 3, 26)),
    ("Europe/Amsterdam", date(2045, 10, 29)),
    ("Pacific/Apia", date(2011, 12, 30)),
    ("UTC", date(2020, 2, 29)),
]
ZONES = sorted({zone for zone, _ in PLACES})
DAYS_AROUND = 12

OFFICE = {day: [(9 * HOUR, 12 * HOUR + 1800), (13 * HOUR, 17 * HOUR)] for day in range(5)}
NIGHTS = {day: [(22 * HOUR, 6 * HOUR)] for day in range(7)}
ALWAYS = {day: [(0, 24 * HOUR)] for day in range(7)}

# Inside the hours that are skipped or repeated too.
boundaries = st.one_of(
    st.sampled_from([0, 60, 1800, HOUR, 2 * HOUR, 2 * HOUR + 900, 2 * HOUR + 1800, 3 * HOUR, 12 * HOUR, 22 * HOUR]),
    st.integers(0, 86_399),
)
windows = st.tuples(boundaries, st.one_of(boundaries, st.just(24 * HOUR), st.integers(1, 48 * HOUR)))
weeks = st.one_of(
    st.sampled_from([OFFICE, NIGHTS, ALWAYS]),
    st.dictionaries(st.integers(0, 6), st.lists(windows, min_size=1, max_size=3), max_size=7),
)
places = st.sampled_from(PLACES)


def examples(number: int) -> settings:
    """Return how many examples a property is asked: always the same ones, or ten times as many that are new."""
    if os.environ.get("HYPOTHESIS_PROFILE") == "thorough":
        return settings(max_examples=10 * number, deadline=None)
    return settings(max_examples=number, deadline=None, derandomize=True, database=None)


def length(us: int) -> str:
    """Write a limit as the catalogue reads it, to the microsecond."""
    return f"{us // SECOND_US}.{us % SECOND_US:06d}s"


def wide(first: int, last: int) -> st.SearchStrategy[int]:
    """Microseconds from one day to another, evenly: of a wide range hypothesis prefers the middle by far."""
    seconds = st.one_of(st.integers(0, 86_399), st.integers(0, 47).map(lambda halves: halves * 1800))
    return st.builds(
        lambda days, second, us: days * DAY_US + second * SECOND_US + us,
        st.integers(first, last - 1),
        seconds,
        st.sampled_from([0, 0, 0, 1, 500_000, 999_999]),
    )


def us_of(day: date) -> int:
    """Return noon UTC of a day."""
    return microseconds(datetime(day.year, day.month, day.day, 12, tzinfo=UTC))


# ---------------------------------------------------------------- calendars


@st.composite
def versions(draw: st.DrawFn, zone: str, around: date) -> Version:
    """A version with holidays, exceptions and closures near ``around``."""
    near = st.integers(-6, 6).map(lambda days: around + days * DAY)
    closures = draw(st.lists(st.tuples(wide(-6, 6), st.integers(1, 2 * DAY_US)), max_size=2))
    return Version(
        zone,
        draw(weeks),
        frozenset(draw(st.lists(near, max_size=3))),
        draw(st.dictionaries(near, st.lists(windows, max_size=2), max_size=2)),
        [(us_of(around) + start, us_of(around) + start + lasts) for start, lasts in closures],
    )


@st.composite
def calendars(draw: st.DrawFn, zone: str, around: date, name: str = "calendar") -> Calendar:
    """A calendar known for some days around a date, in one to three versions."""
    lived = draw(st.lists(versions(zone, around), min_size=1, max_size=3))
    changes = draw(st.sets(wide(-6, 6), min_size=len(lived) - 1, max_size=len(lived) - 1))
    instants = [None, *(us_of(around) + change for change in sorted(changes)), None]
    dated = [
        replace(version, valid_from_us=start, valid_to_us=end)
        for version, start, end in zip(lived, instants[:-1], instants[1:], strict=True)
    ]
    return Calendar(zone, around - DAYS_AROUND * DAY, around + DAYS_AROUND * DAY, dated, name)


@st.composite
def calendars_of_nights(draw: st.DrawFn, zone: str, around: date, name: str = "calendar") -> Calendar:
    """Shifts over midnight beside holidays, and exceptions for the days before, on and after them."""
    nights = st.tuples(
        st.integers(18, 23).map(lambda hour: hour * HOUR), st.integers(25, 33).map(lambda hour: hour * HOUR)
    )
    week = draw(st.dictionaries(st.integers(0, 6), st.lists(nights, min_size=1, max_size=1), min_size=4))
    near = st.integers(-3, 3).map(lambda days: around + days * DAY)
    holidays = frozenset(draw(st.lists(near, min_size=1, max_size=3)))
    days = st.one_of(near, st.sampled_from(sorted(holidays)))
    exceptions = draw(st.dictionaries(days, st.lists(nights, max_size=1), max_size=2))
    return named(one_version(zone, week, *_horizon(around), holidays=holidays, exceptions=exceptions), name)


@st.composite
def calendars_of_changes(draw: st.DrawFn, zone: str, around: date, name: str = "calendar") -> Calendar:
    """Windows that begin and end within the hours of the night in which the clocks are changed."""
    quarters = st.one_of(st.integers(0, 16), st.integers(92, 112)).map(lambda quarter: quarter * 900)
    night = st.tuples(quarters, quarters, st.sampled_from([0, 0, 1, -1])).map(
        lambda drawn: (min(drawn[0], drawn[1]) % (24 * HOUR), max(drawn[0], drawn[1]) + 900 + drawn[2])
    )
    exceptions = {around + days * DAY: draw(st.lists(night, min_size=days == 0, max_size=2)) for days in (-1, 0, 1)}
    return named(one_version(zone, draw(weeks), *_horizon(around), exceptions=exceptions), name)


def _horizon(around: date) -> tuple[date, date]:
    return around - DAYS_AROUND * DAY, around + DAYS_AROUND * DAY


def named(calendar: Calendar, name: str) -> Calendar:
    """Return a calendar under another name."""
    return replace(calendar, name=name)


def intervals_of(calendar: Calendar | None) -> list[tuple[int, int]]:
    """Return the working intervals of a calendar; None is round the clock."""
    return [(-reference.FOREVER, reference.FOREVER)] if calendar is None else working_intervals(calendar)


# ---------------------------------------------------------------- instants, runs, pauses


def instants(edges: Sequence[int], around: date) -> st.SearchStrategy[int]:
    """Instants at, just before and just after the edges of working intervals, and anywhere between."""
    jitter = st.one_of(
        st.sampled_from([0, 0, 0, -1, 1, 499_999, -HOUR_US]), wide(0, 1).map(lambda us: us // 4 - 3 * HOUR_US)
    )
    anywhere = wide(-10, 10).map(lambda us: us_of(around) + us)
    if not edges:
        return anywhere
    at_edges = st.tuples(st.sampled_from(list(edges)), jitter).map(sum)
    return st.one_of(at_edges, at_edges, anywhere)


def edges_of(intervals: Sequence[tuple[int, int]], around: date) -> list[int]:
    """Return the edges of the working intervals near a date, and none that are infinitely far."""
    found = sorted({edge for interval in intervals for edge in interval if abs(edge) < reference.FOREVER})
    return [edge for edge in found if abs(edge - us_of(around)) < 10 * DAY_US]


@st.composite
def limits(draw: st.DrawFn, intervals: Sequence[tuple[int, int]], around: date) -> tuple[int, int]:
    """A commitment and a tolerance limit, often as long as it takes from one edge to another."""
    moments = instants(edges_of(intervals, around), around)
    found = []
    for _ in range(2):
        a, b = sorted((draw(moments), draw(moments)))
        found.append(draw(st.sampled_from([elapsed(intervals, a, b), elapsed(intervals, a, b), 0, 8 * HOUR_US])))
    return min(found), max(found)


@st.composite
def homes(
    draw: st.DrawFn,
    *,
    with_pauses: bool = False,
    is_over: bool = False,
    of: Callable[[str, date, str], st.SearchStrategy[Calendar]] = calendars,
) -> MadeUpHome:
    """One or two calendars and round the clock, runs on each, judged afterwards (``is_over``) or in the middle."""
    zone, around = draw(places)
    zones = [zone, *draw(st.lists(st.sampled_from(ZONES), max_size=1))]
    made = [draw(of(zone, around, f"calendar {number}")) for number, zone in enumerate(zones)]
    promises, runs, pauses = [], [], []
    for calendar in [*made, None]:
        intervals = intervals_of(calendar)
        edges = edges_of(intervals, around)
        moments = instants(edges, around)
        node = f"node {len(promises)}"
        pair = draw(limits(intervals, around))
        promises.append(
            Promise(node, ROUND_THE_CLOCK if calendar is None else calendar.name, length(pair[0]), length(pair[1]))
        )
        for _ in range(draw(st.integers(1, 6))):
            work_order = f"W{len(runs)}"
            start, end = sorted((draw(moments), draw(moments)))
            status = draw(st.sampled_from(["completed", "completed", "in_progress", "cancelled"]))
            runs.append(Run(work_order, node, start, None if status == "in_progress" else end, status))
            if with_pauses:
                dues = [due for limit in pair if (due := deadline(intervals, start, limit)) is not None]
                pauses += draw(work_order_pauses(work_order, node, [start, end, *dues], moments))
    last = us_of(around + (DAYS_AROUND - 1) * DAY)
    as_of = last if is_over else draw(moments_to_judge(runs, pauses, around))
    return MadeUpHome(made, promises, runs, as_of, pauses)


def moments_to_judge(runs: Sequence[Run], pauses: Sequence[Pause], around: date) -> st.SearchStrategy[int]:
    """When all is over, or as something begins or ends."""
    edges = [edge for span in (*runs, *pauses) for edge in (span.started_us, span.ended_us) if edge is not None]
    return st.one_of(st.just(us_of(around + (DAYS_AROUND - 1) * DAY)), st.sampled_from(edges), instants(edges, around))


@st.composite
def homes_of_years(draw: st.DrawFn) -> MadeUpHome:
    """Runs that last for days, months and years on one calendar, some paused for weeks."""
    zone, around = draw(places)
    years = draw(st.integers(2, 5))
    first = min(date(around.year, 1, 1), date(2045 - years, 1, 1))
    last = date(first.year + years, 1, 1)
    feasts = frozenset(date(first.year + year, *of) for year in range(years) for of in ((1, 1), (5, 1), (12, 25)))
    calendar = named(one_version(zone, draw(weeks), first, last, holidays=feasts), "calendar")
    intervals = working_intervals(calendar)
    moments = wide(2, (last - first).days - 2).map(lambda us: us_of(first) + us)
    promises, runs, pauses = [], [], []
    for on, worked in (("calendar", intervals), (ROUND_THE_CLOCK, intervals_of(None))):
        a, b, c = sorted((draw(moments), draw(moments), draw(moments)))
        node = f"node {len(promises)}"
        promises.append(Promise(node, on, length(elapsed(worked, a, b)), length(elapsed(worked, a, c))))
        for _ in range(8):
            work_order = f"W{len(runs)}"
            start, end = sorted((draw(moments), draw(moments)))
            runs.append(Run(work_order, node, start, end))
            pauses += draw(work_order_pauses(work_order, node, [start, end], moments))
    return MadeUpHome([calendar], promises, runs, us_of(last - 2 * DAY), pauses)


@st.composite
def work_order_pauses(
    draw: st.DrawFn, work_order: str, node: str, of_the_run: Sequence[int], moments: st.SearchStrategy[int]
) -> list[Pause]:
    """Pauses of a run: at its start, its end and its deadlines, and where working time begins and ends."""
    found = []
    near = st.one_of(moments, st.tuples(st.sampled_from(list(of_the_run)), st.sampled_from([0, 0, -1, 1])).map(sum))
    for _ in range(draw(st.sampled_from([0, 1, 2, 2, 3]))):
        begun, closed = sorted((draw(near), draw(near)))
        is_open = draw(st.sampled_from([False, False, False, True]))
        found.append(Pause(work_order, draw(st.sampled_from([None, node])), begun, None if is_open else closed))
    return found


@st.composite
def homes_of_work_orders(draw: st.DrawFn) -> MadeUpHome:
    """Work orders with node runs one after the other, at once and apart, each with pauses; one limit for the whole."""
    zone, around = draw(places)
    calendar = draw(st.one_of(st.none(), calendars(zone, around)))
    intervals = intervals_of(calendar)
    moments = instants(edges_of(intervals, around), around)
    runs, pauses = [], []
    for number in range(draw(st.integers(1, 5))):
        work_order = f"W{number}"
        # Few instants, so that runs and pauses often begin and end together.
        near = st.sampled_from(draw(st.lists(moments, min_size=3, max_size=6)))
        for node in draw(st.lists(st.sampled_from(["first", "second", "last"]), min_size=1, max_size=4)):
            start, end = sorted((draw(near), draw(near)))
            status = draw(st.sampled_from(["completed", "completed", "completed", "in_progress", "cancelled"]))
            runs.append(Run(work_order, node, start, None if status == "in_progress" else end, status))
        if draw(st.integers(0, 3)) == 0:
            start, end = sorted((draw(near), draw(near)))
            runs.append(Run(work_order, None, start, *draw(st.sampled_from([(end,), (None, "in_progress")]))))
        for node in draw(st.lists(st.sampled_from(["first", "second", "last", "last", None]), max_size=5)):
            start, end = sorted((draw(near), draw(near)))
            pauses.append(Pause(work_order, node, start, draw(st.sampled_from([end, end, end, None]))))
    pair = draw(limits(intervals, around))
    promise = Promise(None, ROUND_THE_CLOCK if calendar is None else calendar.name, length(pair[0]), length(pair[1]))
    as_of = draw(moments_to_judge(runs, pauses, around))
    made = [] if calendar is None else [calendar]
    return MadeUpHome(made, [promise], runs, as_of, pauses, final_nodes=frozenset({"last"}))


clocks = st.sampled_from(["", "", " 00:00", " 02:30", " 09:00", " 16:00", " 17:00:30", " 24:00"])


@st.composite
def pairs_of_limits(draw: st.DrawFn) -> tuple[str, str]:
    """Two limits of any kind; which of them is the longer depends on the run where they are of two kinds."""
    days, more = draw(st.integers(1, 4)), draw(st.integers(0, 3))
    clock = draw(clocks)
    added = draw(st.sampled_from(["", "+8h", "+0.000001s", "+30h"]))
    of_days, more_days = f"{days}wd{clock}", f"{days + more}wd{clock}"
    return draw(
        st.sampled_from(
            [
                (of_days, more_days),
                (of_days, f"promised{added}"),
                (f"promised{added}", more_days),
                ("promised", f"promised{added}"),
                (of_days, "20h"),
                ("8h", f"promised{added}"),
            ]
        )
    )


@st.composite
def homes_with_all_limits(draw: st.DrawFn) -> MadeUpHome:
    """Runs with promises and pauses on a calendar and round the clock, under limits in days and by the promise."""
    zone, around = draw(places)
    promises, runs, pauses = [], [], []
    calendar = draw(calendars(zone, around))
    # All days of the business time zone are many: not in every home.
    for on in (calendar, calendar, *draw(st.sampled_from([(), (), (None,)]))):
        intervals = intervals_of(on)
        moments = instants(edges_of(intervals, around), around)
        node = f"node {len(promises)}"
        pair = draw(pairs_of_limits())
        promises.append(Promise(node, ROUND_THE_CLOCK if on is None else on.name, *pair))
        for _ in range(draw(st.integers(1, 4))):
            work_order = f"W{len(runs)}"
            start, end = sorted((draw(moments), draw(moments)))
            promised = draw(st.one_of(st.none(), moments, moments, moments))
            runs.append(Run(work_order, node, start, end, "completed", promised))
            pauses += draw(work_order_pauses(work_order, node, [start, end], moments))
    last = us_of(around + (DAYS_AROUND - 1) * DAY)
    return MadeUpHome([calendar], promises, runs, last, pauses, business_time_zone=zone)


# ---------------------------------------------------------------- what the reference says


@dataclass(frozen=True)
class Answers:
    """What the reference says of the runs of a home by their number: judged, or why not; runs not there yet lack."""

    judged: Mapping[int, Judged]
    uncommitted: Mapping[int, str]


def answers(home: MadeUpHome) -> Answers:
    """Ask the reference about every delivered node run of a home."""
    by_name = {calendar.name: calendar for calendar in home.calendars}
    intervals = {calendar.name: working_intervals(calendar) for calendar in home.calendars}
    judged: dict[int, Judged] = {}
    uncommitted: dict[int, str] = {}
    for number, delivered in enumerate(home.runs):
        run = as_it_stood(delivered, home.as_of_us)
        if run is None:
            continue
        promise = next(promise for promise in home.promises if promise.node == delivered.node)
        calendar = by_name.get(promise.calendar)
        worked = intervals.get(promise.calendar, intervals_of(None))
        texts = promise.commitment_limit, promise.tolerance_limit
        pair = tuple(limit_of(text, home, calendar, worked, delivered) for text in texts)
        if reason := outside(calendar, run, home.as_of_us):
            uncommitted[number] = reason
        elif delivered.promised_us is None and any(text.startswith("promised") for text in texts):
            uncommitted[number] = "no promise"
        elif None in pair:
            uncommitted[number] = "limit beyond the horizon of its calendar"
        else:
            judged[number] = reference.judge(
                run,
                worked,
                reference.standstills(run, pauses_of(home, delivered.work_order_id, delivered.node), home.as_of_us),
                pair,  # type: ignore[arg-type]
                home.as_of_us,
            )
    return Answers(judged, uncommitted)


def process_answer(home: MadeUpHome, work_order: str, process_run: reference.Run) -> Judged | str:
    """Ask the reference about the passage of a work order through the process: judged, or why not."""
    promise = next(promise for promise in home.promises if promise.node is None)
    calendar = next((calendar for calendar in home.calendars if calendar.name == promise.calendar), None)
    if reason := outside(calendar, process_run, home.as_of_us):
        return reason
    nodes = [
        (reference.Run(run.started_us, run.ended_us, run.status), pauses_of(home, work_order, run.node))
        for run in home.runs
        if run.work_order_id == work_order and run.node is not None
    ]
    whole = [pause for pause in home.pauses if pause.work_order_id == work_order and pause.node is None]
    still = reference.process_standstills(
        process_run, nodes, [(pause.started_us, pause.ended_us) for pause in whole], home.as_of_us
    )
    limits_us = of_length(promise.commitment_limit), of_length(promise.tolerance_limit)
    return reference.judge(process_run, intervals_of(calendar), still, limits_us, home.as_of_us)


def as_it_stood(delivered: Run, as_of: int) -> reference.Run | None:
    """Return a delivered run as it stood at an instant."""
    return reference.as_it_stood(reference.Run(delivered.started_us, delivered.ended_us, delivered.status), as_of)


def pauses_of(home: MadeUpHome, work_order: str, node: str | None) -> list[reference.Pause]:
    """Return the pauses that stop a node of a work order."""
    return [
        (pause.started_us, pause.ended_us)
        for pause in home.pauses
        if pause.work_order_id == work_order and pause.node in (None, node)
    ]


def outside(calendar: Calendar | None, run: reference.Run, as_of: int) -> str | None:
    """Say at which end a run is outside what is known of its calendar."""
    if calendar is None:
        return None
    known_from, known_to = reference.horizon(calendar)
    for end, instant in (("starts", run.started_us), ("ends", as_of if run.ended_us is None else run.ended_us)):
        if not known_from <= instant < known_to:
            return f"{end} outside the horizon of its calendar"
    return None


def limit_of(
    text: str,
    home: MadeUpHome,
    calendar: Calendar | None,
    intervals: Sequence[tuple[int, int]],
    run: Run,
) -> int | None:
    """Return a limit as working time of the run; None: the promise is missing, or beyond the horizon."""
    if text.startswith("promised"):
        promised = run.promised_us
        if promised is None or (calendar is not None and not _is_known(calendar, promised)):
            return None
        added = text.removeprefix("promised").removeprefix("+")
        return reference.signed_elapsed(intervals, run.started_us, promised) + (of_length(added) if added else 0)
    days, is_days, clock = text.partition("wd")
    if not is_days:
        return of_length(text)
    if calendar is None:
        # Round the clock every day of the business time zone is a working day.
        start = date.fromtimestamp(run.started_us / SECOND_US)
        calendar = one_version(home.business_time_zone, ALWAYS, start - 5 * DAY, start + 20 * DAY)
    parts = [int(part) for part in clock.split(":")] if clock else []
    at = timedelta(**dict(zip(("hours", "minutes", "seconds"), parts, strict=False))) if parts else None
    return working_days.limit_of(calendar, intervals, run.started_us, int(days), at)


def _is_known(calendar: Calendar, instant: int) -> bool:
    known_from, known_to = reference.horizon(calendar)
    return known_from <= instant < known_to


def of_length(text: str) -> int:
    """Read a number of hours or seconds."""
    number, unit = text[:-1], text[-1]
    whole, _, rest = number.partition(".")
    return (int(whole) * SECOND_US + int(rest.ljust(6, "0"))) * {"s": 1, "h": HOUR}[unit]
