"""Reading what is published, as every reader does: read-only, from the one file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from pipelines.errors import UserError
from pipelines.home import Home


def published_file(home: Home) -> Path:
    """The published warehouse, which must be there."""
    file = home.published / "warehouse.duckdb"
    if not file.exists():
        raise UserError(f"{file}: nothing is published yet; `commitments run` does that.")
    return file


@contextmanager
def open_published(home: Home) -> Iterator[duckdb.DuckDBPyConnection]:
    """The published warehouse, instants in UTC."""
    with duckdb.connect(str(published_file(home)), read_only=True) as con:
        con.execute("SET TimeZone = 'UTC'")
        yield con


def rows(con: duckdb.DuckDBPyConnection, sql: str, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
    """The answer to a question, a dictionary a row."""
    cursor = con.execute(sql, list(parameters))
    names = [column[0] for column in cursor.description or []]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def business_time_zone(con: duckdb.DuckDBPyConnection) -> str:
    """The zone in which the organisation's days are cut."""
    return str(rows(con, "SELECT business_time_zone FROM marts.publication")[0]["business_time_zone"])
