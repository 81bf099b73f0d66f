"""The real SQL of the working-time models over made-up homes, in one process and in memory: many homes a minute.

The dbt project is compiled once. A home is laid out by the catalogue's own code into tables that stand where the
staging models would, so what is tested is the catalogue in Python and the models in SQL together, without files.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import pyarrow as pa
from reference import Calendar

from pipelines import warehouse
from pipelines.catalogue import Calendar as CatalogueCalendar
from pipelines.catalogue import CalendarVersion as CatalogueVersion
from pipelines.catalogue import Catalogue, Commitment, Node, Organisation, Owner, Process
from pipelines.catalogue.tables import catalogue_tables
from pipelines.conform import CANONICAL
from pipelines.gate import DECISION, QUARANTINED, RELEASE
from pipelines.home import Home

WANTED = ("fct_run", "fct_state_interval")
# Compiled in place of the instant, so that it can be found and made a variable of the session.
AS_OF_US = 1_234_567_890_123_456
DAY_S = 86_400
TYPES = {
    "VARCHAR": pa.string(),
    "BIGINT": pa.int64(),
    "INTEGER": pa.int32(),
    "DOUBLE": pa.float64(),
    "BOOLEAN": pa.bool_(),
    "DECIMAL(38, 6)": pa.decimal128(38, 6),
}


@dataclass(frozen=True)
class Promise:
    """A commitment for one node of the one process, or for the whole of it where the node is null."""

    node: str | None
    calendar: str
    commitment_limit: str
    tolerance_limit: str


@dataclass(frozen=True)
class Run:
    """A delivered run; a node that is null stands for the whole passage, an end that is null for none yet."""

    work_order_id: str
    node: str | None
    started_us: int
    ended_us: int | None = None
    status: str = "completed"
    promised_us: int | None = None


@dataclass(frozen=True)
class Pause:
    """A delivered pause; a node that is null stands for the whole work order, an end that is null for an open one."""

    work_order_id: str
    node: str | None
    started_us: int
    ended_us: int | None = None


@dataclass(frozen=True)
class MadeUpHome:
    """What a home holds, as far as working time goes."""

    calendars: Sequence[Calendar]
    promises: Sequence[Promise]
    runs: Sequence[Run]
    as_of_us: int
    pauses: Sequence[Pause] = ()
    business_time_zone: str = "UTC"
    final_nodes: frozenset[str] = field(default_factory=frozenset)


class Engine:
    """A database in memory with every model that ``fct_run`` and ``fct_state_interval`` are made from."""

    def __init__(self) -> None:
        """Compile the project and make its schemas."""
        self._con = duckdb.connect(config={"threads": 1})
        for database in ("work", "warehouse"):
            self._con.execute(f"ATTACH ':memory:' AS {database}")
        for schema in ("work.staging", "work.intermediate", "warehouse.marts", "warehouse.detail"):
            self._con.execute(f"CREATE SCHEMA {schema}")
        self._con.execute("SET TimeZone = 'UTC'")
        self._models = compiled(*WANTED)
        self._has_views = False

    def build(self, home: MadeUpHome) -> Engine:
        """Judge the runs of a home; what was there before is replaced."""
        self._con.execute(f"SET VARIABLE as_of_us = {home.as_of_us}")
        tables = {f"stg_{name}": table for name, table in catalogue_tables(_catalogue(home)).items()}
        tables |= _delivered(home)
        for model in self._models:
            if model.name in tables:
                made_up = tables[model.name]
                self._con.register("made_up", made_up)
                self._con.execute(f"CREATE OR REPLACE TABLE {model.relation_name} AS SELECT * FROM made_up")
                self._con.unregister("made_up")
            elif model.config.materialized == "table":
                sql = _with_variable(model.compiled_code)
                self._con.execute(f"CREATE OR REPLACE TABLE {model.relation_name} AS {sql}")
            elif not self._has_views:
                sql = _with_variable(model.compiled_code)
                self._con.execute(f"CREATE VIEW {model.relation_name} AS {sql}")
        self._has_views = True
        return self

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """Ask the marts of the home that was built last."""
        answer = self._con.execute(sql)
        names = [column[0] for column in answer.description or []]
        return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]


@cache
def engine() -> Engine:
    """Return the one engine of this process: what it costs to compile is paid once."""
    return Engine()


@cache
def compiled(*wanted: str) -> list[Any]:
    """Return the models that those wanted are made from, and these, each after those it reads."""
    with TemporaryDirectory() as folder:
        return warehouse.compiled(Home(Path(folder)), {"as_of_us": AS_OF_US}, [f"+{name}" for name in wanted])


def _with_variable(sql: str) -> str:
    return sql.replace(str(AS_OF_US), "getvariable('as_of_us')")


# ---------------------------------------------------------------- a home as tables


def _delivered(home: MadeUpHome) -> dict[str, pa.Table]:
    """Return the accepted rows of every shape."""
    rows: dict[str, list[dict[str, object]]] = {shape: [] for shape in CANONICAL}
    rows["runs"] = [
        {
            "run_id": f"{run.work_order_id}|{run.node or ''}|{number}",
            "work_order_id": run.work_order_id,
            "node": run.node,
            "started_us": run.started_us,
            "ended_us": run.ended_us,
            "reported_status": run.status,
            "promised_us": run.promised_us,
        }
        for number, run in enumerate(home.runs)
    ]
    rows["pauses"] = [
        {
            "work_order_id": pause.work_order_id,
            "node": pause.node,
            "started_us": pause.started_us,
            "ended_us": pause.ended_us,
        }
        for pause in home.pauses
    ]
    made_up = {f"stg_{shape}": _canonical(shape, delivered) for shape, delivered in rows.items()}
    # Nothing was ever held or quarantined.
    of_the_gate = {"decision": DECISION, "quarantine": QUARANTINED, "quarantine_release": RELEASE}
    return made_up | {f"stg_{name}": _schema(columns).empty_table() for name, columns in of_the_gate.items()}


def _schema(columns: Mapping[str, str]) -> pa.Schema:
    return pa.schema({name: TYPES[kind] for name, kind in columns.items()})


def _canonical(shape: str, delivered: Iterable[dict[str, object]]) -> pa.Table:
    schema = _schema(CANONICAL[shape])
    rows = [
        {
            "source_system": "made_up",
            "entity": shape,
            "load_id": "1",
            "landed_us": 0,
            "row_number": number,
            "key_hash": f"{shape}-{number}",
            "version": 1,
            "first_load_id": "1",
            "first_row_number": number,
            "process": "process",
            **row,
        }
        for number, row in enumerate(delivered)
    ]
    return pa.Table.from_pylist(rows, schema=schema)


def _catalogue(home: MadeUpHome) -> Catalogue:
    owner = (Owner(department="department", position="position"),)
    nodes = dict.fromkeys(promise.node for promise in home.promises if promise.node is not None)
    nodes |= dict.fromkeys(run.node for run in home.runs if run.node is not None)
    return Catalogue(
        organisation=Organisation(name="Made up", business_time_zone=home.business_time_zone, currency="EUR"),
        sources={},
        processes={
            "process": Process(
                process="process",
                name="Process",
                owners=owner,
                nodes=tuple(Node(node=node, name=node, owners=owner, final=node in home.final_nodes) for node in nodes),
            )
        },
        commitments=tuple(
            Commitment(
                commitment_id=f"K{number}",
                process="process",
                node=promise.node,
                calendar=promise.calendar,
                commitment_limit=promise.commitment_limit,
                tolerance_limit=promise.tolerance_limit,
            )
            for number, promise in enumerate(home.promises)
        ),
        calendars={calendar.name: _calendar(calendar) for calendar in home.calendars},
    )


def _calendar(calendar: Calendar) -> CatalogueCalendar:
    def windows(pairs: Sequence[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
        # The catalogue's reader does the same with an end that is on the next day.
        return tuple((start, end if end > start else end + DAY_S) for start, end in pairs)

    return CatalogueCalendar(
        name=calendar.name,
        time_zone=calendar.time_zone,
        horizon_from=calendar.horizon_from,
        horizon_to=calendar.horizon_to,
        versions=tuple(
            CatalogueVersion(
                valid_from_us=version.valid_from_us,
                valid_to_us=version.valid_to_us,
                time_zone=version.time_zone,
                hours={day: windows(pairs) for day, pairs in version.hours.items()},
                holidays=version.holidays,
                exceptions={day: windows(pairs) for day, pairs in version.exceptions.items()},
                closures=tuple(version.closures),
            )
            for version in calendar.versions
        ),
    )
