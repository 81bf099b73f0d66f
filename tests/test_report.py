"""The report says what is published, in a page that works anywhere, and never shows a rate without its counts."""

from __future__ import annotations

import math
import re
import shutil
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import openpyxl
import pytest
import yaml
from risk_rows import insert_risk_rows
from time_rows import insert_time_rows

from pipelines.publish.report import write_report
from pipelines.publish.report.charts import trend
from pipelines.publish.report.facts import months_before
from pipelines.publish.report.page import judge
from pipelines.publish.report.words import Words
from pipelines.warehouse import PROJECT

AS_OF = datetime(2026, 11, 22, 16, 0, tzinfo=UTC)  # midnight in Shanghai
NASTY = "<script>document.title='broken'</script>&\"'"


def contracted_tables() -> str:
    """Every mart without a row, as its contract says."""
    statements = ["CREATE SCHEMA marts"]
    for path in sorted((PROJECT / "models" / "marts").rglob("*.yml")):
        for mart in (yaml.safe_load(path.read_text(encoding="utf-8")) or {}).get("models", []):
            columns = ", ".join(f'"{column["name"]}" {column["data_type"]}' for column in mart["columns"])
            statements.append(f"CREATE TABLE marts.{mart['name']} ({columns})")
    return ";\n".join(statements)


TABLES = contracted_tables()
ENGLISH = Words("en", ZoneInfo("UTC"))


def wilson(kept: int, due: int) -> tuple[float | None, float | None]:
    """The interval as the marts have it."""
    if not due:
        return None, None
    z, p = 1.959964, kept / due
    middle = (p + z * z / (2 * due)) / (1 + z * z / due)
    half = z * math.sqrt(p * (1 - p) / due + z * z / (4 * due * due)) / (1 + z * z / due)
    return middle - half, middle + half


def insert(con: duckdb.DuckDBPyConnection, table: str, **values: Any) -> None:
    """One row; what is not named is null."""
    marks = ", ".join("?" for _ in values)
    con.execute(f"INSERT INTO marts.{table} ({', '.join(values)}) VALUES ({marks})", list(values.values()))


def achieve(con: duckdb.DuckDBPyConnection, table: str, month: date, kept: int, due: int, **values: Any) -> None:
    """One month of one thing."""
    low, high = wilson(kept, due)
    row = {
        "grain": "month",
        "period_start": month,
        "period_end": months_before(month, -1),
        "is_complete": month < date(2026, 11, 1),
        "runs": due + 62,
        "completed_normal": kept,
        "completed_acceptable": (due - kept) // 2,
        "completed_warning": due - kept - (due - kept) // 2,
        "in_progress_normal": 41,
        "in_progress_acceptable": 9,
        "in_progress_warning": 6,
        "cancelled": 4,
        "uncommitted": 2,
        "started": due,
        "completed": due,
        "due": due,
        "undecided": 0,
        "kept": kept,
        "achievement_rate": kept / due if due else None,
        "rate_low": low,
        "rate_high": high,
        "tolerance_due": due,
        "tolerated": kept + (due - kept) // 2,
        "tolerance_rate": (kept + (due - kept) // 2) / due if due else None,
    }
    if table != "achievement_by_department":
        row |= {"target_rate": 0.95, "elapsed_p50_seconds": 5400.0, "elapsed_p90_seconds": 23456.7}
    insert(con, table, **(row | values))


def warn(con: duckdb.DuckDBPyConnection, number: int, process: str, **values: Any) -> None:
    """One open run in warning."""
    row = {
        "run_id": f"{process}-{number}",
        "scope": "node",
        "source_system": "crm",
        "work_order_id": f"WO-{number:05}",
        "process": process,
        "process_name": process.title(),
        "node": "check",
        "node_name": "Check by the channel department",
        "visit": 1,
        "department": "Channel department",
        "position": "Controller",
        "segment": "dealer",
        "started_at": AS_OF - timedelta(days=20),
        "commitment_due_at": AS_OF - timedelta(days=11),
        "tolerance_due_at": AS_OF - timedelta(days=9),
        "commitment_limit_seconds": 57600.0,
        "tolerance_limit_seconds": 86400.0,
        "elapsed_seconds": 90000.0 + 3600 * number,
        "commitment_overrun_seconds": 32400.0 + 3600 * number,
        "tolerance_overrun_seconds": 3600.0 * (number + 1),
        "state": "in_progress_warning",
        "is_open": True,
        "work_order_url": f"https://crm.example.com/{number}",
    }
    insert(con, "fct_run", **(row | values))


def review(con: duckdb.DuckDBPyConnection, commitment_id: str, recommendation: str, **values: Any) -> None:
    """One commitment's review, with what it cost, credits and has left to miss."""
    names = {"commitment_id": commitment_id, "process": "claims", "process_name": "Claims", "node_name": "Check"}
    names |= {key: values.pop(key) for key in list(values) if key in names}
    month = {"grain": "month", "period_start": date(2026, 11, 1), "is_complete": False}
    reason = "84 of 93 due runs were kept (90.32 %), and that is why: a sentence with its figures."
    row = {"recommendation": recommendation, "due": 93, "kept": 84, "achievement_rate": 84 / 93, "target_rate": 0.9,
           "window_start": date(2026, 8, 1), "window_end": date(2026, 11, 1), "reason": reason}  # fmt: skip
    insert(con, "commitment_review", **(names | row | values))
    insert(con, "penalty_by_period", **names, **month, breaches=9, overrun_hours=31.5, penalty=1234.5, currency="CNY")
    insert(con, "service_credit_by_period", **month, commitment_id=commitment_id, due=93, kept=84, rate_from=0.9,
           rate_to=1, achievement_rate=84 / 93, credit_rate=0.1, currency="CNY")  # fmt: skip
    insert(con, "error_budget_by_commitment", **names, due=93, used=9, allowed_misses=9.3, misses_left=0.3,
           burn_rate_28_days=1.1, exhausted_on=date(2026, 12, 1))  # fmt: skip


def publish(file: Path, language: str | None = None) -> Path:
    """A small published warehouse: processes of every standing, one of them with a nasty name and nothing due."""
    month = date(2026, 11, 1)
    with duckdb.connect(str(file)) as con:
        con.execute(TABLES)
        insert(con, "publication", publication_id="20261122T163000000000Z", as_of=AS_OF,
               business_time_zone="Asia/Shanghai", organisation="Example Telecom", language=language)  # fmt: skip
        rates = {"commission": (0.71, 420), "complaint": (0.935, 180), "broadband": (0.981, 1310)}
        names = {"commission": "Settlement of dealers' commissions", "complaint": "Complaint handling",
                 "broadband": "Broadband installation"}  # fmt: skip
        for process, (rate, due) in rates.items():
            for back in range(14):
                each = due if back else due // 2
                wobble = 0.04 * math.sin(back * 1.7) * (1 - rate) * 3
                kept = min(each, round(each * (rate + wobble)))
                at = months_before(month, back)
                achieve(con, "achievement_by_process", at, kept, each, process=process, process_name=names[process])
                for order, (node, worse) in enumerate([("register", 0), ("check", 0.3), ("pay", 0.1)], start=1):
                    achieve(con, "achievement_by_node", at, round(kept * (1 - worse)), each, process=process,
                            process_name=names[process], node=node, node_name=node.title() + " the case",
                            node_order=order)  # fmt: skip
        for each in (month, months_before(month, 1)):
            achieve(con, "achievement_by_process", each, 0, 0, process="port_in", process_name=NASTY, target_rate=None)
            achieve(con, "achievement_by_department", each, 130, 170, department="Channel department", position="Clerk")
            achieve(con, "achievement_by_department", each, 166, 170, department=NASTY, position="(none)")
        for number in range(20):
            warn(con, number, "commission")
        warn(con, 20, "commission", scope="process", node=None, node_name=None, department=None, position=None)
        warn(con, 21, "port_in", department=NASTY, work_order_id=NASTY, work_order_url="javascript:alert(1)")
        warn(con, 22, "complaint", is_open=False, state="completed_warning", work_order_id="NOT-OPEN")
        warn(con, 23, "complaint", state="in_progress_normal", work_order_id="NOT-LATE")
        for source, stale in (("crm", False), ("finance_drop", True)):
            insert(con, "source_freshness", source_system=source, last_landed_at=AS_OF - timedelta(hours=3),
                   data_through_at=AS_OF - timedelta(hours=99 if stale else 4), expected_every_seconds=86400.0,
                   is_stale=stale)  # fmt: skip
            for load, status in ((1, "accepted"), (2, "held" if stale else "accepted")):
                held = 500 if status == "held" else 0
                insert(con, "batch_reconciliation", source_system=source, entity="steps", load_id=f"2026112{load}",
                       landed_at=AS_OF - timedelta(days=2 - load), status=status, pulled=10_000,
                       accepted=9_990 - held, quarantined=7, duplicates=3, held=held)  # fmt: skip
        for number in range(14):
            insert(con, "quarantine", source_system="crm", entity="steps", load_id="20261121", row_number=number,
                   rule="end_not_before_start" if number % 3 else "status_mapped", detail=f"row {number}: {NASTY}",
                   row='{"a": 1}', released_at=AS_OF if number > 10 else None)  # fmt: skip
        insert_time_rows(con)
        insert_risk_rows(con)
        for node, position, department in (("check", "Controller", "Channel department"), ("pay", "Clerk", NASTY)):
            insert(con, "dim_node", process="commission", node=node, node_name=node.title() + " the case",
                   node_order=1, department=department, position=position)  # fmt: skip
        insert(con, "dim_process", process="commission", process_name=names["commission"])
        for limit in ("16h", "2d", "16h"):
            insert(con, "dim_commitment", commitment_id=f"check-{limit}", process="commission", node="check",
                   commitment_limit=limit, is_in_force=True)  # fmt: skip
        for number in range(8):
            insert(con, "alert", alert_id=f"alert-{number}", rule=NASTY if number else "late", channel="desk",
                   process="commission", node="check", department="Channel department", position="Controller",
                   work_order_id=f"WO-{number:05}", sent_at=AS_OF - timedelta(hours=number),
                   acknowledged_at=AS_OF if number > 5 else None, ended_at=AS_OF if number == 0 else None,
                   is_commitment_kept=False if number == 0 else None)  # fmt: skip
        for back, measure, first in ((1, "kept", 300), (2, "due", 400), (2, "kept", 310), (2, "achievement_rate", 0.7)):
            insert(con, "restatement", grain="month", period_start=months_before(month, back), scope="process",
                   process="commission", node="(all)", measure=measure, first_published=first, now=0,
                   publication_id="p", reason="late data, corrected")  # fmt: skip
        for number, recommendation in enumerate(
            ["mend", "raise", "watch", "watch", "uncertain", "not_enough_data"] * 3
        ):
            review(con, f"a-commitment-{number}", recommendation, node_name=NASTY if number == 1 else "Check")
        for order, (unit, value) in enumerate([("share", 0.912), ("seconds", 93_600.0), ("share", None)], start=1):
            for back in range(3):
                insert(con, "service_indicator_by_period", indicator=f"indicator_{order}", indicator_name=NASTY * order,
                       indicator_order=order, kind="resolution_time", measure="median", grain="month",
                       period_start=months_before(month, back), segment="(all)", status="measured", denominator=201.0,
                       numerator=190.0, unit=unit, value=value and value - back, target=value,
                       is_target_met=order == 1)  # fmt: skip
        for gap, name in enumerate(("expectation", "standard", "performance", "promise"), start=1):
            for process in (NASTY, "Complaint handling"):
                insert(con, "service_gap_by_period", grain="review", period_start=months_before(month, 3),
                       period_end=month, process=process, process_name=process, gap=gap, gap_name=name,
                       status="measured", n=1_200, concerned=300, share=0.25, size_seconds=36_000.0 * gap,
                       size_per_work_order_seconds=9_000.0 * gap, is_largest=gap == 4, satisfaction_kept=0.8,
                       ratings_kept=200, satisfaction_broken=0.3, ratings_broken=40)  # fmt: skip
    file.chmod(0o444)
    return file


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """That warehouse, in English."""
    return publish(tmp_path_factory.mktemp("published") / "warehouse.duckdb")


@pytest.fixture(scope="module")
def pages(page: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The page by language."""
    folder = tmp_path_factory.mktemp("chinese")
    return {"en": page, "zh-CN": write_report(publish(folder / "warehouse.duckdb", "zh-CN"), folder / "report")}


@pytest.fixture(scope="module")
def page(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of it."""
    return write_report(published, tmp_path_factory.mktemp("report") / "report")


@pytest.fixture(scope="module")
def text(page: Path) -> str:
    """The page as text, blanks evened out."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.read_text(encoding="utf-8").split("</style>")[1]))


class Reader(HTMLParser):
    """What a page refers to."""

    def __init__(self) -> None:
        super().__init__()
        self.references: list[tuple[str, str]] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect."""
        self.tags.append(tag)
        self.references += [(tag, value or "") for name, value in attrs if name in ("src", "href")]


def test_the_page_says_when_and_from_what_it_was_made(text: str) -> None:
    assert "As of 23 Nov 2026, 00:00 Asia/Shanghai" in text
    assert "publication 20261122T163000000000Z" in text
    assert "November 2026 so far" in text
    assert "Example Telecom" in text


def test_this_month_stands_against_its_target_and_the_month_before_with_counts(text: str) -> None:
    assert "149 kept of 210 due" in text
    assert "71.0%" in text
    assert re.search(r"October 2026 74.5%, 313 of 420", text)
    assert "64.5% to 76.7% (Wilson)" in text


def test_every_rate_of_achievement_has_its_denominator_beside_it(page: Path) -> None:
    html = page.read_text(encoding="utf-8")

    cells = re.findall(r'<b class="rate">[^<]+</b>\s*(.{0,60})', html)

    assert cells
    assert all(re.match(r'<span class="of due">[\d,]+ of [\d,]+</span>', cell) for cell in cells)


def test_processes_come_in_order_of_concern_and_nodes_worst_first(page: Path, text: str) -> None:
    titles = re.findall(r"<h2 id=\"process-\d+-title\">([^<]+)</h2>", page.read_text(encoding="utf-8"))
    nodes = page.read_text(encoding="utf-8").split('class="nodes"')[1].split("</table>")[0]

    assert [title[:9] for title in titles] == ["Settlemen", "Complaint", "Broadband", "&lt;scrip"]
    assert re.findall(r'<th scope="row">(\w+)', nodes) == ["Check", "Pay", "Register"]
    assert "Nothing fell due so far" in text


def test_open_runs_in_warning_show_department_and_how_long_over_and_only_those(text: str) -> None:
    assert "The 12 longest over of 21" in text
    assert "WO-00019 Check by the channel department Channel department , Controller" in text
    assert "28 h" in text
    assert "whole process" in text
    assert "NOT-OPEN" not in text
    assert "NOT-LATE" not in text


def test_it_says_what_it_rests_on(text: str) -> None:
    assert "1 of 2 sources up to date" in text
    assert "finance_drop ! Stale" in text or "finance_drop Stale" in text
    assert "11 of 40,000 rows pulled wait for a correction" in text
    assert "end_not_before_start" in text
    assert "1 batch held back" in text


def test_what_a_source_delivered_is_text_and_nothing_else(page: Path) -> None:
    html = page.read_text(encoding="utf-8")
    reader = Reader()
    reader.feed(html)

    assert "script" not in reader.tags
    assert "&lt;script&gt;" in html
    assert not any(address.startswith("javascript") for _, address in reader.references)


def test_the_page_needs_nothing_from_anywhere(page: Path) -> None:
    reader = Reader()
    reader.feed(page.read_text(encoding="utf-8"))

    loaded = [address for tag, address in reader.references if tag != "a"]

    assert loaded == ["data:,"]
    assert "url(" not in page.read_text(encoding="utf-8")
    assert "report.xlsx" in {address for _, address in reader.references}


def test_the_workbook_holds_real_tables_with_every_month_and_every_warning(page: Path) -> None:
    book = openpyxl.load_workbook(page.with_name("report.xlsx"))

    tables = {name for sheet in book for name in sheet.tables}
    assert {"Processes", "Nodes", "Departments", "Open_warnings", "Sources", "Quarantine"} <= tables
    assert book["Processes"].max_row - 3 == 3 * 14 + 2
    assert book["Open warnings"].max_row - 3 == 22
    newest = next(row for row in book["Processes"].iter_rows(min_row=4, values_only=True) if row[1] == "commission")
    assert (newest[2], newest[4], newest[5]) == (datetime(2026, 11, 1), 210, 149)


def test_a_formula_from_a_source_stays_text_in_the_workbook(published: Path, tmp_path: Path) -> None:
    file = tmp_path / "warehouse.duckdb"
    shutil.copy(published, file)
    file.chmod(0o644)
    with duckdb.connect(str(file)) as con:
        warn(con, 99, "commission", work_order_id='=HYPERLINK("http://evil")')

    write_report(file, tmp_path / "report")

    sheet = openpyxl.load_workbook(tmp_path / "report" / "report.xlsx")["Open warnings"]
    cell = next(cell for row in sheet for cell in row if cell.value == '=HYPERLINK("http://evil")')
    assert cell.data_type == "s"


def test_an_empty_warehouse_makes_a_page_that_says_so(tmp_path: Path) -> None:
    file = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(file)) as con:
        con.execute(TABLES)
        insert(con, "publication", publication_id="first", as_of=AS_OF)

    page = write_report(file, tmp_path / "report")

    assert "Nothing has been measured yet" in page.read_text(encoding="utf-8")
    assert openpyxl.load_workbook(page.with_name("report.xlsx")).sheetnames[0] == "Processes"


def test_a_report_that_fails_leaves_the_one_before(published: Path, tmp_path: Path) -> None:
    page = write_report(published, tmp_path)
    before = page.read_bytes()
    broken = tmp_path / "broken.duckdb"
    with duckdb.connect(str(broken)) as con:
        con.execute(TABLES)
        insert(con, "publication", publication_id="broken", as_of=AS_OF)
        con.execute("DROP TABLE marts.quarantine")

    with pytest.raises(duckdb.Error, match="quarantine"):
        write_report(broken, tmp_path)

    assert page.read_bytes() == before
    assert not list(tmp_path.glob(".*"))


def test_the_same_publication_makes_the_same_page(published: Path, page: Path, tmp_path: Path) -> None:
    assert write_report(published, tmp_path).read_bytes() == page.read_bytes()


@pytest.mark.parametrize(
    ("value", "shown"),
    [(1.0, "100%"), (0.99999, ">99.9%"), (0.0, "0%"), (0.0001, "<0.1%"), (0.8996, "90.0%"), (None, "–")],
)
def test_what_is_not_all_never_reads_as_all(value: float | None, shown: str) -> None:
    assert ENGLISH.rate(value) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0 s"),
        (0.5, "<1 s"),
        (59, "59 s"),
        (3599, "59 min"),
        (3600, "1 h"),
        (11100, "3 h 05 min"),
        (504000, "140 h"),
    ],
)
def test_working_time_is_written_without_days(seconds: float, shown: str) -> None:
    assert ENGLISH.duration(seconds) == shown


def test_a_rate_is_judged_exactly_and_chance_is_named() -> None:
    row = {"due": 20, "achievement_rate": 0.9, "target_rate": 0.95, "rate_low": 0.7, "rate_high": 0.97}

    assert judge(row).kind == "close"
    assert judge(row | {"rate_high": 0.94}).kind == "below"
    assert judge(row | {"achievement_rate": 0.95}).kind == "met"
    assert judge(row | {"target_rate": None}).kind == "none"
    assert judge(row | {"due": 0, "achievement_rate": None}).kind == "nothing"


def test_a_month_without_anything_due_is_a_gap_in_the_line_not_a_zero() -> None:
    months = [date(2026, number, 1) for number in (1, 2, 3)]
    row = {"achievement_rate": 0.5, "rate_low": 0.4, "rate_high": 0.6, "target_rate": 0.9, "is_complete": True}
    drawn = trend(months, {months[0]: row, months[1]: row | {"achievement_rate": None}, months[2]: row})

    assert len(drawn.lines) == 2
    assert len(drawn.dots) == 2


def test_each_department_says_what_it_owns_what_is_open_what_it_was_warned_of_and_its_share_in_late_runs(
    page: Path,
) -> None:
    html = page.read_text(encoding="utf-8").split(">Channel department</h2>")[1].split("</section>")[0]
    said = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))

    assert "Clerk 76.5% 130 of 170" in said
    assert "Check the case Settlement of dealers&#39; commissions Controller 16h, 2d 3 commitments" in said
    assert "56 open node runs: 41 normal, 9 acceptable, 6 in warning" in said
    assert "The 5 longest over of 20 in warning" in said
    assert "WO-00019" in said
    # (1 + 0.2) / 2 of fifteen hours.
    assert "Settlement of dealers&#39; commissions 60.0% 2 of 2 15 h" in said
    assert "The newest 6 of 8; 2 of all acknowledged" in said
    assert "WO-00000 Check the case late 23 Nov 2026, 00:00 – missed" in said


def test_what_was_restated_stands_with_the_counts_of_then_and_now(page: Path) -> None:
    html = page.read_text(encoding="utf-8").split("Restated since first published")[1].split("</section>")[0]
    rows = [re.sub(r"<[^>]+>", " ", row).split() for row in re.findall(r"<tr>(<th scope=.row.*?)</tr>", html, re.S)]

    assert [" ".join(row) for row in rows] == [
        "October 2026 71.4% 300 of 420 74.5% 313 of 420 late data, corrected",
        "September 2026 77.5% 310 of 400 70.0% 294 of 420 late data, corrected",
    ]


def test_the_workbook_draws_each_process_by_month_in_native_charts(page: Path) -> None:
    sheet = openpyxl.load_workbook(page.with_name("report.xlsx"))["Charts"]

    assert len(sheet._charts) == 4
    achievement, target = sheet._charts[0].series
    assert achievement.val.numRef.f == "Charts!$B$3:$B$14"
    assert target.val.numRef.f == "Charts!$C$3:$C$14"
    assert (sheet["A1"].value, sheet["A14"].value) == ("Broadband installation", datetime(2026, 11, 1))
    assert sheet["B14"].value == 643 / 655


def test_a_text_of_ten_thousand_characters_is_shortened_on_the_page_and_whole_in_the_workbook(
    published: Path, tmp_path: Path
) -> None:
    file = tmp_path / "warehouse.duckdb"
    shutil.copy(published, file)
    file.chmod(0o644)
    endless = "x" * 10_000
    with duckdb.connect(str(file)) as con:
        con.execute("UPDATE marts.achievement_by_process SET process_name = ? WHERE process = 'commission'", [endless])
        warn(con, 99, "commission", work_order_id=endless, department=endless, position=endless, node_name=endless)

    page = write_report(file, tmp_path / "report")

    html = page.read_text(encoding="utf-8").replace("<wbr>", "")
    assert "x" * 200 + "…" in html
    assert "x" * 201 not in html
    sheet = openpyxl.load_workbook(page.with_name("report.xlsx"))["Open warnings"]
    assert endless in {cell.value for row in sheet for cell in row}


BROWSER = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
)
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A real one."""
    if BROWSER is None:
        pytest.skip("no chromium to look at the report with: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=BROWSER, headless=True, args=QUIET)
        yield opened
        opened.close()


@pytest.mark.parametrize("language", ["en", "zh-CN"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_the_page_fits_every_screen_offline_and_without_a_complaint(
    pages: dict[str, Path], browser: Any, width: int, scheme: str, language: str
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, offline=True)
    tab = context.new_page()
    complaints: list[str] = []
    asked: list[str] = []
    tab.on("console", lambda message: complaints.append(message.text))
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    tab.on("request", lambda request: asked.append(request.url))

    tab.goto(pages[language].resolve().as_uri())

    assert complaints == []
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    assert tab.title().startswith({"en": "Service quality, November 2026", "zh-CN": "服务质量, 2026年11月"}[language])
    assert tab.get_attribute("html", "lang") == language
    assert tab.locator("main").count() == 1
    assert tab.locator("table:not(:has(caption))").count() == 0
    assert tab.locator("th:not([scope])").count() == 0
    assert tab.locator(":is(h1,h2,h3,h4):empty, [aria-label='']").count() == 0
    cut_off = """[...document.querySelectorAll('.scroll')].filter(e => e.scrollWidth > e.clientWidth + 1)
        .map(e => e.getAttribute('aria-label'))"""
    assert width < 768 or tab.evaluate(cut_off) == []
    assert tab.evaluate(LOW_CONTRAST) == []
    context.close()


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_nothing_is_cut_off_on_paper(pages: dict[str, Path], browser: Any, language: str) -> None:
    tab = browser.new_page(viewport={"width": 703, "height": 1000})  # A4 less the margins
    tab.emulate_media(media="print")

    tab.goto(pages[language].resolve().as_uri())

    assert tab.evaluate("document.documentElement.scrollWidth") <= 703
    tab.close()


def test_the_keyboard_skips_to_the_report_and_reaches_links_and_tables_in_the_order_of_the_page(
    page: Path, browser: Any
) -> None:
    tab = browser.new_page(viewport={"width": 1280, "height": 900})
    tab.goto(page.resolve().as_uri())

    tab.keyboard.press("Tab")
    first = tab.evaluate("document.activeElement.className")
    tab.keyboard.press("Enter")
    skipped_to = tab.evaluate("document.activeElement.id")
    reached = []
    for _ in range(8):
        tab.keyboard.press("Tab")
        reached.append(tab.evaluate("[...document.querySelectorAll('*')].indexOf(document.activeElement)"))

    assert (first, skipped_to) == ("skip", "main")
    assert reached == sorted(set(reached))
    assert tab.locator("[tabindex]:not([tabindex='0']):not(main)").count() == 0
    tab.close()


# Text against the nearest painted ground behind it, as WCAG AA asks: 4.5 to 1.
LOW_CONTRAST = """() => {
  const linear = v => v / 255 <= .03928 ? v / 255 / 12.92 : ((v / 255 + .055) / 1.055) ** 2.4;
  const light = c => { const [r, g, b] = c.map(linear);
    return .2126 * r + .7152 * g + .0722 * b; };
  const parse = c => c.match(/[\\d.]+/g).map(Number);
  const found = new Set();
  for (const e of document.querySelectorAll('body *')) {
    if (![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()) || !e.getClientRects().length) continue;
    let at = e, ground;
    do { ground = parse(getComputedStyle(at).backgroundColor); at = at.parentElement; } while (at && ground[3] === 0);
    const a = light(parse(getComputedStyle(e).color).slice(0, 3)), b = light(ground.slice(0, 3));
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (ratio < 4.5) found.add(e.className + ' ' + e.textContent.trim().slice(0, 20) + ' ' + ratio.toFixed(2));
  }
  return [...found];
}"""
