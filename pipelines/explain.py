"""Why a work order stands as it does, from the published warehouse alone."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipelines.catalogue.commitments import ROUND_THE_CLOCK
from pipelines.catalogue.limits import limit_of
from pipelines.errors import UserError
from pipelines.home import Home
from pipelines.outcome import table
from pipelines.published import business_time_zone, open_published, rows

QUALIFIERS = ("segment", "service_level", "location", "priority")
LIMITS = ("commitment", "tolerance")

# Of a long run the first and the last working intervals say enough.
INTERVALS_SHOWN = 3


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
            run["limits"] = {limit: _converted(con, run, limit) for limit in LIMITS} if run["state"] else {}
            run["calendar_versions"] = _versions(con, run)
            run["clock_changes"] = _clock_changes(con, run)
            run["working_intervals"] = _working_intervals(con, run)
            run["pauses"] = rows(
                con,
                """
                SELECT paused_from_at, paused_to_at, is_open, paused_seconds FROM detail.pause
                WHERE run_id = ? ORDER BY paused_from_at
                """,
                [run["run_id"]],
            )
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
                SELECT role, source_system, entity, load_id, row_number FROM detail.run_source_row
                WHERE run_id = ? ORDER BY role DESC, source_system, entity, load_id, row_number
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
        before = None
        for name, said in _facts(run, zone):
            facts.add_row("" if name == before else name, Text(said))
            before = name
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


def _converted(con: duckdb.DuckDBPyConnection, run: dict[str, Any], limit: str) -> dict[str, Any]:
    """How a limit became working seconds of this run: what was written, and the instant that it stands for, if any."""
    written = run["commitment"][f"{limit}_limit"]
    found = {"written": written, "seconds": run[f"{limit}_limit_seconds"], "stands_for": None}
    parsed = limit_of(written)
    if parsed.kind == "promised":
        found["stands_for"] = run["promised_at"]
    elif parsed.kind == "working_days":
        [day] = rows(
            con,
            """
            SELECT due.due_at
            FROM detail.working_day AS due
            WHERE due.calendar = ? AND due.clock = ? AND due.working_day = ? + (
                SELECT coalesce(max(working_day), -1) FROM detail.working_day
                WHERE calendar = due.calendar AND clock = '' AND from_at <= ?
            )
            """,
            [run["calendar"], parsed.clock, parsed.days, run["started_at"]],
        )
        found["stands_for"] = day["due_at"]
    return found


def _versions(con: duckdb.DuckDBPyConnection, run: dict[str, Any]) -> list[dict[str, Any]]:
    """The versions of the calendar that held at some instant of the run."""
    return rows(
        con,
        """
        SELECT version, valid_from, valid_to, time_zone, description FROM detail.calendar_version
        WHERE calendar = ? AND coalesce(valid_from <= ?, true) AND coalesce(valid_to > ?, true) ORDER BY version
        """,
        [run["calendar"], _until(run), run["started_at"]],
    )


def _clock_changes(con: duckdb.DuckDBPyConnection, run: dict[str, Any]) -> list[dict[str, Any]]:
    """Changes of the calendar's clocks within the run, or before it is due."""
    last = max(at for at in (_until(run), run["commitment_due_at"], run["tolerance_due_at"]) if at is not None)
    zones = sorted({version["time_zone"] for version in run["calendar_versions"]})
    return rows(
        con,
        """
        SELECT time_zone, changed_at, offset_after_seconds - offset_before_seconds AS forward_seconds
        FROM detail.zone_change
        WHERE list_contains(?, time_zone) AND changed_at > ? AND changed_at <= ? ORDER BY changed_at, time_zone
        """,
        [zones, run["started_at"], last],
    )


def _working_intervals(con: duckdb.DuckDBPyConnection, run: dict[str, Any]) -> dict[str, Any]:
    """The working intervals within the run, pauses not taken out: all of a short one, both ends of a long one."""
    start, until = run["started_at"], _until(run)
    if run["calendar"] == ROUND_THE_CLOCK:
        found = [{"from_at": start, "to_at": until}] if start < until else []
    else:
        found = rows(
            con,
            """
            SELECT greatest(from_at, ?) AS from_at, least(to_at, ?) AS to_at FROM detail.calendar_interval
            WHERE calendar = ? AND from_at < ? AND to_at > ? ORDER BY from_at
            """,
            [start, until, run["calendar"], until, start],
        )
    for interval in found:
        interval["seconds"] = (interval["to_at"] - interval["from_at"]) / timedelta(seconds=1)
    is_long = len(found) > 2 * INTERVALS_SHOWN
    return {
        "count": len(found),
        "seconds": sum(interval["seconds"] for interval in found),
        "first": found[:INTERVALS_SHOWN] if is_long else found,
        "last": found[-INTERVALS_SHOWN:] if is_long else [],
    }


def _until(run: dict[str, Any]) -> datetime:
    return run["ended_at"] or run["as_of"]


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
    facts.append(("commitment", f"{run['commitment_id']}, {_why(run)}"))
    if not run["state"]:
        return facts
    clocks = ZoneInfo(run["calendar_versions"][-1]["time_zone"])
    facts += [
        ("limit", _limit(run, "commitment", clocks)),
        ("tolerance", _limit(run, "tolerance", clocks)),
        *(("calendar", said) for said in _calendar(run, clocks)),
        *(("worked", said) for said in _worked(run, clocks)),
        *(("paused", said) for said in _paused(run, clocks)),
        ("elapsed", _elapsed(run)),
        ("due", _due(run, "commitment", zone)),
        ("tolerated until", _due(run, "tolerance", zone)),
    ]
    return facts


def _limit(run: dict[str, Any], limit: str, clocks: ZoneInfo) -> str:
    converted = run["limits"][limit]
    said = f"{duration(converted['seconds'])} of working time"
    parsed = limit_of(converted["written"])
    if parsed.kind == "promised":
        to = f"the promise, {_at(converted['stands_for'], clocks)}"
        added = f", and {duration((parsed.us or 0) / 1e6)} more" if parsed.us else ""
        said += f" ({converted['written']}: from the start to {to}{added})"
    elif parsed.kind == "working_days":
        said += (
            f" ({converted['written']}: from the start to {parsed.clock or 'the closing'} of {_nth(parsed.days or 0)} "
            f"working day after it, {_at(converted['stands_for'], clocks)} {clocks})"
        )
    if limit == "tolerance" and converted["seconds"] == run["commitment_limit_seconds"]:
        said += ", no more than the commitment"
    return said


def _nth(number: int) -> str:
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"the {number}{ending}"


def _calendar(run: dict[str, Any], clocks: ZoneInfo) -> list[str]:
    several = len(run["calendar_versions"]) > 1
    lines = [
        f"{run['calendar']}, version {version['version']}"
        + (
            f" from {_at(max(version['valid_from'], run['started_at']), clocks)}"
            if several and version["valid_from"]
            else ""
        )
        + f": {version['description']} ({version['time_zone']})"
        for version in run["calendar_versions"]
    ]
    return lines + [
        f"the clocks of {change['time_zone']} went {'forward' if change['forward_seconds'] > 0 else 'back'} by "
        f"{duration(abs(change['forward_seconds']))} at {_at(change['changed_at'], clocks)}"
        for change in run["clock_changes"]
    ]


def _worked(run: dict[str, Any], clocks: ZoneInfo) -> list[str]:
    intervals = run["working_intervals"]
    if not intervals["count"]:
        return ["no working time between start and end"]
    lines = [f"{_span(one, clocks)}: {duration(one['seconds'])}" for one in intervals["first"]]
    if intervals["last"]:
        left = intervals["count"] - len(intervals["first"]) - len(intervals["last"])
        shown = sum(one["seconds"] for one in [*intervals["first"], *intervals["last"]])
        lines.append(f"… {left:,} more intervals: {duration(intervals['seconds'] - shown)}")
        lines += [f"{_span(one, clocks)}: {duration(one['seconds'])}" for one in intervals["last"]]
    return lines


def _span(interval: dict[str, Any], clocks: ZoneInfo) -> str:
    return f"{_at(interval['from_at'], clocks)} to {_at(interval['to_at'], clocks)} {clocks}"


def _paused(run: dict[str, Any], clocks: ZoneInfo) -> list[str]:
    return [
        f"{_at(pause['paused_from_at'], clocks)} to "
        f"{'now, still open' if pause['is_open'] else _at(pause['paused_to_at'], clocks)}: "
        f"{duration(pause['paused_seconds'])} of working time"
        for pause in run["pauses"]
    ]


def _due(run: dict[str, Any], limit: str, zone: ZoneInfo) -> str:
    at = run[f"{limit}_due_at"]
    if at is not None:
        return _at(at, zone)
    is_waiting = any(pause["is_open"] for pause in run["pauses"])
    return "not known before the open pause ends" if is_waiting else "beyond the horizon of the calendar"


def _why(run: dict[str, Any]) -> str:
    commitment = run["commitment"]
    where = f"process {run['process']}" + (f", node {run['node']}" if run["node"] else "")
    qualifiers = [f"{name.replace('_', ' ')} {commitment[name]}" for name in QUALIFIERS if commitment.get(name)]
    others = [other["commitment_id"] for other in run["other_commitments"]]
    said = (
        "matched by "
        + ", ".join([where, *qualifiers])
        + ("" if qualifiers else ", for any segment, service level, location, priority")
    )
    if not others:
        return f"{said}; no other could have"
    many = "1 other" if len(others) == 1 else f"{len(others)} others"
    return f"{said}; {many} could have, less closely: {', '.join(others)}"


def _elapsed(run: dict[str, Any]) -> str:
    said = duration(run["elapsed_seconds"])
    if run["pauses"]:
        worked = run["working_intervals"]["seconds"]
        said += f" ({duration(worked)} worked, less {duration(run['paused_seconds'])} of pauses)"
    over = run["commitment_overrun_seconds"]
    if over is not None and over > 0:
        return f"{said}, {duration(over)} over the limit"
    if run["limit_used_share"] is not None:
        return f"{said}, {run['limit_used_share']:.0%} of the limit"
    return said


def _sources(run: dict[str, Any]) -> str:
    places = [
        f"{'pause: ' if row['role'] == 'pause' else ''}{row['source_system']}.{row['entity']} row {row['row_number']} "
        f"of {row['load_id']}"
        for row in run["rows"]
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
