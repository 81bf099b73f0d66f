"""The section that says which commitments to raise, what breaches cost and which budgets run out."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import duckdb
import openpyxl
from test_report import AS_OF, TABLES, achieve, insert, review

from pipelines.publish.report import write_report


def _text(page: Path) -> str:
    html = page.read_text(encoding="utf-8")
    section = html.split('<section id="review"')[1].split("</section>")[0] if 'id="review"' in html else ""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", section))


def _warehouse(file: Path, *reviews: tuple[str, str, int]) -> Path:
    with duckdb.connect(str(file)) as con:
        con.execute(TABLES)
        insert(con, "publication", publication_id="first", as_of=AS_OF, business_time_zone="Asia/Shanghai")
        achieve(con, "achievement_by_process", date(2026, 11, 1), 84, 93, process="claims", process_name="Claims")
        for commitment_id, recommendation, kept in reviews:
            review(con, commitment_id, recommendation, kept=kept, achievement_rate=kept / 93)
    return file


def test_what_calls_for_a_decision_is_shown_with_its_reason_and_the_rest_is_counted(tmp_path: Path) -> None:
    many = [(f"steady-{number}", "uncertain", 84) for number in range(20)]
    raised = [(f"easy-{number}", "raise", 93 - number) for number in range(6)]
    page = write_report(_warehouse(tmp_path / "a.duckdb", ("broken", "mend", 3), *raised, *many), tmp_path / "report")

    text = _text(page)

    assert "27 commitments, by the runs that fell due from 1 Aug 2026 to before 1 Nov 2026" in text
    assert "Mend the process 1 Raise the commitment 6 Too early to say 20" in text
    assert "Raise the commitment 4 of 6" in text
    assert re.search(r"Claims: Check broken .*?3\.2% 3 of 93 90% 84 of 93 due runs were kept \(90.32 %\)", text)
    assert text.index("broken") < text.index("easy-0") < text.index("easy-3")
    assert "easy-4" not in text.split("What breaches cost")[0]


def test_penalties_credits_and_budgets_are_those_of_the_month(tmp_path: Path) -> None:
    file = _warehouse(tmp_path / "a.duckdb", ("one", "keep", 84), ("two", "keep", 84))
    with duckdb.connect(str(file)) as con:
        con.execute("UPDATE marts.penalty_by_period SET period_start = '2026-10-01' WHERE commitment_id = 'two'")
        con.execute("UPDATE marts.service_credit_by_period SET period_start = '2026-10-01' WHERE commitment_id = 'two'")
        con.execute("UPDATE marts.error_budget_by_commitment SET exhausted_on = NULL WHERE commitment_id = 'two'")

    text = _text(write_report(file, tmp_path / "report"))

    assert "1,234.50 CNY for 9 breaches in November 2026" in text
    assert "What the rate of November 2026 credits, as the month stands so far" in text
    assert re.search(r"one 90\.3% 84 of 93 90% – 100% 10%", text)
    assert "1 commitment of 2, fastest first" in text
    assert re.search(r"one 9 of 9\.3 – 1\.1 1 Dec 2026", text)
    assert "two" not in text


def test_the_workbook_has_all_of_it(tmp_path: Path) -> None:
    write_report(_warehouse(tmp_path / "a.duckdb", ("one", "keep", 84), ("two", "mend", 3)), tmp_path / "report")

    book = openpyxl.load_workbook(tmp_path / "report" / "report.xlsx")

    rows = list(book["Review"].iter_rows(min_row=4, values_only=True))
    assert [row[:2] for row in rows] == [("mend", "two"), ("keep", "one")]
    assert {"Review", "Limit curve", "Penalties", "Service credits", "Error budgets"} <= set(book.sheetnames)


def test_without_a_complete_month_it_says_so_and_without_commitments_it_is_left_out(tmp_path: Path) -> None:
    file = _warehouse(tmp_path / "a.duckdb")
    assert _text(write_report(file, tmp_path / "nothing")) == ""

    with duckdb.connect(str(file)) as con:
        insert(con, "error_budget_by_commitment", commitment_id="K", process_name="Claims", due=1, used=0)

    text = _text(write_report(file, tmp_path / "young"))
    assert "No month is complete yet" in text
    assert "None of 1 commitment runs out of the misses" in text
