"""The network department's small ticketing tool: one SQLite file, a line a change of status, Unix times."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import numpy as np
import pandas as pd

from pipelines.sample_organisation.blemishes import blemish
from pipelines.sample_organisation.chance import shuffle
from pipelines.sample_organisation.processes import people
from pipelines.sample_organisation.staff_hours import DAY, NEVER
from pipelines.sample_organisation.systems import seen
from pipelines.sample_organisation.voice import outages
from pipelines.sample_organisation.world import World

_STATUSES = {
    "triage": "Triage",
    "diagnose": "Diagnosis",
    "vendor": "With vendor",
    "repair": "Repair",
    "night_works": "Night works",
    "verify": "Verification",
}
# While a customer is asked, nobody else can go on; a status of the tool, but no node of the process.
_WAITING = "Waiting for customer"
_MISTAKES = ["no time", "no ticket", "milliseconds", "no status"]


def changes(world: World) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The tickets and their changes of status, numbered in the order in which they happened."""
    view = world.now
    rows = seen(world, "fault_repair", list(_STATUSES), view)
    wrong = blemish(rows, _MISTAKES, "ticketing", world.seed, view, is_log=True)
    status = rows["node"].map(_STATUSES).to_numpy(dtype=object)
    status[_sent_to_the_laboratory(rows, world.seed)] = "Laboratory"
    begun = pd.DataFrame(
        {
            "row": rows["row"],
            "ticket_no": rows["order_no"],
            "status": status,
            "changed_at": rows["started"],
            "wrong": wrong.kind,
            "at": rows["started"],
        }
    )
    last = rows.sort_values("row").groupby("order").tail(1)
    gone = last[last["ended"] < NEVER]
    closings = pd.DataFrame(
        {
            "row": gone["row"] + 1,
            "ticket_no": gone["order_no"],
            "status": np.where(gone["is_cancelled"], "Withdrawn", "Closed"),
            "changed_at": gone["ended"],
            "wrong": "",
            "at": gone["ended"],
        }
    )
    # A ticket that comes back was closed before, at the moment that ended its last step.
    came_back = rows[rows["started"] > rows["closed"]].sort_values("row").groupby("order").head(1)
    early = pd.DataFrame(
        {
            "row": came_back["row"] - 1,
            "ticket_no": came_back["order_no"],
            "status": "Closed",
            "changed_at": came_back["closed"],
            "wrong": "",
            "at": came_back["closed"],
        }
    )
    lines = pd.concat([begun, closings, early, *_waits(begun, rows, world.seed)])
    lines = lines.sort_values(["at", "row"], ignore_index=True)
    # Numbered over the future too: a number never changes once given.
    lines.insert(0, "change_id", np.arange(1, len(lines) + 1))
    lines = lines[lines["at"] <= view].astype({"changed_at": object})
    lines["changed_by"] = people("noc", 9, lines["change_id"].to_numpy())
    tickets = rows[rows["is_seen"]].groupby("order", sort=False).head(1)
    tickets = tickets[["order_no", "segment", "priority", "location", "customer"]]

    lines.loc[lines["wrong"] == "no time", "changed_at"] = "n/a"
    lines.loc[lines["wrong"] == "no ticket", "ticket_no"] = None
    milliseconds = lines["wrong"] == "milliseconds"
    lines.loc[milliseconds, "changed_at"] = lines.loc[milliseconds, "changed_at"] * 1000
    lines.loc[lines["wrong"] == "no status", "status"] = None
    return tickets, lines[["change_id", "ticket_no", "status", "changed_at", "changed_by"]]


def write(world: World, path: Path) -> int:
    """Write the file anew beside the old one, and swap it in."""
    tickets, lines = changes(world)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.unfinished")
    unfinished.unlink(missing_ok=True)
    database = sqlite3.connect(unfinished)
    database.executescript(
        """
        create table ticket (ticket_no text primary key, class text, priority text, district text, customer text);
        create table status_change (
            change_id integer primary key, ticket_no text, status text, changed_at, changed_by text
        );
        create table outage (outage_id integer primary key, system text, down integer, up integer, announced integer);
        """
    )
    database.executemany("insert into ticket values (?, ?, ?, ?, ?)", tickets.itertuples(index=False, name=None))
    database.executemany(
        "insert into status_change values (?, ?, ?, ?, ?)",
        zip(*(lines[name].tolist() for name in lines.columns), strict=True),
    )
    log = outages(world)
    database.executemany("insert into outage values (?, ?, ?, ?, ?)", log.itertuples(index=False, name=None))
    database.commit()
    database.close()
    os.replace(unfinished, path)
    return len(lines) + len(log)


def _waits(begun: pd.DataFrame, rows: pd.DataFrame, seed: int) -> list[pd.DataFrame]:
    """Every sixth diagnosis asks the customer something, a third of the way, and goes on with the answer."""
    took = (rows["ended"] - rows["started"]).where(rows["ended"] < NEVER, 0)
    asks = (shuffle(seed, "asks", rows["row"].to_numpy()) % np.uint64(6) == 0) & (rows["node"] == "diagnose").to_numpy()
    asks &= (took > 1800).to_numpy() & (begun["wrong"] == "").to_numpy()
    asked, answered = begun[asks].copy(), begun[asks].copy()
    asked["status"] = _WAITING
    for lines, share in ((asked, 0.34), (answered, 0.6)):
        lines["at"] = lines["changed_at"] = (lines["at"] + (took[asks] * share)).astype("int64")
    return [asked, answered]


def _sent_to_the_laboratory(rows: pd.DataFrame, seed: int) -> np.ndarray:
    """A single visit to the vendor was called by a name that no catalogue lists."""
    is_vendor = (rows["node"] == "vendor").to_numpy() & (rows["ended"] < NEVER).to_numpy()
    first_month = rows["started"].to_numpy() < rows["started"].min() + 60 * DAY
    candidates = np.flatnonzero(is_vendor & first_month)
    order = shuffle(seed, "laboratory", rows["row"].to_numpy()[candidates])
    return candidates[np.argsort(order)[:1]]
