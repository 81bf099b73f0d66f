"""The contractors' field-service tool: a CSV file a month, exported every hour, local times to the minute."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from pipelines.sample_organisation.blemishes import blemish
from pipelines.sample_organisation.processes import people
from pipelines.sample_organisation.staff_hours import DAY, local_day
from pipelines.sample_organisation.systems import hourly, local_month, local_text, put, seen
from pipelines.sample_organisation.world import World

_TIME = "%d/%m/%Y %H:%M"
_TASKS = {"schedule": "Appointment", "install": "Installation"}
_DAYS_PROMISED = {"standard": 6, "express": 3}
_MISTAKES = ["unreadable time", "end before start", "no job number", "unknown result", "no end", "exported twice"]


def jobs(world: World) -> pd.DataFrame:
    """The rows that the export has now, `month` aside."""
    view = hourly(world)
    rows = seen(world, "broadband_installation", list(_TASKS), view)
    wrong = blemish(rows, _MISTAKES, "field_service", world.seed, view)
    ended, cancelled = rows["is_ended"].to_numpy(), rows["is_cancelled"].to_numpy()
    started_text = local_text(rows["started"].to_numpy(), _TIME)
    ended_text = np.where(ended, local_text(np.where(ended, rows["ended"], 0), _TIME), "")
    result = np.select([ended & cancelled, ended], ["CANCELLED", "DONE"], "IN WORK").astype(object)
    table = pd.DataFrame(
        {
            "Job": "J" + rows["row"].astype(str),
            "Order": rows["order_no"],
            "Task": rows["node"].map(_TASKS),
            "Customer class": rows["segment"].str.title(),
            "Service": rows["service_level"],
            "District": rows["location"],
            "Crew": people("crew", 14, rows["row"].to_numpy() // 16),
            "Begun": started_text,
            "Finished": ended_text,
            "Promised": local_text(promised(rows), _TIME),
            "Result": result,
            "month": local_month(rows["started"].to_numpy()),
        }
    )
    table.loc[wrong.of("unreadable time"), "Finished"] = "tomorrow morning"
    turned = wrong.of("end before start")
    table.loc[turned, ["Begun", "Finished"]] = table.loc[turned, ["Finished", "Begun"]].to_numpy()
    table.loc[wrong.of("no job number"), "Job"] = ""
    table.loc[wrong.of("unknown result"), "Result"] = "SEE NOTE"
    table.loc[wrong.of("no end"), "Finished"] = ""
    times = np.where(wrong.of("exported twice"), 2, 1) * rows["is_seen"].to_numpy()
    return table.loc[np.repeat(np.arange(len(table)), times)].reset_index(drop=True)


def promised(orders: pd.DataFrame) -> np.ndarray:
    """When the customer was told that the line would work: in the evening of some day (UTC seconds)."""
    day = local_day(orders["opened"].to_numpy()) + orders["service_level"].map(_DAYS_PROMISED).to_numpy()
    return day * DAY + 10 * 3600


def write(world: World, folder: Path) -> int:
    """Write a file a month, by the month in which the job began."""
    table = jobs(world)
    files = {
        f"jobs_{month}.csv": rows.drop(columns="month").to_csv(index=False, lineterminator="\r\n").encode()
        for month, rows in table.groupby("month")
    }
    put(folder, files, "jobs_*.csv")
    return len(table)
