"""Feedback and outages through the mapping and the gate: what customers say, and when services fail."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from test_gate import Bench

SURVEY = ["no", "order", "when", "what", "mark", "best", "words"]
FEEDBACK: dict[str, Any] = {
    "shape": "feedback",
    "key": ("no",),
    "columns": {
        "work_order_id": "order",
        "at": "when",
        "kind": "what",
        "value": "mark",
        "scale": "best",
        "text": "words",
    },
    "kinds": {"rating": ("Stars",), "complaint": ("Angry",), "expectation": ("Hopes for",)},
}
LOG = ["no", "system", "down", "up", "announced"]
OUTAGES: dict[str, Any] = {
    "shape": "outages",
    "key": ("no",),
    "columns": {"service": "system", "started_at": "down", "ended_at": "up", "planned": "announced"},
    "services": {"Fibre": "broadband", "Number check": "broadband/check"},
}
AT, LATER = "2026-03-02 10:00", "2026-03-02 12:00"


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A home in which nothing has landed."""
    return Bench(tmp_path)


def detail(bench: Bench) -> list[tuple]:
    return bench.ask("SELECT rule, detail FROM quarantine ORDER BY row_number")


def test_what_customers_say_is_read_by_the_words_of_the_source(bench: Bench) -> None:
    bench.declare(**FEEDBACK)
    bench.land(
        [
            (1, "W1", AT, "Stars", "4", "5", "quick"),
            (2, "W1", AT, "Angry", None, None, None),
            (3, "W2", AT, "Hopes for", "48", None, None),
        ],
        SURVEY,
    )

    assert bench.judge().broken == {}
    assert bench.ask("SELECT kind, value, unit, scale, worst, text, process FROM accepted ORDER BY row_number") == [
        ("rating", 4.0, None, 5.0, 1.0, "quick", None),
        ("complaint", None, None, None, None, None, None),
        ("expectation", 48.0, "hours", None, None, None, None),
    ]


@pytest.mark.parametrize(
    ("row", "rule", "said"),
    [
        ((None, AT, "Stars", "4", "5"), "work_order_present", "no work order number: order is empty"),
        (("W1", None, "Stars", "4", "5"), "time_present", "no time: when is empty"),
        (("W1", "soon", "Stars", "4", "5"), "times_readable", "no time that can be read"),
        (("W1", AT, "Praise", "4", "5"), "kind_mapped", "kind 'Praise' is in none of `kinds`: add it in sources.yml"),
        (("W1", AT, None, "4", "5"), "kind_mapped", "kind (empty) is in none of `kinds`"),
        (("W1", AT, "Stars", "good", "5"), "numbers_readable", "no number: value 'good'"),
        (("W1", AT, "Stars", "inf", "5"), "numbers_readable", "no number: value 'inf'"),
        (("W1", AT, "Stars", "6", "5"), "rating_on_scale", "rating 6 is not between the worst, 1, and the best, 5"),
        (("W1", AT, "Stars", "0", "5"), "rating_on_scale", "rating 0 is not between the worst, 1, and the best, 5"),
        (("W1", AT, "Stars", None, "5"), "rating_on_scale", "rating (empty) is not between"),
        (("W1", AT, "Stars", "4", None), "rating_on_scale", "and the best, (empty)"),
        (("W1", AT, "Stars", "1", "1"), "rating_on_scale", "the worst, 1, and the best, 1"),
        (("W1", AT, "Hopes for", None, None), "expectation_has_length", "an expectation of (empty) hours"),
        (("W1", AT, "Hopes for", "0", None), "expectation_has_length", "an expectation of 0 hours"),
        (("W1", "2027-09-01", "Angry", None, None), "start_not_in_far_future", "is more than a year ahead"),
    ],
)
def test_feedback_that_cannot_be_is_set_aside_with_a_reason(bench: Bench, row: tuple, rule: str, said: str) -> None:
    bench.declare(**FEEDBACK)
    bench.land([("1", "W9", AT, "Angry", None, None, "x"), ("2", *row, "x")], SURVEY)

    assert bench.judge().broken[rule] == 1
    assert said in dict(detail(bench))[rule]
    assert bench.counts() == [(1, 1, 0, 0)]


def test_a_scale_may_run_downwards_and_numbers_have_commas(bench: Bench) -> None:
    columns = FEEDBACK["columns"] | {"scale": {"value": "1"}, "worst": {"value": "6"}}
    bench.declare(**FEEDBACK | {"columns": columns}, decimal=",")
    bench.land([(1, "W1", AT, "Stars", "1,5", None, None), (2, "W1", AT, "Stars", "6,5", None, None)], SURVEY)

    assert bench.judge().broken == {"rating_on_scale": 1}
    assert bench.ask("SELECT value, scale, worst FROM accepted") == [(1.5, 1.0, 6.0)]


@pytest.mark.parametrize(("unit", "broken"), [("working_hours", {}), ("Hours", {}), ("days", {"unit_known": 1})])
def test_an_expectation_counts_hours_by_the_clock_or_of_the_calendar(bench: Bench, unit: str, broken: dict) -> None:
    bench.declare(**FEEDBACK | {"columns": FEEDBACK["columns"] | {"unit": {"value": unit}}})
    bench.land([(1, "W1", AT, "Hopes for", 8.5, None, None)], SURVEY)

    assert bench.judge().broken == broken
    assert bench.ask("SELECT unit FROM accepted") == ([] if broken else [(unit.lower(),)])


def test_an_outage_is_of_a_process_or_of_one_node_of_it(bench: Bench) -> None:
    bench.declare(**OUTAGES)
    bench.land(
        [
            (1, "Fibre", AT, LATER, None),
            (2, "Number check", AT, None, "yes"),
        ],
        LOG,
    )

    assert bench.judge().broken == {}
    assert bench.ask(
        "SELECT service, process, node, ended_us IS NULL, is_planned FROM accepted ORDER BY row_number"
    ) == [("Fibre", "broadband", None, False, False), ("Number check", "broadband", "check", True, True)]


@pytest.mark.parametrize(
    ("row", "rule", "said"),
    [
        (("Copper", AT, LATER, "no"), "service_mapped", "service 'Copper' is in none of `services`: add it"),
        ((None, AT, LATER, "no"), "service_mapped", "service (empty)"),
        (("Fibre", None, LATER, "no"), "start_present", "no start: down is empty"),
        (("Fibre", LATER, AT, "no"), "end_not_before_start", "ends 2026-03-02 10:00:00 UTC before it starts"),
        (("Fibre", AT, LATER, "perhaps"), "planned_readable", "planned 'perhaps' is neither yes nor no"),
    ],
)
def test_an_outage_that_cannot_be_is_set_aside_with_a_reason(bench: Bench, row: tuple, rule: str, said: str) -> None:
    bench.declare(**OUTAGES)
    bench.land([("1", "Fibre", AT, LATER, "no"), ("2", *row)], LOG)

    assert bench.judge().broken == {rule: 1}
    assert said in dict(detail(bench))[rule]


def test_without_services_an_outage_names_the_process_itself(bench: Bench) -> None:
    bench.declare(**{key: value for key, value in OUTAGES.items() if key != "services"})
    bench.land([(1, "broadband/check", AT, LATER, "no")], LOG)
    bench.judge()

    assert bench.ask("SELECT process, node FROM accepted") == [("broadband", "check")]
