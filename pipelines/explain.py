"""Why a work order stands as it does, from the published warehouse alone."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipelines.errors import UserError
from pipelines.home import Home
from pipelines.outcome import table
from pipelines.published import business_time_zone, open_published, rows

QUALIFIERS = ("segment", "service_level", "location", "priority")


def explain_work_order(home: Home, work_order: str) -> dict[str, Any]:
    """Every run of a work order, the passages through whole processes first, each with all that decided its state."""
    with open_published(home) as con:
        runs = rows(
            con,
            """
            SELECT * FROM marts.fct_run WHERE work_order_id = ?
            ORDER BY process, scope = 'node', started_at, node_order, visit
            """,
            [work_order],
        )
        if not runs:
            raise UserError(_unknown(con, home, work_order))
        for run in runs:
            run["commitment"] = _commitment(con, run)
            run["other_commitments"] = _others(con, run)
            run["states"] = rows(
                con,
                """
                SELECT state, entered_at, left_at, is_projected FROM marts.fct_state_interval
                WHERE run_id = ? ORDER BY entered_at
                """,
                [run["run_id"]],
            )
            run["rows"] = rows(
                con,
                """
                SELECT source_system, entity, load_id, row_number FROM detail.run_source_row
                WHERE run_id = ? ORDER BY ALL
                """,
                [run["run_id"]],
            )
        return {
            "work_order_id": work_order,
            "business_time_zone": business_time_zone(con),
            "as_of": runs[0]["as_of"],
            "runs": runs,
        }


def show_explanation(explained: dict[str, Any], console: Console) -> None:
    """For people, in the business time zone."""
    zone = ZoneInfo(explained["business_time_zone"])
    console.print(
        Text(
            f"Work order {explained['work_order_id']} as of {_at(explained['as_of'], zone)} "
            f"{explained['business_time_zone']}"
        )
    )
    for run in explained["runs"]:
        console.print()
        console.print(Text(_title(run), style="bold"))
        facts = Table.grid(padding=(0, 2))
        facts.add_column(style="dim", no_wrap=True)
        facts.add_column(overflow="fold")
        for name, said in _facts(run, zone):
            facts.add_row(name, Text(said))
        console.print(facts)
        if run["states"]:
            console.print(_states(run, zone))


def _commitment(con: duckdb.DuckDBPyConnection, run: dict[str, Any]) -> dict[str, Any] | None:
    if run["commitment_id"] is None:
        return None
    [commitment] = rows(con, "SELECT * FROM marts.dim_commitment WHERE commitment_id = ?", [run["commitment_id"]])
    return commitment


def _others(con: duckdb.DuckDBPyConnection, run: dict[str, Any]) -> list[dict[str, Any]]:
    """Commitments that fit the run too, and gave way to one that fits it more closely."""
    where = ("process", "node", *QUALIFIERS)
    return rows(
        con,
        f"""
        SELECT commitment_id, specificity FROM detail.commitment_candidate
        WHERE {" AND ".join(f"{name} IS NOT DISTINCT FROM ?" for name in where)}
          AND coalesce(valid_from <= ?, true) AND coalesce(valid_to > ?, true) AND commitment_id IS DISTINCT FROM ?
        ORDER BY specificity DESC, commitment_id
        """,
        [*(run[name] for name in where), run["started_at"], run["started_at"], run["commitment_id"]],
    )


def _unknown(con: duckdb.DuckDBPyConnection, home: Home, work_order: str) -> str:
    like = rows(
        con,
        """
        SELECT DISTINCT work_order_id FROM marts.fct_run
        WHERE contains(lower(work_order_id), lower(?)) ORDER BY length(work_order_id), work_order_id LIMIT 3
        """,
        [work_order],
    )
    hint = f" Similar: {', '.join(row['work_order_id'] for row in like)}." if like else ""
    return (
        f"{home.published / 'warehouse.duckdb'}: no work order {work_order!r} has a run in it; numbers are as the "
        f"source writes them, after its work_order_prefix.{hint}"
    )


def _title(run: dict[str, Any]) -> str:
    process = run["process_name"] or run["process"]
    where = "the whole process" if run["scope"] == "process" else run["node_name"] or run["node"]
    again = f" (visit {run['visit']})" if (run["visit"] or 1) > 1 else ""
    return f"{process}: {where}{again}: {(run['state'] or 'uncommitted').replace('_', ' ')}"


def _facts(run: dict[str, Any], zone: ZoneInfo) -> list[tuple[str, str]]:
    estimated = " (estimated)" if run["is_end_estimated"] else ""
    facts = [
        ("owner", ", ".join(part for part in (run["department"], run["position"]) if part) or "nobody is named"),
        ("from", _at(run["started_at"], zone)),
        ("to", _at(run["ended_at"], zone) + estimated if run["ended_at"] else "still open"),
        ("source says", f"{run['reported_status'].replace('_', ' ')} ({_sources(run)})"),
    ]
    if run["commitment"] is None:
        return [*facts, ("not judged", run["uncommitted_reason"])]
    if run["uncommitted_reason"]:
        facts.append(("not judged", run["uncommitted_reason"]))
    facts += [
        (
            "commitment",
            f"{run['commitment_id']}: within {duration(run['commitment_limit_seconds'])}, tolerated up to "
            f"{duration(run['tolerance_limit_seconds'])}, in the working time of calendar {run['calendar']}",
        ),
        ("matched by", _why(run)),
        ("elapsed", _elapsed(run)),
        ("due", _at(run["commitment_due_at"], zone)),
        ("tolerated until", _at(run["tolerance_due_at"], zone)),
    ]
    return facts


def _why(run: dict[str, Any]) -> str:
    commitment = run["commitment"]
    where = f"process {run['process']}" + (f", node {run['node']}" if run["node"] else "")
    qualifiers = [f"{name.replace('_', ' ')} {commitment[name]}" for name in QUALIFIERS if commitment.get(name)]
    others = [other["commitment_id"] for other in run["other_commitments"]]
    said = ", ".join([where, *qualifiers]) + (
        "" if qualifiers else ", for any segment, service level, location, priority"
    )
    return said + (f"; closer than {', '.join(others)}" if others else "")


def _elapsed(run: dict[str, Any]) -> str:
    said = duration(run["elapsed_seconds"])
    if run["paused_seconds"]:
        said += f" (less {duration(run['paused_seconds'])} of pauses)"
    over = run["commitment_overrun_seconds"]
    if over is not None and over > 0:
        return f"{said}, {duration(over)} over the limit"
    if run["limit_used_share"] is not None:
        return f"{said}, {run['limit_used_share']:.0%} of the limit"
    return said


def _sources(run: dict[str, Any]) -> str:
    places = [
        f"{row['source_system']}.{row['entity']} row {row['row_number']} of {row['load_id']}" for row in run["rows"]
    ]
    if not places:
        return run["source_system"] or "derived from its nodes"
    return ", ".join(places[:3]) + (f" and {len(places) - 3} more" if len(places) > 3 else "")


def _states(run: dict[str, Any], zone: ZoneInfo) -> Table:
    shown = table("", "state", "after", "until", "")
    shown.title = None
    for state in run["states"]:
        shown.add_row(
            state["state"].replace("_", " "),
            _at(state["entered_at"], zone),
            _at(state["left_at"], zone) if state["left_at"] else "–",
            "if nothing happens before" if state["is_projected"] else "",
            style="dim" if state["is_projected"] else "",
        )
    return shown


def _at(instant: datetime | None, zone: ZoneInfo) -> str:
    return "–" if instant is None else f"{instant.astimezone(zone):%a %Y-%m-%d %H:%M:%S}"


def duration(seconds: float | None) -> str:
    """Working seconds as people say them: 1 h 30 min, never days, which are of different lengths."""
    if seconds is None:
        return "–"
    whole, rest = divmod(abs(seconds), 1)
    hours, minutes = divmod(int(whole) // 60, 60)
    parts = [f"{hours:,} h"] if hours else []
    if minutes or (not hours and not int(whole) % 60 and not rest):
        parts.append(f"{minutes} min")
    if int(whole) % 60 or rest:
        parts.append(f"{int(whole) % 60 + rest:.6g} s")
    return ("-" if seconds < 0 else "") + " ".join(parts)
