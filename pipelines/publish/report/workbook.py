"""The same numbers for those who calculate on: every sheet one real table, all months."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import xlsxwriter

from pipelines.publish.report.facts import Facts, Row
from pipelines.publish.report.labels import label
from pipelines.publish.report.sections import SECTIONS
from pipelines.publish.report.sections.section import Column, Sheet

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
RESTATED = [
    ("period_start", "Month", "date"),
    ("scope", "Scope", "text"),
    ("process", "Process id", "text"),
    ("node", "Node id", "text"),
    ("measure", "Measure", "text"),
    ("first_published", "First published", "number"),
    ("now", "Now", "number"),
    ("reason", "Because of", "text"),
]
ALERTS = [
    ("department", "Department", "text"),
    ("position", "Position", "text"),
    ("rule", "Rule", "text"),
    ("alert_trigger", "Told because", "text"),
    ("channel", "Channel", "text"),
    ("process", "Process id", "text"),
    ("node", "Node id", "text"),
    ("work_order_id", "Work order", "text"),
    ("sent_at", "Sent", "moment"),
    ("attempts", "Attempts", "count"),
    ("acknowledged_at", "Acknowledged", "moment"),
    ("ended_at", "Ended", "moment"),
    ("is_commitment_kept", "Commitment kept", "text"),
    ("seconds_to_end", "From warning to end, hours", "hours"),
]

# Of the facts by their own name; the sections bring theirs.
BEFORE_SECTIONS = (
    Sheet("Processes", PROCESS + MEASURES + TARGET + MORE + ELAPSED, "by_process"),
    Sheet("Nodes", PROCESS[:1] + NODE + MEASURES + TARGET + MORE + ELAPSED, "by_node"),
    Sheet("Departments", DEPARTMENT + MEASURES + MORE, "by_department"),
)
AFTER_SECTIONS = (
    Sheet("Open warnings", WARNINGS, "open_warnings"),
    Sheet("Warnings sent", ALERTS, "alerts"),
    Sheet("Restatements", RESTATED, "restatements"),
    Sheet("Sources", FRESHNESS, "freshness"),
    Sheet("Reconciliation", RECONCILIATION, "reconciliation"),
    Sheet("Quarantine", QUARANTINE, "quarantine"),
)
SHEETS = BEFORE_SECTIONS + AFTER_SECTIONS
CHARTS = label("Charts")
CHART_ROWS = 18
CHART_TITLE = 100


def write_workbook(facts: Facts, file: Path) -> None:
    """Write all tables to ``file``, and the achievement of each process as a chart."""
    say = facts.words.say
    # What a source delivered is text, also where it begins with `=`.
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(str(file), options) as book:
        book.set_properties({"title": say("Service quality"), "comments": f"Publication {facts.publication_id}"})
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
        source = say(
            "As of %(moment)s %(zone)s, publication %(id)s. Times are in %(zone)s.",
            moment=facts.words.moment(facts.as_of),
            zone=facts.zone.key,
            id=facts.publication_id,
        )
        newest_first = {
            sheet.query: sorted(getattr(facts, sheet.query), key=lambda row: row["period_start"], reverse=True)
            for sheet in BEFORE_SECTIONS
        }
        for table, rows in (
            *((sheet, newest_first[sheet.query]) for sheet in BEFORE_SECTIONS),
            *((sheet, facts.sections[section.name][sheet.query]) for section in SECTIONS for sheet in section.sheets),
            *((sheet, getattr(facts, sheet.query)) for sheet in AFTER_SECTIONS),
        ):
            shown = rows[:MOST_ROWS]
            left_off = ""
            if len(rows) > MOST_ROWS:
                most, all_rows = facts.words.count(MOST_ROWS), facts.words.count(len(rows))
                left_off = " " + say("The first %(most)s of %(all)s rows.", most=most, all=all_rows)
            sheet = book.add_worksheet(say(table.name))
            sheet.hide_gridlines(2)
            sheet.write_string(0, 0, source + left_off, note)
            _table(sheet, table.name, table.columns, shown, formats, facts)
        _charts(book, newest_first["by_process"], formats, facts)


def _charts(book: Any, newest_first: list[Row], formats: dict, facts: Facts) -> None:
    """A chart a process: achievement and target of the months of the trend, from a small table beside it."""
    say = facts.words.say
    sheet = book.add_worksheet(say(CHARTS))
    sheet.hide_gridlines(2)
    by_process: dict[str, dict[date, Row]] = {}
    for row in newest_first:
        by_process.setdefault(row["process"], {})[row["period_start"]] = row
    for number, rows in enumerate(by_process.values()):
        top = number * CHART_ROWS
        name = next(iter(rows.values()))["process_name"][:LONGEST_CELL]
        sheet.write_string(top, 0, name)
        for at, heading in enumerate(("Month", "Achievement", "Target")):
            sheet.write_string(top + 1, at, say(heading))
        for at, month in enumerate(facts.months, start=top + 2):
            sheet.write_datetime(at, 0, month, formats["date"])
            for column, measure in ((1, "achievement_rate"), (2, "target_rate")):
                value = rows.get(month, {}).get(measure)
                if value is not None:
                    sheet.write_number(at, column, value, formats["rate"])
        chart = book.add_chart({"type": "line"})
        first, last = top + 2, top + 1 + len(facts.months)
        for column, style in ((1, {"color": "#1f5a8c", "width": 2.25}), (2, {"color": "#59626c", "dash_type": "dash"})):
            chart.add_series(
                {
                    "name": [sheet.name, top + 1, column],
                    "categories": [sheet.name, first, 0, last, 0],
                    "values": [sheet.name, first, column, last, column],
                    "line": style,
                    "marker": {"type": "circle", "size": 5} if column == 1 else {"type": "none"},
                }
            )
        chart.set_title({"name": name[:CHART_TITLE], "name_font": {"size": 12}, "overlay": False})
        chart.set_x_axis({"num_format": "yyyy-mm", "text_axis": True})
        gridlines = {"visible": True, "line": {"color": "#dfe2e0"}}
        chart.set_y_axis({"num_format": "0%", "max": 1, "major_gridlines": gridlines})
        chart.set_legend({"position": "bottom"})
        # A month without anything due is a gap in the line.
        chart.show_blanks_as("gap")
        sheet.insert_chart(top, 4, chart, {"x_scale": 1.4, "y_scale": 1.1, "description": name[:CHART_TITLE]})
    sheet.set_column(0, 2, 14)


def _table(sheet: Any, name: str, columns: Sequence[Column], rows: list[Row], formats: dict, facts: Facts) -> None:
    top = 2
    for at, (key, heading, kind) in enumerate(columns):
        heading = facts.words.say(heading)
        # A Chinese character is as wide as two Latin letters.
        width = sum(2 if ord(letter) > 0x2E80 else 1 for letter in heading) + 3
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
            "columns": [{"header": facts.words.say(heading)} for _, heading, _ in columns],
        },
    )
    sheet.freeze_panes(top + 1, 1)


def _cell(value: Any, kind: str, facts: Facts) -> Any:
    if value is None:
        return None
    if kind == "hours":
        return float(value) / 3600
    if isinstance(value, bool):
        return facts.words.say("yes") if value else facts.words.say("no")
    if isinstance(value, datetime):
        return value.astimezone(facts.zone).replace(tzinfo=None, microsecond=0)
    if isinstance(value, date) or kind in ("count", "rate", "amount", "number"):
        return value
    return str(value)[:LONGEST_CELL]
