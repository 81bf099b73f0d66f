"""What a source says of itself is compared with what is here: in the run's summary, in a mart, and in a replay."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from io import StringIO
from pathlib import Path

import duckdb
import pytest
import tiny
from rich.console import Console

from pipelines.home import Home
from pipelines.landing import Landing
from pipelines.outcome import Outcome
from pipelines.replay import replay
from pipelines.run import run

pytestmark = pytest.mark.xdist_group("built")

TOTALS = (
    "SELECT source_system, measure, source_value, warehouse_value, quarantined_value, difference "
    "FROM marts.control_total ORDER BY 1"
)


def ask(file: Path, sql: str) -> list[tuple]:
    with duckdb.connect(str(file), read_only=True) as con:
        return con.execute(sql).fetchall()


def summary(outcome: Outcome) -> str:
    said = StringIO()
    outcome.show(Console(file=said, width=250))
    return said.getvalue()


@pytest.fixture
def asked(built_home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """The tiny home, its sources asked for what their rows come to; its database is one of its own."""
    monkeypatch.setenv("TINY_WMS", tiny.make_wms(tmp_path / "wms.db"))
    (built_home.catalogue / "sources.yml").write_text(
        tiny.SOURCES.replace("from: jobs.csv", "from: jobs.csv\n        reconcile: {file: 'control_*.txt'}").replace(
            "from: steps", "from: steps\n        cursor: t_from\n        reconcile: {sum: id, where: 'id < 100'}"
        )
    )
    (built_home.root / "in" / "control_1.txt").write_text("rows\t5\n")
    (built_home.root / "in" / "control_2.txt").write_text("3")
    return built_home


def test_a_difference_is_a_finding_with_both_figures_and_a_replay_says_it_again(asked: Home, tmp_path: Path) -> None:
    file = asked.published / "warehouse.duckdb"
    outcome = run(asked, tiny.AS_OF)
    assert outcome.exit_code == 0
    assert ask(file, TOTALS) == [("crm", "count", 8, 8, 0, 0), ("wms", "sum of id", 10, 10, 0, 0)]
    assert "control total" not in summary(outcome)

    with closing(sqlite3.connect(tmp_path / "wms.db")) as con:
        # One behind the cursor, which nobody will ever pull; and one whose status nothing maps.
        con.execute("INSERT INTO steps VALUES (50, 'O9', 'enter', '2026-01-01T00:00:00+00:00', NULL, 1)")
        con.execute("INSERT INTO steps VALUES (7, 'O8', 'enter', '2026-03-18T23:00:00+00:00', NULL, 77)")
        con.execute("INSERT INTO steps VALUES (100, 'O7', 'enter', '2026-01-01T00:00:00+00:00', NULL, 1)")
        con.commit()
    (asked.root / "in" / "control_2.txt").write_text("2")
    outcome = run(asked, tiny.AS_OF)

    totals = [("crm", "count", 7, 8, 0, -1), ("wms", "sum of id", 67, 10, 7, 50)]
    assert ask(file, TOTALS) == totals
    said = summary(outcome)
    assert "control total of crm.jobs: the source says 7 rows, the warehouse has 8: 1 less than is here" in said
    assert (
        "control total of wms.steps: the source says 67 as sum of id, the warehouse has 10 and 7 in quarantine: "
        "50 more than is here" in said
    )
    assert outcome.exit_code == 0
    known_at = Landing(asked).everything_known_at().isoformat()
    done = replay(asked, tiny.AS_OF, tmp_path / "again.duckdb", known_at)
    assert ask(done.file, TOTALS) == totals


def test_what_the_source_has_deleted_is_missed_on_neither_side(asked: Home, tmp_path: Path) -> None:
    sources = asked.catalogue / "sources.yml"
    sources.write_text(sources.read_text().replace("cursor: t_from", "cursor: t_from\n        deletions: key_sweep"))
    run(asked, tiny.AS_OF)
    with closing(sqlite3.connect(tmp_path / "wms.db")) as con:
        con.execute("DELETE FROM steps WHERE id = 2")
        con.commit()

    run(asked, tiny.AS_OF)

    assert ask(asked.published / "warehouse.duckdb", TOTALS)[1] == ("wms", "sum of id", 8, 8, 0, 0)


@pytest.mark.parametrize(
    ("control", "words"), [("", "holds no numbers"), ("5 of 8", "holds 2 numbers"), (None, "there is no control file")]
)
def test_a_control_file_that_says_nothing_is_named_and_the_rows_are_in(
    asked: Home, control: str | None, words: str
) -> None:
    for file in (asked.root / "in").glob("control_*.txt"):
        file.unlink()
    if control is not None:
        (asked.root / "in" / "control_1.txt").write_text(control)

    outcome = run(asked, tiny.AS_OF, sources=["crm"])

    assert outcome.exit_code == 3
    assert words in str(outcome.entities[0].problem)
