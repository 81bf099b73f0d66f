"""The workflow engine: XES logs, a compressed file a month and process, exported every hour, times with offset.

A case appears in the file of every month in which something happened to it, so the files of past months rest.
"""

from __future__ import annotations

import gzip
from pathlib import Path
from xml.sax.saxutils import quoteattr

import numpy as np
import pandas as pd

from pipelines.sample_organisation.blemishes import blemish
from pipelines.sample_organisation.processes import people
from pipelines.sample_organisation.staff_hours import NEVER
from pipelines.sample_organisation.systems import hourly, local_month, local_text, put, seen
from pipelines.sample_organisation.world import World

_SETTLEMENT = {"calculate": "Calculate commission", "check": "Check statement", "dispute": "Settle dispute"}
_COMPLAINT = {
    "receive": "Complaint received",
    "investigate": "Investigation finished",
    "decide": "Decision taken",
    "correct": "Bill corrected",
    "reply": "Reply sent",
}
_SETTLEMENT_MISTAKES = ["unreadable time", "no activity"]
_COMPLAINT_MISTAKES = ["no case", "unreadable time"]

_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<log xes.version="1.0" xes.features="" xmlns="http://www.xes-standard.org/">
<extension name="Concept" prefix="concept" uri="http://www.xes-standard.org/concept.xesext"/>
<extension name="Lifecycle" prefix="lifecycle" uri="http://www.xes-standard.org/lifecycle.xesext"/>
<extension name="Time" prefix="time" uri="http://www.xes-standard.org/time.xesext"/>
<extension name="Organizational" prefix="org" uri="http://www.xes-standard.org/org.xesext"/>
"""


def settlement_events(world: World) -> pd.DataFrame:
    """Starts and completes; a statement that is withdrawn says so instead of completing."""
    view = hourly(world)
    rows = seen(world, "commission_settlement", list(_SETTLEMENT), view)
    wrong = blemish(rows, _SETTLEMENT_MISTAKES, "workflow settlement", world.seed, view, every_months=2, is_log=True)
    cancelled = rows["is_cancelled"].to_numpy()
    activity = rows["node"].map(_SETTLEMENT)
    starts = _events(rows, rows["started"], activity, "start", "calc", 7)
    ends = _events(rows, rows["ended"], np.where(cancelled, "Statement withdrawn", activity), "complete", "calc", 7)
    _spoil(ends, wrong.kind)
    return _in_order([starts, ends], view)


def complaint_events(world: World) -> pd.DataFrame:
    """One event as each node is left."""
    view = hourly(world)
    rows = seen(world, "billing_complaint", list(_COMPLAINT), view)
    wrong = blemish(rows, _COMPLAINT_MISTAKES, "workflow complaint", world.seed, view, every_months=2, is_log=True)
    cancelled = rows["is_cancelled"].to_numpy()
    activity = np.where(cancelled, "Complaint withdrawn", rows["node"].map(_COMPLAINT))
    events = _events(rows, rows["ended"], activity, "complete", "bill", 5)
    _spoil(events, wrong.kind)
    return _in_order([events], view)


def write(world: World, folder: Path) -> int:
    """Write both logs."""
    events = 0
    for name, log in (("settlement", settlement_events(world)), ("complaint", complaint_events(world))):
        files = {f"{name}_{month}.xes.gz": _log(rows) for month, rows in log.groupby("month")}
        put(folder, files, f"{name}_*.xes.gz")
        events += len(log)
    return events


def _events(
    rows: pd.DataFrame, at: pd.Series, activity: np.ndarray | pd.Series, lifecycle: str, desk: str, desk_size: int
) -> pd.DataFrame:
    instants = at.to_numpy()
    known = np.where(instants < NEVER, instants, 0)
    return pd.DataFrame(
        {
            "case": rows["order_no"],
            "activity": np.asarray(activity, dtype=object),
            "lifecycle": lifecycle,
            "time": local_text(known, "%Y-%m-%dT%H:%M:%S.000+08:00"),
            "resource": people(desk, desk_size, rows["row"].to_numpy() // 16),
            "segment": rows["segment"],
            "district": rows["location"],
            "customer": rows["customer"],
            "at": instants,
            "row": rows["row"],
            "month": local_month(known),
        }
    )


def _spoil(events: pd.DataFrame, kind: np.ndarray) -> None:
    events.loc[kind == "unreadable time", "time"] = "0000-00-00T00:00:00"
    events.loc[kind == "no activity", "activity"] = ""
    events.loc[kind == "no case", "case"] = ""


def _in_order(parts: list[pd.DataFrame], view: int) -> pd.DataFrame:
    events = pd.concat(parts, ignore_index=True)
    # Stable: a start and a complete in the same second stay in this order.
    return events[events["at"] <= view].sort_values(["at", "row"], kind="stable", ignore_index=True)


def _log(events: pd.DataFrame) -> bytes:
    parts = [_HEAD]
    # A case is where its first event is; cases without a number are a trace of their own, as the engine writes them.
    for case, trace in events.groupby("case", sort=False):
        first = trace.iloc[0]
        parts.append("<trace>\n")
        parts.extend(
            f"<string key={quoteattr(key)} value={quoteattr(value)}/>\n"
            for key, value in (
                ("concept:name", case),
                ("customer_class", first["segment"]),
                ("district", first["district"]),
                ("customer", first["customer"]),
            )
            if value
        )
        columns = (trace[name].tolist() for name in ("activity", "lifecycle", "time", "resource"))
        for activity, lifecycle, time, resource in zip(*columns, strict=True):
            name = f"<string key='concept:name' value={quoteattr(activity)}/>" if activity else ""
            parts.append(
                f"<event>{name}<string key='lifecycle:transition' value='{lifecycle}'/>"
                f"<date key='time:timestamp' value='{time}'/><string key='org:resource' value='{resource}'/></event>\n"
            )
        parts.append("</trace>\n")
    parts.append("</log>\n")
    # No name and no time in the header of the archive: the same events are the same bytes.
    return gzip.compress("".join(parts).encode(), compresslevel=6, mtime=0)
