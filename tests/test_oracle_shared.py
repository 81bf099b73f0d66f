"""Every comparable working-time question of the shared oracle, answered from laid-out calendars by look-up."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from look_up import Clock
from reference import microseconds, one_version

from pipelines.calendars import lay_out

ORACLE = Path(__file__).resolve().parents[2] / "shared" / "oracle"
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not ORACLE.is_dir(), reason=f"the shared oracle is missing: no folder {ORACLE}"),
]


def second_of_day(clock: str) -> int:
    hours, minutes, seconds = ([int(part) for part in clock.split(":")] + [0])[:3]
    return hours * 3600 + minutes * 60 + seconds


def windows(pairs: Sequence[Sequence[str]]) -> list[tuple[int, int]]:
    return [(second_of_day(start), second_of_day(end)) for start, end in pairs]


def instant(text: str) -> int:
    return microseconds(datetime.fromisoformat(text))


def clock_of(case: dict[str, Any]) -> Clock:
    """Lay out the calendar of a question; the clock of its one run also stands still in the run's pauses."""
    last = case["end"] if case["kind"] == "elapsed" else case["expected_due_at"]
    dates = [datetime.fromisoformat(text).date() for text in (case["start"], last)]
    calendar = one_version(
        case["timezone"],
        {WEEKDAYS.index(of): windows(pairs) for of, pairs in case["calendar"].items()},
        min(dates) - timedelta(days=3),
        max(dates) + timedelta(days=60),
        holidays=[date.fromisoformat(feast) for feast in case.get("holidays", [])],
        exceptions={date.fromisoformat(of): windows(pairs) for of, pairs in case.get("date_overrides", {}).items()},
        closures=[(instant(a), instant(b)) for a, b in [*case.get("breaks", []), *case.get("pauses", [])]],
    )
    return Clock(*lay_out(calendar))


def is_right(case: dict[str, Any]) -> bool:
    clock, start = clock_of(case), instant(case["start"])
    if case["kind"] == "elapsed":
        # The gate quarantines what ends before it starts; here such a span has no working time.
        answer = max(0, int(clock.elapsed(start, instant(case["end"]))))
        return abs(answer - case["expected_elapsed_seconds"] * 1e6) <= max(1, case.get("tolerance_seconds", 0) * 1e6)
    return int(clock.deadline(start, round(case["duration_seconds"] * 1e6))) == instant(case["expected_due_at"])


@pytest.mark.parametrize("name", sorted(path.stem for path in ORACLE.glob("*.json")))
def test_every_comparable_question_is_answered_right(name: str) -> None:
    questions = json.loads((ORACLE / f"{name}.json").read_text(encoding="utf-8"))["cases"]
    comparable = [case for case in questions if case["comparable"]]

    assert comparable
    assert [case["case_id"] for case in comparable if not is_right(case)] == []
