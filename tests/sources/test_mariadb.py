"""MariaDB lands its values exactly, as text, read-only and a part at a time; proved on a real server."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from pipelines.sources import SourceError
from pipelines.sources import database as database_module

from .conftest import Bench, rows
from .mariadb import running

pytestmark = pytest.mark.xdist_group("mariadb")


@pytest.fixture(scope="module")
def server() -> Iterator[sa.Engine]:
    with running() as url:
        yield sa.create_engine(url, poolclass=sa.pool.NullPool)


@pytest.fixture
def mariadb(bench: Bench, server: sa.Engine) -> Iterator[Bench]:
    bench.kind = "database"
    bench.connection = server.url.set(database="crm").render_as_string(hide_password=False)
    run(server, "CREATE DATABASE crm CHARACTER SET utf8mb4")
    yield bench
    run(server, "DROP DATABASE crm")


def run(server: sa.Engine, *statements: str) -> None:
    with server.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement.replace("%", "%%"))


def test_every_type_lands_as_the_text_it_is(mariadb: Bench, server: sa.Engine) -> None:
    run(
        server,
        """CREATE TABLE crm.steps (
            id bigint unsigned, exact decimal(20, 4), half float, double_ double, truth tinyint(1), flags bit(9),
            words varchar(40), code char(4), kind enum('a', 'b'), document json, day date, wall datetime(6),
            instant timestamp(6) NULL, clock time(3), year_ year, raw blob)""",
    )
    with server.begin() as connection:
        connection.exec_driver_sql("SET time_zone = '+02:00'")
        connection.exec_driver_sql(
            "INSERT INTO crm.steps VALUES (18446744073709551615, 1234567890123456.7800, 0.1, 0.1, 1, b'100000001', "
            "'héé 📦 中', 'x', 'b', '{\"a\": 1}', '2026-02-03', '2026-03-29 02:30:00.123456', "
            "'2026-03-03 10:00:00.5', '-26:00:01.5', 2026, x'ff00')"
        )
        connection.exec_driver_sql(f"INSERT INTO crm.steps VALUES ({', '.join(['NULL'] * 16)})")

    batch = mariadb.pull("steps")

    assert batch is not None
    assert set(batch.columns.values()) == {"string"}
    full, empty = rows(batch)
    assert full == {
        "id": "18446744073709551615",
        "exact": "1234567890123456.7800",
        "half": "0.1",
        "double_": "0.1",
        "truth": "1",
        "flags": "257",
        "words": "héé 📦 中",
        "code": "x",
        "kind": "b",
        "document": '{"a": 1}',
        "day": "2026-02-03",
        "wall": "2026-03-29T02:30:00.123456",
        "instant": "2026-03-03T08:00:00.500000+00:00",
        "clock": "-26:00:01.500000",
        "year_": "2026",
        "raw": "ff00",
    }
    assert set(empty.values()) == {None}


def test_a_zero_date_is_no_date_and_a_day_that_does_not_exist_stays_what_was_written(
    mariadb: Bench, server: sa.Engine
) -> None:
    run(
        server,
        "CREATE TABLE crm.steps (day date, wall datetime, instant timestamp NULL)",
        "SET sql_mode = 'ALLOW_INVALID_DATES'",
        "INSERT INTO crm.steps VALUES ('0000-00-00', '0000-00-00 00:00:00', '0000-00-00 00:00:00')",
        "INSERT INTO crm.steps VALUES ('2026-02-31', '2026-00-00 10:00:00', NULL)",
    )

    none, odd = mariadb.rows("steps")

    assert none == {"day": None, "wall": None, "instant": None}
    assert odd == {"day": "2026-02-31", "wall": "2026-00-00 10:00:00", "instant": None}


def test_a_cursor_over_a_timestamp_goes_on_where_it_stood(mariadb: Bench, server: sa.Engine) -> None:
    run(
        server,
        "CREATE TABLE crm.steps (id int, changed timestamp(6))",
        "INSERT INTO crm.steps VALUES (1, '2026-03-01 10:00:00.000001'), (2, '2026-03-01 10:00:00.000002')",
    )
    declared = {"from_": "steps", "cursor": "changed", "key": ("id",)}

    assert len(mariadb.rows(**declared)) == 2
    assert mariadb.pull(**declared) is None
    run(server, "INSERT INTO crm.steps VALUES (3, '2026-03-01 10:00:00.000002')")
    assert [row["id"] for row in mariadb.rows(**declared)] == ["2", "3"]


def test_many_rows_are_streamed_and_not_held_by_the_client(
    mariadb: Bench, server: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "ROWS_IN_MEMORY", 1000)
    run(
        server,
        "USE crm",
        "CREATE TABLE crm.steps AS SELECT seq AS id, repeat('x', 200) AS words FROM seq_1_to_200000",
    )

    class Looks(list):
        def append(self, so_far: int) -> None:
            super().append(so_far)
            if so_far == 1000:
                with server.connect() as connection:
                    states = connection.exec_driver_sql("SHOW PROCESSLIST").fetchall()
                # The server is still sending: nobody has fetched it all, nor is there room for it on the way.
                assert [row for row in states if "SELECT pulled.*" in str(row[7])]

    mariadb.seen = Looks()
    batch = mariadb.pull("steps")

    assert batch is not None
    assert batch.rows == 200_000
    assert mariadb.seen == list(range(1000, 200_001, 1000))


def test_nothing_is_written(mariadb: Bench, server: sa.Engine) -> None:
    run(
        server,
        "CREATE TABLE crm.steps (id int)",
        "CREATE FUNCTION crm.note() RETURNS int MODIFIES SQL DATA "
        "BEGIN INSERT INTO crm.steps VALUES (1); RETURN 1; END",
    )

    with pytest.raises(SourceError, match="READ ONLY transaction"):
        mariadb.pull(query="SELECT crm.note() AS id")
    assert mariadb.rows("steps") == []


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        ({"from_": "step"}, "there is no table or view 'step' in this database (near it: steps)"),
        ({"from_": "steps", "cursor": "at"}, "there is no column 'at', the declared cursor (there are id)"),
        ({"query": "SELECT nope FROM steps"}, "Correct the `query` of the entity"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(
    mariadb: Bench, server: sa.Engine, declared: dict[str, Any], words: str
) -> None:
    run(server, "CREATE TABLE crm.steps (id int)")

    with pytest.raises(SourceError, match=re.escape(words)) as refused:
        mariadb.pull(**declared)

    assert "\n" not in str(refused.value)
    assert mariadb.nothing_landed()


def test_a_wrong_password_and_missing_rights_are_said_without_secrets(mariadb: Bench, server: sa.Engine) -> None:
    run(server, "CREATE TABLE crm.steps (id int)", "CREATE TABLE crm.other (id int)")
    run(
        server,
        "CREATE USER reader@'127.0.0.1' IDENTIFIED BY 'right s3cret'",
        "GRANT SELECT ON crm.other TO reader@'127.0.0.1'",
    )
    said = []
    try:
        for password in ("wrong s3cret", "right s3cret"):
            url = server.url.set(username="reader", password=password, database="crm")
            mariadb.connection = url.render_as_string(hide_password=False)
            with pytest.raises(SourceError) as refused:
                mariadb.pull("steps")
            said.append(str(refused.value))
    finally:
        run(server, "DROP USER reader@'127.0.0.1'")

    assert "The user name or password is refused" in said[0]
    assert "GRANT SELECT" in said[1]
    assert not [words for words in said if "s3cret" in words]


def test_a_server_that_answers_nothing_is_left(mariadb: Bench) -> None:
    mariadb.settings = {"timeout": timedelta(seconds=1), "retries": 0}

    with pytest.raises(SourceError, match="It answered nothing for the `timeout` of crm"):
        mariadb.pull(query="SELECT sleep(30) AS id FROM seq_1_to_2")


def test_the_server_is_asked_for_its_total_in_the_transaction_that_read_the_rows(
    mariadb: Bench, server: sa.Engine
) -> None:
    run(server, "CREATE TABLE crm.steps (id int, amount decimal(9, 2))")
    run(server, "INSERT INTO crm.steps VALUES (1, 0.10), (2, 0.20)")

    class Adds:
        def append(self, so_far: int) -> None:
            run(server, "INSERT INTO crm.steps VALUES (3, 7)")

    mariadb.seen = Adds()  # type: ignore[assignment]
    pulled = mariadb.asked("steps", reconcile={"sum": "amount"})

    assert pulled.control_total == "0.30"
