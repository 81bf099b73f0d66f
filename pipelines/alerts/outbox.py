"""What is to be told and what was, in a SQLite file of the home that survives kills and rebuilds.

An alert is of a subject (a run, a source, a commitment's budget) and a trigger, whatever rule found it, however often;
a delivery is an alert on its way to one channel. Instants are microseconds since 1970 UTC.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from rich.console import Console

from pipelines.errors import UserError
from pipelines.home import Home
from pipelines.outcome import table
from pipelines.zones import instant_us

FILE, EXPORT = "outbox.sqlite", "alert.parquet"

TABLES = """
CREATE TABLE IF NOT EXISTS rule (rule TEXT PRIMARY KEY, since_us INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS alert (
    alert_id TEXT PRIMARY KEY, alert_trigger TEXT NOT NULL, subject TEXT NOT NULL,
    run_id TEXT, source_system TEXT, commitment_id TEXT, said TEXT NOT NULL,
    warn_us INTEGER NOT NULL, as_of_us INTEGER NOT NULL, noted_us INTEGER NOT NULL,
    acknowledged_us INTEGER, acknowledged_by TEXT, withdrawn_us INTEGER
);
CREATE TABLE IF NOT EXISTS delivery (
    alert_id TEXT NOT NULL REFERENCES alert, channel TEXT NOT NULL, rule TEXT NOT NULL,
    is_escalation INTEGER NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, next_us INTEGER NOT NULL,
    sent_us INTEGER, problem TEXT, PRIMARY KEY (alert_id, channel)
);
"""

EXPORTED = pa.schema(
    {
        **dict.fromkeys(
            ("alert_id", "rule", "alert_trigger", "channel", "run_id", "source_system", "commitment_id"), pa.string()
        ),
        "is_escalation": pa.bool_(),
        **dict.fromkeys(("warn_us", "noted_us", "as_of_us", "sent_us", "attempts"), pa.int64()),
        "sending_problem": pa.string(),
        "acknowledged_us": pa.int64(),
        "acknowledged_by": pa.string(),
        "withdrawn_us": pa.int64(),
    }
)

Row = dict[str, Any]


class Outbox:
    """The open file; every change is on disk when its method returns."""

    def __init__(self, con: sqlite3.Connection) -> None:
        """Use ``open_outbox``."""
        self._con = con

    def since(self, rules: Iterable[str], now_us: int) -> dict[str, int]:
        """From when on each rule tells: since it was first there, else it would begin with all of the past."""
        with self._con:
            self._con.executemany("INSERT OR IGNORE INTO rule VALUES (?, ?)", [(rule, now_us) for rule in rules])
        return dict(self._con.execute("SELECT rule, since_us FROM rule").fetchall())

    def note(self, alerts: Sequence[Row], deliveries: Sequence[Row]) -> int:
        """Note what is to be told, and to whom; how many alerts are new. What was noted before stays as it was.

        What was withdrawn is so again: it was never told, or not to everybody, and is told as it is now.
        """
        with self._con:
            self._con.executemany(
                "UPDATE alert SET withdrawn_us = NULL, said = :said, warn_us = :warn_us, as_of_us = :as_of_us "
                "WHERE alert_id = :alert_id AND withdrawn_us IS NOT NULL",
                alerts,
            )
            new = self._con.executemany(_insert("alert", alerts), alerts).rowcount
            self._con.executemany(_insert("delivery", deliveries), deliveries)
        return max(0, new)

    def waiting(self, now_us: int) -> list[Row]:
        """Deliveries that are due to be tried, with what they say, the oldest warning first."""
        return self._rows(
            "SELECT * FROM delivery JOIN alert USING (alert_id) "
            "WHERE sent_us IS NULL AND withdrawn_us IS NULL AND next_us <= ? ORDER BY warn_us, alert_id, channel",
            now_us,
        )

    def sent(self, deliveries: Iterable[Row], now_us: int) -> None:
        """Note that a channel took them."""
        self._update("SET sent_us = ?, attempts = attempts + 1, problem = NULL", deliveries, now_us)

    def failed(self, deliveries: Iterable[Row], problem: str, next_us: int) -> None:
        """Note that a channel did not, and when to try again."""
        self._update("SET problem = ?, next_us = ?, attempts = attempts + 1", deliveries, problem, next_us)

    def withdraw(self, alert_ids: Iterable[str], now_us: int) -> None:
        """Tell no more of what is no longer so."""
        with self._con:
            self._con.executemany(
                "UPDATE alert SET withdrawn_us = ? WHERE alert_id = ? AND withdrawn_us IS NULL",
                [(now_us, alert_id) for alert_id in alert_ids],
            )

    def unsent(self) -> list[Row]:
        """Alerts that are still on their way somewhere."""
        return self._rows(
            "SELECT * FROM alert WHERE withdrawn_us IS NULL AND alert_id IN "
            "(SELECT alert_id FROM delivery WHERE sent_us IS NULL)"
        )

    def unacknowledged(self) -> list[Row]:
        """What was sent and nobody took note of, each with the rule and when it was first sent."""
        return self._rows(
            "SELECT alert.*, rule, min(sent_us) AS sent_us FROM alert JOIN delivery USING (alert_id) "
            "WHERE acknowledged_us IS NULL AND withdrawn_us IS NULL AND sent_us IS NOT NULL AND NOT is_escalation "
            "GROUP BY alert_id, rule"
        )

    def acknowledge(self, alert_ids: Iterable[str], by: str, now_us: int) -> list[str]:
        """Note that somebody has taken note; the ids that there are no alerts of."""
        unknown = []
        with self._con:
            for alert_id in alert_ids:
                found = self._con.execute(
                    "UPDATE alert SET acknowledged_us = coalesce(acknowledged_us, ?), "
                    "acknowledged_by = coalesce(acknowledged_by, ?) WHERE alert_id = ?",
                    [now_us, by, alert_id],
                )
                if not found.rowcount:
                    unknown.append(alert_id)
        return unknown

    def all(self) -> list[Row]:
        """Every delivery with its alert, the newest first."""
        return self._rows(
            "SELECT * FROM delivery JOIN alert USING (alert_id) ORDER BY noted_us DESC, alert_id, channel"
        )

    def _update(self, change: str, deliveries: Iterable[Row], *values: Any) -> None:
        with self._con:
            self._con.executemany(
                f"UPDATE delivery {change} WHERE alert_id = ? AND channel = ?",
                [(*values, one["alert_id"], one["channel"]) for one in deliveries],
            )

    def _rows(self, sql: str, *values: Any) -> list[Row]:
        return [dict(row) for row in self._con.execute(sql, values).fetchall()]


@contextmanager
def open_outbox(home: Home) -> Iterator[Outbox]:
    """The outbox of a home, made where there is none."""
    home.alerts.mkdir(parents=True, exist_ok=True)
    con = sqlite3.connect(home.alerts / FILE, timeout=60)
    try:
        con.row_factory = sqlite3.Row
        con.execute("PRAGMA synchronous = FULL")
        con.executescript(TABLES)
        yield Outbox(con)
    finally:
        con.close()


def export(home: Home) -> None:
    """Write what was told as the models read it; no rows where nothing ever was."""
    told: list[Row] = []
    if (home.alerts / FILE).exists():
        with open_outbox(home) as outbox:
            told = [
                {**row, "sending_problem": row["problem"], "is_escalation": bool(row["is_escalation"])}
                for row in outbox.all()
            ]
    home.alerts.mkdir(parents=True, exist_ok=True)
    columns = {name: pa.array([row[name] for row in told], EXPORTED.field(name).type) for name in EXPORTED.names}
    temporary = home.alerts / f".{EXPORT}"
    pq.write_table(pa.table(columns, schema=EXPORTED), temporary)
    os.replace(temporary, home.alerts / EXPORT)


def list_outbox(home: Home, *, everything: bool = False) -> list[Row]:
    """Every delivery with its alert, the newest first; without ``everything`` those that somebody should look at."""
    with open_outbox(home) as outbox:
        return [
            row
            for row in outbox.all()
            if everything or (row["acknowledged_us"] is None and row["withdrawn_us"] is None)
        ]


def acknowledge(home: Home, alert_ids: Sequence[str], by: str) -> None:
    """Note that somebody has taken note; raises UserError where there is no such alert, after noting the others."""
    with open_outbox(home) as outbox:
        unknown = outbox.acknowledge(alert_ids, by, instant_us(datetime.now(UTC)))
    if unknown:
        raise UserError(f"No alert {', '.join(unknown)}; `commitments alerts list --all` shows those that there are.")


def show_outbox(found: Sequence[Row], console: Console) -> None:
    """For people."""
    shown = table("Alerts", "id", "noted", "what", "of", "channel", "sent", "acknowledged")
    for row in found:
        said = json.loads(row["said"])
        of = said.get("work_order_id") or row["source_system"] or row["commitment_id"] or ""
        trigger = row["alert_trigger"] + (" (escalated)" if row["is_escalation"] else "")
        sent = _time(row["sent_us"]) if row["sent_us"] else f"waits: {row['problem']}" if row["problem"] else "waits"
        shown.add_row(
            row["alert_id"], _time(row["noted_us"]), trigger, of, row["channel"], sent, row["acknowledged_by"] or "–"
        )
    console.print(shown if found else "Nothing was told that nobody has taken note of.")


def _time(us: int) -> str:
    return f"{datetime.fromtimestamp(us / 1_000_000, UTC):%Y-%m-%d %H:%M}Z"


def _insert(table: str, rows: Sequence[Mapping[str, Any]]) -> str:
    names = list(rows[0]) if rows else ["alert_id"]
    return f"INSERT OR IGNORE INTO {table} ({', '.join(names)}) VALUES ({', '.join(f':{name}' for name in names)})"
