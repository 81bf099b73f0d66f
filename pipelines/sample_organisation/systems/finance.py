"""The finance department's drop folder: a workbook a month, saved at noon and at six on working days."""

from __future__ import annotations

import datetime as dt
import io
from pathlib import Path

import numpy as np
import pandas as pd
import xlsxwriter

from pipelines.sample_organisation.blemishes import blemish
from pipelines.sample_organisation.staff_hours import DAY, NEVER, local_day
from pipelines.sample_organisation.systems import local_month, local_stamps, put, seen
from pipelines.sample_organisation.world import World

_MISTAKES = ["note instead of a date", "approved before received", "negative amount", "pasted twice", "no statement"]
_TIMES = ["Received", "Approved", "Due", "Paid", "Last change"]
_DAYS_TO_PAY = 10


def saved_at(world: World) -> int:
    """When the department last saved its workbook: at the end of a morning or an afternoon in the office."""
    ends = world.staff.office.end
    return int(ends[max(int(np.searchsorted(ends, world.now, side="right")) - 1, 0)])


def payments(world: World) -> pd.DataFrame:
    """The rows that the workbooks have now, `month` aside; one a statement."""
    view = saved_at(world)
    approve = seen(world, "commission_settlement", ["approve"], view)
    pay = seen(world, "commission_settlement", ["pay"], view).set_index("order").reindex(approve["order"])
    wrong = blemish(approve, _MISTAKES, "finance", world.seed, view)

    received, approved = approve["started"].to_numpy(), approve["ended"].to_numpy()
    is_approved = approve["is_ended"].to_numpy()
    has_gone = is_approved & pay["is_ended"].fillna(False).to_numpy(dtype=bool)
    is_void = has_gone & pay["is_cancelled"].fillna(False).to_numpy(dtype=bool)
    gone = pay["ended"].fillna(NEVER).to_numpy(dtype=np.int64)
    status = np.select([is_void, has_gone, is_approved], ["Void", "Paid", "Approved"], "Received").astype(object)
    changed = np.where(has_gone, gone, np.where(is_approved, approved, received))
    table = pd.DataFrame(
        {
            "Statement no": approve["order_no"],
            "Dealer": approve["customer"],
            "Class": approve["segment"].str.title(),
            "District": approve["location"],
            "Amount": approve["amount"],
            "Received": _stamps(received, approve["is_seen"].to_numpy()),
            "Approved": _stamps(approved, is_approved),
            "Due": _stamps((local_day(received) + _DAYS_TO_PAY) * DAY + 10 * 3600, approve["is_seen"].to_numpy()),
            "Paid": _stamps(gone, has_gone & ~is_void),
            "Status": status,
            "Last change": _stamps(changed, approve["is_seen"].to_numpy()),
            "month": local_month(received),
        }
    ).astype(dict.fromkeys(_TIMES, object))
    table.loc[wrong.of("note instead of a date"), "Approved"] = "see e-mail"
    turned = wrong.of("approved before received")
    table.loc[turned, ["Received", "Approved"]] = table.loc[turned, ["Approved", "Received"]].to_numpy()
    table.loc[wrong.of("negative amount"), "Amount"] *= -1
    table.loc[wrong.of("no statement"), "Statement no"] = None
    times = np.where(wrong.of("pasted twice"), 2, 1) * approve["is_seen"].to_numpy()
    return table.loc[np.repeat(np.arange(len(table)), times)].reset_index(drop=True)


def write(world: World, folder: Path) -> int:
    """Write a workbook a month, by the month in which the statement was received."""
    table = payments(world)
    files = {
        f"payments_{month}.xlsx": _workbook(rows.drop(columns="month"), str(month))
        for month, rows in table.groupby("month")
    }
    put(folder, files, "payments_*.xlsx")
    return len(table)


def _stamps(instants: np.ndarray, where: np.ndarray) -> np.ndarray:
    # People type minutes.
    return np.where(where, local_stamps(np.where(where, instants // 60 * 60, 0)), np.datetime64("NaT"))


def _workbook(rows: pd.DataFrame, month: str) -> bytes:
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True})
    # The same rows must be the same bytes, or every file would look changed every day.
    book.set_properties({"title": f"Payments {month}", "created": dt.datetime(2025, 1, 1)})
    sheet = book.add_worksheet("Payments")
    bold = book.add_format({"bold": True})
    time = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
    money = book.add_format({"num_format": "#,##0.00"})
    sheet.write_row(0, 0, list(rows.columns), bold)
    sheet.set_column(0, len(rows.columns) - 1, 17)
    sheet.freeze_panes(1, 0)
    for column, name in enumerate(rows.columns):
        for row, value in enumerate(rows[name].tolist(), start=1):
            if value is None or value is pd.NaT or value != value:
                continue
            if isinstance(value, dt.datetime):
                sheet.write_datetime(row, column, value, time)
            elif name == "Amount":
                sheet.write_number(row, column, value, money)
            else:
                sheet.write_string(row, column, value)
    book.close()
    return buffer.getvalue()
