"""The section on risk says what is at stake with its counts, and claims no causes."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import openpyxl
import pytest
from risk_rows import AS_OF, insert, insert_risk_rows
from test_report import TABLES

from pipelines.publish.report import write_report


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a warehouse with rows of this section and one month."""
    folder = tmp_path_factory.mktemp("risk")
    with duckdb.connect(str(folder / "warehouse.duckdb")) as con:
        con.execute(TABLES)
        insert(con, "publication", publication_id="one", as_of=AS_OF, business_time_zone="Asia/Shanghai")
        insert(
            con, "achievement_by_process", grain="month", period_start="2026-11-01", period_end="2026-12-01",
            is_complete=False, process="commission", process_name="Commission", due=0, kept=0, runs=0,
            in_progress_normal=0, in_progress_acceptable=0, in_progress_warning=0, completed_normal=0,
            completed_acceptable=0, completed_warning=0, cancelled=0, uncommitted=0, started=0, completed=0,
        )  # fmt: skip
        insert_risk_rows(con)
    return write_report(folder / "warehouse.duckdb", folder / "report")


@pytest.fixture(scope="module")
def text(page: Path) -> str:
    """The section as text, blanks evened out."""
    section = page.read_text(encoding="utf-8").split('<section id="risk"')[1].split("</section>")[0]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", section))


def test_the_most_at_stake_come_with_probability_what_is_left_and_expected_end(text: str) -> None:
    assert "The 12 with the most at stake of 15 open runs that can still keep their commitment" in text
    # 0.75 and 13 times 0.5; the one without a probability is not taken for safe.
    assert "about 7 will not, 1 without a probability left out" in text
    assert "1 of 16 open are late already" in text
    assert re.search(
        r"RISK-001 whole process, Settle disputes .* provisional 75.0% 150 1 h 30 min 23 Nov 2026, 03:00", text
    )
    assert "RISK-012" in text
    assert "RISK-013" not in text
    assert "LATE-ALREADY" not in text


def test_what_goes_with_misses_is_said_with_counts_and_not_as_a_cause(text: str) -> None:
    assert "Commitments that fell due from 1 Aug 2026 until before 1 Nov 2026" in text
    assert "whether they cause them the figures cannot say" in text
    assert (
        "Passages begun on a Thursday: 20 of 106 missed (18.9%), elsewhere 56 of 791 (7.1%); "
        "+5.2 to +20.4 points, 12 more than at the rate elsewhere."
    ) in text
    # The same runs are told once, as the node; fewer misses, and chance, are not told.
    assert "385 of 400" in text
    assert "Same runs" not in text
    assert "FEWER" not in text
    assert "BY CHANCE" not in text
    assert "Too few misses to compare anything" in text


def test_the_workbook_has_all_of_them(page: Path) -> None:
    book = openpyxl.load_workbook(page.with_name("report.xlsx"))

    assert book["At risk"].max_row - 3 == 16
    assert book["Drivers of misses"].max_row - 3 == 6


def test_an_organisation_without_such_rows_has_no_such_section(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as con:
        con.execute(TABLES)
        insert(con, "publication", publication_id="one", as_of=AS_OF)

    page = write_report(tmp_path / "warehouse.duckdb", tmp_path / "report")

    assert 'id="risk"' not in page.read_text(encoding="utf-8")
