"""What was published, kept in landing: the figures of complete periods, as far as a publication changed them.

It is read off the published file, after readers see it. A run that was killed in between left a publication that the
journal lacks: the next run notes it before it does anything else.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from rich.console import Console

from pipelines.home import Home
from pipelines.landing import PUBLICATION, Landing
from pipelines.outcome import table
from pipelines.published import open_published, rows
from pipelines.zones import instant_us

TEXT, INSTANT, COUNT, FLAG = pa.string(), pa.int64(), pa.int64(), pa.bool_()
LANDED = {"load_id": TEXT, "landed_us": INSTANT}
STATES = [
    *("completed_normal", "completed_acceptable", "completed_warning"),
    *("in_progress_normal", "in_progress_acceptable", "in_progress_warning", "cancelled"),
]
FLOWS = [
    *("started", "completed", "cancelled_in_period", "due", "undecided", "kept", "tolerance_due", "tolerated"),
    *("completed_committed", "completed_kept"),
]
COUNTS = ["runs", *STATES, "uncommitted", "runs_completed", "runs_cancelled", *FLOWS]
REASONS = ["is_late_data", "is_corrected", "is_deleted", "is_catalogue", "is_software", "is_decided_later"]
PERIOD = {"grain": TEXT, "period_start": pa.date32()}
SCHEMAS = {
    "publication": pa.schema(
        {
            "publication_id": TEXT,
            "as_of_us": INSTANT,
            "known_at_us": INSTANT,
            "catalogue_load_id": TEXT,
            "catalogue_hash": TEXT,
            "catalogue_tables_hash": TEXT,
            "code_version": TEXT,
            **LANDED,
        }
    ),
    "period": pa.schema({**PERIOD, **LANDED}),
    "figure": pa.schema(
        {
            **PERIOD,
            **{"scope": TEXT, "process": TEXT, "node": TEXT},
            **dict.fromkeys(COUNTS, COUNT),
            **dict.fromkeys(REASONS, FLAG),
            **LANDED,
        }
    ),
}
PUBLISHED_AS = {"period": "detail.newly_complete_period", "figure": "detail.changed_figure"}


def note_publication(home: Home) -> str | None:
    """Let what is published become history, unless it is already; the load id if it was not."""
    if not (home.published / "warehouse.duckdb").exists():
        return None
    landing = Landing(home)
    with open_published(home) as con:
        [publication] = rows(con, "SELECT * FROM marts.publication")
        noted = landing.publications()
        if any(one["publication_id"] == publication["publication_id"] for one in noted):
            return None
        # A file of an earlier version has nothing to note: the next publication is the first of the journal.
        if not _has_figures(con):
            return None
        tables = {name: _read(con, name) for name in PUBLISHED_AS}
    by_then = [one for one in landing.catalogues() if one.landed_at <= publication["known_at"]]
    row = {
        "publication_id": publication["publication_id"],
        "as_of_us": instant_us(publication["as_of"]),
        "known_at_us": instant_us(publication["known_at"]),
        "catalogue_load_id": by_then[-1].load_id if by_then else None,
        "catalogue_hash": publication["catalogue_hash"],
        "catalogue_tables_hash": by_then[-1].manifest["tables_hash"] if by_then else None,
        "code_version": publication["code_version"],
    }
    tables["publication"] = pa.Table.from_pylist([row], schema=_without_landed("publication"))
    said = row | {name: publication[name].isoformat() for name in ("as_of", "known_at")}
    return landing.land_publication(tables, {name: said[name] for name in said if not name.endswith("_us")})


def publications(home: Home) -> list[dict[str, Any]]:
    """What was published, the oldest first: what a replay of each needs."""
    names = ("publication_id", "as_of", "known_at", "code_version", "catalogue_load_id")
    return [{name: one[name] for name in names} for one in Landing(home).publications()]


def show_publications(history: list[dict[str, Any]], console: Console) -> None:
    """For people."""
    shown = table("Published", "publication", "--as-of", "--known-at", "version", "catalogue")
    for one in history:
        shown.add_row(
            one["publication_id"], one["as_of"], one["known_at"], one["code_version"], one["catalogue_load_id"] or "–"
        )
    console.print(shown)


def make_empty_files(home: Home) -> None:
    """Files of no rows, so that the models find one of each before anything was published."""
    folder = home.landing / PUBLICATION / "_none"
    for name, schema in SCHEMAS.items():
        file = folder / f"{name}.parquet"
        with suppress(OSError, pa.ArrowInvalid):
            if pq.read_schema(file).equals(schema):
                continue
        folder.mkdir(parents=True, exist_ok=True)
        temporary = folder / f".{name}"
        pq.write_table(schema.empty_table(), temporary, compression="zstd")
        temporary.replace(file)


def _has_figures(con: duckdb.DuckDBPyConnection) -> bool:
    found = con.execute("SELECT schema_name || '.' || table_name FROM duckdb_tables()").fetchall()
    return {(name,) for name in PUBLISHED_AS.values()} <= set(found)


def _read(con: duckdb.DuckDBPyConnection, name: str) -> pa.Table:
    schema = _without_landed(name)
    return (
        con.execute(f"SELECT {', '.join(schema.names)} FROM {PUBLISHED_AS[name]} ORDER BY ALL")
        .to_arrow_table()
        .cast(schema)
    )


def _without_landed(name: str) -> pa.Schema:
    return pa.schema([field for field in SCHEMAS[name] if field.name not in LANDED])
