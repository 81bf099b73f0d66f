"""The first pull, tried in a home that is thrown away: the real catalogue reader, the real gate, the real models."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import pyarrow as pa

from pipelines.catalogue import Catalogue, read_catalogue
from pipelines.catalogue.commitments import COLUMNS
from pipelines.conform import literal
from pipelines.home import Home
from pipelines.landing import Landing
from pipelines.sources import Pulled

RUNS_SHOWN = 6
FIRST_RUNS = """
    SELECT work_order_id, process, node, visit, make_timestamp(started_us) AS started_at,
        make_timestamp(ended_us) AS ended_at, reported_status
    FROM runs
    WHERE source_system = $source AND entity = $entity
    ORDER BY min(started_us) OVER (PARTITION BY process, work_order_id), process, work_order_id, started_us, ended_us
    LIMIT $runs
"""
FIRST_PAUSES = """
    SELECT work_order_id, process, node, NULL AS visit, make_timestamp(started_us) AS started_at,
        make_timestamp(ended_us) AS ended_at, 'pause' AS reported_status
    FROM runs ORDER BY started_us LIMIT $runs
"""


@dataclass
class Tried:
    """What the first pull of an entity would give; counts are of the rows looked at."""

    rows: int = 0
    accepted: int = 0
    quarantined: int = 0
    duplicates: int = 0
    held: str | None = None
    broken: dict[str, int] = field(default_factory=dict)
    examples: dict[str, dict[str, Any]] = field(default_factory=dict)
    """A row by the rule that stopped it: its detail, and what the source gave."""
    runs: int = 0
    first_runs: list[dict[str, Any]] = field(default_factory=list)


@contextmanager
def scratch_home(files: Mapping[str, str]) -> Iterator[Home]:
    """A home of a catalogue of just these files, beside what every catalogue needs."""
    with TemporaryDirectory(prefix="commitments-") as folder:
        home = Home(Path(folder))
        home.catalogue.mkdir()
        needed = {"commitments.csv": ",".join(COLUMNS) + "\n", "calendars.yml": "calendars: {}\n"}
        for name, text in {**needed, **files}.items():
            (home.catalogue / name).write_text(text, encoding="utf-8")
        yield home


def checked(home: Home) -> Catalogue:
    """The catalogue of a home, or all that is wrong with it."""
    return read_catalogue(home)


def try_first_pull(home: Home, catalogue: Catalogue, source: str, samples: Mapping[str, pa.Table]) -> dict[str, Tried]:
    """Land the samples as if they had been pulled, judge them, and build their runs."""
    from pipelines.gate import judge
    from pipelines.run import Daily, quiet_logs

    declared = catalogue.sources[source]
    tried: dict[str, Tried] = {}
    with quiet_logs(home):
        daily = Daily(home, catalogue)
        daily.land_catalogue()
        for name, rows in samples.items():
            pulled = Pulled(mode="whole", batches=iter(rows.to_batches()), origin="a sample")
            Landing(home).land(source, name, pulled, datetime.now(UTC))
            verdict = judge(home, declared, declared.entities[name], daily.as_of)
            decision = verdict.judged[0]
            tried[name] = Tried(
                rows=decision.pulled,
                accepted=decision.accepted,
                quarantined=decision.quarantined,
                duplicates=decision.duplicates,
                held=decision.reason,
                broken=dict(verdict.broken.most_common()),
                examples=_examples(home, source, name),
            )
        if any(declared.entities[name].shape != "pauses" and one.accepted for name, one in tried.items()):
            daily.build(["+int_node_run"])
        for name, one in tried.items():
            if one.accepted:
                one.runs, one.first_runs = _first_runs(home, source, name, declared.entities[name].shape)
    return tried


def _examples(home: Home, source: str, entity: str) -> dict[str, dict[str, Any]]:
    files = [str(file) for file in (home.quarantine / "row" / source / entity).glob("*.parquet")]
    if not files:
        return {}
    with duckdb.connect() as con:
        found = con.execute(
            'SELECT rule, arg_min(detail, row_number), arg_min("row", row_number) '
            f"FROM read_parquet([{', '.join(map(literal, files))}], hive_partitioning = false) GROUP BY rule"
        ).fetchall()
    return {rule: {"detail": detail, "row": json.loads(row)} for rule, detail, row in found}


def _first_runs(home: Home, source: str, entity: str, shape: str) -> tuple[int, list[dict[str, Any]]]:
    from pipelines.warehouse import WORK

    with duckdb.connect() as con:
        if shape == "pauses":
            files = home.accepted / "pauses" / source / entity / "*.parquet"
            con.execute(f"CREATE VIEW runs AS FROM read_parquet({literal(str(files))}, hive_partitioning = false)")
            sql, parameters = FIRST_PAUSES, {"runs": RUNS_SHOWN}
            count = con.execute("SELECT count(*) FROM runs").fetchone()
        else:
            con.execute(f"ATTACH {literal(str(home.warehouse / WORK))} AS work (READ_ONLY)")
            con.execute("CREATE VIEW runs AS FROM work.intermediate.int_node_run")
            sql, parameters = FIRST_RUNS, {"runs": RUNS_SHOWN, "source": source, "entity": entity}
            count = con.execute(
                "SELECT count(*) FROM runs WHERE source_system = ? AND entity = ?", [source, entity]
            ).fetchone()
        rows = con.execute(sql, parameters)
        names = [column[0] for column in rows.description]
        return (count or (0,))[0], [dict(zip(names, row, strict=True)) for row in rows.fetchall()]
