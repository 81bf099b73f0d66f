"""The warehouse's own models, one by one in DuckDB with the SQL that dbt compiles: what each of them costs.

``python -m tests.benchmark.working_time.models HOME`` starts where the hand-written SQL starts, at the accepted rows
and the catalogue, and ends where it ends, at a narrow table ``run_state``; the wide ``fct_run`` is made after that.
dbt's own start and its tests are no part of the figures; the statements are the very ones that it sends.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from pipelines.home import Home
from pipelines.landing import Landing
from pipelines.warehouse import PROJECT, WAREHOUSE, WORK, memory_limit
from pipelines.zones import instant_us
from tests.benchmark.measure import measured
from tests.benchmark.synthesize import AS_OF

# What the hand-written SQL answers too; an uncommitted run has no answer.
RUN_STATE = """
    create table run_state as
    select
        run_id,
        case when is_committed then elapsed_us end as elapsed_us,
        case when is_committed then paused_us end as paused_us,
        commitment_due_us,
        tolerance_due_us,
        commitment_left_us,
        tolerance_left_us,
        case
            when is_committed
                then {{ state('reported_status', 'elapsed_us', 'commitment_limit_us', 'tolerance_limit_us') }}
        end as state
    from {{ ref('int_run_due') }}
"""
# Where the runs are as they stood and the calendars laid out: what comes after is working time.
SPANS = ("int_node_run", "int_process_run")


@dataclass(frozen=True)
class Model:
    """A compiled model: where it goes, what it reads, and its SQL."""

    name: str
    relation: str
    is_table: bool
    sql: str
    reads: tuple[str, ...]


def compiled(variables: Mapping[str, Any]) -> dict[str, Model]:
    """Return every model of the warehouse by name, what is read before what reads it."""
    models = {
        result.node.name: Model(
            name=result.node.name,
            relation=result.node.relation_name,
            is_table=result.node.config.materialized == "table",
            sql=result.node.compiled_code,
            reads=tuple(name.rsplit(".", 1)[1] for name in result.node.depends_on.nodes),
        )
        for result in _compile(["--select", "resource_type:model"], variables)
    }
    return models


def compiled_sql(sql: str) -> str:
    """Return a statement of the benchmark in which the warehouse's macros are filled in."""
    return next(iter(_compile(["--inline", sql], {}))).node.compiled_code


def read_by(models: Mapping[str, Model], wanted: Iterable[str]) -> list[Model]:
    """Return ``wanted`` and all that they read, directly or not, in the order in which they can be made."""
    needed = set(wanted)
    for name in reversed(models):
        if name in needed:
            needed.update(models[name].reads)
    return [model for name, model in models.items() if name in needed]


def connect(folder: Path) -> duckdb.DuckDBPyConnection:
    """Open a warehouse of its own in ``folder``, with the settings of the daily build."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in (WAREHOUSE, WORK):
        (folder / name).unlink(missing_ok=True)
    database = duckdb.connect(folder / WAREHOUSE, config={"storage_compatibility_version": "v1.2.0"})
    database.execute(f"attach '{folder / WORK}' as work")
    for setting in (
        "TimeZone = 'UTC'",
        "threads = 2",
        f"memory_limit = '{memory_limit() // 1024**2}MiB'",
        f"temp_directory = '{folder / 'spill'}'",
        "preserve_insertion_order = false",
        "enable_progress_bar = false",
    ):
        database.execute(f"set {setting}")
    return database


def make(database: duckdb.DuckDBPyConnection, model: Model) -> None:
    """Make a model's table or view."""
    schema = model.relation.rsplit(".", 1)[0]
    database.execute(f"create schema if not exists {schema}")
    database.execute(f"create {'table' if model.is_table else 'view'} {model.relation} as {model.sql}")


def _compile(arguments: list[str], variables: Mapping[str, Any]) -> Any:
    from dbt.adapters.factory import reset_adapters
    from dbt.cli.main import dbtRunner

    with tempfile.TemporaryDirectory() as folder:
        # The names of the files are those of the databases in the compiled SQL.
        os.environ["COMMITMENTS_WAREHOUSE"] = str(Path(folder) / WAREHOUSE)
        os.environ["COMMITMENTS_WORK"] = str(Path(folder) / WORK)
        answer = dbtRunner().invoke(
            [
                *("compile", *arguments, "--vars", json.dumps(dict(variables))),
                *("--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT)),
                *("--target-path", folder, "--log-path", folder, "--log-level", "none"),
                "--no-version-check",
            ]
        )
        reset_adapters()
    if not answer.success:
        raise SystemExit(f"The models do not compile: {answer.exception or answer.result}")
    return answer.result.results


def variables(home: Path) -> dict[str, Any]:
    """Return what the models are told of a home whose catalogue has landed."""
    landed = Landing(Home(home)).latest_catalogue()
    if landed is None:
        raise SystemExit(f"{home}: its catalogue has not landed")
    return {
        "as_of_us": instant_us(AS_OF),
        "accepted_path": str(home / "accepted"),
        "quarantine_path": str(home / "quarantine"),
        "catalogue_path": str(landed.folder),
    }


def compute(database: duckdb.DuckDBPyConnection, home: Path) -> None:
    """Make the table ``run_state`` of a home's accepted rows, then ``fct_run``; say what each table on the way cost."""
    models, run_state = compiled(variables(home)), compiled_sql(RUN_STATE)
    spans = read_by(models, SPANS)
    judged = read_by(models, ["int_run_due"])
    for model in judged:
        part = "spans" if model in spans else "working time"
        with measured(f"{part}: {model.name}") if model.is_table else nullcontext():
            make(database, model)
    with measured("working time: run_state"):
        database.execute(run_state)
    with measured("wide: fct_run"):
        for model in read_by(models, ["fct_run"]):
            if model not in judged:
                make(database, model)


def main() -> None:
    """Compute as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("home", type=Path)
    home = parser.parse_args().home.resolve()
    with connect(home / "benchmark" / "models") as database:
        compute(database, home)


if __name__ == "__main__":
    main()
