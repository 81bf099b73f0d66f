"""The report's section on service quality: indicators against their targets, and the largest of the four gaps."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pytest
from test_report import AS_OF, ENGLISH, NASTY, TABLES, achieve, insert

from pipelines.publish.report import write_report
from pipelines.publish.report.facts import months_before
from pipelines.publish.report.sections.service import line, said

MONTH = date(2026, 11, 1)


def indicate(con: duckdb.DuckDBPyConnection, name: str, month: date, value: float | None, **values: Any) -> None:
    """One month of one indicator."""
    row = {
        "indicator": name,
        "indicator_name": name.replace("_", " ").title(),
        "indicator_order": 1,
        "kind": "response_time",
        "grain": "month",
        "period_start": month,
        "period_end": months_before(month, -1),
        "is_complete": month < MONTH,
        "process": "commission",
        "segment": "(all)",
        "status": "measured" if value is not None else "no source delivers ratings",
        "value": value,
        "unit": "share",
        "target": 0.9,
        "is_higher_better": True,
        "is_target_met": None if value is None else value >= 0.9,
    }
    insert(con, "service_indicator_by_period", **(row | values))


def fall_short(con: duckdb.DuckDBPyConnection, process: str, name: str, **values: Any) -> None:
    """One gap of one process in the review window."""
    row = {
        "grain": "review",
        "period_start": date(2026, 8, 1),
        "period_end": date(2026, 11, 1),
        "is_complete": True,
        "process": process,
        "process_name": process.title(),
        "gap": ["expectation", "standard", "performance", "promise"].index(name) + 1,
        "gap_name": name,
        "status": "measured",
        "n": 0,
        "is_largest": False,
    }
    insert(con, "service_gap_by_period", **(row | values))


def fill(con: duckdb.DuckDBPyConnection) -> None:
    """Indicators of every standing, and two processes with gaps, one of them with an odd name."""
    for back in range(14):
        month = months_before(MONTH, back)
        indicate(con, "answered", month, 0.9 + back / 100, numerator=90.0, denominator=100.0)
    indicate(con, "answered", MONTH, 0.1, segment="gold", numerator=1.0, denominator=10.0)
    indicate(con, "repaired", MONTH, 93_600.0, kind="resolution_time", measure="median", unit="seconds",
             target=86_400.0, is_target_met=False, denominator=201.0)  # fmt: skip
    indicate(con, "stars", MONTH, None, kind="satisfaction", is_target_met=None)
    indicate(con, "angry", MONTH, 12.44, kind="complaints", unit="per 1,000 work orders", target=None,
             is_target_met=None, numerator=3.0, denominator=241.0)  # fmt: skip
    fall_short(con, "commission", "expectation", status="no source delivers expectations")
    fall_short(con, "commission", "standard", n=200, concerned=0, share=0.0, size_per_work_order_seconds=0.0)
    fall_short(con, "commission", "performance", n=200, concerned=30, share=0.15, size_seconds=36_000.0,
               size_per_work_order_seconds=5_400.0)  # fmt: skip
    fall_short(con, "commission", "promise", n=180, concerned=45, share=0.25, size_seconds=72_000.0, is_largest=True,
               size_per_work_order_seconds=18_000.0, satisfaction_kept=0.81, ratings_kept=60,
               satisfaction_broken=0.31, ratings_broken=1)  # fmt: skip
    for name in ("expectation", "standard", "performance", "promise"):
        fall_short(con, "port_in", name, process_name=NASTY, status="no commitment fell due")


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of them."""
    folder = tmp_path_factory.mktemp("service")
    with duckdb.connect(str(folder / "warehouse.duckdb")) as con:
        con.execute(TABLES)
        insert(con, "publication", publication_id="P", as_of=AS_OF, business_time_zone="Asia/Shanghai")
        achieve(con, "achievement_by_process", MONTH, 9, 10, process="commission", process_name="Commission")
        fill(con)
    return write_report(folder / "warehouse.duckdb", folder / "report")


@pytest.fixture(scope="module")
def section(page: Path) -> str:
    """The section as text."""
    html = page.read_text(encoding="utf-8").split('id="service"')[1].split("</section>")[0]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def test_each_indicator_stands_with_its_counts_against_its_target(section: str) -> None:
    assert "Answered 90.0% 90 of 100 90% Met 91.0%" in section
    assert "Repaired 26 h median of 201 24 h Missed –" in section
    assert "Angry 12.4 3 of 241, per 1,000 – No target" in section


def test_what_no_source_delivers_is_said_instead_of_a_figure(section: str) -> None:
    assert "Stars – no source delivers ratings 90% Not measured" in section
    assert "Promise 5 h per work order no source 0% 0 of 200 15.0% 30 of 200 by 10 h 25.0% 45 of 180 by 20 h" in section


def test_the_customers_of_kept_and_of_broken_promises_stand_side_by_side(section: str) -> None:
    assert "Commission 81.0% 60 ratings 31.0% 1 rating −50.0" in section


def test_a_name_from_a_source_is_text(page: Path, section: str) -> None:
    assert "<script>" not in page.read_text(encoding="utf-8")
    assert "&lt;script&gt;" in section
    assert "none" in section


def test_the_workbook_has_every_segment_and_every_gap(page: Path) -> None:
    book = openpyxl.load_workbook(page.with_name("report.xlsx"))

    assert book["Service indicators"].max_row - 3 == 18
    assert book["Service gaps"].max_row - 3 == 8


def test_without_a_month_or_a_gap_there_is_no_section(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as con:
        con.execute(TABLES)
        insert(con, "publication", publication_id="P", as_of=AS_OF)
        achieve(con, "achievement_by_process", MONTH, 9, 10, process="commission", process_name="Commission")

    page = write_report(tmp_path / "warehouse.duckdb", tmp_path / "report")

    assert 'id="service"' not in page.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (None, "share", "–"),
        (0.9996, "share", ">99.9%"),
        (5400.0, "seconds", "1 h 30 min"),
        (33.76, "per 1,000 work orders", "33.8"),
    ],
)
def test_a_value_is_written_in_its_unit(value: float | None, unit: str, text: str) -> None:
    assert said(ENGLISH, value, unit) == text


def test_a_line_breaks_where_nothing_was_measured() -> None:
    assert line([1, 2, None, 3, 3]) == ["0.0,100.0 25.0,50.0", "75.0,0.0 100.0,0.0"]
    assert line([4, 4]) == ["0.0,50.0 100.0,50.0"]
    assert line([None, 4]) == []
