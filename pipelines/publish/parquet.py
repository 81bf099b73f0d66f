"""The same marts as Parquet, a folder a table, for tools that would rather read files."""

from __future__ import annotations

from pathlib import Path

import duckdb


def write(warehouse: Path, folder: Path) -> dict[str, int]:
    """Write every table of schema ``marts`` to ``folder/<table>/<table>.parquet``; rows by table."""
    rows = {}
    with duckdb.connect(str(warehouse), read_only=True) as con:
        con.execute("SET TimeZone = 'UTC'; SET preserve_insertion_order = false")
        tables = con.execute(
            "SELECT table_name FROM duckdb_tables() WHERE schema_name = 'marts' ORDER BY table_name"
        ).fetchall()
        for (table,) in tables:
            file = folder / table / f"{table}.parquet"
            file.parent.mkdir(parents=True)
            target = str(file).replace("'", "''")
            written = con.execute(f"COPY marts.\"{table}\" TO '{target}' (FORMAT parquet, COMPRESSION zstd)").fetchone()
            rows[table] = int(written[0]) if written else 0
    return rows
