"""The mapping: their columns and words into ours, for events and milestones, and times as people write them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from test_gate import Bench

LOG = ["case", "what", "step", "when"]
EVENTS: dict[str, Any] = {
    "shape": "events",
    "key": (),
    "columns": {
        "work_order_id": "case",
        "process": {"value": "claims"},
        "activity": "what",
        "lifecycle": "step",
        "at": "when",
    },
    "nodes": {"Check": "check", "Closed": "close"},
}
WIDE: dict[str, Any] = {
    "shape": "milestones",
    "key": ("no",),
    "columns": {"work_order_id": "no", "process": {"value": "order"}, "status": "state"},
    "statuses": {"cancelled": ("Void",)},
    "milestones": (
        {"node": "approve", "from": "bought", "to": "approved"},
        {"node": "deliver", "from": "approved", "to": "delivered", "promised_at": "due"},
    ),
}
WIDE_NAMES = ["no", "state", "bought", "approved", "delivered", "due"]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A home in which nothing has landed."""
    return Bench(tmp_path)


def moments(bench: Bench) -> list[str | None]:
    """The instants of the accepted events as text."""
    return [text for (text,) in bench.ask("SELECT make_timestamp(at_us)::VARCHAR FROM accepted ORDER BY row_number")]


@pytest.mark.parametrize(
    ("written", "instant"),
    [
        ("2026-01-05", "2026-01-04 23:00:00"),
        ("2026-01-05 10:00", "2026-01-05 09:00:00"),
        (" 2026-01-05T10:00:00.5 ", "2026-01-05 09:00:00.5"),
        ("2026-01-05T10:00:00,123456", "2026-01-05 09:00:00.123456"),
        ("2026-01-05T10:00:00Z", "2026-01-05 10:00:00"),
        ("2026-01-05T10:00Z", "2026-01-05 10:00:00"),
        ("2026-01-05 10:00:00+08:00", "2026-01-05 02:00:00"),
        ("2026-01-05 10:00:00 -0330", "2026-01-05 13:30:00"),
        ("2026-01-05 10:00:00+08", "2026-01-05 02:00:00"),
        ("2026-03-29 02:30:00", "2026-03-29 01:00:00"),
        ("2026-10-25 02:30:00", "2026-10-25 00:30:00"),
    ],
)
def test_iso_times_are_read_in_the_zone_of_the_source_unless_they_say_their_own(
    bench: Bench, written: str, instant: str
) -> None:
    bench.declare(zone="Europe/Amsterdam", events={"mode": "states"}, **EVENTS)
    bench.land([("C1", "Check", "", written)], LOG)

    bench.judge()

    assert moments(bench) == [instant]


@pytest.mark.parametrize(
    "written",
    [
        "yesterday",
        "epoch",
        "infinity",
        "05/01/2026",
        "2026-02-30",
        "2026-01-05 25:00",
        "1899-12-31",
        "2101-01-02",
        "0001-01-01 (BC)",
    ],
)
def test_what_is_no_time_of_this_world_is_set_aside(bench: Bench, written: str) -> None:
    bench.declare(events={"mode": "states"}, **EVENTS)
    bench.land([("C1", "Check", "", written)], LOG)

    assert bench.judge().broken == {"times_readable": 1}


@pytest.mark.parametrize(
    ("time_format", "written", "instant"),
    [
        ("%d/%m/%Y %H:%M", "05/01/2026 10:00", "2026-01-05 02:00:00"),
        ("%d/%m/%Y %H:%M", "2026-01-05 10:00:00", "2026-01-05 02:00:00"),
        ("%d/%m/%Y %H:%M %z", "05/01/2026 10:00 +0100", "2026-01-05 09:00:00"),
        ("unix", "1767607200", "2026-01-05 10:00:00"),
        ("unix", "1767607200.000001", "2026-01-05 10:00:00.000001"),
        ("unix_ms", "1767607200250", "2026-01-05 10:00:00.25"),
        ("unix", 1767607200, "2026-01-05 10:00:00"),
        ("unix", 1767607200.25, "2026-01-05 10:00:00.25"),
    ],
)
def test_times_are_read_by_the_declared_format(bench: Bench, time_format: str, written: Any, instant: str) -> None:
    bench.declare(zone="Asia/Shanghai", time_format=time_format, events={"mode": "states"}, **EVENTS)
    bench.land([("C1", "Check", "", written)], LOG)

    bench.judge()

    assert moments(bench) == [instant]


@pytest.mark.parametrize(
    ("mode", "meanings"),
    [
        ("states", ["begins", "begins", "begins", "ends", "cancels"]),
        ("completions", ["completes", "completes", "completes", "ends", "cancels"]),
        ("lifecycle", ["begins", "completes", "none", "ends", "begins"]),
    ],
)
def test_each_event_gets_its_meaning(bench: Bench, mode: str, meanings: list[str]) -> None:
    bench.declare(events={"mode": mode, "ends": ("Closed",), "cancels": ("Withdrawn",)}, **EVENTS)
    words = [
        ("Check", "START"),
        ("Check", "complete"),
        ("Check", "suspend"),
        ("Closed", "complete"),
        ("Withdrawn", "start"),
    ]
    bench.land([("C1", *word, f"2026-01-05 1{hour}:00") for hour, word in enumerate(words)], LOG)

    bench.judge()

    assert [one for (one,) in bench.ask("SELECT meaning FROM accepted ORDER BY row_number")] == meanings
    assert bench.ask("SELECT DISTINCT node FROM accepted ORDER BY 1") == [("Withdrawn",), ("check",), ("close",)]


def test_an_event_without_a_key_is_known_again_and_two_alike_are_two(bench: Bench) -> None:
    bench.declare(events={"mode": "states"}, **EVENTS)
    event = ("C1", "Check", "", "2026-01-05 10:00")
    bench.land([event, event], LOG)
    bench.land([event, event, event], LOG)

    bench.judge()

    assert bench.counts() == [(2, 0, 0, 0), (1, 0, 2, 0)]
    assert bench.ask("SELECT count(DISTINCT run_id), max(version) FROM accepted") == [(3, 1)]


def test_an_event_without_its_activity_is_set_aside(bench: Bench) -> None:
    bench.declare(events={"mode": "states"}, **EVENTS)
    bench.land([("C1", " ", "", "2026-01-05 10:00")], LOG)

    assert bench.judge().broken == {"activity_present": 1}


def test_a_wide_row_becomes_a_row_a_step_and_counts_as_one(bench: Bench) -> None:
    bench.declare(**WIDE)
    bench.land(
        [
            ("1", "paid", "2026-01-05", "2026-01-06", "", "2026-01-09"),
            ("2", "Void", "2026-01-05", "", "", ""),
        ],
        WIDE_NAMES,
    )

    bench.judge()

    assert bench.counts() == [(2, 0, 0, 0)]
    assert bench.ask(
        "SELECT work_order_id, node, started_us IS NOT NULL, ended_us IS NOT NULL, promised_us IS NOT NULL, "
        "order_status FROM accepted ORDER BY 1, 2"
    ) == [
        ("1", "approve", True, True, False, None),
        ("1", "deliver", True, False, True, None),
        ("2", "approve", True, False, False, "cancelled"),
        ("2", "deliver", False, False, False, "cancelled"),
    ]
    assert bench.ask("SELECT count(DISTINCT run_id), count(DISTINCT key_hash) FROM accepted") == [(4, 2)]


@pytest.mark.parametrize(
    ("cells", "rule", "said"),
    [
        (("2026-01-05", "", "2026-01-07", ""), "step_has_start", "step deliver: delivered is filled"),
        (("2026-01-05", "2026-01-08", "2026-01-07", ""), "end_not_before_start", "step deliver: delivered 2026-01-07"),
        (("2026-01-05", "", "", "soon"), "times_readable", "due 'soon'"),
        (("2028-01-05", "", "", ""), "start_not_in_far_future", "2028-01-05"),
    ],
)
def test_one_bad_step_sets_the_whole_row_aside(bench: Bench, cells: tuple, rule: str, said: str) -> None:
    bench.declare(**WIDE)
    bench.land([("1", "paid", *cells), ("2", "paid", "2026-01-05", "", "", "")], WIDE_NAMES)

    bench.judge()

    assert bench.counts() == [(1, 1, 0, 0)]
    ((found, detail),) = bench.ask("SELECT rule, detail FROM quarantine")
    assert found == rule
    assert said in detail


def test_an_expression_that_stumbles_over_a_row_costs_that_row_only(bench: Bench) -> None:
    bench.declare(columns={**mapping(), "process": {"sql": "'claims' || (10 / order_no::int)"}})
    row = ("register", "2026-02-02 09:00:00", "", "OPEN", "")
    bench.land([("2", *row), ("x", *row)])

    assert bench.judge().broken == {"process_present": 1}


def test_an_expression_over_a_column_that_is_gone_holds_the_batch(bench: Bench) -> None:
    bench.declare(columns={**mapping(), "segment": {"sql": "lower(class)"}})
    bench.land([("1", "register", "2026-02-02 09:00:00", "", "OPEN", "")])

    (held,) = bench.judge().held

    assert "lower(class)" in (held.reason or "")


def test_keys_that_look_alike_when_joined_stay_apart(bench: Bench) -> None:
    row = ("2026-02-02 09:00:00", "", "OPEN", "")
    bench.land([("1", "23", *row), ("12", "3", *row), ("1;", "2:3", *row), ("123", "", *row)])

    bench.judge()

    assert bench.ask("SELECT count(DISTINCT key_hash), count(DISTINCT run_id) FROM accepted") == [(4, 4)]


def test_a_link_holds_the_number_of_the_source(bench: Bench) -> None:
    bench.declare(prefix="A-", work_order_url="https://x.example/{work_order_id}")
    bench.land([("1/2", "register", "2026-02-02 09:00:00", "", "OPEN", "")])

    bench.judge()

    assert bench.ask("SELECT work_order_id, work_order_url FROM accepted") == [("A-1/2", "https://x.example/1%2F2")]


def mapping() -> dict[str, Any]:
    """The mapping of the other tests of the gate."""
    from test_gate import COLUMNS

    return dict(COLUMNS)


def test_an_event_without_a_lifecycle_word_is_complete_where_the_words_make_runs(bench: Bench) -> None:
    bench.declare(events={"mode": "lifecycle"}, **EVENTS)
    bench.land([("C1", "Check", "START", "2026-01-05 10:00"), ("C1", "Check", "", "2026-01-05 11:00")], LOG)

    bench.judge()

    assert bench.ask("SELECT lifecycle, meaning FROM accepted ORDER BY row_number") == [
        ("start", "begins"),
        ("complete", "completes"),
    ]
