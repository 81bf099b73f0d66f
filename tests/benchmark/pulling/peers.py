"""The same pulls by pandas, dlt and pm4py into Parquet, and the source read with nothing made of it.

``python -m tests.benchmark.pulling.peers PEER KIND CONNECTION FOLDER`` in the environment of ``peers.txt``: it imports
nothing of this project but the measuring.
"""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from pathlib import Path
from urllib.request import urlopen

from ..measure import measured

PAGE = 1000


def pages(url: str) -> list[bytes]:
    """Every page of the interface, as it came."""
    found, offset = [], 0
    while True:
        with urlopen(f"{url}/steps?offset={offset}&limit={PAGE}") as answer:
            found.append(answer.read())
        offset += PAGE
        if offset >= json.loads(found[-1][:40].split(b",")[0] + b"}")["total"]:
            return found


def itself(kind: str, connection: str, folder: Path) -> None:
    """Read and forget."""
    if kind == "postgresql":
        import psycopg

        with psycopg.connect(connection) as con:
            con.execute("COPY steps TO '/dev/null'")
    elif kind == "sqlite":
        for _ in sqlite3.connect(connection.removeprefix("sqlite:///")).execute("SELECT * FROM steps"):
            pass
    elif kind == "api":
        pages(connection)
    else:
        files = sorted(Path(connection).glob("*.csv" if kind == "csv" else "*.xes"))
        subprocess.run(["wc", "-l", *files], check=True, stdout=subprocess.DEVNULL)


def with_pandas(kind: str, connection: str, folder: Path) -> None:
    """The line that everybody writes; a log as pm4py reads it."""
    import pandas as pd

    if kind in ("postgresql", "sqlite"):
        import sqlalchemy as sa

        frame = pd.read_sql("SELECT * FROM steps", sa.create_engine(connection))
    elif kind == "csv":
        # As landing keeps it: text, from which nothing is lost.
        frame = pd.concat(pd.read_csv(file, dtype=str) for file in sorted(Path(connection).glob("*.csv")))
    elif kind == "xes":
        import pm4py

        frame = pd.concat(pm4py.read_xes(str(file)) for file in sorted(Path(connection).glob("*.xes")))
    else:
        frame = pd.concat(pd.json_normalize(json.loads(page)["items"]) for page in pages(connection))
    frame.to_parquet(folder / "pandas.parquet")


def with_dlt(kind: str, connection: str, folder: Path) -> None:
    """Into Parquet files, with its own state of what was pulled."""
    import dlt

    pipeline = dlt.pipeline(
        kind,
        pipelines_dir=str(folder / "state"),
        destination=dlt.destinations.filesystem(bucket_url=(folder / "out").as_uri()),
        dataset_name="landing",
    )
    if kind in ("postgresql", "sqlite"):
        from dlt.sources.sql_database import sql_table

        since = dlt.sources.incremental("changed_at")
        asked = sql_table(credentials=connection, table="steps", backend="pyarrow", incremental=since)
    elif kind == "csv":
        from dlt.sources.filesystem import filesystem, read_csv

        since = dlt.sources.incremental("modification_date")
        files = filesystem(bucket_url=Path(connection).as_uri(), file_glob="*.csv", incremental=since)
        asked = (files | read_csv()).with_name("steps")
    else:
        from dlt.sources.rest_api import rest_api_source

        paging = {"type": "offset", "limit": PAGE, "total_path": "total"}
        since = {"since": {"type": "incremental", "cursor_path": "id", "initial_value": 0}}
        endpoint = {"path": "steps", "data_selector": "items", "paginator": paging, "params": since}
        asked = rest_api_source(
            {"client": {"base_url": connection}, "resources": [{"name": "steps", "endpoint": endpoint}]}
        )
    pipeline.run(asked, loader_file_format="parquet", write_disposition="append")


if __name__ == "__main__":
    peer, kind, connection, folder = sys.argv[1:]
    ways = {"itself": itself, "pandas": with_pandas, "dlt": with_dlt}
    Path(folder).mkdir(parents=True, exist_ok=True)
    with measured(kind):
        ways[peer](kind, connection, Path(folder))
