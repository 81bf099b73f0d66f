"""What the report says, read from schema ``marts`` and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import duckdb

from pipelines.publish.report.sections import SECTIONS

Row = dict[str, Any]

MONTHS_SHOWN = 12

MEASURES = """
    period_start, period_end, is_complete,
    runs, completed_normal, completed_acceptable, completed_warning,
    in_progress_normal, in_progress_acceptable, in_progress_warning, cancelled, uncommitted,
    started, completed, due, undecided, kept, achievement_rate, rate_low, rate_high,
    tolerance_due, tolerated, tolerance_rate"""

BY_PROCESS = f"""
    SELECT process, coalesce(process_name, process) AS process_name, {MEASURES},
        target_rate, elapsed_p50_seconds, elapsed_p90_seconds
    FROM marts.achievement_by_process
    WHERE grain = 'month' AND process <> '(all)'
    ORDER BY period_start, process"""

BY_NODE = f"""
    SELECT process, coalesce(process_name, process) AS process_name,
        node, coalesce(node_name, node) AS node_name, node_order, {MEASURES},
        target_rate, elapsed_p50_seconds, elapsed_p90_seconds
    FROM marts.achievement_by_node
    WHERE grain = 'month' AND process <> '(all)' AND node <> '(all)'
    ORDER BY period_start, process, node_order NULLS LAST, node"""

BY_DEPARTMENT = f"""
    SELECT department, position, {MEASURES}
    FROM marts.achievement_by_department
    WHERE grain = 'month' AND department <> '(all)' AND position <> '(all)'
    ORDER BY period_start, department, position"""

OPEN_WARNINGS = """
    SELECT process, coalesce(process_name, process) AS process_name, scope,
        node, coalesce(node_name, node) AS node_name,
        work_order_id, visit, department, position, segment, source_system, started_at,
        commitment_due_at, tolerance_due_at, commitment_limit_seconds, tolerance_limit_seconds,
        elapsed_seconds, commitment_overrun_seconds, tolerance_overrun_seconds, is_provisional, work_order_url
    FROM marts.fct_run
    WHERE is_open AND state = 'in_progress_warning'
    ORDER BY commitment_overrun_seconds DESC NULLS LAST, process, work_order_id, scope, node, visit"""

FRESHNESS = """
    SELECT source_system, last_landed_at, data_through_at, expected_every_seconds, is_stale,
        count(*) FILTER (run.is_provisional AND run.scope = 'node') AS provisional_runs
    FROM marts.source_freshness LEFT JOIN marts.fct_run AS run USING (source_system)
    GROUP BY ALL
    ORDER BY source_system"""

# What was pulled in all, and how the newest batch of each entity fared.
RECONCILIATION = """
    SELECT source_system, entity, count(*) AS batches, max(landed_at) AS landed_at,
        arg_max(load_id, load_id) AS load_id, arg_max(status, load_id) AS status,
        sum(pulled)::BIGINT AS pulled, sum(accepted)::BIGINT AS accepted, sum(quarantined)::BIGINT AS quarantined,
        sum(duplicates)::BIGINT AS duplicates, sum(held)::BIGINT AS held
    FROM marts.batch_reconciliation
    GROUP BY source_system, entity
    ORDER BY source_system, entity"""

QUARANTINE = """
    SELECT rule, source_system, entity,
        count(*) FILTER (WHERE released_at IS NULL) AS waiting,
        count(*) FILTER (WHERE released_at IS NOT NULL) AS released,
        coalesce(max_by(detail, load_id) FILTER (WHERE released_at IS NULL), max_by(detail, load_id)) AS example
    FROM marts.quarantine
    GROUP BY rule, source_system, entity
    ORDER BY waiting DESC, released DESC, rule, source_system, entity"""


@dataclass
class Facts:
    """Everything that the page and the workbook show."""

    publication_id: str
    as_of: datetime
    organisation: str | None
    zone: ZoneInfo
    by_process: list[Row] = field(default_factory=list)
    by_node: list[Row] = field(default_factory=list)
    by_department: list[Row] = field(default_factory=list)
    open_warnings: list[Row] = field(default_factory=list)
    freshness: list[Row] = field(default_factory=list)
    reconciliation: list[Row] = field(default_factory=list)
    quarantine: list[Row] = field(default_factory=list)
    sections: dict[str, dict[str, list[Row]]] = field(default_factory=dict)
    """Rows by section and query."""

    @property
    def month(self) -> date | None:
        """The month under report: the newest there is. At midnight of the first that is the month just ended."""
        return max((row["period_start"] for row in self.by_process), default=None)

    @property
    def is_month_complete(self) -> bool:
        """Whether the month under report is over."""
        return any(row["is_complete"] for row in self.by_process if row["period_start"] == self.month)

    @property
    def months(self) -> list[date]:
        """The months of the trend, the one under report last."""
        if self.month is None:
            return []
        return [months_before(self.month, back) for back in reversed(range(MONTHS_SHOWN))]


def read_facts(published_file: Path) -> Facts:
    """Read a published warehouse."""
    with duckdb.connect(str(published_file), read_only=True) as con:
        con.execute("SET TimeZone = 'UTC'")
        publication = _rows(con, "SELECT * FROM marts.publication")[0]
        return Facts(
            publication_id=str(publication["publication_id"]),
            as_of=publication["as_of"],
            organisation=publication.get("organisation"),
            zone=_zone(publication.get("business_time_zone")),
            by_process=_rows(con, BY_PROCESS),
            by_node=_rows(con, BY_NODE),
            by_department=_rows(con, BY_DEPARTMENT),
            open_warnings=_rows(con, OPEN_WARNINGS),
            freshness=_rows(con, FRESHNESS),
            reconciliation=_rows(con, RECONCILIATION),
            quarantine=_rows(con, QUARANTINE),
            sections={
                section.name: {name: _rows(con, sql) for name, sql in section.queries.items()} for section in SECTIONS
            },
        )


def months_before(month: date, back: int) -> date:
    """The first of the month ``back`` months before."""
    number = month.year * 12 + month.month - 1 - back
    return date(number // 12, number % 12 + 1, 1)


def _zone(name: str | None) -> ZoneInfo:
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def _rows(con: duckdb.DuckDBPyConnection, sql: str) -> list[Row]:
    cursor = con.execute(sql)
    names = [column[0] for column in cursor.description or []]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
