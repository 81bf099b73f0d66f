"""What is in quarantine, from the published warehouse: by rule with an example, or whole, as a file to work on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
from rich.console import Console
from rich.text import Text

from pipelines.conform import literal, quoted
from pipelines.errors import UserError
from pipelines.home import Home
from pipelines.outcome import local, table
from pipelines.published import business_time_zone, open_published, rows

# The row itself keeps its own names, so that it can be corrected and delivered again.
ABOUT = ("source_system", "entity", "load_id", "row_number", "landed_at", "rule", "detail")
FORMATS = {".csv": "(FORMAT csv, HEADER)", ".parquet": "(FORMAT parquet, COMPRESSION zstd)", ".xlsx": ""}
# What a worksheet holds, less its heading.
ROWS_OF_A_SHEET = 1_048_575
CHARACTERS_OF_A_CELL = 32_767
ROWS_AT_ONCE = 10_000


def read_quarantine(home: Home, source: str | None = None, rule: str | None = None) -> dict[str, Any]:
    """Rows that wait, by source, entity and rule: how many, since when, and one of them."""
    with open_published(home) as con:
        where, parameters = _wanted(con, source, rule)
        return {
            "business_time_zone": business_time_zone(con),
            "rules": rows(
                con,
                f"""
                SELECT source_system, entity, rule, count(*) AS rows, min(landed_at) AS first_landed_at,
                       max(landed_at) AS last_landed_at, max_by(detail, (load_id, -row_number)) AS example,
                       max_by(row, (load_id, -row_number)) AS example_row
                FROM marts.quarantine WHERE {where}
                GROUP BY ALL ORDER BY rows DESC, source_system, entity, rule
                """,
                parameters,
            ),
        }


def show_quarantine(found: dict[str, Any], console: Console) -> None:
    """For people."""
    if not found["rules"]:
        console.print("Nothing is in quarantine.")
        return
    zone = ZoneInfo(found["business_time_zone"])
    shown = table("In quarantine", "source", "entity", "rule", ">rows", "since", "for example")
    for row in found["rules"]:
        shown.add_row(
            row["source_system"],
            row["entity"],
            row["rule"],
            f"{row['rows']:,}",
            local(row["first_landed_at"], zone),
            Text(row["example"] or ""),
        )
    console.print(shown)
    console.print(
        "Rows are tried again when the source delivers them corrected, or sources.yml changes; --export FILE writes "
        "them out, whole."
    )


def export_quarantine(
    home: Home, file: Path, source: str | None = None, rule: str | None = None, *, overwrite: bool = False
) -> int:
    """Write every row that waits to a CSV, Parquet or Excel file, its own columns as columns; how many there are."""
    target = file.expanduser().absolute()
    suffix = target.suffix.lower()
    if suffix not in FORMATS:
        raise UserError(f"--export {file}: the name must end in one of {', '.join(FORMATS)}.")
    if not target.parent.is_dir():
        raise UserError(f"--export {file}: {target.parent} is no folder; make it, or name a file in another one.")
    if target.exists() and not overwrite:
        raise UserError(f"--export {file}: the file is there already; name another, or add --overwrite.")
    temporary = target.with_name(f".{target.name}.writing")
    with open_published(home) as con:
        where, parameters = _wanted(con, source, rule)
        theirs = _columns(con, where, parameters)
        columns = [f'{name} AS "_{name}"' for name in ABOUT]
        columns += [f"coalesce({', '.join(values)}) AS {quoted(name)}" for name, values in theirs.items()]
        sql = (
            f"SELECT {', '.join(columns)} FROM marts.quarantine WHERE {where} "
            "ORDER BY source_system, entity, load_id, row_number"
        )
        try:
            if suffix == ".xlsx":
                count = _write_sheet(con, sql, parameters, temporary, file)
            else:
                answer = con.execute(f"COPY ({sql}) TO {literal(str(temporary))} {FORMATS[suffix]}", parameters)
                (count,) = answer.fetchone() or (0,)
            temporary.replace(target)
        except (OSError, duckdb.IOException) as problem:
            raise UserError(f"--export {file}: cannot be written ({str(problem).splitlines()[0]}).") from None
        finally:
            temporary.unlink(missing_ok=True)
    return int(count)


def _wanted(con: duckdb.DuckDBPyConnection, source: str | None, rule: str | None) -> tuple[str, list[str]]:
    """The condition and its values; a name that nothing in quarantine has is answered with those that there are."""
    condition, parameters = "released_at IS NULL", []
    for column, wanted, option in (("source_system", source, "--source"), ("rule", rule, "--rule")):
        if wanted is None:
            continue
        known = [
            name
            for (name,) in con.execute(
                f"SELECT DISTINCT {column} FROM marts.quarantine WHERE released_at IS NULL ORDER BY 1"
            ).fetchall()
        ]
        declared = [name for (name,) in con.execute("SELECT source_system FROM marts.source_freshness").fetchall()]
        if wanted not in known and not (column == "source_system" and wanted in declared):
            has = f"what is there is of {', '.join(known)}" if known else "nothing is in quarantine"
            raise UserError(f"{option} {wanted}: no row in quarantine is of it; {has}.")
        condition += f" AND {column} = ?"
        parameters.append(wanted)
    return condition, parameters


def _columns(con: duckdb.DuckDBPyConnection, where: str, parameters: list[str]) -> dict[str, list[str]]:
    """The columns of all these rows in the order of their sources, each with where it is in a row."""
    found = con.execute(
        f"SELECT json_keys(row) AS keys FROM marts.quarantine WHERE {where} GROUP BY keys "
        "ORDER BY min((source_system, entity, load_id, row_number))",
        parameters,
    ).fetchall()
    # A file cannot tell upper from lower case in every reader.
    columns: dict[str, tuple[str, list[str]]] = {}
    for (keys,) in found:
        for key in keys:
            _, values = columns.setdefault(key.lower(), (key, []))
            value = f"row ->> {literal('/' + key.replace('~', '~0').replace('/', '~1'))}"
            if value not in values:
                values.append(value)
    return dict(columns.values())


def _write_sheet(con: duckdb.DuckDBPyConnection, sql: str, parameters: list[str], target: Path, file: Path) -> int:
    import xlsxwriter

    (count,) = con.execute(f"SELECT count(*) FROM ({sql})", parameters).fetchone() or (0,)
    if count > ROWS_OF_A_SHEET:
        raise UserError(f"--export {file}: {count:,} rows are more than a worksheet holds; write .csv or .parquet.")
    # What a source delivered is text, also where it begins with `=`; rows are written as they come.
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(str(target), {**options, "constant_memory": True}) as book:
        sheet = book.add_worksheet("quarantine")
        sheet.freeze_panes(1, 0)
        answer = con.execute(f"SELECT COLUMNS(*)::VARCHAR FROM ({sql})", parameters)
        for place, column in enumerate(answer.description or []):
            sheet.write_string(0, place, column[0])
        for number, row in enumerate(_rows(answer), start=1):
            for place, cell in enumerate(row):
                if cell is not None:
                    sheet.write_string(number, place, cell[:CHARACTERS_OF_A_CELL])
    return int(count)


def _rows(answer: duckdb.DuckDBPyConnection) -> Iterator[tuple[str | None, ...]]:
    while part := answer.fetchmany(ROWS_AT_ONCE):
        yield from part
