"""Questions to the published file in SQL: one, a saved one, or a shell; DuckDB's own command line answers."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from pipelines.conform import literal
from pipelines.errors import UserError
from pipelines.home import Home
from pipelines.published import business_time_zone, open_published

QUESTIONS = Path(__file__).resolve().parents[1] / "docs" / "questions.md"


@dataclass(frozen=True)
class SavedQuestion:
    """A question of docs/questions.md."""

    name: str
    title: str
    sql: str


def saved_questions() -> dict[str, SavedQuestion]:
    """Every saved question, by name."""
    text = QUESTIONS.read_text(encoding="utf-8")
    found = re.findall(r"^## (?:\d+\. )?(.+?)$(?:(?!^## ).)*?^```sql\n(.*?)^```", text, re.M | re.S)
    questions = [SavedQuestion(re.sub(r"\W+", "_", title.lower()).strip("_"), title, sql) for title, sql in found]
    return {question.name: question for question in questions}


def ask(home: Home, question: str | None, output: str = "duckbox", parquet: Path | None = None) -> int:
    """Let DuckDB's command line answer ``question``, or talk to the user where there is none; its exit status.

    ``output`` is one of its modes (duckbox, csv, json, …); with ``parquet`` the answer goes into that file.
    Tables are found without their schema, instants are shown in the business time zone.
    """
    with open_published(home) as con:
        zone = business_time_zone(con)
    before = [f"SET TimeZone = {literal(zone)}", "SET search_path = 'marts,detail'"]
    if question is None:
        return _duckdb(home, f".mode {output}", *before)
    saved = saved_questions().get(question.strip())
    sql = (saved.sql if saved else question).strip().rstrip(";")
    if not saved and not re.search(r"\s", sql):
        raise UserError(
            f"{sql!r} is neither SQL nor the name of a saved question; there are: {', '.join(saved_questions())}."
        )
    if parquet is not None:
        sql = f"COPY ({sql}\n) TO {literal(str(parquet.expanduser().absolute()))} (FORMAT parquet)"
    return _duckdb(home, f".mode {output}", *before, ask=sql)


def _duckdb(home: Home, *before: str, ask: str | None = None) -> int:
    # The user's own settings belong to the shell, where the user is; what a program reads must not depend on them.
    command = [sys.executable, "-m", "duckdb_cli", "-readonly", str(home.published / "warehouse.duckdb")]
    if ask is not None:
        command += ["-no-init", "-bail", "-nullvalue", ""]
    for line in before:
        command += ["-cmd", line]
    return subprocess.call([*command, *(("-c", ask) if ask is not None else ())])
