"""DuckDB files land their values exactly, only read and a part at a time; proved on real files."""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
import tiny

from pipelines.home import Home
from pipelines.sources import SourceError
from pipelines.sources import database as database_module

from .conftest import Bench, rows


@pytest.fixture
def file(bench: Bench) -> Path:
    return bench.home.root / "in" / "tool.duckdb"


@pytest.fixture
def tool(bench: Bench, file: Path) -> Bench:
    bench.kind = "database"
    bench.connection = "duckdb:///in/tool.duckdb"
    return bench


def run(file: Path, *statements: str) -> None:
    with duckdb.connect(str(file)) as connection:
        for statement in statements:
            connection.execute(statement)


def test_every_type_lands_as_what_it_is(tool: Bench, file: Path) -> None:
    run(
        file,
        """CREATE TABLE steps (
            id integer, big ubigint, huge hugeint, exact decimal(38, 4), half float, double_ double, truth boolean,
            words varchar, kind enum('a', 'b'), document json, day date, wall timestamp, second timestamp_s,
            fine timestamp_ns, instant timestamptz, clock time, length interval, number uuid, flags bit,
            list decimal(9, 2)[], struct struct(a integer, b timestamptz), map map(varchar, integer), raw blob)""",
        "SET TimeZone = 'Asia/Shanghai'",
        """INSERT INTO steps VALUES (
            7, 18446744073709551615, 170141183460469231731687303715884105727, 1234567890123456789012345678901234.5600,
            0.1, 0.1, true, 'héé 📦 中', 'b', '{"a": 1}', '2026-02-03', '2026-03-29 02:30:00.123456',
            '2026-03-29 02:30:00', '2026-03-29 02:30:00.123456789', '2026-03-03 10:00:00.5+02', '10:00:01',
            INTERVAL '1 month 3 days', '970ff6e5-d294-4e5f-a391-880c555da405', '101', [0.10, 2.25],
            {'a': 1, 'b': '2026-03-03 10:00:00+02'::timestamptz}, MAP {'k': 2}, '\\xFF\\x00')""",
        f"INSERT INTO steps VALUES ({', '.join(['NULL'] * 23)})",
    )

    full, empty = tool.rows("steps")

    assert full == {
        "id": 7,
        "big": "18446744073709551615",
        "huge": "170141183460469231731687303715884105727",
        "exact": "1234567890123456789012345678901234.5600",
        "half": 0.1,
        "double_": 0.1,
        "truth": True,
        "words": "héé 📦 中",
        "kind": "b",
        "document": '{"a": 1}',
        "day": date(2026, 2, 3),
        "wall": datetime(2026, 3, 29, 2, 30, 0, 123456),
        "second": datetime(2026, 3, 29, 2, 30),
        "fine": "2026-03-29 02:30:00.123456789",
        "instant": datetime(2026, 3, 3, 8, 0, 0, 500000, UTC),
        "clock": "10:00:01",
        "length": "1 month 3 days",
        "number": "970ff6e5-d294-4e5f-a391-880c555da405",
        "flags": "101",
        "list": "[0.1,2.25]",
        "struct": '{"a":1,"b":"2026-03-03 08:00:00+00"}',
        "map": '{"k":2}',
        "raw": "ff00",
    }
    assert set(empty.values()) == {None}


def test_times_beyond_the_calendar_land_at_its_ends(tool: Bench, file: Path) -> None:
    run(
        file,
        "CREATE TABLE steps (day date, wall timestamp, instant timestamptz)",
        "INSERT INTO steps VALUES ('infinity', '20026-01-01', 'infinity'), ('-infinity', '0044-03-15 (BC)', NULL)",
    )

    late, early = tool.rows("steps")

    last = datetime(9999, 12, 31, 23, 59, 59, 999999)
    assert late == {"day": last.date(), "wall": last, "instant": last.replace(tzinfo=UTC)}
    assert early == {"day": date.min, "wall": datetime.min, "instant": None}


@pytest.mark.parametrize(
    ("kind", "first", "second", "third"),
    [
        ("timestamptz", "2026-03-01 10:00:00.000001+02", "2026-03-01 10:00:00.000002+02", "2026-03-02 00:00:00+00"),
        ("timestamp", "2026-03-01 10:00:00.000001", "2026-03-01 10:00:00.000002", "2026-03-02 00:00:00"),
        ("timestamp_ns", "2026-03-01 10:00:00.000000001", "2026-03-01 10:00:00.000000002", "2026-03-02 00:00:00"),
        ("hugeint", "9", "10", "20991231"),
        ("decimal(20, 4)", "9.5", "10.25", "20991231"),
        ("varchar", "a", "b", "c"),
    ],
)
def test_a_cursor_of_any_type_goes_on_where_it_stood(
    tool: Bench, file: Path, kind: str, first: str, second: str, third: str
) -> None:
    run(
        file,
        f"CREATE TABLE steps (id integer, changed {kind})",
        f"INSERT INTO steps VALUES (1, '{first}'), (2, '{second}')",
    )
    declared: dict[str, Any] = {"from_": "steps", "cursor": "changed", "key": ("id",)}

    assert [row["id"] for row in tool.rows(**declared)] == [1, 2]
    assert tool.pull(**declared) is None
    run(file, f"INSERT INTO steps VALUES (3, '{second}')")
    assert [row["id"] for row in tool.rows(**declared)] == [2, 3]
    run(file, f"INSERT INTO steps VALUES (4, '{third}')")
    assert [row["id"] for row in tool.rows(**declared)] == [2, 3, 4]
    run(file, f"INSERT INTO steps VALUES (5, '{third}')")
    assert [row["id"] for row in tool.rows(**declared)] == [4, 5]


def test_a_backfill_and_a_control_total_are_asked_of_the_file(tool: Bench, file: Path) -> None:
    run(
        file,
        "CREATE TABLE steps AS SELECT i AS id, DATE '2026-03-01' + i::integer AS day, i::decimal(9, 2) / 4 AS amount "
        "FROM range(5) numbers (i)",
    )
    declared: dict[str, Any] = {"from_": "steps", "cursor": "day", "key": ("id",)}
    tool.pull(**declared)

    batch = tool.pull(backfill=("2026-03-02", "2026-03-03"), **declared)

    assert batch is not None
    assert [row["id"] for row in rows(batch)] == [1, 2]
    assert tool.asked("steps", reconcile={"sum": "id"}).control_total == "10"


def test_a_key_that_is_no_longer_there_is_seen_by_the_list_of_keys(tool: Bench, file: Path) -> None:
    run(
        file,
        "CREATE TABLE steps (id integer PRIMARY KEY, changed timestamp)",
        "INSERT INTO steps VALUES (1, '2026-03-01'), (2, '2026-03-02')",
        "CREATE VIEW present AS SELECT id AS number FROM tool.main.steps",
    )
    declared: dict[str, Any] = {"cursor": "changed", "key": ("id",), "deletions": "key_sweep"}
    declared["key_list"] = {"from_": "present", "columns": ("number",)}
    tool.pull("steps", **declared)
    run(file, "DELETE FROM steps WHERE id = 1")

    batch = tool.pull("steps", **declared)

    assert batch is not None
    assert batch.mode == "keys"
    assert rows(batch) == [{"id": 2}]


def test_many_rows_are_read_a_part_at_a_time_and_sorted_within_bounds(
    tool: Bench, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # 150 MB, sorted by what is not their order.
    run(
        file,
        "CREATE TABLE steps AS SELECT i AS id, hash(i) % 1000 AS at, repeat(md5(i::text), 16) AS words "
        "FROM range(300_000) numbers (i)",
    )
    monkeypatch.setattr(database_module, "DUCKDB_MEMORY", "150MB")
    spilled: list[int] = []

    class Looks(list):
        def append(self, so_far: int) -> None:
            super().append(so_far)
            spilled.append(len(list((tool.home.warehouse / "pulls").glob("*/*"))))

    tool.seen = Looks()
    batch = tool.pull("steps", cursor="at", key=("id",))

    assert batch is not None
    assert batch.rows == 300_000
    assert tool.seen == list(range(20_000, 300_001, 20_000))
    assert spilled[0] > 0, "what does not fit into memory goes to the home"
    assert [path.name for path in file.parent.iterdir()] == ["tool.duckdb"], "nothing is left beside the file"


def test_two_entities_are_pulled_at_a_time(tool: Bench, file: Path) -> None:
    run(file, "CREATE TABLE steps AS SELECT i AS id FROM range(50_000) numbers (i)")
    beside: list[int] = []

    class Pulls(list):
        def append(self, so_far: int) -> None:
            tool.seen = []
            tool.asked("steps")
            beside.extend(tool.seen[-1:])

    tool.seen = Pulls()
    batch = tool.pull("steps")

    assert batch is not None
    assert batch.rows == 50_000
    assert set(beside) == {50_000}


def test_nothing_is_written(tool: Bench, file: Path) -> None:
    run(file, "CREATE SEQUENCE numbers", "CREATE TABLE steps (id integer)")
    before = file.read_bytes()

    with pytest.raises(SourceError, match="read-only"):
        tool.pull(query="SELECT nextval('numbers') AS id")
    with pytest.raises(SourceError):
        tool.pull(query="INSERT INTO steps VALUES (1) RETURNING id")

    assert tool.rows("steps") == []
    assert file.read_bytes() == before


@pytest.mark.parametrize("name", ["memory", "system", "a file's of 2026", "x.y"])
def test_a_file_of_any_name_is_read_also_by_its_whole_path(tool: Bench, name: str) -> None:
    file = tool.home.root / "in" / f"{name}.duckdb"
    run(file, "CREATE SCHEMA crm", "CREATE TABLE crm.steps AS SELECT 1 AS id")
    tool.connection = f"duckdb:///{file}"

    assert tool.rows("crm.steps") == [{"id": 1}]


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        ({"from_": "step"}, "there is no table or view 'step' in this database (near it: steps): correct `from`"),
        ({"from_": "nope.steps"}, "there is no schema 'nope' in this database (it has crm, main)"),
        ({"from_": "crm.steps"}, "there is no table or view 'crm.steps' in this database (near it: jobs)"),
        ({"from_": "steps", "cursor": "at"}, "there is no column 'at', the declared cursor (there are id)"),
        ({"query": "SELECT nope FROM steps"}, "Correct the `query` of the entity"),
        ({"query": "SELECT id FROM step"}, "Correct `from` or `query` of the entity"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(tool: Bench, file: Path, declared: dict[str, Any], words: str) -> None:
    run(
        file,
        "CREATE TABLE steps (id integer)",
        "CREATE SCHEMA crm",
        "CREATE TABLE crm.jobs (id integer)",
    )

    with pytest.raises(SourceError, match=re.escape(words)) as refused:
        tool.pull(**declared)

    assert "\n" not in str(refused.value)
    assert tool.nothing_landed()


def test_a_file_that_does_not_exist_is_not_made(tool: Bench, file: Path) -> None:
    with pytest.raises(SourceError, match=r"the DuckDB file .*/in/tool\.duckdb does not exist: deliver it"):
        tool.pull("steps")

    assert not file.exists()


def test_a_damaged_file_and_one_of_something_else_are_named(tool: Bench, file: Path) -> None:
    run(file, "CREATE TABLE steps AS SELECT i AS id, md5(i::text) AS words FROM range(100_000) numbers (i)")
    whole = file.read_bytes()
    with closing(sqlite3.connect(file.with_name("other.db"))) as con:
        con.execute("CREATE TABLE steps (id)")
    other = file.with_name("other.db").read_bytes()

    for content in (whole[: len(whole) // 2], whole[:100], b"no database at all" * 1000, other, b""):
        file.write_bytes(content)
        with pytest.raises(SourceError, match="The file is damaged or cut: deliver it again") as refused:
            tool.pull("steps")
        assert "\n" not in str(refused.value)
        assert tool.nothing_landed()


def test_a_file_that_another_program_writes_is_tried_again_and_then_named(
    tool: Bench, file: Path, sleeps: list[float]
) -> None:
    run(file, "CREATE TABLE steps AS SELECT 1 AS id")
    tool.settings = {"retries": 2}
    program = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
    writer = subprocess.Popen(
        [sys.executable, "-c", program, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "open\n"
        with pytest.raises(SourceError, match="Another program has it open to write: run again when it has closed it"):
            tool.pull("steps")
        assert tool.nothing_landed()
    finally:
        writer.communicate()

    assert len(sleeps) == 2
    assert tool.rows("steps") == [{"id": 1}]


def test_add_source_proposes_its_tables_with_their_keys(tiny_home: Home) -> None:
    run(
        tiny_home.root / "in" / "tickets.duckdb",
        "CREATE SCHEMA crm",
        "CREATE TABLE crm.steps (id integer PRIMARY KEY, ticket_id varchar, step varchar, opened timestamptz, "
        "closed timestamptz, state varchar, updated_at timestamptz NOT NULL)",
        "INSERT INTO crm.steps SELECT i, 'T' || i // 2, ['Register', 'Handle'][i % 2 + 1], began, began + INTERVAL 1 "
        "HOUR, 'DONE', began + INTERVAL 1 HOUR FROM (SELECT i, '2026-01-05 09:00:00+00'::timestamptz + "
        "to_hours(i::integer) AS began FROM range(40) numbers (i))",
        "CREATE TABLE customers AS SELECT 1 AS customer_id, 'Ada' AS name",
    )

    done = tiny.commitments(
        tiny_home, "add-source", "database", "tickets", "--connection", "duckdb:///in/tickets.duckdb", "--json"
    )

    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert [one["from"] for one in said["skipped"]] == ["customers"]
    [steps] = said["entities"]
    assert (steps["from"], steps["shape"], steps["accepted"], steps["runs"]) == ("crm.steps", "runs", 40, 40)
    for words in ("connection: duckdb:///in/tickets.duckdb\n", "key: [id]", "cursor: updated_at"):
        assert words in said["sources_yml"]
    processes = tiny_home.catalogue / "processes.yml"
    lines = said["processes_yml"].removeprefix("processes:\n")
    processes.write_text(processes.read_text(encoding="utf-8") + lines, encoding="utf-8")
    assert tiny.commitments(tiny_home, "run", "--source", "tickets", "--as-of", "2026-03-19").returncode == 0
