"""When the catalogue changes, the next run says what it changed, and nothing else."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
import tiny
from rich.console import Console

from pipelines.home import Home
from pipelines.outcome import Outcome
from pipelines.run import run

pytestmark = pytest.mark.xdist_group("built")


def change(home: Home, file: str, before: str, after: str) -> None:
    path = home.catalogue / file
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))


def said(outcome: Outcome) -> str:
    out = StringIO()
    outcome.show(Console(file=out, width=300))
    return "\n".join(line for line in out.getvalue().splitlines() if line.startswith("CATALOGUE"))


def moves(outcome: Outcome) -> dict[tuple[str, str], int]:
    found = outcome.as_json()["catalogue_change"]
    return {(one["before"], one["now"]): one["runs"] for one in found["transitions"]}


def test_an_unchanged_catalogue_says_nothing_whatever_is_delivered(built_home: Home) -> None:
    jobs = built_home.root / "in" / "jobs.csv"
    jobs.write_text(tiny.JOBS.replace("2026-02-10 10:00:00,,OPEN", "2026-02-10 10:00:00,2026-02-10 11:00:00,DONE"))

    outcome = run(built_home, "2026-03-25")

    assert outcome.as_json()["catalogue_change"] is None
    assert said(outcome) == ""


def test_a_tighter_limit_changes_the_runs_that_it_judges_also_days_later_and_what_came_meanwhile_is_left_out(
    built_home: Home,
) -> None:
    change(built_home, "commitments.csv", "K1,claims,register,,office,4h,8h", "K1,claims,register,,office,2h,3h")
    jobs = built_home.root / "in" / "jobs.csv"
    jobs.write_text(tiny.JOBS + "C5,REGISTER,2026-03-10 09:00:00,2026-03-10 17:00:00,DONE,\n")

    outcome = run(built_home, "2026-03-25")

    # C1 took four hours, C2 three; C3 would be in warning by now with either limit.
    assert moves(outcome) == {
        ("completed_normal", "completed_warning"): 1,
        ("completed_normal", "completed_acceptable"): 1,
    }
    assert said(outcome) == (
        "CATALOGUE  changed since the last publication: 2 runs changed state because of it "
        "(1 completed_normal → completed_acceptable, 1 completed_normal → completed_warning), 0 other owner, "
        "0 other commitment"
    )
    [first, second] = outcome.as_json()["catalogue_change"]["examples"]
    assert (first["work_order_id"], first["node"], first["before"], first["now"]) == (
        *("C1", "register"),
        *("completed_normal", "completed_warning"),
    )
    assert second["work_order_id"] == "C2"


def test_a_holiday_moves_a_deadline_and_with_it_a_state(tiny_home: Home) -> None:
    run(tiny_home, "2026-03-20")
    change(tiny_home, "calendars.yml", "    horizon:", "    holidays: [2026-03-20]\n    horizon:")

    # C3 began on the 19th at three: ten hours of working time by then, two on a holiday.
    assert moves(run(tiny_home, "2026-03-20")) == {("in_progress_warning", "in_progress_normal"): 1}


def test_another_owner_and_another_commitment_are_counted_beside_the_states(built_home: Home) -> None:
    change(built_home, "processes.yml", "{node: pay, department: Treasury", "{node: pay, department: Cash desk")
    change(built_home, "commitments.csv", "K6,", "K66,")

    outcome = run(built_home, tiny.AS_OF)

    assert moves(outcome) == {}
    # Two payments; two deliveries.
    assert said(outcome).endswith("0 runs changed state because of it, 2 other owner, 2 other commitment")


def test_another_mapping_of_a_status_is_seen_in_the_states(built_home: Home) -> None:
    change(
        built_home,
        "sources.yml",
        "completed: [DONE], in_progress: [OPEN], cancelled: [VOID]",
        "completed: [DONE, VOID], in_progress: [OPEN]",
    )

    assert moves(run(built_home, tiny.AS_OF))[("cancelled", "completed_normal")] == 1


def test_a_run_that_is_at_another_node_by_another_mapping_is_one_that_went_and_one_that_came(built_home: Home) -> None:
    change(built_home, "sources.yml", "PAY: pay", "PAY: assess")

    found = moves(run(built_home, tiny.AS_OF))

    assert found[("in_progress_warning", "not there")] == 1
    assert found[("completed_warning", "not there")] == 1
    assert sum(runs for (before, _), runs in found.items() if before == "not there") == 2


def test_a_published_file_that_cannot_be_compared_does_not_stop_the_next_one(built_home: Home, tmp_path: Path) -> None:
    change(built_home, "commitments.csv", "K6,", "K66,")
    file = built_home.published / "warehouse.duckdb"
    file.chmod(0o644)
    file.write_bytes(b"")

    outcome = run(built_home, tiny.AS_OF)

    assert outcome.exit_code == 0
