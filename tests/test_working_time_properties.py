"""What holds for any calendar, run and pause: the SQL against a slow reference, and against itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from itertools import pairwise
from typing import Any

import made_up
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from made_up import (
    ALWAYS,
    DAY,
    DAYS_AROUND,
    HOUR,
    ROUND_THE_CLOCK,
    answers,
    calendars,
    examples,
    homes,
    homes_of_work_orders,
    homes_with_all_limits,
    named,
    places,
    us_of,
)
from reference import Calendar, microseconds, one_version
from reference import Run as Process
from sql_engine import MadeUpHome, Pause, Promise, Run, engine

# The project is compiled once.
pytestmark = pytest.mark.xdist_group("properties")


@pytest.fixture(scope="module", autouse=True)
def _compiled() -> None:
    """A project that does not compile is said once, not for every example."""
    engine()


def us(instant: datetime | None) -> int | None:
    return None if instant is None else microseconds(instant)


def told(home: MadeUpHome) -> dict[int, dict[str, Any]]:
    """What fct_run says of each delivered run, by its number, in microseconds."""
    rows = engine().build(home).rows("SELECT * FROM warehouse.marts.fct_run WHERE scope = 'node'")
    return {int(row["run_id"].rsplit("|", 1)[1]): as_told(row) for row in rows}


def as_told(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "elapsed": in_us(row["elapsed_seconds"]),
        "paused": in_us(row["paused_seconds"]),
        "due": (us(row["commitment_due_at"]), us(row["tolerance_due_at"])),
        "left": (us(row["leaves_normal_at"]), us(row["leaves_acceptable_at"])),
        "state": row["state"],
        "reason": row["uncommitted_reason"],
    }


def in_us(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1_000_000)


def told_states() -> dict[int, list[tuple[str, int, int | None]]]:
    """The state intervals of the home that was built last, by the number of the run, in order of time."""
    rows = engine().rows(
        "SELECT run_id, state, entered_at, left_at FROM warehouse.marts.fct_state_interval WHERE scope = 'node' "
        "ORDER BY entered_at, left_at NULLS LAST"
    )
    found: dict[int, list[tuple[str, int, int | None]]] = {}
    for row in rows:
        entered = us(row["entered_at"])
        assert entered is not None
        found.setdefault(int(row["run_id"].rsplit("|", 1)[1]), []).append((row["state"], entered, us(row["left_at"])))
    return found


def elapsed_of(home: MadeUpHome) -> list[int]:
    """The working time of each delivered run: all of them committed."""
    found = told(home)
    assert [found[number]["reason"] for number in range(len(home.runs))] == [None] * len(home.runs)
    return [found[number]["elapsed"] for number in range(len(home.runs))]


def check_against_the_reference(home: MadeUpHome) -> None:
    found, expected = told(home), answers(home)

    assert {number: row["reason"] for number, row in found.items() if row["reason"]} == expected.uncommitted
    assert {
        number: {key: row[key] for key in ("elapsed", "due", "left", "state")}
        for number, row in found.items()
        if not row["reason"]
    } == {
        number: {"elapsed": run.elapsed_us, "due": run.due_us, "left": run.left_us, "state": run.state}
        for number, run in expected.judged.items()
    }


@examples(20)
@given(homes())
def test_any_run_is_judged_as_the_reference_judges_it(home: MadeUpHome) -> None:
    check_against_the_reference(home)


@examples(10)
@given(homes(), st.data())
def test_the_state_at_any_instant_is_the_one_of_the_reference(home: MadeUpHome, data: st.DataObject) -> None:
    check_states_against_the_reference(home, data)


def check_states_against_the_reference(home: MadeUpHome, data: st.DataObject) -> None:
    told(home)
    states, expected = told_states(), answers(home)
    assert set(states) == set(expected.judged)
    later = data.draw(st.lists(made_up.wide(-1, 20), min_size=3, max_size=3))
    for number, run in expected.judged.items():
        edges = [home.as_of_us, *(run.run.started_us + us for us in later)]
        edges += [edge for _, *both in states[number] for edge in both if edge is not None]
        edges += [edge for stretch in run.clock for edge in stretch if abs(edge) < 2**61][:20]
        for instant in (edge + jitter for edge in edges for jitter in (-1, 0, 1)):
            assert state_at(states[number], instant) == run.state_at(instant), (number, instant)


def state_at(states: Sequence[tuple[str, int, int | None]], instant: int) -> str | None:
    """Look the state up as every reader does: entered before the instant, not left before it."""
    found = [state for state, entered, left in states if entered < instant and (left is None or instant <= left)]
    assert len(found) <= 1
    return found[0] if found else None


@examples(8)
@given(homes())
def test_the_states_of_a_run_follow_one_another_from_its_start_for_ever(home: MadeUpHome) -> None:
    check_states_tile(home)


def check_states_tile(home: MadeUpHome) -> None:
    found = told(home)
    states = told_states()
    assert set(states) == {number for number, row in found.items() if not row["reason"]}
    for number, intervals in states.items():
        run = home.runs[number]
        has_ended = run.ended_us is not None and run.ended_us < home.as_of_us
        assert intervals[0][1] == run.started_us
        assert all(left == entered for (_, _, left), (_, entered, _) in pairwise(intervals))
        assert all(left is None or entered < left for _, entered, left in intervals)
        assert intervals[-1][2] is None
        assert (intervals[-1][:2] == (found[number]["state"], run.ended_us)) == has_ended
        assert len({state for state, _, _ in intervals}) == len(intervals)


@examples(8)
@given(homes())
def test_a_run_leaves_a_state_when_it_is_due_or_later_and_tolerance_never_comes_before_commitment(
    home: MadeUpHome,
) -> None:
    for number, row in told(home).items():
        for due, left in zip(row["due"], row["left"], strict=True):
            assert due is None or due >= home.runs[number].started_us
            assert left is None or (due is not None and left >= due)
        for commitment, tolerance in (row["due"], row["left"]):
            assert tolerance is None or (commitment is not None and commitment <= tolerance)


@examples(6)
@given(homes(), made_up.wide(-9, 9))
def test_the_past_is_what_was_judged_then(home: MadeUpHome, moved: int) -> None:
    then = max(run.started_us for run in home.runs) + moved
    assume(then < home.as_of_us)
    judged_then = told(replace(home, as_of_us=then))
    told(home)
    states = told_states()

    for number, row in judged_then.items():
        if row["state"] is None or number not in states:
            continue
        assert state_at(states[number], then) == row["state"]


# ---------------------------------------------------------------- thin spots


@examples(12)
@given(homes(of=made_up.calendars_of_nights, with_pauses=True))
def test_a_holiday_next_to_a_night_shift_is_cut_as_the_reference_cuts_it(home: MadeUpHome) -> None:
    check_against_the_reference(home)


@examples(14)
@given(homes(of=made_up.calendars_of_changes, with_pauses=True))
def test_a_window_that_begins_or_ends_as_the_clocks_change_is_what_the_reference_says(home: MadeUpHome) -> None:
    check_against_the_reference(home)


@examples(5)
@given(made_up.homes_of_years())
def test_runs_and_pauses_of_years_are_judged_as_the_reference_judges_them(home: MadeUpHome) -> None:
    check_against_the_reference(home)


@examples(8)
@given(homes(with_pauses=True))
def test_a_limit_of_nothing_is_due_at_the_start_and_left_with_the_first_microsecond_of_work(home: MadeUpHome) -> None:
    nothing = replace(home, promises=[replace(of, commitment_limit="0s", tolerance_limit="0s") for of in home.promises])
    for number, row in told(nothing).items():
        if row["reason"] is None:
            assert row["due"] == (home.runs[number].started_us,) * 2
            assert row["state"] == "cancelled" or row["state"].endswith("normal" if row["elapsed"] == 0 else "warning")
    check_against_the_reference(nothing)


# ---------------------------------------------------------------- pauses


@examples(10)
@given(st.data())
def test_a_pause_partly_outside_hours_costs_what_is_worked_inside_it(data: st.DataObject) -> None:
    zone, around = data.draw(places)
    calendar = data.draw(calendars(zone, around))
    asked = data.draw(spans(around, count=10))
    moments = made_up.instants(made_up.edges_of(made_up.intervals_of(calendar), around), around)
    paused = [
        (max(a, min(p, q)), min(b, max(p, q)))
        for (a, b) in asked
        for p, q in [(data.draw(moments), data.draw(moments))]
    ]
    # The pauses themselves are asked as runs too, of work orders that have no pause.
    whole = on_each([calendar], [*asked, *((a, max(a, b)) for a, b in paused)], around)
    home = replace(whole, pauses=[Pause(f"W{number}", None, a, b) for number, (a, b) in enumerate(paused) if a < b])
    found = told(home)

    for number in range(len(asked)):
        assert found[number]["paused"] == found[len(asked) + number]["elapsed"]


@examples(20)
@given(homes(with_pauses=True))
def test_any_run_with_pauses_is_judged_as_the_reference_judges_it(home: MadeUpHome) -> None:
    check_against_the_reference(home)


@examples(12)
@given(homes(with_pauses=True), st.data())
def test_the_state_at_any_instant_of_a_run_with_pauses_is_the_one_of_the_reference(
    home: MadeUpHome, data: st.DataObject
) -> None:
    check_states_against_the_reference(home, data)


@examples(8)
@given(homes(with_pauses=True))
def test_the_states_of_a_run_with_pauses_follow_one_another_for_ever(home: MadeUpHome) -> None:
    check_states_tile(home)


@examples(10)
@given(homes(with_pauses=True, is_over=True))
def test_a_deadline_is_moved_by_pauses_to_the_earliest_instant_at_which_the_limit_is_worked(home: MadeUpHome) -> None:
    # Of a run that has ended only the pauses before its end move the deadline.
    check_deadlines_are_the_earliest(
        replace(home, runs=[replace(run, ended_us=None, status="in_progress") for run in home.runs])
    )


@examples(6)
@given(homes(with_pauses=True), st.lists(st.floats(0, 1), min_size=2, max_size=2))
def test_a_pause_split_in_two_or_told_twice_changes_nothing(home: MadeUpHome, shares: list[float]) -> None:
    pieces = []
    for pause in home.pauses:
        if pause.ended_us is None:
            pieces += [pause, pause]
            continue
        # The first half may reach into the second.
        first, second = (
            pause.started_us + int(share * (pause.ended_us - pause.started_us)) for share in sorted(shares)
        )
        pieces += [replace(pause, started_us=first), replace(pause, ended_us=second)]

    whole = told(home)
    assert told(replace(home, pauses=pieces)) == whole


@examples(6)
@given(homes(with_pauses=True))
def test_what_a_run_works_and_what_its_pauses_cost_is_what_it_would_work_without_them(home: MadeUpHome) -> None:
    paused, without = told(home), told(replace(home, pauses=[]))

    for number, row in paused.items():
        if row["reason"] is None:
            assert row["elapsed"] >= 0
            assert row["elapsed"] + row["paused"] == without[number]["elapsed"]
            for later, sooner in zip(row["due"], without[number]["due"], strict=True):
                assert later is None or sooner <= later


@examples(18)
@given(homes_of_work_orders())
def test_a_process_stands_still_while_every_open_node_run_is_paused_as_the_reference_says(home: MadeUpHome) -> None:
    engine().build(home)
    rows = engine().rows("SELECT * FROM warehouse.marts.fct_run WHERE scope = 'process'")
    for row in rows:
        started = us(row["started_at"])
        assert started is not None
        run = Process(started, us(row["ended_at"]), row["reported_status"])
        expected = made_up.process_answer(home, row["work_order_id"], run)
        if isinstance(expected, str):
            assert row["uncommitted_reason"] == expected
            continue
        found = as_told(row)
        assert (found["elapsed"], found["due"], found["left"], found["state"]) == (
            expected.elapsed_us,
            expected.due_us,
            expected.left_us,
            expected.state,
        ), row["work_order_id"]


# ---------------------------------------------------------------- limits


@examples(14)
@given(homes_with_all_limits())
def test_limits_in_working_days_and_by_the_promise_are_those_of_the_reference(home: MadeUpHome) -> None:
    check_against_the_reference(home)


# ---------------------------------------------------------------- spans


@examples(7)
@given(homes(is_over=True), st.floats(0, 1))
def test_a_span_split_in_two_adds_up(home: MadeUpHome, share: float) -> None:
    spans = [run for number, run in enumerate(home.runs) if run.ended_us and number in answers(home).judged]
    assume(spans)
    asked = []
    for run in spans:
        assert run.ended_us is not None
        middle = run.started_us + int(share * (run.ended_us - run.started_us))
        for part, (start, end) in enumerate(
            [(run.started_us, run.ended_us), (run.started_us, middle), (middle, run.ended_us)]
        ):
            asked.append(Run(f"{run.work_order_id} {part}", run.node, start, end))
    worked = elapsed_of(replace(home, runs=asked))

    for whole, first, second in zip(*[iter(worked)] * 3, strict=True):
        assert whole == first + second


@examples(7)
@given(homes(is_over=True))
def test_at_its_deadline_a_run_has_worked_its_limit_and_a_microsecond_earlier_it_has_not(home: MadeUpHome) -> None:
    check_deadlines_are_the_earliest(home)


def check_deadlines_are_the_earliest(home: MadeUpHome) -> None:
    found, limits = told(home), {}
    asked: list[Run] = []
    for number, row in found.items():
        promise = next(promise for promise in home.promises if promise.node == home.runs[number].node)
        texts = promise.commitment_limit, promise.tolerance_limit
        for due, limit in zip(row["due"], map(made_up.of_length, texts), strict=True):
            start = home.runs[number].started_us
            if due is None or due >= home.as_of_us:
                continue
            limits[len(asked)] = limit
            asked.append(replace(home.runs[number], ended_us=due, status="completed"))
            if due > start:
                limits[len(asked)] = limit - 1
                asked.append(replace(home.runs[number], ended_us=due - 1, status="completed"))
            else:
                assert limit == 0
    assume(asked)
    # Ended at its deadline a run has the pauses that it had until then; several runs may share them.
    worked = elapsed_of(replace(home, runs=asked))

    assert dict(enumerate(worked)) == limits


# ---------------------------------------------------------------- calendars that are the same, and that are not


@st.composite
def spans(draw: st.DrawFn, around: Any, count: int = 6) -> list[tuple[int, int]]:
    instant = made_up.wide(-10, 10).map(lambda us: us_of(around) + us)
    return [tuple(sorted((draw(instant), draw(instant)))) for _ in range(count)]  # type: ignore[misc]


def on_each(calendars_: Sequence[Calendar | None], of: Sequence[tuple[int, int]], around: Any) -> MadeUpHome:
    """The same spans on each calendar, one node a calendar; the limit is a day's work."""
    nodes = [f"node {number}" for number in range(len(calendars_))]
    return MadeUpHome(
        [calendar for calendar in calendars_ if calendar is not None],
        [
            Promise(node, ROUND_THE_CLOCK if calendar is None else calendar.name, "8h", "16h")
            for node, calendar in zip(nodes, calendars_, strict=True)
        ],
        [Run(f"W{number}", node, start, end) for node in nodes for number, (start, end) in enumerate(of)],
        us_of(around + (DAYS_AROUND - 1) * DAY),
    )


def by_calendar(home: MadeUpHome, calendars_: int) -> list[list[dict[str, Any]]]:
    found = told(home)
    count = len(home.runs) // calendars_
    return [[found[calendar * count + number] for number in range(count)] for calendar in range(calendars_)]


@examples(8)
@given(st.data(), st.floats(0, 1))
def test_a_window_split_in_two_changes_nothing(data: st.DataObject, share: float) -> None:
    zone, around = data.draw(places)
    calendar = data.draw(calendars(zone, around))

    def split(windows: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
        pieces = []
        for start, end in windows:
            end = end if end > start else end + 24 * HOUR
            middle = start + int(share * (end - start))
            # Where the second half begins on the next day, it can only be said as a shift of its own day.
            pieces += [(start, middle), (middle, end)] if start < middle < min(end, 24 * HOUR) else [(start, end)]
        return pieces

    halved = replace(
        calendar,
        name="halved",
        versions=[
            replace(
                version,
                hours={day: split(windows) for day, windows in version.hours.items()},
                exceptions={day: split(windows) for day, windows in version.exceptions.items()},
            )
            for version in calendar.versions
        ],
    )
    whole, pieces = by_calendar(on_each([calendar, halved], data.draw(spans(around)), around), 2)

    assert whole == pieces


@examples(8)
@given(st.data(), st.integers(-9, 9))
def test_one_more_holiday_never_adds_time(data: st.DataObject, days: int) -> None:
    zone, around = data.draw(places)
    calendar = data.draw(calendars(zone, around))
    observant = replace(
        calendar,
        name="observant",
        versions=[replace(version, holidays=version.holidays | {around + days * DAY}) for version in calendar.versions],
    )
    without, with_holiday = by_calendar(on_each([calendar, observant], data.draw(spans(around)), around), 2)

    for less, more in zip(with_holiday, without, strict=True):
        assert less["elapsed"] <= more["elapsed"]
        for later, sooner in zip(less["due"], more["due"], strict=True):
            assert later is None or sooner <= later


@examples(8)
@given(st.data())
def test_round_the_clock_is_the_same_in_every_zone(data: st.DataObject) -> None:
    zone, around = data.draw(places)
    other = data.draw(st.sampled_from(made_up.ZONES))
    horizon = around - (DAYS_AROUND + 1) * DAY, around + (DAYS_AROUND + 1) * DAY
    here, there = (named(one_version(of, ALWAYS, *horizon), name) for of, name in ((zone, "here"), (other, "there")))
    asked = data.draw(spans(around))
    answers_ = by_calendar(on_each([here, there, None], asked, around), 3)

    assert answers_[0] == answers_[1] == answers_[2]
    assert [row["elapsed"] for row in answers_[0]] == [end - start for start, end in asked]


@examples(9)
@given(st.data(), made_up.wide(-8, 8))
def test_a_calendar_that_changes_is_the_old_one_before_and_the_new_one_after(data: st.DataObject, moved: int) -> None:
    zone, around = data.draw(places)
    change = us_of(around) + moved
    hours = st.tuples(made_up.versions(zone, around), made_up.versions(zone, around))
    old, new = data.draw(hours)
    horizon = around - DAYS_AROUND * DAY, around + DAYS_AROUND * DAY
    alone = [Calendar(zone, *horizon, [version], name) for version, name in ((old, "old"), (new, "new"))]
    both = Calendar(
        zone, *horizon, [replace(old, valid_to_us=change), replace(new, valid_from_us=change)], "old then new"
    )
    same_twice = Calendar(
        zone, *horizon, [replace(old, valid_to_us=change), replace(old, valid_from_us=change)], "old then old"
    )
    asked = data.draw(spans(around))
    halves = [(min(start, change), min(end, change)) for start, end in asked]
    rests = [(max(start, change), max(end, change)) for start, end in asked]
    in_three = on_each([*alone, both, same_twice], [*asked, *halves, *rests], around)
    on_old, on_new, on_both, on_same = ([row["elapsed"] for row in rows] for rows in by_calendar(in_three, 4))
    count = len(asked)

    assert on_both[:count] == [
        before + after for before, after in zip(on_old[count : 2 * count], on_new[2 * count :], strict=True)
    ]
    assert on_same == on_old
