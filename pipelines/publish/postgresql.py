"""The marts in a PostgreSQL server, for dashboard tools that want one.

Readers have stable views in schema ``marts``; the rows lie in ``marts_store``. A publication deletes the rows that are
no longer so, inserts those that are new, and commits once: nobody waits, nobody sees half of it, and what analysts
built on the views stays. ``as_of``, which would change every row, is kept in that of ``publication`` alone.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import duckdb
import psycopg
from psycopg import sql
from sqlalchemy.engine import make_url

from pipelines.conform import literal
from pipelines.errors import UserError

# A release that breaks a published table publishes into marts_v2 and marts_v2_store: who reads the old ones keeps them.
VIEWS, STORE = "marts", "marts_store"
HASH, AS_OF, PUBLICATION = "row_hash", "as_of", "publication"
TYPES = {
    "VARCHAR": "text",
    "BOOLEAN": "boolean",
    "INTEGER": "integer",
    "BIGINT": "bigint",
    "DOUBLE": "double precision",
    "DATE": "date",
    "TIMESTAMP WITH TIME ZONE": "timestamp with time zone",
}
"""What each type of the contracts is there."""

PIECE = 1 << 20
# A change of the tables themselves waits for readers, and others would queue behind it: it gives up soon, and the next
# publication tries again.
LOCK_TIMEOUT = "3s"
# One feeder a database.
LOCK = 7_302_514_926_371
CONNECTION = {
    "application_name": "commitments",
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "tcp_user_timeout": 60_000,
    "options": f"-c timezone=UTC -c client_encoding=UTF8 -c lock_timeout={LOCK_TIMEOUT}",
}


@dataclass(frozen=True)
class Mart:
    """A mart as it was built."""

    name: str
    comment: str | None
    columns: dict[str, str]
    """Name and type in PostgreSQL, in order."""
    words: dict[str, str | None]

    @property
    def stored(self) -> list[str]:
        """The columns whose values are kept row by row."""
        return [column for column in self.columns if column != AS_OF or self.name == PUBLICATION]


def feed(url: str, built: Path) -> dict[str, int]:
    """Make the views of the server at ``url`` say what the finished file says; the rows that changed, by table.

    Raises UserError, with nothing changed, where the server cannot be reached or cannot take it.
    """
    try:
        with _connected(url) as server, _opened(built) as con, tempfile.TemporaryDirectory() as folder:
            marts = _marts(con)
            _prepare(server, marts)
            with server.transaction():
                changed = {mart.name: _feed_table(server, con, mart, Path(folder) / "rows.csv") for mart in marts}
            for name in (name for name, rows in changed.items() if rows):
                # The rows are there: what keeps it from tidying up is no reason to say that they are not.
                with suppress(psycopg.Error):
                    server.execute(sql.SQL("VACUUM (ANALYZE) {}").format(_stored(name)))
            return changed
    except psycopg.Error as problem:
        said = " ".join(str(problem).split()) or type(problem).__name__
        raise UserError(f"the server did not take it: {said}") from None


@contextmanager
def _connected(url: str) -> Iterator[psycopg.Connection]:
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True, **CONNECTION) as server:
        (is_ours,) = server.execute("SELECT pg_try_advisory_lock(%s)", [LOCK]).fetchone() or (False,)
        if not is_ours:
            raise UserError("another run is publishing into this database; this one leaves it alone.")
        yield server


@contextmanager
def _opened(built: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'")
        con.execute(f"ATTACH {literal(str(built))} AS built (READ_ONLY)")
        yield con


def _marts(con: duckdb.DuckDBPyConnection) -> list[Mart]:
    tables = con.execute(
        "SELECT table_name, comment FROM duckdb_tables() WHERE database_name = 'built' AND schema_name = 'marts' "
        "ORDER BY table_name"
    ).fetchall()
    marts = []
    for name, comment in tables:
        columns = con.execute(
            "SELECT column_name, data_type, comment FROM duckdb_columns() "
            "WHERE database_name = 'built' AND schema_name = 'marts' AND table_name = ? ORDER BY column_index",
            [name],
        ).fetchall()
        marts.append(
            Mart(
                name,
                comment,
                {column: TYPES[kind] for column, kind, _ in columns},
                {column: words for column, _, words in columns},
            )
        )
    return marts


# --- tables and views ---------------------------------------------------------------------------------------------


def _prepare(server: psycopg.Connection, marts: list[Mart]) -> None:
    """Let there be a table and a view for each mart; what is there already is only ever added to."""
    for schema in (STORE, VIEWS):
        server.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(schema)))
    stored = server.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", [STORE]).fetchall()
    gone = sorted({name for (name,) in stored} - {mart.name for mart in marts})
    if gone:
        raise UserError(
            f"{VIEWS} has {', '.join(gone)}, which this version publishes no more and whose rows would stay as they "
            f"are: whoever reads it must know. Drop the schemas {VIEWS} and {STORE} once they do."
        )
    # Every view looks up `as_of` there.
    for mart in sorted(marts, key=lambda mart: mart.name != PUBLICATION):
        shown, kept = _columns(server, VIEWS, mart.name), _columns(server, STORE, mart.name)
        broken = [f"{column} ({kind})" for column, kind in shown.items() if mart.columns.get(column) != kind]
        if broken:
            raise UserError(
                f"{VIEWS}.{mart.name} has {', '.join(broken)}, which this version publishes no more, or as another "
                f"type: whoever reads it must know. Drop the schemas {VIEWS} and {STORE} once they do."
            )
        with server.transaction():
            if not kept:
                _create_table(server, mart)
            for column in mart.stored if kept else ():
                if column not in kept:
                    server.execute(
                        sql.SQL("ALTER TABLE {} ADD COLUMN {} {}").format(
                            _stored(mart.name), sql.Identifier(column), sql.SQL(mart.columns[column])
                        )
                    )
            if shown.keys() != mart.columns.keys():
                _create_view(server, mart, shown)


def _create_table(server: psycopg.Connection, mart: Mart) -> None:
    columns = [sql.SQL("{} {}").format(sql.Identifier(column), sql.SQL(mart.columns[column])) for column in mart.stored]
    # To give space back to the system, a vacuum would lock out readers.
    server.execute(
        sql.SQL("CREATE TABLE {} ({} bigint NOT NULL, {}) WITH (vacuum_truncate = false)").format(
            _stored(mart.name), sql.Identifier(HASH), sql.SQL(", ").join(columns)
        )
    )


def _create_view(server: psycopg.Connection, mart: Mart, shown: Mapping[str, str]) -> None:
    """Create it, or add columns at its end: PostgreSQL lets no other change of a view pass that others stand on."""
    order = [*shown, *(column for column in mart.columns if column not in shown)]
    values = [
        sql.Identifier(column)
        if column in mart.stored
        else sql.SQL("(SELECT as_of FROM {}) AS as_of").format(_stored(PUBLICATION))
        for column in order
    ]
    view = sql.Identifier(VIEWS, mart.name)
    server.execute(
        sql.SQL("CREATE OR REPLACE VIEW {} AS SELECT {} FROM {}").format(
            view, sql.SQL(", ").join(values), _stored(mart.name)
        )
    )
    server.execute(sql.SQL("COMMENT ON VIEW {} IS {}").format(view, sql.Literal(mart.comment)))
    for column, words in mart.words.items():
        server.execute(
            sql.SQL("COMMENT ON COLUMN {} IS {}").format(sql.Identifier(VIEWS, mart.name, column), sql.Literal(words))
        )


def _columns(server: psycopg.Connection, schema: str, table: str) -> dict[str, str]:
    return dict(
        server.execute(
            "SELECT column_name, data_type FROM information_schema.columns "
            "WHERE table_schema = %s AND table_name = %s ORDER BY ordinal_position",
            [schema, table],
        ).fetchall()
    )


def _stored(table: str) -> sql.Identifier:
    return sql.Identifier(STORE, table)


# --- rows ---------------------------------------------------------------------------------------------------------


def _feed_table(server: psycopg.Connection, con: duckdb.DuckDBPyConnection, mart: Mart, file: Path) -> int:
    """Send what differs; how many rows came and went."""
    columns = ", ".join(f'"{column}"' for column in mart.stored)
    table = f'built.marts."{mart.name}"'
    # The same row twice is two rows.
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE ours AS
        SELECT
            place,
            (hash(content, row_number() OVER (PARTITION BY content))::HUGEINT - 9223372036854775808)::BIGINT AS h
        FROM (SELECT rowid AS place, hash({columns}) AS content FROM {table})
        """
    )
    _copy_out(
        server, sql.SQL("COPY {} ({}) TO STDOUT (FORMAT csv)").format(_stored(mart.name), sql.Identifier(HASH)), file
    )
    con.execute(
        "CREATE OR REPLACE TEMP TABLE theirs AS "
        f"SELECT h FROM read_csv('{file}', header = false, columns = {{h: 'BIGINT'}})"
    )
    gone = _write(con, "SELECT h FROM theirs ANTI JOIN ours USING (h)", file)
    if gone:
        server.execute("CREATE TEMP TABLE IF NOT EXISTS gone (h bigint) ON COMMIT DROP")
        server.execute("TRUNCATE gone")
        _copy_in(server, sql.SQL("COPY gone FROM STDIN (FORMAT csv)"), file)
        server.execute(
            sql.SQL("DELETE FROM {} AS old USING gone WHERE old.{} = gone.h").format(
                _stored(mart.name), sql.Identifier(HASH)
            )
        )
    values = ", ".join(
        # PostgreSQL knows no text with a zero byte in it.
        f"""replace("{column}", chr(0), '')""" if mart.columns[column] == "text" else f'"{column}"'
        for column in mart.stored
    )
    new = _write(
        con, f"SELECT h, {values} FROM ours ANTI JOIN theirs USING (h) JOIN {table} AS mart ON mart.rowid = place", file
    )
    if new:
        into = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv)").format(
            _stored(mart.name), sql.SQL(", ").join(map(sql.Identifier, (HASH, *mart.stored)))
        )
        _copy_in(server, into, file)
    return gone + new


def _write(con: duckdb.DuckDBPyConnection, rows: str, file: Path) -> int:
    """Write rows as PostgreSQL reads CSV: what is null stands bare, what is text in quotes."""
    written = con.execute(f"COPY ({rows}) TO '{file}' (FORMAT csv, HEADER false, FORCE_QUOTE *, NULLSTR '')")
    return int(written.fetchall()[0][0])


def _copy_out(server: psycopg.Connection, statement: sql.Composable, file: Path) -> None:
    with file.open("wb") as written, server.cursor().copy(statement) as copy:
        for piece in copy:
            written.write(piece)


def _copy_in(server: psycopg.Connection, statement: sql.Composable, file: Path) -> None:
    with file.open("rb") as rows, server.cursor().copy(statement) as copy:
        while piece := rows.read(PIECE):
            copy.write(piece)
