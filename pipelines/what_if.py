"""What a commitment would have come to under other terms: its review window judged again, by the models of a build.

The runs are the published ones of the commitment, and all that depends on its terms is made anew in memory: nothing of
the home is written, and no source is read.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipelines import warehouse
from pipelines.catalogue import Calendar, Catalogue, Commitment, Organisation
from pipelines.catalogue.commitments import ROUND_THE_CLOCK
from pipelines.catalogue.limits import limit_of
from pipelines.catalogue.reading import suggest
from pipelines.catalogue.tables import catalogue_tables
from pipelines.conform import literal
from pipelines.errors import UserError
from pipelines.home import Home
from pipelines.landing import Landing
from pipelines.published import open_published, rows
from pipelines.zones import instant_us

# What the terms of a commitment decide, from its limits to its review; the rest of a build is as it was.
REVIEWED = ("int_reviewed_run", "int_commitment_reviewed", "int_run_penalised")
MODELS = (
    *("int_day_period", "int_review_window", "int_calendar_slot", "int_working_slot", "int_run_limit"),
    *("int_run_pause_worked", "int_run_paused", "int_run_elapsed", "int_run_due", "fct_run"),
    *REVIEWED,
)

# Of what else fct_run reads nothing concerns a commitment: whether a source is stale, what waits in quarantine.
LEFT_OUT = {
    "source_freshness": "source_system VARCHAR, is_stale BOOLEAN",
    "quarantine": (
        "source_system VARCHAR, entity VARCHAR, work_order_id VARCHAR, process VARCHAR, released_at TIMESTAMPTZ"
    ),
    "int_node_run": "process VARCHAR, work_order_id VARCHAR, source_system VARCHAR",
    "int_process_run": "process VARCHAR, work_order_id VARCHAR",
}

CHANGED = """
    SELECT
        before.work_order_id, before.visit, before.run_id, before.department, before.started_at, before.ended_at,
        coalesce(before.state, 'uncommitted') AS state_before, coalesce(after.state, 'uncommitted') AS state_after,
        before.elapsed_seconds AS elapsed_seconds_before, after.elapsed_seconds AS elapsed_seconds_after,
        before.commitment_due_at AS commitment_due_at_before, after.commitment_due_at AS commitment_due_at_after,
        before.tolerance_due_at AS tolerance_due_at_before, after.tolerance_due_at AS tolerance_due_at_after
    FROM before JOIN after USING (run_id) CROSS JOIN review
    WHERE coalesce(before.state, '') <> coalesce(after.state, '')
      AND (before.commitment_due_on >= window_start AND before.commitment_due_on < window_end
           OR after.commitment_due_on >= window_start AND after.commitment_due_on < window_end)
    ORDER BY state_before, state_after, before.started_at, before.work_order_id, before.visit"""

ROWS_SHOWN = 10


@dataclass(frozen=True)
class Asked:
    """The terms that are tried; None: as they are."""

    commitment_limit: str | None = None
    tolerance_limit: str | None = None
    calendar: str | None = None


def what_if(
    home: Home, commitment_id: str, asked: Asked, csv: Path | None = None, *, overwrite: bool = False
) -> dict[str, Any]:
    """Judge the review window of a commitment under other terms.

    Returns the terms, the review and the penalties ``before`` and ``after``, how many runs would be in another state
    (``changed``), and the first of them; ``csv`` gets them all. UserError says what is wrong with terms or home.
    """
    if csv is not None and csv.exists() and not overwrite:
        raise UserError(f"--csv {csv}: the file is there already; name another, or add --overwrite.")
    with open_published(home) as con:
        [publication] = rows(con, "SELECT as_of, catalogue_hash, currency FROM marts.publication")
    content = _catalogue(home, publication)
    present = _commitment(content, commitment_id)
    tried = _tried(present, asked, set(content["calendars"]) | {ROUND_THE_CLOCK})
    models = _models(home, instant_us(publication["as_of"]))
    with _engine(home, content, tried) as con:
        _run_models(con, [model for model in models if model.name in {"int_day_period", "int_review_window"}])
        con.execute("CREATE VIEW review AS FROM work.intermediate.int_review_window")
        [window] = rows(con, "SELECT window_start, window_end FROM review")
        reviewed = [model for model in models if model.name in REVIEWED]
        con.execute("CREATE TABLE before AS FROM published.marts.fct_run WHERE commitment_id = ?", [commitment_id])
        con.execute("CREATE VIEW warehouse.marts.fct_run AS FROM memory.before")
        before = _review(con, reviewed)
        con.execute("DROP VIEW warehouse.marts.fct_run")
        _run_models(con, [model for model in models if model.name not in REVIEWED])
        con.execute("CREATE VIEW after AS FROM warehouse.marts.fct_run")
        after = _review(con, reviewed)
        changed = rows(
            con,
            f"SELECT state_before, state_after, count(*) AS runs FROM ({CHANGED}) GROUP BY ALL ORDER BY 3 DESC, 1, 2",
        )
        first = rows(con, f"{CHANGED} LIMIT {ROWS_SHOWN}")
        if csv is not None:
            _write(con, csv)
    return {
        "commitment_id": commitment_id,
        "as_of": publication["as_of"],
        **window,
        "currency": publication["currency"],
        "before": _terms(present) | before,
        "after": _terms(tried) | after,
        "changed": changed,
        "changed_runs": sum(row["runs"] for row in changed),
        "first_changed": first,
    }


def show_what_if(found: Mapping[str, Any], console: Console) -> None:
    """For people."""
    last = found["window_end"]
    console.print(
        Text(
            f"{found['commitment_id']}, runs that fell due from {found['window_start']} to before {last}", style="bold"
        )
    )
    table = Table(box=None, pad_edge=False)
    for heading, justify in (("", "left"), ("as committed", "right"), ("what if", "right")):
        table.add_column(heading, justify=justify)  # type: ignore[arg-type]
    sides = (found["before"], found["after"])
    for name, said in (
        ("commitment limit", lambda side: side["commitment_limit"]),
        ("tolerance limit", lambda side: side["tolerance_limit"]),
        ("calendar", lambda side: side["calendar"]),
        ("kept of due", lambda side: f"{side['kept']:,} of {side['due']:,}"),
        ("achievement", lambda side: _rate(side["achievement_rate"])),
        ("95 % interval", lambda side: f"{_rate(side['rate_low'])} to {_rate(side['rate_high'])}"),
        ("tolerated of due", lambda side: f"{side['tolerated']:,} of {side['tolerance_due']:,}"),
        ("recommendation", lambda side: side["recommendation"].replace("_", " ")),
        ("breaches", lambda side: f"{side['breaches']:,}"),
        (f"penalties, {found['currency']}", lambda side: f"{side['penalty']:,.2f}"),
    ):
        table.add_row(name, *(said(side) for side in sides))
    console.print(table)
    console.print()
    if not found["changed"]:
        console.print("No run would be in another state.")
        return
    console.print(f"{found['changed_runs']:,} runs would be in another state:")
    for row in found["changed"]:
        console.print(Text(f"  {row['runs']:>9,}  {row['state_before']} → {row['state_after']}"))
    shown = [f"{row['work_order_id']} ({row['state_after']})" for row in found["first_changed"]]
    console.print(Text(f"  first: {', '.join(shown)}"))


# --- the terms ----------------------------------------------------------------------------------------------------


def _catalogue(home: Home, publication: Mapping[str, Any]) -> dict[str, Any]:
    """The catalogue by which the published runs were judged, as it landed."""
    batches = [one for one in Landing(home).catalogues() if one.hash == publication["catalogue_hash"]]
    if not batches:
        raise UserError(
            f"{home.landing}: the catalogue that the published warehouse was judged by is not there; "
            "`commitments run` publishes by today's."
        )
    content: dict[str, Any] = json.loads((batches[-1].folder / "catalogue.json").read_text(encoding="utf-8"))
    return content


def _commitment(content: Mapping[str, Any], commitment_id: str) -> Commitment:
    by_id = {one["commitment_id"]: one for one in content["commitments"]}
    if commitment_id not in by_id:
        raise UserError(
            f"{commitment_id}: no commitment of the catalogue is called so; {suggest(commitment_id, by_id)}"
        )
    return Commitment.model_validate(by_id[commitment_id])


def _tried(present: Commitment, asked: Asked, calendars: set[str]) -> Commitment:
    """The commitment with the terms that are tried, after the checks that its file would go through."""
    wanted = {name: value for name, value in vars(asked).items() if value is not None}
    if not wanted:
        raise UserError("what-if needs --commitment-limit, --tolerance-limit or --calendar: what to try.")
    tried = present.model_copy(update=wanted)
    if tried.calendar not in calendars:
        raise UserError(f"--calendar {tried.calendar}: is no calendar; {suggest(tried.calendar, calendars)}")
    limits = {}
    for name in ("commitment_limit", "tolerance_limit"):
        text = getattr(tried, name)
        try:
            limits[name] = limit_of(text)
        except ValueError as problem:
            raise UserError(f"--{name.replace('_', '-')} '{text}' {problem}") from None
        if limits[name].has_days and tried.calendar != ROUND_THE_CLOCK:
            raise UserError(
                f"--{name.replace('_', '-')} '{text}' counts days, and a day of calendar '{tried.calendar}' is not "
                "24 hours; write working hours with h, or working days with wd"
            )
    if limits["tolerance_limit"].is_below(limits["commitment_limit"]):
        raise UserError(
            f"the tolerance limit of {tried.tolerance_limit} is below the commitment limit of "
            f"{tried.commitment_limit}; give --tolerance-limit too, as long or longer"
        )
    return tried


def _terms(commitment: Commitment) -> dict[str, str]:
    return {name: getattr(commitment, name) for name in ("commitment_limit", "tolerance_limit", "calendar")}


# --- the models, over the runs of one commitment ------------------------------------------------------------------


@cache
def _models(home: Home, as_of_us: int) -> list[Any]:
    """Their SQL; to compile it takes longer than to run it."""
    with TemporaryDirectory() as folder:
        scratch = Home(Path(folder))
        warehouse.lend_parsed(home, scratch)
        return warehouse.compiled(scratch, {"as_of_us": as_of_us}, MODELS)


def _engine(home: Home, content: Mapping[str, Any], tried: Commitment) -> duckdb.DuckDBPyConnection:
    """A database in memory with what the models read: the catalogue with the terms that are tried, and the runs."""
    catalogue = Catalogue(
        organisation=Organisation.model_validate(content["organisation"]),
        sources={},
        processes={},
        commitments=(tried,),
        calendars={
            name: Calendar.model_validate(calendar)
            for name, calendar in content["calendars"].items()
            if name == tried.calendar
        },
    )
    con = duckdb.connect(config={"memory_limit": f"{warehouse.memory_limit() // 1024**2}MiB"})
    con.execute("SET TimeZone = 'UTC'")
    con.execute(f"ATTACH {literal(str(home.published / 'warehouse.duckdb'))} AS published (READ_ONLY)")
    for database in ("work", "warehouse"):
        con.execute(f"ATTACH ':memory:' AS {database}")
    for schema in ("work.staging", "work.intermediate", "warehouse.marts"):
        con.execute(f"CREATE SCHEMA {schema}")
    for name, columns in LEFT_OUT.items():
        schema = "work.intermediate" if name.startswith("int_") else "warehouse.marts"
        con.execute(f"CREATE TABLE {schema}.{name} ({columns})")
    for name, table in catalogue_tables(catalogue).items():
        con.register("landed", table)
        con.execute(f"CREATE TABLE work.staging.stg_{name} AS FROM landed")
        con.unregister("landed")
    con.execute(
        """
        CREATE TABLE work.intermediate.int_run_committed AS
        SELECT
            run.run_id, run.scope, run.source_system, run.work_order_id, run.process, run.node, run.visit, run.segment,
            run.service_level, run.location, run.priority, epoch_us(run.started_at) AS started_us,
            epoch_us(run.ended_at) AS ended_us, run.reported_status, epoch_us(run.promised_at) AS promised_us,
            epoch_us(run.changed_at) AS changed_us, run.work_order_url, run.is_end_estimated, run.department,
            run.position, run.process_name, run.node_name, run.node_order, true AS is_process_listed,
            true AS is_node_listed, run.commitment_id, term.calendar,
            term.commitment_limit_kind, term.commitment_limit_us AS commitment_term_us, term.commitment_limit_days,
            term.commitment_limit_clock, term.tolerance_limit_kind, term.tolerance_limit_us AS tolerance_term_us,
            term.tolerance_limit_days, term.tolerance_limit_clock
        FROM published.marts.fct_run AS run JOIN work.staging.stg_commitment AS term USING (commitment_id)
        """
    )
    con.execute(
        """
        CREATE TABLE work.intermediate.int_run_pause AS
        SELECT run_id, epoch_us(paused_from_at) AS from_us, epoch_us(paused_to_at) AS to_us
        FROM published.detail.pause SEMI JOIN work.intermediate.int_run_committed USING (run_id)
        """
    )
    return con


def _run_models(con: duckdb.DuckDBPyConnection, models: list[Any]) -> None:
    for model in models:
        kind = "TABLE" if model.config.materialized == "table" else "VIEW"
        con.execute(f"CREATE OR REPLACE {kind} {model.relation_name} AS {model.compiled_code}")


def _review(con: duckdb.DuckDBPyConnection, models: list[Any]) -> dict[str, Any]:
    """What the runs in ``fct_run`` come to in the window."""
    _run_models(con, models)
    [review] = rows(
        con,
        """
        SELECT
            coalesce(due, 0) AS due, coalesce(kept, 0) AS kept, achievement_rate, rate_low, rate_high,
            coalesce(tolerance_due, 0) AS tolerance_due, coalesce(tolerated, 0) AS tolerated, tolerance_rate,
            coalesce(recommendation, 'not_enough_data') AS recommendation
        FROM (SELECT 1) LEFT JOIN work.intermediate.int_commitment_reviewed ON true
        """,
    )
    [costs] = rows(
        con,
        """
        SELECT
            (SELECT count(*) FROM work.intermediate.int_reviewed_run WHERE NOT is_kept) AS breaches,
            coalesce(sum(penalty), 0)::DOUBLE AS penalty
        FROM work.intermediate.int_run_penalised CROSS JOIN review
        WHERE commitment_due_on >= window_start AND commitment_due_on < window_end
        """,
    )
    return review | costs


def _write(con: duckdb.DuckDBPyConnection, csv: Path) -> None:
    try:
        con.execute(f"COPY ({CHANGED}) TO {literal(str(csv.expanduser().absolute()))} (HEADER)")
    except (OSError, duckdb.IOException) as problem:
        raise UserError(f"--csv {csv}: cannot be written ({str(problem).splitlines()[0]}).") from None


def _rate(value: float | None) -> str:
    return "–" if value is None else f"{value:.2%}"
