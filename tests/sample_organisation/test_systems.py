"""The file systems: five forms, the same bytes for the same content, and nothing rewritten that did not change."""

from __future__ import annotations

import gzip
import sqlite3
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from lxml import etree

from pipelines.sample_organisation.systems import field_service, finance, put, ticketing, workflow

from .conftest import TOMORROW

WRITERS = {"workflow": workflow.write, "finance": finance.write, "field_service": field_service.write}
XES = "{http://www.xes-standard.org/}"


@pytest.mark.parametrize("system", WRITERS)
def test_the_same_content_is_the_same_bytes(system: str, world, tmp_path: Path) -> None:
    WRITERS[system](world(), tmp_path / "once")
    WRITERS[system](world(), tmp_path / "again")

    once = {path.name: path.read_bytes() for path in (tmp_path / "once").iterdir()}
    assert once == {path.name: path.read_bytes() for path in (tmp_path / "again").iterdir()}
    assert len(once) >= 3


@pytest.mark.parametrize("system", WRITERS)
def test_a_day_later_old_months_are_left_alone(system: str, world, tmp_path: Path) -> None:
    WRITERS[system](world(), tmp_path)
    written = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}

    WRITERS[system](world(TOMORROW), tmp_path)

    rewritten = {path.name for path in tmp_path.iterdir() if path.stat().st_mtime_ns != written.get(path.name)}
    assert any("2026-10" in name for name in rewritten)
    assert not any("2026-08" in name for name in rewritten)


def test_a_workbook_has_real_dates_and_money(world, tmp_path: Path) -> None:
    finance.write(world(), tmp_path)

    header, first, *_ = openpyxl.load_workbook(tmp_path / "payments_2026-08.xlsx")["Payments"].iter_rows(
        values_only=True
    )

    row = dict(zip(header, first, strict=True))
    assert row["Statement no"].startswith("DS-2608-")
    assert row["Received"].date().isoformat() >= "2026-08-03"
    assert row["Received"].second == 0
    assert isinstance(row["Amount"], float)


def test_an_export_of_jobs_has_local_times_to_the_minute(world, tmp_path: Path) -> None:
    field_service.write(world(), tmp_path)

    jobs = pd.read_csv(tmp_path / "jobs_2026-09.csv", dtype=str)

    assert jobs["Begun"].str.fullmatch(r"\d\d/09/2026 \d\d:\d\d").mean() > 0.99
    assert {"DONE", "CANCELLED"} <= set(jobs["Result"])


def test_a_log_is_xes_that_a_strict_parser_reads(world, tmp_path: Path) -> None:
    workflow.write(world(), tmp_path)

    log = etree.fromstring(gzip.decompress((tmp_path / "settlement_2026-09.xes.gz").read_bytes()))
    event = {child.get("key"): child.get("value") for child in log.find(f"{XES}trace").find(f"{XES}event")}

    assert set(event) == {"concept:name", "lifecycle:transition", "time:timestamp", "org:resource"}
    assert event["time:timestamp"].endswith("+08:00")


def test_the_ticketing_tool_is_a_sqlite_file_with_unix_times(world, tmp_path: Path) -> None:
    ticketing.write(world(), tmp_path / "tickets.db")

    database = sqlite3.connect(tmp_path / "tickets.db")
    statuses = dict(database.execute("select status, count(*) from status_change group by status"))
    latest = database.execute(
        "select max(changed_at) from status_change where typeof(changed_at) = 'integer'"
    ).fetchone()
    database.close()

    assert statuses["Triage"] > statuses["Closed"] > statuses["Withdrawn"] > 0
    assert latest[0] > world().now - 86_400


def test_a_reader_never_sees_half_a_file_nor_one_that_is_no_more(tmp_path: Path) -> None:
    put(tmp_path, {"jobs_1.csv": b"a", "jobs_2.csv": b"b"}, "jobs_*.csv")
    (tmp_path / "notes.txt").write_text("somebody else's")

    put(tmp_path, {"jobs_2.csv": b"c"}, "jobs_*.csv")

    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        "jobs_2.csv": "c",
        "notes.txt": "somebody else's",
    }
