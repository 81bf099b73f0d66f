"""How things stand, from the published warehouse alone: what it rests on, and who has open warnings."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.text import Text

from pipelines.home import Home
from pipelines.outcome import local, table
from pipelines.published import business_time_zone, open_published, rows


def read_status(home: Home) -> dict[str, Any]:
    """Publication, sources with their last batches, and open runs by department."""
    with open_published(home) as con:
        return {
            "publication": rows(con, "SELECT * FROM marts.publication")[0],
            "business_time_zone": business_time_zone(con),
            "sources": rows(
                con,
                """
                SELECT source_system, last_landed_at, data_through_at, expected_every_seconds, is_stale,
                       batches, accepted, quarantined, duplicates, held
                FROM marts.source_freshness
                LEFT JOIN (
                    SELECT source_system, count(*) AS batches, sum(accepted)::BIGINT AS accepted,
                           sum(quarantined)::BIGINT AS quarantined, sum(duplicates)::BIGINT AS duplicates,
                           sum(held)::BIGINT AS held
                    FROM marts.batch_reconciliation GROUP BY source_system
                ) USING (source_system)
                ORDER BY source_system
                """,
            ),
            "last_batches": rows(
                con,
                """
                SELECT source_system, entity, load_id, landed_at, status,
                       pulled, accepted, quarantined, duplicates, held
                FROM marts.batch_reconciliation
                QUALIFY row_number() OVER (PARTITION BY source_system, entity ORDER BY load_id DESC) = 1
                ORDER BY source_system, entity
                """,
            ),
            "departments": rows(
                con,
                """
                SELECT coalesce(department, '(none)') AS department,
                       count(*) FILTER (level = 'warning') AS warning,
                       count(*) FILTER (level = 'acceptable') AS acceptable,
                       count(*) FILTER (level = 'normal') AS normal,
                       min(commitment_due_at) FILTER (level = 'warning') AS longest_due
                FROM marts.fct_run WHERE scope = 'node' AND is_open AND state IS NOT NULL
                GROUP BY ALL ORDER BY warning DESC, acceptable DESC, department
                """,
            ),
        }


def show_status(found: dict[str, Any], console: Console) -> None:
    """For people."""
    zone = ZoneInfo(found["business_time_zone"])
    now = datetime.now(UTC)
    publication = found["publication"]
    console.print(
        Text(
            f"Published {local(publication['built_at'], zone)} ({_age(publication['built_at'], now)} ago), "
            f"as of {local(publication['as_of'], zone)} {found['business_time_zone']}, "
            f"publication {publication['publication_id']}"
        )
    )
    shown = table(
        "Sources",
        *("source", ">age", "last landed", "data through", ">accepted", ">quarantined", ">duplicates", ">held"),
    )
    for row in found["sources"]:
        stale = row["is_stale"]
        shown.add_row(
            row["source_system"],
            _age(row["last_landed_at"], now),
            local(row["last_landed_at"], zone),
            local(row["data_through_at"], zone) + (" (stale)" if stale else ""),
            *(f"{row[name] or 0:,}" for name in ("accepted", "quarantined", "duplicates", "held")),
            style="yellow" if stale else "",
        )
    console.print(shown)
    shown = table(
        "Last batch of each entity",
        *("source", "entity", "landed", "status", ">pulled", ">accepted", ">quarantined", ">duplicates", ">held"),
    )
    for row in found["last_batches"]:
        shown.add_row(
            row["source_system"],
            row["entity"],
            local(row["landed_at"], zone),
            row["status"],
            *(f"{row[name] or 0:,}" for name in ("pulled", "accepted", "quarantined", "duplicates", "held")),
            style="red" if row["status"] == "held" else "",
        )
    console.print(shown)
    shown = table(
        "Open node runs by department", "department", ">in warning", ">acceptable", ">normal", "oldest warning was due"
    )
    for row in found["departments"]:
        shown.add_row(
            row["department"],
            Text(f"{row['warning']:,}", style="red" if row["warning"] else ""),
            f"{row['acceptable']:,}",
            f"{row['normal']:,}",
            local(row["longest_due"], zone),
        )
    console.print(shown)


def _age(instant: datetime | None, now: datetime) -> str:
    if instant is None:
        return "never"
    age = max(timedelta(0), now - instant)
    if age.days:
        return f"{age.days} d {age.seconds // 3600} h"
    return f"{age.seconds // 3600} h {age.seconds % 3600 // 60:02} min"
