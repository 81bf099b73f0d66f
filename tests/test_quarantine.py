"""Rows in quarantine are listed by rule, written out whole, and back in once they are right."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import openpyxl
import pytest
import tiny

from pipelines.home import Home
from pipelines.run import run

pytestmark = pytest.mark.xdist_group("built")

BROKEN = """\
C9,REGISTER,2026-03-16 09:00:00,2026-03-16 10:00:00,ESCALATED,=1+1
C8,REGISTER,2026-03-16 09:00:00,2026-03-16 10:00:00,ESCALATED,"quoted ""words"", and
a line"
C1,PAY,2026-02-03 02:00:00,2026-02-04 02:00:00,PARKED,gold
C2,PAY,2026-02-30 10:00:00,,OPEN,silver
"""


@pytest.fixture(scope="module")
def broken(built_once: Home, tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, str]:
    """The tiny home after a delivery with rows that break rules, and what its run said."""
    import shutil
    from io import StringIO

    from rich.console import Console

    home = Home(tmp_path_factory.mktemp("broken") / "home")
    shutil.copytree(built_once.root, home.root, symlinks=True)
    jobs = home.root / "in" / "jobs.csv"
    heading, *good = tiny.JOBS.splitlines()
    jobs.write_text("\n".join([f"{heading},channel", *(f"{line},web" for line in good)]) + "\n")
    broken = [heading + ",channel", *(f"{line},web" for line in good)]
    text = "\n".join(broken) + "\n"
    jobs.write_text(text + "".join(row.rstrip("\n") + ",shop\n" for row in _rows(BROKEN)))
    outcome = run(home, tiny.AS_OF)
    assert outcome.exit_code == 0
    said = StringIO()
    outcome.show(Console(file=said, width=250))
    return home, said.getvalue()


def _rows(text: str) -> list[str]:
    rows: list[str] = []
    for line in text.splitlines(keepends=True):
        if rows and rows[-1].count('"') % 2:
            rows[-1] += line
        else:
            rows.append(line)
    return rows


def ask(home: Home, sql: str) -> list[tuple]:
    with duckdb.connect(str(home.published / "warehouse.duckdb"), read_only=True) as con:
        return con.execute(sql).fetchall()


def test_the_summary_lists_each_new_status_with_its_rows_and_the_new_column(broken: tuple[Home, str]) -> None:
    _, said = broken

    assert "NEW STATUS  crm.jobs: 'ESCALATED' in 2 rows, which wait in quarantine: say what it means under" in said
    assert "NEW STATUS  crm.jobs: 'PARKED' in 1 row, which waits in quarantine" in said
    assert "DRIFT  crm.jobs: new column 'channel' (string), landed and mapped to nothing since batch" in said


def test_a_new_column_is_published_with_when_it_came(broken: tuple[Home, str]) -> None:
    home, _ = broken

    assert ask(home, "SELECT source_system, entity, column_name, what, is_used FROM marts.source_drift") == [
        ("crm", "jobs", "channel", "new", False)
    ]


def test_a_passage_of_which_a_row_waits_says_so(broken: tuple[Home, str]) -> None:
    home, _ = broken

    assert ask(
        home,
        "SELECT work_order_id, has_quarantined_node FROM marts.fct_run "
        "WHERE scope = 'process' AND process = 'claims' ORDER BY 1",
    ) == [("C1", True), ("C2", True), ("C3", False), ("C4", False)]
    assert ask(home, "SELECT work_order_id, node, rule FROM marts.quarantine ORDER BY row_number") == [
        ("C9", "register", "status_mapped"),
        ("C8", "register", "status_mapped"),
        ("C1", "pay", "status_mapped"),
        ("C2", "pay", "times_readable"),
    ]


def test_it_is_listed_by_rule_with_count_and_example(broken: tuple[Home, str]) -> None:
    home, _ = broken

    shown = tiny.commitments(home, "quarantine")
    found = json.loads(tiny.commitments(home, "quarantine", "--json").stdout)

    assert shown.returncode == 0, shown.stderr
    assert "status_mapped" in shown.stdout
    assert "status 'ESCALATED' is in none of `statuses`" in shown.stdout
    assert [(row["rule"], row["rows"]) for row in found["rules"]] == [("status_mapped", 3), ("times_readable", 1)]
    only = json.loads(tiny.commitments(home, "quarantine", "--json", "--rule", "times_readable").stdout)
    assert [row["rows"] for row in only["rules"]] == [1]
    assert json.loads(tiny.commitments(home, "quarantine", "--json", "--source", "wms").stdout)["rules"] == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--source", "carm"], "--source carm: no row in quarantine is of it; what is there is of crm."),
        (["--rule", "x"], "--rule x: no row in quarantine is of it; what is there is of status_mapped, times_readable"),
        (["--export", "rows.txt"], "must end in one of .csv, .parquet, .xlsx"),
        (["--export", "/no/such/rows.csv"], "/no/such is no folder"),
    ],
)
def test_what_cannot_be_asked_for_is_said(broken: tuple[Home, str], arguments: list[str], words: str) -> None:
    done = tiny.commitments(broken[0], "quarantine", *arguments)

    assert done.returncode == 1
    assert words in done.stderr


@pytest.mark.parametrize("suffix", ["csv", "parquet", "xlsx"])
def test_it_is_exported_with_the_columns_of_the_source(broken: tuple[Home, str], tmp_path: Path, suffix: str) -> None:
    home, _ = broken
    file = tmp_path / f"rows.{suffix}"

    done = tiny.commitments(home, "quarantine", "--export", str(file))

    assert done.returncode == 0, done.stderr
    assert "4 rows" in done.stdout
    if suffix == "xlsx":
        sheet = openpyxl.load_workbook(file).active
        heading, *rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
        assert sheet.cell(2, len(heading) - 1).data_type == "s"
    else:
        with duckdb.connect() as con:
            answer = con.execute(f"FROM '{file}'")
            heading, rows = [column[0] for column in answer.description], answer.fetchall()
    assert heading == [
        *("_source_system", "_entity", "_load_id", "_row_number", "_landed_at", "_rule", "_detail"),
        *("order_no", "step", "opened", "closed", "state", "class", "channel"),
    ]
    assert [row[heading.index("order_no")] for row in rows] == ["C9", "C8", "C1", "C2"]
    assert rows[0][heading.index("class")] == "=1+1"
    assert rows[1][heading.index("class")] == 'quoted "words", and\na line'
    again = tiny.commitments(home, "quarantine", "--export", str(file))
    assert (again.returncode, "add --overwrite" in again.stderr) == (1, True)
    assert tiny.commitments(home, "quarantine", "--export", str(file), "--overwrite").returncode == 0
