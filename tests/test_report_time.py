"""The section that says where the time goes: the worst of each process, with the counts that its rates are of."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import duckdb
import openpyxl
import pytest
from test_report import AS_OF, TABLES, achieve, insert
from time_rows import insert_time_rows

from pipelines.publish.report import write_report


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of made-up rows."""
    folder = tmp_path_factory.mktemp("time")
    with duckdb.connect(str(folder / "warehouse.duckdb")) as con:
        con.execute(TABLES)
        insert(con, "publication", publication_id="made up", as_of=AS_OF, business_time_zone="UTC")
        achieve(con, "achievement_by_process", date(2026, 11, 1), 9, 10, process="commission")
        insert_time_rows(con)
    return write_report(folder / "warehouse.duckdb", folder / "report")


def _rows(html: str) -> dict[str, list[str]]:
    """The rows of each table as text, by the table's label."""
    return {
        re.search(r'aria-label="([^"]+)"', part)[1]: [
            re.sub(r"\s+", " ", re.sub(r"<(?!script)[^>]+>", " ", row)).strip()
            for row in re.findall(r"<tr>(<th scope=\"row\".*?)</tr>", part, re.S)
        ]
        for part in html.split('<div class="scroll"')[1:]
    }


@pytest.fixture(scope="module")
def tables(page: Path) -> dict[str, list[str]]:
    """All of the page."""
    return _rows(page.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def process(page: Path) -> str:
    """What the section of the process says of its time."""
    html = page.read_text(encoding="utf-8").split('<section id="process-1"')[1].split("</section>")[0]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html.split("Where the time goes")[1]))


def test_bottlenecks_say_how_much_of_the_time_they_hold_and_in_how_many_breaches_they_were_late(
    tables: dict[str, list[str]],
) -> None:
    check, pay = tables["What holds the time of commission"]

    assert check == "Check by the channel department 61.0% 30.5% 15.2% 15.2% &lt;0.1% 33.3% 19 of 57 25 h"
    assert pay.startswith("Pay the dealer")


def test_first_time_through_is_shown_of_what_could_be_followed(process: str) -> None:
    assert (
        "First time through 80.0% , 312 of 390 (visited no node twice; 4.0 visits and 2.0 hand-overs each)" in process
    )


def test_goals_that_would_raise_the_rate_come_first_and_met_ones_are_left_out(tables: dict[str, list[str]]) -> None:
    process, position = tables["Which goals are short"]

    assert process == "Settlement of dealers&#39; commissions 75.0% 300 of 400 90% −15.0 −1.3 +6.0"
    assert "· check &lt;script&gt;" in position
    assert position.endswith("+2.0")


def test_durations_are_of_the_newest_month_that_is_over_and_say_where_a_limit_is_not_reached(process: str) -> None:
    assert "Half are done within 50 h (47 h 13 min to 52 h; completed runs alone would say 33 h 20 min)" in process
    assert "Nine of ten within – (– to –; completed runs alone would say 83 h)" in process
    assert "began in October 2026, the 40 of 200 still open counted as open" in process


def test_the_workbook_has_all_of_it(page: Path) -> None:
    book = openpyxl.load_workbook(page.with_name("report.xlsx"))

    assert [book[name].max_row - 3 for name in ("Bottlenecks", "Flow", "Responsibility", "Goals")] == [3, 2, 2, 4]
    assert book["Durations by process"].max_row - 3 == 2
    assert {"Transitions", "Durations by node"} <= set(book.sheetnames)


def test_without_anything_measured_there_is_no_such_section(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as con:
        con.execute(TABLES)
        insert(con, "publication", publication_id="made up", as_of=AS_OF, business_time_zone="UTC")
        achieve(con, "achievement_by_process", date(2026, 11, 1), 9, 10, process="commission")

    page = write_report(tmp_path / "warehouse.duckdb", tmp_path / "report")

    assert "Where the time goes" not in page.read_text(encoding="utf-8")
