"""The same states and monthly achievement in pandas, as somebody who knows pandas well would write them.

``python -m tests.benchmark.pandas_reference HOME``; working time by ``np.searchsorted`` in whole columns. With
``--row-by-row`` the working time is a function applied to each row, as most scripts do it; the rest stays the same.
"""

from __future__ import annotations

import argparse
import bisect
from collections.abc import Callable
from datetime import datetime
from glob import glob
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipelines.zones import instant_us

from .measure import measured
from .staged import accepted_runs, catalogue_frames
from .synthesize import AS_OF

COLUMNS = ["run_id", "work_order_id", "process", "node", "segment", "started_us", "ended_us", "reported_status"]
STATES = [
    "completed_normal",
    "completed_acceptable",
    "completed_warning",
    "in_progress_normal",
    "in_progress_acceptable",
    "in_progress_warning",
    "cancelled",
]
GRAIN = ["scope", "process", "node", "month"]
NEVER = 2**62  # a float holds it exactly, as it does the microseconds of our times

Micros = npt.NDArray[np.int64]
LookUp = Callable[[pd.DataFrame, Micros], Micros]


def spans(runs: pd.DataFrame, node: pd.DataFrame, as_of: int) -> pd.DataFrame:
    """Return node runs as they stood at ``as_of``, and the process runs made of them."""
    runs = runs[runs["started_us"] < as_of].copy()
    runs["status"] = runs["reported_status"].where(runs["ended_us"] < as_of, "in_progress")
    # An end that never comes is later than all others: one integer column without nulls.
    runs["ended_us"] = runs["ended_us"].where(runs["ended_us"] < as_of).fillna(NEVER).astype("int64")
    runs["scope"] = "node"

    ordered = runs.merge(node, on=["process", "node"], how="left")
    ordered = ordered.sort_values(["started_us", "ended_us", "node_order"])
    ordered["has_arrived"] = ordered["is_final"].eq(True) & ordered["status"].eq("completed")
    passage = ordered.groupby(["work_order_id", "process"], sort=False).agg(
        segment=("segment", "first"),
        started_us=("started_us", "min"),
        ended_us=("ended_us", "max"),
        has_arrived=("has_arrived", "max"),
        last_status=("status", "last"),
    )
    passage = passage.reset_index()
    passage["status"] = np.select(
        [passage["ended_us"] == NEVER, passage["has_arrived"], passage["last_status"] == "cancelled"],
        ["in_progress", "completed", "cancelled"],
        "in_progress",
    )
    passage["ended_us"] = passage["ended_us"].where(passage["status"] != "in_progress", NEVER)
    passage = passage.assign(scope="process", node="", run_id=passage["work_order_id"] + "/" + passage["process"])
    wanted = ["run_id", "scope", "process", "node", "segment", "started_us", "ended_us", "status"]
    return pd.concat([runs[wanted], passage[wanted]], ignore_index=True)


def committed(spans: pd.DataFrame, commitment: pd.DataFrame) -> pd.DataFrame:
    """Give every span the most specific commitment in force at its start."""
    keys = spans[["process", "node", "segment", "started_us"]].reset_index(names="row")
    candidates = keys.merge(commitment, on=["process", "node"], suffixes=("", "_wanted"))
    candidates = candidates[
        candidates["segment_wanted"].isin([""]) | (candidates["segment_wanted"] == candidates["segment"])
    ]
    candidates = candidates[
        (candidates["started_us"] >= candidates["valid_from_us"])
        & (candidates["started_us"] < candidates["valid_to_us"])
    ]
    candidates = candidates.sort_values("segment_wanted").drop_duplicates("row", keep="last").set_index("row")
    return spans.join(candidates[["calendar", "commitment_limit_us", "tolerance_limit_us"]])


def worked_by_column(interval: pd.DataFrame, instants: Micros) -> Micros:
    """Return the working time of one calendar up to each instant."""
    starts = interval["from_us"].to_numpy()
    row = np.searchsorted(starts, instants, side="right") - 1
    worked = interval["before_us"].to_numpy()[row] - starts[row]
    return worked + np.minimum(instants, interval["to_us"].to_numpy()[row])


def reached_by_column(interval: pd.DataFrame, targets: Micros) -> Micros:
    """Return the earliest instant at which one calendar has worked each target."""
    before = interval["before_us"].to_numpy()
    row = np.searchsorted(before, targets, side="left") - 1
    return interval["from_us"].to_numpy()[row] + targets - before[row]


def worked_by_row(interval: pd.DataFrame, instants: Micros) -> Micros:
    """Answer as ``worked_by_column`` does, one row after the other."""
    starts, ends, before = (interval[column].tolist() for column in ("from_us", "to_us", "before_us"))

    def worked(instant: int) -> int:
        row = bisect.bisect_right(starts, instant) - 1
        return before[row] + min(instant, ends[row]) - starts[row]

    return pd.Series(instants).apply(worked).to_numpy()


def reached_by_row(interval: pd.DataFrame, targets: Micros) -> Micros:
    """Answer as ``reached_by_column`` does, one row after the other."""
    starts, before = (interval[column].tolist() for column in ("from_us", "before_us"))

    def reached(target: int) -> int:
        row = bisect.bisect_left(before, target) - 1
        return starts[row] + target - before[row]

    return pd.Series(targets).apply(reached).to_numpy()


def judged(runs: pd.DataFrame, interval: pd.DataFrame, as_of: int, worked: LookUp, reached: LookUp) -> pd.DataFrame:
    """Add working time, deadline and state; null where nothing was committed."""
    calendars = dict(list(interval.groupby("calendar")))
    until = np.minimum(runs["ended_us"].to_numpy(), as_of)
    started, limit = runs["started_us"].to_numpy(), runs["commitment_limit_us"].fillna(0).to_numpy().astype(np.int64)
    at_start, at_end, due = (np.zeros(len(runs), dtype=np.int64) for _ in range(3))
    for name, rows in runs.groupby("calendar").indices.items():
        at_start[rows] = worked(calendars[name], started[rows])
        at_end[rows] = worked(calendars[name], until[rows])
        due[rows] = reached(calendars[name], at_start[rows] + limit[rows])
    runs = runs.assign(worked_at_start_us=at_start, elapsed_us=at_end - at_start, commitment_due_us=due)
    runs["state"] = state(runs, runs["elapsed_us"], runs["status"])
    return runs


def state(runs: pd.DataFrame, elapsed: pd.Series, status: pd.Series) -> pd.Series:
    """Return the state at some elapsed time and status."""
    level = np.select(
        [elapsed > runs["tolerance_limit_us"], elapsed > runs["commitment_limit_us"]],
        ["_warning", "_acceptable"],
        "_normal",
    )
    states = (status + level).where(status != "cancelled", "cancelled")
    return states.where(runs["calendar"].notna())


def achievement(
    runs: pd.DataFrame, month: pd.DataFrame, interval: pd.DataFrame, as_of: int, worked: LookUp
) -> pd.DataFrame:
    """Count the runs of each month by their state at its end, those that fell due in it and those kept."""
    begins, ends = month["from_us"].to_numpy(), np.minimum(month["to_us"].to_numpy(), as_of)
    entered = np.searchsorted(begins, runs["started_us"], side="right") - 1
    gone = np.minimum(np.searchsorted(begins, runs["ended_us"], side="right") - 1, len(month) - 1)
    stays = gone - entered + 1
    present = runs.loc[runs.index.repeat(stays)].reset_index(drop=True)
    offset = np.arange(len(present)) - np.repeat(np.cumsum(stays) - stays, stays)
    present["n"] = np.repeat(entered, stays) + offset

    at_end = pd.concat(
        pd.DataFrame({"calendar": name, "n": range(len(ends)), "worked_us": worked(rows, ends)})
        for name, rows in interval.groupby("calendar")
    )
    present = present.merge(at_end, on=["calendar", "n"], how="left")
    is_over = present["ended_us"].to_numpy() < ends[present["n"]]
    standing = state(
        present,
        (present["worked_us"] - present["worked_at_start_us"]).where(~is_over, present["elapsed_us"]),
        present["status"].where(is_over, "in_progress"),
    )
    present["month"] = month["month"].to_numpy()[present["n"]]
    present["state"] = standing.fillna("uncommitted")
    stock = present.groupby([*GRAIN, "state"]).size().unstack("state", fill_value=0)
    stock = stock.reindex(columns=[*STATES, "uncommitted"], fill_value=0)
    stock.insert(0, "runs", stock.sum(axis=1))

    is_due = (
        runs["calendar"].notna()
        & (runs["commitment_due_us"] < as_of)
        & ((runs["status"] == "completed") | (runs["elapsed_us"] > runs["commitment_limit_us"]))
    )
    due = runs[is_due]
    due = due.assign(
        month=month["month"].to_numpy()[np.searchsorted(begins, due["commitment_due_us"], side="right") - 1],
        kept=due["state"] == "completed_normal",
    )
    flow = due.groupby(GRAIN)["kept"].agg(due="size", kept="sum")
    table = stock.join(flow, how="outer").fillna(0).astype("int64")
    table["achievement_rate"] = table["kept"] / table["due"].where(table["due"] > 0)
    return table.reset_index()


def compute(home: Path, *, row_by_row: bool = False, as_of: datetime = AS_OF) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return all runs with their states, and the achievement by month, of a home's accepted rows."""
    until = instant_us(as_of)
    frames = catalogue_frames(home)
    interval = frames["calendar_interval"]
    worked, reached = (worked_by_row, reached_by_row) if row_by_row else (worked_by_column, reached_by_column)
    with measured("  pandas read"):
        files = sorted(glob(accepted_runs(home)))
        runs = pd.concat((pd.read_parquet(file, columns=COLUMNS) for file in files), ignore_index=True)
    with measured("  pandas spans"):
        all_spans = spans(runs, frames["node"], until)
    with measured("  pandas commitments"):
        held = committed(all_spans, frames["commitment"])
    with measured("  pandas states"):
        states = judged(held, interval, until, worked, reached)
    with measured("  pandas achievement"):
        by_month = achievement(states, frames["month"], interval, until, worked)
    return states, by_month


def main() -> None:
    """Compute as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("home", type=Path)
    parser.add_argument("--row-by-row", action="store_true", help="working time by a function applied to each row")
    options = parser.parse_args()
    with measured("pandas, row by row" if options.row_by_row else "pandas"):
        compute(options.home, row_by_row=options.row_by_row)


if __name__ == "__main__":
    main()
