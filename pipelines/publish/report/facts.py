"""What the report says, read from schema ``marts`` and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import duckdb

from pipelines.errors import UserError
from pipelines.publish.report.sections import SECTIONS
from pipelines.publish.report.words import Words

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


# Of this moment or of the newest review window, whatever month is asked for.
OF_NOW = {
    "review": ("review", "curve", "budgets"),
    "time": ("bottlenecks", "flow", "transitions", "responsibility"),
    "risk": ("at_risk", "drivers"),
}

OWNED = """
    SELECT node.department, node.process, coalesce(process.process_name, node.process) AS process_name,
        node.node, coalesce(node.node_name, node.node) AS node_name, node.position,
        list(commitment.commitment_limit ORDER BY commitment.commitment_id)
            FILTER (commitment.commitment_limit IS NOT NULL) AS commitment_limits
    FROM marts.dim_node AS node
    LEFT JOIN marts.dim_process AS process USING (process)
    LEFT JOIN marts.dim_commitment AS commitment
        ON commitment.process = node.process AND commitment.node = node.node AND commitment.is_in_force
    WHERE node.department IS NOT NULL
    GROUP BY ALL
    ORDER BY node.department, process_name, any_value(node.node_order), node.node"""

ALERTS = """
    SELECT alert.*, node.node_name
    FROM marts.alert LEFT JOIN marts.dim_node AS node USING (process, node)
    ORDER BY coalesce(alert.sent_at, alert.noted_at) DESC, alert_id"""

RESTATEMENTS = """
    SELECT * FROM marts.restatement WHERE grain = 'month'
    ORDER BY period_start DESC, process, scope DESC, node, measure, publication_id"""


@dataclass
class Facts:
    """Everything that the page and the workbook show."""

    publication_id: str
    as_of: datetime
    organisation: str | None
    words: Words
    month: date | None
    """The month under report: the newest there is. At midnight of the first that is the month just ended."""
    newest_month: date | None
    department: str | None
    by_process: list[Row] = field(default_factory=list)
    by_node: list[Row] = field(default_factory=list)
    by_department: list[Row] = field(default_factory=list)
    open_warnings: list[Row] = field(default_factory=list)
    freshness: list[Row] = field(default_factory=list)
    reconciliation: list[Row] = field(default_factory=list)
    quarantine: list[Row] = field(default_factory=list)
    owned: list[Row] = field(default_factory=list)
    alerts: list[Row] = field(default_factory=list)
    restatements: list[Row] = field(default_factory=list)
    sections: dict[str, dict[str, list[Row]]] = field(default_factory=dict)
    """Rows by section and query."""

    @property
    def zone(self) -> ZoneInfo:
        """The business time zone."""
        return self.words.zone

    @property
    def is_newest(self) -> bool:
        """Whether what is open now belongs into this report."""
        return self.month == self.newest_month

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


def read_facts(published_file: Path, department: str | None = None, month: date | None = None) -> Facts:
    """Read a published warehouse: all of it, or what is of one department; as of its newest month, or of another.

    Raises:
        UserError: there is no such department, or nothing of that month.
    """
    with duckdb.connect(str(published_file), read_only=True) as con:
        con.execute("SET TimeZone = 'UTC'")
        publication = _rows(con, "SELECT * FROM marts.publication")[0]
        by_process = _rows(con, BY_PROCESS)
        months = sorted({row["period_start"] for row in by_process})
        newest = months[-1] if months else None
        if month is not None and month not in months:
            raise UserError(f"nothing is published of {month:%Y-%m}; {_said_months(months)}")
        facts = Facts(
            publication_id=str(publication["publication_id"]),
            as_of=publication["as_of"],
            organisation=publication.get("organisation"),
            words=Words(publication.get("language") or "en", _zone(publication.get("business_time_zone"))),
            month=month or newest,
            newest_month=newest,
            department=department,
            by_process=by_process,
            by_node=_rows(con, BY_NODE),
            by_department=_rows(con, BY_DEPARTMENT),
            open_warnings=_rows(con, OPEN_WARNINGS),
            freshness=_rows(con, FRESHNESS),
            reconciliation=_rows(con, RECONCILIATION),
            quarantine=_rows(con, QUARANTINE),
            owned=_rows(con, OWNED),
            alerts=_rows(con, ALERTS),
            restatements=_rows(con, RESTATEMENTS),
            sections={
                section.name: {name: _rows(con, sql) for name, sql in section.queries.items()} for section in SECTIONS
            },
        )
    if not facts.is_newest:
        facts.open_warnings = []
        for section, queries in OF_NOW.items():
            facts.sections[section] |= dict.fromkeys(queries, ())
    if department is not None:
        _narrow(facts, department)
    return facts


def _narrow(facts: Facts, department: str) -> None:
    """Leave what is of a department: its own, and of the processes in which it owns a node what is nobody's."""
    known = {row["department"] for rows in (facts.owned, facts.by_department) for row in rows} - {"(none)"}
    if department not in known:
        near = get_close_matches(department, known, n=1, cutoff=0.4)
        remedy = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(sorted(known)) or 'none'}"
        raise UserError(f"department {department!r} is not known; {remedy}")
    nodes = {(row["process"], row["node"]) for row in facts.owned if row["department"] == department}
    processes = {process for process, _ in nodes}

    def of_department(row: Row) -> bool:
        if row.get("department") is not None:
            return row["department"] == department
        if row.get("node") not in (None, "(all)"):
            return (row.get("process"), row["node"]) in nodes
        return row.get("process") is None or row["process"] in processes

    for name in ("by_process", "by_node", "by_department", "open_warnings", "owned", "alerts", "restatements"):
        setattr(facts, name, [row for row in getattr(facts, name) if of_department(row)])
    # A whole passage that is late is nobody's alone.
    facts.open_warnings = [row for row in facts.open_warnings if row["scope"] == "node"]
    for rows in facts.sections.values():
        for name, of_query in rows.items():
            rows[name] = [row for row in of_query if of_department(row)]


def _said_months(months: list[date]) -> str:
    return f"there is {months[0]:%Y-%m} to {months[-1]:%Y-%m}" if months else "no month is published yet"


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
