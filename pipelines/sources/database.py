"""Anything SQLAlchemy can reach: tables and queries, whole or from a cursor on, read-only and streamed."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from uuid import uuid4
from zoneinfo import ZoneInfo

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

from pipelines.catalogue.sources import ABSENT
from pipelines.catalogue.times import NUMBER
from pipelines.home import Home
from pipelines.sources.cursors import Content, begin, conclude, future, standing
from pipelines.sources.patience import patiently
from pipelines.sources.personal import Protection
from pipelines.sources.pulled import Progress, Pulled, Range, SourceError

if TYPE_CHECKING:
    from pipelines.catalogue.sources import Entity, Source
    from pipelines.landing import Batch

# Twenty columns of Python objects take some 2 kB a row, so 40 MB.
ROWS_IN_MEMORY = 20_000
# A long pull by a cursor lands in several batches: a kill loses one, and the gate takes ten seconds for each.
ROWS_IN_BATCH = 1_000_000
# A host that swallows packets would otherwise hold the run for minutes.
SECONDS_TO_CONNECT = 30
# DuckDB runs within this process and would take most of the machine. What does not fit is sorted on disk; each thread
# needs memory of its own for that, and the rows are not taken any faster than one delivers them.
DUCKDB_MEMORY, DUCKDB_THREADS = "512MB", 1

# Nothing is ever written to a source, and what a session shows must not depend on a user's or a server's settings.
_MARIADB_SESSION = ("SET SESSION TRANSACTION READ ONLY", "SET SESSION time_zone = '+00:00'")
SESSIONS = {"mysql": _MARIADB_SESSION, "mariadb": _MARIADB_SESSION}
DRIVERS = {
    "postgresql": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
    "mariadb": "mariadb+pymysql",
}


def pull(
    source: Source,
    entity: Entity,
    history: Sequence[Batch],
    home: Home,
    full_refresh: bool = False,
    progress: Progress | None = None,
) -> Pulled:
    """Bring the rows of an entity: all of them, or those where its cursor stood last and after."""
    origin = entity.query or entity.from_
    if not origin:
        raise SourceError(source.name, entity.name, "name a table in `from`, or give a `query`, in sources.yml.")
    pulled, known_ties = begin(entity, history, origin, full_refresh)
    rows = _Rows(source, entity, home, pulled, known_ties, progress)
    if entity.cursor_lag is not None and pulled.cursor_from is not None:
        rows.since = _before(source, entity, pulled)
    # What is left out shows in a pull of everything only.
    rows.may_be_cut = bool(entity.cursor) and entity.deletions != ABSENT
    pulled.batches = rows.part(pulled)
    return pulled


def pull_range(
    source: Source,
    entity: Entity,
    history: Sequence[Batch],
    home: Home,
    between: Range,
    progress: Progress | None = None,
) -> Pulled:
    """Bring the rows whose cursor lies in a range once more; where the cursor stands is not touched by it."""
    origin = entity.query or entity.from_ or ""
    state = standing(history, entity.cursor, origin)
    if state is None:
        raise SourceError(
            source.name,
            entity.name,
            "nothing has landed by its cursor yet, so there is nothing to fill in: `commitments run` pulls everything.",
        )
    pulled = Pulled(
        mode="backfill",
        batches=iter(()),
        origin=origin,
        cursor_column=entity.cursor,
        cursor_type=state["cursor_type"],
        always_land=True,
    )
    pulled.cursor_from, until, is_inclusive = _range(source, entity, state, between)
    rows = _Rows(source, entity, home, pulled, None, progress)
    rows.until, rows.may_be_cut = (until, is_inclusive), True
    pulled.batches = rows.part(pulled)
    return pulled


def list_keys(source: Source, entity: Entity, home: Home, progress: Progress | None = None) -> Pulled:
    """Bring the keys of all rows that are there now, under the names of ``key``."""
    listing = entity.key_list
    declared = entity.model_copy(update={"cursor": None, "reconcile": None})
    if listing is not None:
        declared = declared.model_copy(update={"from_": listing.from_, "query": listing.query})
    pulled = Pulled(mode="keys", batches=iter(()), origin=declared.query or declared.from_ or "")
    rows = _Rows(source, declared, home, pulled, None, progress)
    rows.chosen = dict(zip((listing.columns if listing else ()) or entity.key, entity.key, strict=True))
    pulled.batches = rows.part(pulled)
    return pulled


@dataclass(frozen=True)
class Table:
    """A table or view, as it is written in `from`."""

    name: str
    primary_key: tuple[str, ...]
    rows: int | None
    """As the database estimates it; None where it would have to count."""


def tables(source: Source, home: Home) -> list[Table]:
    """Return what the user of the connection may see, but for the database's own."""
    entity = _no_entity()
    with _said_clearly(source, entity) as place, _connected(source, entity, home, place) as connection:
        if connection.dialect.name == "duckdb":
            return _duckdb_tables(connection)
        inspector = sa.inspect(connection)
        default = inspector.default_schema_name
        own = {"information_schema", "pg_catalog", "mysql", "performance_schema", "sys", "pg_toast"}
        schemas = [schema for schema in inspector.get_schema_names() if schema not in own]
        if connection.dialect.name in ("mysql", "mariadb", "sqlite"):
            # What other dialects call a schema are other databases here.
            schemas = [default] if default else [None]
        rows = dict(_estimated(connection))
        found = []
        for schema in schemas:
            names = [*inspector.get_table_names(schema), *inspector.get_view_names(schema)]
            for name in sorted(names):
                key = inspector.get_pk_constraint(name, schema).get("constrained_columns") or []
                written = name if schema == default or schema is None else f"{schema}.{name}"
                found.append(Table(written, tuple(key), rows.get(name)))
        return found


def _no_entity() -> Entity:
    from pipelines.catalogue.sources import Entity

    return Entity(name="connection", shape="runs", columns={})


def _estimated(connection: Connection) -> Iterator[tuple[str, int]]:
    """What the database knows without reading its tables."""
    asked = {
        "postgresql": "SELECT relname, reltuples FROM pg_class WHERE relkind IN ('r', 'p') AND reltuples >= 0",
        "mysql": "SELECT table_name, table_rows FROM information_schema.tables WHERE table_schema = database()",
    }.get({"mariadb": "mysql"}.get(connection.dialect.name, connection.dialect.name))
    if asked:
        yield from ((str(name), int(rows)) for name, rows in connection.execute(sa.text(asked)) if rows is not None)


class _Rows:
    """The rows of one SELECT, as they come, in one batch or several."""

    def __init__(
        self,
        source: Source,
        entity: Entity,
        home: Home,
        pulled: Pulled,
        known_ties: str | None,
        progress: Progress | None,
    ) -> None:
        self.since = pulled.cursor_from
        self.until: tuple[str, bool] | None = None
        self.chosen: dict[str, str] = {}
        self.may_be_cut = False
        self._source, self._entity, self._home = source, entity, home
        self._known_ties = known_ties
        self._progress = progress or (lambda rows: None)
        self._following: _Following | None = None
        self._content = Content()
        self._rows = 0
        self._control_total: str | None = None
        self._stream = self._read(pulled)

    def part(self, pulled: Pulled, first: _Piece | None = None) -> Iterator[pa.RecordBatch]:
        """Yield what belongs to one batch, and say at its end where the cursor stands and what follows."""
        rows, is_read = 0, False
        try:
            while (piece := first or next(self._stream, None)) is not None:
                if rows >= ROWS_IN_BATCH and self.may_be_cut:
                    # A part of it is not the whole.
                    pulled.mode = "cursor" if pulled.mode == "whole" else pulled.mode
                    self._say(pulled)
                    pulled.rest = replace(pulled, cursor_from=pulled.cursor_to or pulled.cursor_from)
                    pulled.rest.batches = self.part(pulled.rest, piece)
                    is_read = True
                    return
                first = None
                cells, batch = piece
                if cells:
                    if self._following is not None:
                        self._following.add(cells, batch)
                    if self._following is None or self._entity.cursor_lag:
                        self._content.add(batch)
                    rows += len(cells)
                    self._rows += len(cells)
                    self._progress(self._rows)
                yield batch
            self._say(pulled)
            pulled.control_total = self._control_total
            is_read = True
        finally:
            if not is_read:
                self._stream.close()

    def _read(self, pulled: Pulled) -> Generator[_Piece, None, None]:
        source, entity = self._source, self._entity
        with _said_clearly(source, entity) as place, _connected(source, entity, self._home, place) as connection:
            reading = _reading(source, entity, connection, pulled, self.since, self.until, self.chosen)
            place.words = "while its rows were read: "
            self._following = _Following(entity.cursor, reading) if entity.cursor else None
            yield [], pa.RecordBatch.from_pylist([], reading.schema)
            # Before anything is made of the rows: a hash of one row would betray what it hides.
            protection = Protection(source, entity)
            for cells in _partitions(connection, reading):
                yield cells, protection(reading.batch(cells))
            if entity.reconcile:
                # In the transaction that read the rows: what changed since is in neither.
                place.words = "while it was asked for its control total: "
                self._control_total = _control_total(entity, connection)

    def _say(self, pulled: Pulled) -> None:
        following = self._following
        if following is None:
            pulled.content_hash = self._content.hash()
        elif pulled.mode == "backfill":
            pulled.cursor_to = self.until[0] if self.until else None
        else:
            place = None
            if following.last is not None:
                text, cursor_type = _cursor_text(following.last)
                place = (text, following.cursor_type or cursor_type)
            # With a lag the same rows come again as long as the cursor stands still.
            ties = f"{self.since}/{self._content.hash()}" if self._entity.cursor_lag else following.ties()
            conclude(pulled, self._rows, place, ties, self._known_ties)


_Piece = tuple[Sequence[Sequence[Any]], pa.RecordBatch]


def _control_total(entity: Entity, connection: Connection) -> str | None:
    """What the database itself says that its rows come to, as an exact number."""
    asked = entity.reconcile
    assert asked is not None
    if asked.query:
        statement = asked.query.strip().rstrip(";").replace(":", r"\:")
    else:
        column = connection.dialect.identifier_preparer.quote_identifier(asked.sum) if asked.sum else ""
        what = f"coalesce(sum(pulled.{column}), 0)" if asked.sum else "count(*)"
        where = f" WHERE {asked.where}" if asked.where else ""
        statement = f"SELECT {what} FROM {_subject(entity, connection)}"
        statement += where.replace(":", r"\:")
    total = connection.scalar(sa.text(statement))
    return None if total is None else _text(total)


# --- reading rows into Arrow -------------------------------------------------------------------------------------


@dataclass
class _Reading:
    """One SELECT, and how its rows become Arrow."""

    statement: sa.TextClause
    schema: pa.Schema
    is_text: bool
    cursor_type: str | None = None
    texts: Sequence[Callable[[Any], str | None]] = ()
    """How each column becomes text, where the database's values need it."""

    def batch(self, rows: Sequence[Sequence[Any]]) -> pa.RecordBatch:
        cells = zip(*rows, strict=True)
        if self.is_text:
            cells = (
                [None if cell is None else text(cell) for cell in column]
                for column, text in zip(cells, self.texts, strict=True)
            )  # type: ignore[assignment]
        return pa.RecordBatch.from_arrays(
            [pa.array(column, kind) for column, kind in zip(cells, self.schema.types, strict=True)], schema=self.schema
        )


def _partitions(connection: Connection, reading: _Reading) -> Iterator[Sequence[Sequence[Any]]]:
    options = {"stream_results": True, "yield_per": ROWS_IN_MEMORY}
    with connection.execute(reading.statement, execution_options=options) as result:
        yield from result.partitions(ROWS_IN_MEMORY)


def _text(value: Any) -> str:
    """A value of a database without dependable types, as text: ISO 8601, exact numbers, no decoration."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, bytes | bytearray | memoryview):
        raw = bytes(value)
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError:
            return raw.hex()
    if isinstance(value, timedelta):
        seconds = value.total_seconds()
        sign, seconds = ("-", -seconds) if seconds < 0 else ("", seconds)
        return f"{sign}{int(seconds // 3600):02d}:{int(seconds % 3600 // 60):02d}:{seconds % 60:09.6f}"
    if isinstance(value, dict | list | tuple):
        return json.dumps(value, ensure_ascii=False, default=_text)
    return str(value)


def _reading(
    source: Source,
    entity: Entity,
    connection: Connection,
    pulled: Pulled,
    since: str | None = None,
    until: tuple[str, bool] | None = None,
    chosen_names: Mapping[str, str] | None = None,
) -> _Reading:
    """``chosen_names``: only these columns, theirs and the name under which each lands; default: all as they are."""
    quoted = connection.dialect.identifier_preparer.quote_identifier
    subject = _subject(entity, connection)
    described = _describe(source, entity, connection, subject)
    names = [column[0] for column in described]
    _check_columns(source, entity, names)
    if chosen_names:
        described = _chosen(source, entity, described, chosen_names)
    landed = [(chosen_names or {}).get(column[0], column[0]) for column in described]
    cursor_type = None
    texts: list[Callable[[Any], str | None]] = [_text] * len(described)
    typed = _TYPED.get(connection.dialect.name)
    if typed is not None:
        columns = [typed(f"pulled.{quoted(column[0])}", column) for column in described]
        schema = pa.schema([pa.field(name, kind) for name, (_, kind) in zip(landed, columns, strict=True)])
        chosen = ", ".join(f"{sql} AS {quoted(name)}" for name, (sql, _) in zip(landed, columns, strict=True))
        if entity.cursor:
            cursor_type = _type_name(connection, described[names.index(entity.cursor)][1])
    else:
        schema = pa.schema([pa.field(name, pa.string()) for name in landed])
        chosen = ", ".join(f"pulled.{quoted(column[0])}" for column in described) if chosen_names else "pulled.*"
        if connection.dialect.name in ("mysql", "mariadb"):
            texts = [_mariadb_text(column[1]) for column in described]
    words = [f"SELECT {chosen} FROM {subject}"]
    parameters: dict[str, Any] = {}
    if entity.cursor:
        at = f"pulled.{quoted(entity.cursor)}"
        if since is not None:
            # Rows without a cursor value come every time: nothing else would tell when one of them changes.
            bound = f"CAST(:%s AS {cursor_type})" if cursor_type else ":%s"
            places = {"cursor": since}
            condition = f"WHERE {at} >= {bound % 'cursor'}"
            if until is None:
                condition += f" OR {at} IS NULL"
            else:
                places["until"], is_inclusive = until
                condition += f" AND {at} {'<=' if is_inclusive else '<'} {bound % 'until'}"
            words.append(condition)
            parameters = {
                name: place if cursor_type else _cursor_value(place, pulled.cursor_type)
                for name, place in places.items()
            }
        order = dict.fromkeys([entity.cursor, *(name for name in entity.key if name in names)])
        words.append("ORDER BY " + ", ".join(f"pulled.{quoted(name)}" for name in order))
    statement = sa.text("\n".join(words)).bindparams(**parameters)
    return _Reading(statement, schema, typed is None, cursor_type, texts)


def _type_name(connection: Connection, kind: Any) -> str:
    if connection.dialect.name == "postgresql":
        return connection.scalar(sa.text("SELECT format_type(:oid, NULL)").bindparams(oid=kind))
    return str(kind)


def _subject(entity: Entity, connection: Connection) -> str:
    """What follows FROM, under the name ``pulled``; colons are escaped, since SQLAlchemy reads them as parameters."""
    if entity.query:
        query = entity.query.strip().rstrip(";").replace(":", r"\:")
        return f"(\n{query}\n) pulled"
    schema, table = _table(entity)
    quoted = connection.dialect.identifier_preparer.quote
    return (f"{quoted(schema)}." if schema else "") + f"{quoted(table)} pulled".replace(":", r"\:")


def _table(entity: Entity) -> tuple[str | None, str]:
    schema, _, table = (entity.from_ or "").rpartition(".")
    return schema or None, table


def _describe(source: Source, entity: Entity, connection: Connection, subject: str) -> list[Any]:
    try:
        with connection.execute(sa.text(f"SELECT * FROM {subject} WHERE 1 = 0")) as result:
            return list(result.cursor.description)  # type: ignore[union-attr]
    except DBAPIError as problem:
        # MariaDB does not list what a user may not read, but says so.
        if not entity.query and "denied" not in str(problem.orig):
            connection.rollback()
            _check_table(source, entity, connection)
        raise


def _check_table(source: Source, entity: Entity, connection: Connection) -> None:
    schema, table = _table(entity)
    schemas, tables = _names(connection, schema)
    if schema and schema not in schemas:
        known = ", ".join(schemas)
        raise SourceError(
            source.name,
            entity.name,
            f"there is no schema {schema!r} in this database (it has {known}): correct `from` in sources.yml.",
        )
    if table not in tables:
        near = get_close_matches(table, tables, n=3) or tables[:10]
        known = f"near it: {', '.join(near)}" if near else "it has none that this user may see"
        raise SourceError(
            source.name,
            entity.name,
            f"there is no table or view {entity.from_!r} in this database ({known}): correct `from` in sources.yml.",
        )


def _names(connection: Connection, schema: str | None) -> tuple[list[str], list[str]]:
    """The schemas of the database, and the tables and views of one of them, by default of its default one."""
    if connection.dialect.name == "duckdb":
        found = connection.execute(sa.text(_DUCKDB_TABLES)).all()
        tables = [name for of_schema, name, *_ in found if of_schema == (schema or _DUCKDB_SCHEMA)]
        return sorted({_DUCKDB_SCHEMA, *(of_schema for of_schema, *_ in found)}), tables
    inspector = sa.inspect(connection)
    schemas = inspector.get_schema_names()
    if schema and schema not in schemas:
        return schemas, []
    return schemas, sorted([*inspector.get_table_names(schema), *inspector.get_view_names(schema)])


def _check_columns(source: Source, entity: Entity, names: list[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise SourceError(
            source.name,
            entity.name,
            f"the query gives several columns named {', '.join(twice)}: give each its own name with AS.",
        )
    if entity.cursor and entity.cursor not in names:
        raise SourceError(
            source.name,
            entity.name,
            f"there is no column {entity.cursor!r}, the declared cursor (there are {', '.join(names)}): "
            "correct `cursor` in sources.yml.",
        )


def _chosen(source: Source, entity: Entity, described: list[Any], names: Mapping[str, str]) -> list[Any]:
    found = {column[0]: column for column in described}
    missing = [name for name in names if name not in found]
    if missing:
        raise SourceError(
            source.name,
            entity.name,
            f"the list of keys has no column {missing[0]!r} (it has {', '.join(found)}): correct `keys` in "
            "sources.yml, whose `columns` are theirs in the order of `key`.",
        )
    return [found[name] for name in names]


# --- PostgreSQL: declared types, the rest as the text that PostgreSQL itself makes of it -----------------------------

_WHOLE, _TRUTH, _TEXT = {20, 21, 23, 26}, {16}, {25, 1042, 1043}
_DATE, _TIMESTAMP, _TIMESTAMPTZ = {1082}, {1114}, {1184}
_FLOAT4, _FLOAT8 = {700}, {701}


def _postgresql_column(column: str, description: Any) -> tuple[str, pa.DataType]:
    oid = description[1]
    if oid in _WHOLE:
        return column, pa.int64()
    if oid in _TRUTH:
        return column, pa.bool_()
    if oid in _TEXT:
        return column, pa.string()
    if oid in _FLOAT8:
        return column, pa.float64()
    if oid in _FLOAT4:
        # By way of text 0.1 stays 0.1 and does not become 0.10000000149.
        return rf"{column}\:\:text\:\:float8", pa.float64()
    if oid in _DATE:
        return _within_calendar(column, "date"), pa.date32()
    if oid in _TIMESTAMP:
        return _within_calendar(column, "timestamp"), pa.timestamp("us")
    if oid in _TIMESTAMPTZ:
        return _within_calendar(column, "timestamptz"), pa.timestamp("us", "UTC")
    if str(getattr(description, "type_display", "")).endswith("[]"):
        return rf"to_json({column})\:\:text", pa.string()
    return rf"{column}\:\:text", pa.string()


def _within_calendar(column: str, kind: str) -> str:
    # PostgreSQL knows infinity and the year 20026, Python does not: the last instant of 9999 is as far away, and an end
    # that never comes stays one.
    last = "9999-12-31" if kind == "date" else r"9999-12-31 23\:59\:59.999999"
    zone = "+00" if kind == "timestamptz" else ""
    first = "0001-01-01" if kind == "date" else r"0001-01-01 00\:00\:00"
    return (
        f"CASE WHEN {column} IS NOT NULL THEN "
        f"least(greatest({column}, {kind} '{first}{zone}'), {kind} '{last}{zone}') END"
    )


# --- DuckDB: declared types too; SQLAlchemy's reflection asks it for what only PostgreSQL has ------------------------

_DUCKDB_SCHEMA = "main"
_DUCKDB_TABLES = """
    SELECT listed.schema_name, listed.name, listed.rows, keys.columns
    FROM (
        SELECT database_name, schema_name, table_name AS name, estimated_size AS rows FROM duckdb_tables()
        UNION ALL
        SELECT database_name, schema_name, view_name, NULL FROM duckdb_views() WHERE NOT internal
    ) listed
    LEFT JOIN (
        SELECT database_name, schema_name, table_name AS name, constraint_column_names AS columns
        FROM duckdb_constraints() WHERE constraint_type = 'PRIMARY KEY'
    ) keys USING (database_name, schema_name, name)
    WHERE listed.database_name = current_database()
    ORDER BY ALL
"""
_DUCKDB_PLAIN = {
    **dict.fromkeys(("tinyint", "smallint", "integer", "bigint", "utinyint", "usmallint", "uinteger"), pa.int64()),
    "boolean": pa.bool_(),
    "double": pa.float64(),
}
_DUCKDB_TIMES = {
    "date": ("date", pa.date32()),
    "timestamp": ("timestamp", pa.timestamp("us")),
    "timestamp_s": ("timestamp", pa.timestamp("us")),
    "timestamp_ms": ("timestamp", pa.timestamp("us")),
    "timestamp with time zone": ("timestamptz", pa.timestamp("us", "UTC")),
}
_DUCKDB_NESTED = {"list", "array", "struct", "map", "union"}


def _duckdb_column(column: str, description: Any) -> tuple[str, pa.DataType]:
    kind = description[1].id
    if kind in _DUCKDB_PLAIN:
        return column, _DUCKDB_PLAIN[kind]
    if kind in _DUCKDB_TIMES:
        name, of_arrow = _DUCKDB_TIMES[kind]
        return _within_calendar(column if kind == name else rf"{column}\:\:{name}", name), of_arrow
    if kind == "float":
        # By way of text 0.1 stays 0.1 and does not become 0.10000000149.
        return rf"{column}\:\:text\:\:double", pa.float64()
    if kind == "blob":
        return f"coalesce(try(decode({column})), lower(hex({column})))", pa.string()
    if kind in _DUCKDB_NESTED:
        return rf"to_json({column})\:\:text", pa.string()
    # Also of nanoseconds, which Python's times would cut off, and of decimals and HUGEINT, which Arrow's numbers would.
    return rf"{column}\:\:text", pa.string()


def _duckdb_tables(connection: Connection) -> list[Table]:
    return [
        Table(name if schema == _DUCKDB_SCHEMA else f"{schema}.{name}", tuple(key or ()), rows)
        for schema, name, rows, key in connection.execute(sa.text(_DUCKDB_TABLES))
    ]


_TYPED: dict[str, Callable[[str, Any], tuple[str, pa.DataType]]] = {
    "postgresql": _postgresql_column,
    "duckdb": _duckdb_column,
}


# --- MariaDB and MySQL: text, as everywhere without dependable types, but for what would be misread -----------------

_MARIADB_INSTANT, _MARIADB_TIMES, _MARIADB_BITS = 7, {7, 10, 12}, 16


def _mariadb_text(kind: int) -> Callable[[Any], str | None]:
    if kind == _MARIADB_BITS:
        return lambda value: str(int.from_bytes(value, "big")) if isinstance(value, bytes) else _text(value)
    if kind not in _MARIADB_TIMES:
        return _text
    # A TIMESTAMP is an instant, which the session shows in UTC; a DATETIME is the wall time that somebody wrote.
    offset = "+00:00" if kind == _MARIADB_INSTANT else ""

    def text(value: Any) -> str | None:
        said = _text(value)
        # Its word for no date at all.
        return None if said.startswith("0000-00-00") else said + offset

    return text


# --- cursors and content -----------------------------------------------------------------------------------------


def _cursor_text(value: Any) -> tuple[str, str]:
    for kind, name in _CURSOR_TYPES:
        if isinstance(value, kind):
            return _text(value), name
    return _text(value), "text"


def _cursor_value(text: str, name: str | None) -> Any:
    return _CURSOR_VALUES.get(name or "text", str)(text)


_CURSOR_TYPES: list[tuple[type, str]] = [
    (datetime, "datetime"),
    (date, "date"),
    (int, "int"),
    (float, "float"),
    (Decimal, "decimal"),
]
_CURSOR_VALUES: dict[str, Callable[[str], Any]] = {
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "int": int,
    "float": float,
    "decimal": Decimal,
    "text": str,
}


_NUMBERS = ("int", "bigint", "smallint", "float", "decimal", "numeric", "double", "real", "tinyint", "hugeint")
_NUMBERS += ("utinyint", "usmallint", "uint", "ubigint", "uhugeint")
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(?P<seconds>:\d{2})?(?P<fraction>\.\d+)?)?")


def _before(source: Source, entity: Entity, pulled: Pulled) -> str:
    """The place that lies the lag before where the cursor stands."""
    stands, lag = pulled.cursor_from or "", entity.cursor_lag
    if _is_number(pulled.cursor_type):
        if not isinstance(lag, Decimal):
            raise SourceError(
                source.name,
                entity.name,
                f"cursor {entity.cursor} holds numbers (it stands at {stands}), and `cursor_lag` is a length of "
                "time: write a number in sources.yml.",
            )
        return str(Decimal(stands) - lag)
    if not isinstance(lag, timedelta):
        raise SourceError(
            source.name,
            entity.name,
            f"cursor {entity.cursor} holds no numbers (it stands at {stands}), and `cursor_lag` is one: write a "
            "length of time such as 1h in sources.yml.",
        )
    return _written_like(_moment(source, entity, stands) - lag, stands)


def _range(source: Source, entity: Entity, state: Mapping[str, Any], between: Range) -> tuple[str, str, bool]:
    """Both places of a range as the cursor writes them, and whether the last belongs to it; of dates both do."""
    stands = state["cursor_to"]
    if _is_number(state["cursor_type"]):
        if not all(NUMBER.fullmatch(one) for one in between):
            raise SourceError(
                source.name,
                entity.name,
                f"--backfill {'..'.join(between)}: cursor {entity.cursor} holds numbers (it stands at {stands}): give "
                "two numbers.",
            )
        return (*between, True)
    like = _moment(source, entity, stands)
    zone = ZoneInfo(source.time_zone)
    places = []
    for text, days in zip(between, (0, 1), strict=True):
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise SourceError(
                source.name,
                entity.name,
                f"--backfill {'..'.join(between)}: {text!r} is no date and no instant: cursor {entity.cursor} stands "
                f"at {stands}.",
            ) from None
        moment += timedelta(days=days if len(text) == len("2026-01-31") else 0)
        if like.tzinfo is not None:
            moment = (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(like.tzinfo)
        elif moment.tzinfo is not None:
            moment = moment.astimezone(zone).replace(tzinfo=None)
        places.append(_written_like(moment, stands))
    return places[0], places[1], False


def _is_number(cursor_type: str | None) -> bool:
    named = (cursor_type or "").lower()
    return named.startswith(_NUMBERS) and named != "interval"


def _moment(source: Source, entity: Entity, stands: str) -> datetime:
    try:
        if _ISO.match(stands):
            return datetime.fromisoformat(stands)
    except ValueError:
        pass
    raise SourceError(
        source.name,
        entity.name,
        f"cursor {entity.cursor} stands at {stands!r}, which is no time as 2026-01-31 10:30:00 that could be counted "
        "from: give the entity a `query:` that makes it one.",
    )


def _written_like(moment: datetime, like: str) -> str:
    """A text that sorts among texts such as ``like``; what is finer than they are is cut off."""
    if len(like) == len("2026-01-31"):
        return moment.date().isoformat()
    parts = _ISO.match(like)
    assert parts is not None
    fraction = parts["fraction"] or ""
    precision = {0: "seconds" if parts["seconds"] else "minutes", 4: "milliseconds"}.get(len(fraction), "microseconds")
    written = moment.isoformat(like[10], precision)
    return written.removesuffix("+00:00") + "Z" if like.endswith("Z") else written


class _Following:
    """Where the cursor stands, and which rows the next pull will bring again: those there, later, or without one."""

    def __init__(self, cursor: str, reading: _Reading) -> None:
        self._place = reading.schema.names.index(cursor)
        self.cursor_type = reading.cursor_type
        self._at_last, self._always = Content(), Content()
        self._future = future()
        self.last: Any = None

    def add(self, rows: Sequence[Sequence[Any]], batch: pa.RecordBatch) -> None:
        cursors = [row[self._place] for row in rows]
        # Rows come in the order of the cursor: what lies ahead is at the end.
        behind = [value is not None for value in cursors]
        for at in reversed(range(len(cursors))):
            if cursors[at] is not None:
                if not self._is_ahead(cursors[at]):
                    break
                behind[at] = False
        last = next((cursors[at] for at in reversed(range(len(cursors))) if behind[at]), None)
        if last is not None and last != self.last:
            self.last = last
            self._at_last.reset()
        self._always.add(batch.filter(pa.array([not it for it in behind])))
        self._at_last.add(
            batch.filter(pa.array([it and value == self.last for it, value in zip(behind, cursors, strict=True)]))
        )

    def _is_ahead(self, value: Any) -> bool:
        if isinstance(value, str):
            # Exact numbers come as text too, and 20991231 reads as a date.
            if _is_number(self.cursor_type):
                return False
            try:
                value = datetime.fromisoformat(value)
            except ValueError:
                return False
        if isinstance(value, datetime):
            return (value.astimezone(UTC) if value.tzinfo else value).replace(tzinfo=None) > self._future
        return isinstance(value, date) and value > self._future.date()

    def ties(self) -> str:
        return f"{self._at_last.hash()}+{self._always.hash()}"


# --- connections -------------------------------------------------------------------------------------------------


@contextmanager
def _connected(source: Source, entity: Entity, home: Home, place: _Place) -> Iterator[Connection]:
    url = _url(source, entity)
    place.secrets = _secrets(url)
    seconds = source.timeout.total_seconds() if source.timeout else SECONDS_TO_CONNECT
    if url.get_backend_name() == "sqlite":
        engine = _sqlite(_file(source, entity, url, home, "SQLite"), seconds)
    elif url.get_backend_name() == "duckdb":
        engine = _duckdb(_file(source, entity, url, home, "DuckDB"), home)
    else:
        engine = _server(source, url, seconds)
    place.words = "cannot connect: "
    try:
        with patiently(engine.connect, source.retries, _may_pass) as connection:
            place.words = ""
            if connection.dialect.name == "postgresql":
                # One view of the data for the rows and for what they are compared with.
                connection = connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
                # What PostgreSQL makes text of must not depend on the settings of a user or a server.
                connection.execute(sa.text("SET TIME ZONE 'UTC'"))
                connection.execute(sa.text("SET datestyle TO ISO, YMD"))
                if source.timeout:
                    # For each part of the rows: it bounds silence, not the length of a pull.
                    connection.execute(sa.text(f"SET statement_timeout TO {round(seconds * 1000)}"))
            yield connection
    finally:
        engine.dispose()


def _url(source: Source, entity: Entity) -> URL:
    try:
        url = make_url(source.connection.get_secret_value())
    except (ArgumentError, ValueError):
        raise SourceError(
            source.name,
            entity.name,
            f"`connection` of {source.name} in sources.yml is no database URL: "
            "write dialect://user:password@host/database, with special characters of the password as %XX.",
        ) from None
    return url.set(drivername=DRIVERS.get(url.drivername, url.drivername))


def _may_pass(problem: BaseException) -> bool:
    """Say whether another try to connect may go better: a refused password never does, and may lock the account."""
    if not isinstance(problem, DBAPIError):
        return False
    words = str(problem.orig)
    # PostgreSQL answered, and its driver calls that a failed connection too.
    pattern = BUSY if "FATAL" in words else f"{UNREACHABLE}|{BUSY}"
    return bool(re.search(pattern, words, re.IGNORECASE))


def _server(source: Source, url: URL, seconds: float) -> Engine:
    arguments: dict[str, Any] = {}
    if url.drivername in DRIVERS.values() and "connect_timeout" not in url.query:
        arguments["connect_timeout"] = max(1, round(seconds))
    if source.timeout and url.drivername == DRIVERS["mariadb"]:
        arguments["read_timeout"] = max(1, round(seconds))
    engine = sa.create_engine(url, poolclass=sa.pool.NullPool, connect_args=arguments)
    for statement in SESSIONS.get(url.get_backend_name(), ()):
        sa.event.listen(engine, "connect", partial(_say, statement))
    return engine


def _say(statement: str, connection: Any, record: Any) -> None:
    with closing(connection.cursor()) as cursor:
        cursor.execute(statement)


def _file(source: Source, entity: Entity, url: URL, home: Home, kind: str) -> Path:
    if not url.database or url.database == ":memory:":
        raise SourceError(
            source.name,
            entity.name,
            f"`connection` names no {kind} file: write {kind.lower()}:///path/of/file.db in sources.yml.",
        )
    path = home.root / url.database
    if not path.is_file():
        raise SourceError(
            source.name,
            entity.name,
            f"the {kind} file {path} does not exist: deliver it, or correct `connection` of {source.name} in "
            "sources.yml (a path that is not absolute is relative to the home).",
        )
    try:
        path.open("rb").close()
    except PermissionError:
        raise SourceError(
            source.name, entity.name, f"{path} may not be read by this user: give it the right to, then run again."
        ) from None
    return path


def _sqlite(path: Path, seconds: float) -> Engine:
    def connect() -> sqlite3.Connection:
        return sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=seconds)

    return sa.create_engine("sqlite://", creator=connect, poolclass=sa.pool.NullPool)


def _duckdb(path: Path, home: Home) -> Engine:
    import duckdb
    from duckdb_engine import ConnectionWrapper

    def connect() -> ConnectionWrapper:
        folder = home.warehouse / "pulls"
        folder.mkdir(parents=True, exist_ok=True)
        # Attached to an instance of this pull alone: opened as it is, a file shares its settings with all who have it
        # open in this process, and sorts beside itself, where nothing may be written.
        connection = duckdb.connect()
        try:
            for setting in (
                f"memory_limit = '{DUCKDB_MEMORY}'",
                f"threads = {DUCKDB_THREADS}",
                f"temp_directory = {_literal(folder / f'duckdb-{uuid4().hex}')}",
                "autoinstall_known_extensions = false",
                "enable_progress_bar = false",
                "TimeZone = 'UTC'",
            ):
                connection.execute(f"SET {setting}")
            # Views in the file may name it as DuckDB does, but for what its own catalogues are called.
            name = path.name.partition(".")[0]
            name = f"{name}_file" if name.lower() in ("", "memory", "system", "temp") else name
            name = '"' + name.replace('"', '""') + '"'
            connection.execute(f"ATTACH {_literal(path)} AS {name} (READ_ONLY, TYPE duckdb)")
            connection.execute(f"USE {name}")
        except duckdb.Error:
            connection.close()
            raise
        return ConnectionWrapper(connection)

    return sa.create_engine("duckdb://", creator=connect, poolclass=sa.pool.NullPool)


def _literal(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


def _secrets(url: URL) -> list[str]:
    secrets = [url.password, url.render_as_string(hide_password=False)]
    for key, value in url.query.items():
        if "pass" in key.lower():
            secrets.extend([value] if isinstance(value, str) else value)
    return [str(secret) for secret in secrets if secret]


# --- what is wrong, in words -------------------------------------------------------------------------------------


@dataclass
class _Place:
    """What was being done, and what must not be said about it."""

    words: str = ""
    secrets: Sequence[str] = ()

    def clean(self, text: str) -> str:
        for secret in self.secrets:
            text = text.replace(secret, "***")
        return text


UNREACHABLE = r"resolve|connection refused|timeout|timed out|could not connect|can't connect|connection failed"
BUSY = r"starting up|too many (?:clients|connections)|remaining connection slots|could not set lock"
REMEDIES = {
    r"password authentication|access denied for user|no password supplied|authentication failed": (
        "The user name or password is refused: correct the `connection` of {source} (its environment variable)."
    ),
    r"statement timeout|during query \(timed out": (
        "It answered nothing for the `timeout` of {source}: raise it in sources.yml, or index what is asked for."
    ),
    UNREACHABLE: ("Is the server up, and are host, port and database in the `connection` of {source} right?"),
    r"permission denied|denied to user|not authorized": "Give this user the right to read it (GRANT SELECT).",
    r"no such column|column .* does not exist|unknown column|referenced column .* not found": (
        "Correct the `query` of the entity in sources.yml."
    ),
    r"no such table|(?:relation|table with name) .* does not exist|syntax error": (
        "Correct `from` or `query` of the entity in sources.yml."
    ),
    r"database is locked": "Another program is writing: run again when it has finished.",
    r"out of memory error": "Give the entity a `query` of the columns that are needed: the rest need not be sorted.",
    r"could not set lock": "Another program has it open to write: run again when it has closed it, or read a copy.",
    r"malformed|not a (?:valid DuckDB )?database|encrypted|enough bytes|corrupt|checksum": (
        "The file is damaged or cut: deliver it again."
    ),
    r"decode to utf-8": "Cast the column in a `query`: CAST(… AS BLOB) lands as text where it is one, else as hex.",
}


@contextmanager
def _said_clearly(source: Source, entity: Entity) -> Iterator[_Place]:
    place = _Place()

    def error(problem: BaseException) -> SourceError:
        lines = str(problem).strip().splitlines() or [type(problem).__name__]
        words = place.clean(lines[0])[:300].rstrip(".: ")
        for pattern, remedy in REMEDIES.items():
            if re.search(pattern, words, re.IGNORECASE):
                return SourceError(
                    source.name, entity.name, f"{place.words}{words}. {remedy.format(source=source.name)}"
                )
        return SourceError(
            source.name, entity.name, f"{place.words}{words}. Nothing of this pull has landed: mend it, then run again."
        )

    try:
        yield place
    except NoSuchModuleError:
        raise SourceError(
            source.name,
            entity.name,
            f"the `connection` of {source.name} names a kind of database that is not known here: check what stands "
            "before ://, or install its SQLAlchemy dialect.",
        ) from None
    except ModuleNotFoundError as problem:
        raise SourceError(
            source.name,
            entity.name,
            f"the driver {problem.name!r} that the `connection` of {source.name} asks for is not installed: "
            "install it into .venv, or name another driver.",
        ) from None
    except DBAPIError as problem:
        raise error(problem.orig or problem) from None
    except (SQLAlchemyError, sqlite3.Error, pa.ArrowException, UnicodeError) as problem:
        raise error(problem) from None
