"""The same numbers for those who calculate on: every sheet one real table, all months."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import xlsxwriter

from pipelines.publish.report.facts import Facts, Row
from pipelines.publish.report.sections import SECTIONS
from pipelines.publish.report.sections.section import Column

# A sheet ends at 1,048,576 rows, and Excel is no pleasure long before.
MOST_ROWS = 200_000
LONGEST_CELL = 32_767

MEASURES = [
    ("period_start", "Month", "date"),
    ("is_complete", "Month complete", "text"),
    ("due", "Due", "count"),
    ("kept", "Kept", "count"),
    ("achievement_rate", "Achievement", "rate"),
    ("rate_low", "Achievement low (95 %)", "rate"),
    ("rate_high", "Achievement high (95 %)", "rate"),
]
TARGET = [("target_rate", "Target", "rate")]
MORE = [
    ("undecided", "Undecided", "count"),
    ("tolerance_due", "Tolerance due", "count"),
    ("tolerated", "Tolerated", "count"),
    ("tolerance_rate", "Tolerance rate", "rate"),
    ("started", "Started", "count"),
    ("completed", "Completed", "count"),
    ("runs", "Runs at month end", "count"),
    ("completed_normal", "Completed normal", "count"),
    ("completed_acceptable", "Completed acceptable", "count"),
    ("completed_warning", "Completed warning", "count"),
    ("in_progress_normal", "In progress normal", "count"),
    ("in_progress_acceptable", "In progress acceptable", "count"),
    ("in_progress_warning", "In progress warning", "count"),
    ("cancelled", "Cancelled", "count"),
    ("uncommitted", "Uncommitted", "count"),
]
ELAPSED = [
    ("elapsed_p50_seconds", "Median working hours", "hours"),
    ("elapsed_p90_seconds", "90th percentile working hours", "hours"),
]
PROCESS = [("process_name", "Process", "text"), ("process", "Process id", "text")]
NODE = [("node_name", "Node", "text"), ("node", "Node id", "text")]

WARNINGS = [
    ("process_name", "Process", "text"),
    ("scope", "Scope", "text"),
    ("node_name", "Node", "text"),
    ("work_order_id", "Work order", "text"),
    ("visit", "Visit", "count"),
    ("department", "Department", "text"),
    ("position", "Position", "text"),
    ("segment", "Segment", "text"),
    ("source_system", "Source system", "text"),
    ("started_at", "Started", "moment"),
    ("commitment_due_at", "Commitment due", "moment"),
    ("tolerance_due_at", "Tolerance due", "moment"),
    ("commitment_limit_seconds", "Commitment, working hours", "hours"),
    ("elapsed_seconds", "Elapsed, working hours", "hours"),
    ("commitment_overrun_seconds", "Over commitment, working hours", "hours"),
    ("tolerance_overrun_seconds", "Over tolerance, working hours", "hours"),
    ("is_provisional", "Provisional", "text"),
    ("work_order_url", "Link", "text"),
]
FRESHNESS = [
    ("source_system", "Source system", "text"),
    ("last_landed_at", "Last landed", "moment"),
    ("data_through_at", "Data through", "moment"),
    ("expected_every_seconds", "Expected every, hours", "hours"),
    ("is_stale", "Stale", "text"),
    ("provisional_runs", "Open node runs, provisional", "count"),
]
RECONCILIATION = [
    ("source_system", "Source system", "text"),
    ("entity", "Entity", "text"),
    ("batches", "Batches", "count"),
    ("landed_at", "Newest landed", "moment"),
    ("status", "Newest status", "text"),
    ("pulled", "Pulled", "count"),
    ("accepted", "Accepted", "count"),
    ("quarantined", "Quarantined", "count"),
    ("duplicates", "Duplicates", "count"),
    ("held", "Held", "count"),
]
QUARANTINE = [
    ("rule", "Rule", "text"),
    ("source_system", "Source system", "text"),
    ("entity", "Entity", "text"),
    ("waiting", "In quarantine", "count"),
    ("released", "Released since", "count"),
    ("example", "For example", "text"),
]
DEPARTMENT = [("department", "Department", "text"), ("position", "Position", "text")]


def write_workbook(facts: Facts, file: Path) -> None:
    """Write all tables to ``file``."""
    newest_first = [
        (name, columns, sorted(rows, key=lambda row: row["period_start"], reverse=True))
        for name, columns, rows in (
            ("Processes", PROCESS + MEASURES + TARGET + MORE + ELAPSED, facts.by_process),
            ("Nodes", PROCESS[:1] + NODE + MEASURES + TARGET + MORE + ELAPSED, facts.by_node),
            ("Departments", DEPARTMENT + MEASURES + MORE, facts.by_department),
        )
    ]
    # What a source delivered is text, also where it begins with `=`.
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(str(file), options) as book:
        book.set_properties({"title": "Service quality", "comments": f"Publication {facts.publication_id}"})
        # The same file from the same publication.
        book.set_properties({"created": facts.as_of.replace(tzinfo=None)})
        formats = {
            "text": book.add_format(),
            "count": book.add_format({"num_format": "#,##0"}),
            "rate": book.add_format({"num_format": "0.0%"}),
            "hours": book.add_format({"num_format": "#,##0.0"}),
            "amount": book.add_format({"num_format": "#,##0.00"}),
            "number": book.add_format({"num_format": "#,##0.000"}),
            "date": book.add_format({"num_format": "yyyy-mm"}),
            "day": book.add_format({"num_format": "yyyy-mm-dd"}),
            "moment": book.add_format({"num_format": "yyyy-mm-dd hh:mm"}),
        }
        note = book.add_format({"italic": True, "font_color": "#555555"})
        source = f"As of {facts.as_of.astimezone(facts.zone):%Y-%m-%d %H:%M} {facts.zone.key}, "
        source += f"publication {facts.publication_id}. Times are in {facts.zone.key}."
        for name, columns, rows in (
            *newest_first,
            *(
                (sheet.name, sheet.columns, facts.sections[section.name][sheet.query])
                for section in SECTIONS
                for sheet in section.sheets
            ),
            ("Open warnings", WARNINGS, facts.open_warnings),
            ("Sources", FRESHNESS, facts.freshness),
            ("Reconciliation", RECONCILIATION, facts.reconciliation),
            ("Quarantine", QUARANTINE, facts.quarantine),
        ):
            shown = rows[:MOST_ROWS]
            left_off = f" The first {MOST_ROWS:,} of {len(rows):,} rows." if len(rows) > MOST_ROWS else ""
            sheet = book.add_worksheet(name)
            sheet.hide_gridlines(2)
            sheet.write_string(0, 0, source + left_off, note)
            _table(sheet, name, columns, shown, formats, facts)


def _table(sheet: Any, name: str, columns: Sequence[Column], rows: list[Row], formats: dict, facts: Facts) -> None:
    top = 2
    for at, (key, heading, kind) in enumerate(columns):
        width = len(heading) + 3
        for number, row in enumerate(rows, start=top + 1):
            value = _cell(row[key], kind, facts)
            if value is None:
                sheet.write_blank(number, at, None, formats[kind])
            elif kind == "text":
                sheet.write_string(number, at, value, formats[kind])
                width = max(width, min(len(value) + 2, 60))
            elif kind in ("date", "day", "moment"):
                sheet.write_datetime(number, at, value, formats[kind])
                width = max(width, 17 if kind == "moment" else 10)
            else:
                sheet.write_number(number, at, value, formats[kind])
        sheet.set_column(at, at, width)
    sheet.add_table(
        top,
        0,
        # A table without a row is none to Excel.
        top + max(1, len(rows)),
        len(columns) - 1,
        {
            "name": name.replace(" ", "_"),
            "style": "Table Style Light 1",
            "columns": [{"header": heading} for _, heading, _ in columns],
        },
    )
    sheet.freeze_panes(top + 1, 1)


def _cell(value: Any, kind: str, facts: Facts) -> Any:
    if value is None:
        return None
    if kind == "hours":
        return float(value) / 3600
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.astimezone(facts.zone).replace(tzinfo=None, microsecond=0)
    if isinstance(value, date) or kind in ("count", "rate", "amount", "number"):
        return value
    return str(value)[:LONGEST_CELL]
