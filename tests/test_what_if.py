"""A commitment under other terms: the window judged again says what a build under these terms would have said."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import duckdb
import pytest
import tiny

from pipelines.errors import UserError
from pipelines.home import Home
from pipelines.what_if import Asked, what_if

pytestmark = pytest.mark.xdist_group("built")

# C1 waited at pay from the second hour on; C2 is still open, in a pause that nobody has closed.
PAUSES = """\
order_no,step,from,to
C1,PAY,2026-02-03 04:00:00,2026-02-03 20:00:00
C2,PAY,2026-02-10 12:00:00,
"""
PAUSED = """\
      waits:
        shape: pauses
        from: waits.csv
        key: [order_no, from]
        columns: {work_order_id: order_no, process: {value: claims}, node: step, started_at: from, ended_at: to}
        nodes: {PAY: pay}
"""
# Each commitment beside other terms for it: shorter, longer, on another calendar, in working days.
TRIED = {
    "K1": Asked("3h", "3h30m"),
    "K2": Asked("5h", "9h", "office"),
    "K3": Asked("13h", "24h"),
    "K4": Asked("1wd", "2wd", "office"),
    "K5": Asked("20h", "36h"),
    "K6": Asked("22h59m59s", "23h"),
}


def _home(root: Path, commitments: str) -> Home:
    home = tiny.make_tiny_home(root)
    (home.catalogue / "commitments.csv").write_text(commitments, encoding="utf-8")
    sources = tiny.SOURCES.replace("  wms:\n", PAUSED + "  wms:\n")
    (home.catalogue / "sources.yml").write_text(sources, encoding="utf-8")
    (root / "in" / "waits.csv").write_text(PAUSES, encoding="utf-8")
    return home


def _under_tried_terms() -> str:
    rows = list(csv.DictReader(tiny.COMMITMENTS.splitlines()))
    for row in rows:
        asked = TRIED[row["commitment_id"]]
        row |= {"commitment_limit": asked.commitment_limit, "tolerance_limit": asked.tolerance_limit}
        row["calendar"] = asked.calendar or row["calendar"]
    return "\n".join([",".join(rows[0]), *(",".join(row.values()) for row in rows)]) + "\n"


@pytest.fixture(scope="module")
def committed(tmp_path_factory: pytest.TempPathFactory, wms: str) -> Home:
    from pipelines.run import run

    home = _home(tmp_path_factory.mktemp("committed") / "home", _with_penalties(tiny.COMMITMENTS))
    assert run(home, tiny.AS_OF).exit_code == 0
    return home


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory, wms: str) -> Home:
    from pipelines.run import run

    home = _home(tmp_path_factory.mktemp("tried") / "home", _with_penalties(_under_tried_terms()))
    assert run(home, tiny.AS_OF).exit_code == 0
    return home


def _with_penalties(commitments: str) -> str:
    header, *rows = commitments.splitlines()
    costs = ["penalty_per_breach,penalty_per_hour,penalty_cap", *["100,10,150"] * len(rows)]
    return "\n".join(f"{row},{cost}" for row, cost in zip([header, *rows], costs, strict=True)) + "\n"


def _ask(home: Home, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(home.published / "warehouse.duckdb"), read_only=True) as con:
        con.execute("SET TimeZone = 'UTC'")
        return con.execute(sql).fetchall()


def _reviews(home: Home) -> dict[str, tuple[Any, ...]]:
    sql = """
        SELECT review.commitment_id, due, kept, achievement_rate, rate_low, rate_high, tolerance_due, tolerated,
            tolerance_rate, recommendation, due - kept, coalesce(sum(penalty), 0)
        FROM marts.commitment_review AS review LEFT JOIN marts.penalty_by_period AS cost
            ON review.commitment_id = cost.commitment_id AND cost.grain = 'month'
            AND cost.period_start >= window_start AND cost.period_start < window_end
        GROUP BY ALL"""
    return {row[0]: row[1:] for row in _ask(home, sql)}


def _said(side: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(
        value for name, value in side.items() if name not in {"commitment_limit", "tolerance_limit", "calendar"}
    )


@pytest.mark.parametrize("commitment_id", TRIED)
def test_other_terms_come_to_what_a_build_under_them_publishes(
    committed: Home, tried: Home, tmp_path: Path, commitment_id: str
) -> None:
    found = what_if(committed, commitment_id, TRIED[commitment_id], tmp_path / "changed.csv")

    assert _said(found["before"]) == _reviews(committed)[commitment_id]
    assert _said(found["after"]) == _reviews(tried)[commitment_id]
    sql = f"SELECT run_id, state FROM marts.fct_run WHERE commitment_id = '{commitment_id}'"
    before, after = dict(_ask(committed, sql)), dict(_ask(tried, sql))
    with (tmp_path / "changed.csv").open(encoding="utf-8") as file:
        changed = {row["run_id"]: (row["state_before"], row["state_after"]) for row in csv.DictReader(file)}
    # Runs that fell due after the window, under both terms, are none of the window's.
    in_window = f"{sql} AND commitment_due_on < '2026-03-01'"
    window = {run_id for home in (committed, tried) for run_id, _ in _ask(home, in_window)}
    assert changed == {run: (before[run], after[run]) for run in window if before[run] != after[run]}
    assert sum(row["runs"] for row in found["changed"]) == found["changed_runs"] == len(changed)


def test_the_terms_of_today_change_nothing(committed: Home) -> None:
    limits = dict(
        _ask(committed, "SELECT commitment_id, (commitment_limit, tolerance_limit) FROM marts.dim_commitment")
    )

    for commitment_id, (commitment_limit, tolerance_limit) in limits.items():
        found = what_if(committed, commitment_id, Asked(commitment_limit, tolerance_limit))
        assert found["before"] == found["after"]
        assert found["changed"] == found["first_changed"] == []
        assert _said(found["after"]) == _reviews(committed)[commitment_id]


def test_an_hour_less_makes_the_run_that_took_it_late_and_costs_its_penalty(committed: Home) -> None:
    found = what_if(committed, "K1", Asked("3h"))

    # C1 took four hours; C2 took three, over a weekend, which are still within it.
    assert (found["before"]["kept"], found["before"]["due"], found["before"]["penalty"]) == (2, 2, 0)
    assert (found["after"]["kept"], found["after"]["due"], found["after"]["penalty"]) == (1, 2, 110)
    assert found["changed"] == [
        {"state_before": "completed_normal", "state_after": "completed_acceptable", "runs": 1},
    ]
    assert [row["work_order_id"] for row in found["first_changed"]] == ["C1"]


@pytest.mark.parametrize(
    ("commitment_id", "asked", "words"),
    [
        ("K7", Asked("3h"), "K7: no commitment of the catalogue is called so; known: K1, K2, K3, K4, K5, K6"),
        ("K1", Asked("3"), "--commitment-limit '3' has no unit; write 4h for hours"),
        ("K1", Asked("3h", "soon"), "--tolerance-limit 'soon' is not a length of time; write it like 4h"),
        ("K1", Asked("1d", "2d"), "counts days, and a day of calendar 'office' is not 24 hours"),
        (
            "K1",
            Asked("9h"),
            "the tolerance limit of 8h is below the commitment limit of 9h; give --tolerance-limit too",
        ),
        ("K1", Asked(calendar="ofice"), "--calendar ofice: is no calendar; did you mean 'office'?"),
        ("K1", Asked(), "what-if needs --commitment-limit, --tolerance-limit or --calendar"),
    ],
)
def test_wrong_terms_are_named_with_the_remedy(committed: Home, commitment_id: str, asked: Asked, words: str) -> None:
    with pytest.raises(UserError) as problem:
        what_if(committed, commitment_id, asked)

    assert words in str(problem.value)


def test_the_command_says_it_for_people_and_for_programs(committed: Home, tmp_path: Path) -> None:
    said = tiny.commitments(committed, "what-if", "K1", "--commitment-limit", "3h")
    told = tiny.commitments(committed, "what-if", "K1", "--commitment-limit", "3h", "--json")
    wrong = tiny.commitments(committed, "what-if", "K1", "--commitment-limit", "three")

    assert said.returncode == told.returncode == 0
    assert "2 of 2" in said.stdout
    assert "1 of 2" in said.stdout
    assert "completed_normal → completed_acceptable" in said.stdout
    assert json.loads(told.stdout)["after"]["achievement_rate"] == 0.5
    assert wrong.returncode == 1
    assert "write it like 4h" in wrong.stderr


def test_a_file_that_is_there_is_left_alone(committed: Home, tmp_path: Path) -> None:
    file = tmp_path / "changed.csv"
    file.write_text("mine", encoding="utf-8")

    with pytest.raises(UserError, match="--overwrite"):
        what_if(committed, "K1", Asked("3h"), file)
    assert file.read_text(encoding="utf-8") == "mine"
    what_if(committed, "K1", Asked("3h"), file, overwrite=True)
    assert "C1" in file.read_text(encoding="utf-8")
