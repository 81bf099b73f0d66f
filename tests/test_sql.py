"""Analysts ask the published file in SQL, and cannot harm it."""

from __future__ import annotations

import csv
import io
import json
import subprocess
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from test_command_line import COMMITMENTS, call

from pipelines.home import Home
from pipelines.sql import saved_questions

pytestmark = pytest.mark.xdist_group("built")


def test_an_answer_is_a_table_to_read_or_csv_or_json_with_instants_in_business_time(built_once: Home) -> None:
    asked = "select work_order_id, started_at, segment from fct_run where work_order_id = 'C1' and scope = 'process'"

    told = json.loads(call("sql", asked, "--json", home=built_once).stdout)
    rows = list(csv.DictReader(io.StringIO(call("sql", asked, "--csv", home=built_once).stdout)))

    assert told == [{"work_order_id": "C1", "started_at": "2026-02-02 09:00:00+08", "segment": "gold"}]
    assert rows == told
    assert "│ C1 " in call("sql", asked, home=built_once).stdout


def test_a_saved_question_is_asked_by_its_name_and_answered_into_a_parquet_file(
    built_once: Home, tmp_path: Path
) -> None:
    listed = call("sql", "--list", home=built_once).stdout

    done = call("sql", "what_is_overdue_now", "--parquet", tmp_path / "it's.parquet", home=built_once)

    assert done.returncode == 0, done.stderr
    assert [line.split()[0] for line in listed.splitlines()] == list(saved_questions())
    assert "overdue_hours" in pq.read_schema(tmp_path / "it's.parquet").names


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("select nothing from fct_run", 'Referenced column "nothing" not found'),
        ("drop table marts.fct_run", "read-only"),
        ("overdue", "there are: last_month_by_department, "),
    ],
)
def test_a_question_that_cannot_be_answered_says_why_and_changes_nothing(
    built_once: Home, asked: str, said: str
) -> None:
    before = (built_once.published / "warehouse.duckdb").read_bytes()

    done = call("sql", asked, home=built_once)

    assert done.returncode == 1
    assert said in done.stderr
    assert (built_once.published / "warehouse.duckdb").read_bytes() == before


def test_without_a_question_it_answers_what_is_piped_in(built_once: Home) -> None:
    done = subprocess.run(
        [COMMITMENTS, "--home", built_once.root, "sql", "--csv"],
        input="select 6 * 7 as answer;\nselect count(*) from dim_process;\n",
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.split() == ["answer", "42", "count_star()", "2"]
