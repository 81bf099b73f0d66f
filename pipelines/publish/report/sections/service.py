"""How good the service was: the indicators of the month, and the four gaps between what is hoped for and done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from pipelines.publish.report.labels import label
from pipelines.publish.report.sections.section import Section, Sheet
from pipelines.publish.report.words import NONE

if TYPE_CHECKING:
    from pipelines.publish.report.facts import Facts, Row
    from pipelines.publish.report.words import Words

# A page that lists everything is read by nobody; the workbook has it.
ROWS_SHOWN = 12
MONTHS_SHOWN = 12
GAPS = {
    "expectation": label("Expectation"),
    "standard": label("Standard"),
    "performance": label("Performance"),
    "promise": label("Promise"),
}

_PERIOD = [
    ("grain", "Grain", "text"),
    ("period_start", "From", "day"),
    ("period_end", "To", "day"),
    ("is_complete", "Complete", "text"),
]
_PROCESS = [("process_name", "Process", "text"), ("process", "Process id", "text")]


def view(facts: Facts, rows: Mapping[str, list[Row]]) -> Mapping[str, Any] | None:
    """The indicators of the month under report, and the gaps of the newest review window, else of that month."""
    month = facts.month
    indicators = _indicators(facts.words, rows["indicators"], month)
    gaps = [row for row in rows["gaps"] if row["grain"] == "review" and facts.is_newest]
    gaps = gaps or [row for row in rows["gaps"] if row["grain"] == "month" and row["period_start"] == month]
    if not indicators and not gaps:
        return None
    by_process: dict[str, dict[str, Any]] = {}
    for row in gaps:
        process = by_process.setdefault(row["process"], {"name": row["process_name"], "gaps": {}, "largest": None})
        process["gaps"][row["gap_name"]] = row
        if row["is_largest"]:
            process["largest"] = row
    widest_first = sorted(
        by_process.values(),
        key=lambda one: (
            -(one["largest"] or {"size_per_work_order_seconds": 0})["size_per_work_order_seconds"],
            one["name"],
        ),
    )
    return {
        "indicators": indicators[:ROWS_SHOWN],
        "more_indicators": len(indicators) - ROWS_SHOWN,
        "gaps": widest_first[:ROWS_SHOWN],
        "more_gaps": len(widest_first) - ROWS_SHOWN,
        "gap_names": GAPS,
        "window": gaps[0] if gaps else None,
        "promises": [
            one["gaps"]["promise"]
            for one in widest_first
            if one["gaps"]["promise"]["ratings_kept"] or one["gaps"]["promise"]["ratings_broken"]
        ][:ROWS_SHOWN],
    }


def _indicators(words: Words, rows: Sequence[Row], month: date | None) -> list[dict[str, Any]]:
    """Each indicator with its value this month and the one before, and twelve months as a line."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        if row["grain"] == "month" and row["segment"] == "(all)" and month and row["period_start"] <= month:
            found.setdefault(row["indicator"], []).append(row)
    shown = []
    for of_indicator in found.values():
        of_indicator = of_indicator[-MONTHS_SHOWN:]
        now = of_indicator[-1]
        before = of_indicator[-2] if len(of_indicator) > 1 else None
        if now["period_start"] != month:
            continue
        shown.append(
            {
                **now,
                "said": said(words, now["value"], now["unit"]),
                "of": _of(words, now),
                "target_said": words.target(now["target"])
                if now["unit"] == "share"
                else said(words, now["target"], now["unit"]),
                "before": said(words, before["value"], before["unit"]) if before else NONE,
                "standing": _standing(now),
                "line": line([row["value"] for row in of_indicator]),
            }
        )
    return shown


def said(words: Words, value: float | None, unit: str) -> str:
    """A value as people read it in its unit."""
    if value is None:
        return NONE
    if unit == "share":
        return words.rate(value)
    return words.duration(value) if unit == "seconds" else words.number(value)


def line(values: Sequence[float | None]) -> list[str]:
    """Points of a line 100 wide and high, drawn from the least to the greatest value; a gap where there is none."""
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return []
    low, high = min(known), max(known)
    pieces: list[list[str]] = [[]]
    for place, value in enumerate(values):
        if value is None:
            pieces.append([])
        else:
            y = 50 if high == low else 100 - 100 * (value - low) / (high - low)
            pieces[-1].append(f"{100 * place / (len(values) - 1):.1f},{y:.1f}")
    return [" ".join(piece) for piece in pieces if len(piece) > 1]


def _of(words: Words, row: Row) -> str:
    """What the value rests on."""
    n, status, measure = row["denominator"], row["status"], row["measure"]
    if n is None or row["value"] is None:
        return words.say(status)
    if row["kind"] == "availability":
        return words.say("of %(whole)s", whole=words.duration(n))
    if row["kind"] == "satisfaction":
        return words.counted(int(n), "%(n)s rating", "%(n)s ratings")
    if row["unit"] == "seconds":
        return words.say("%(measure)s of %(whole)s", measure=words.say(measure), whole=words.count(int(n)))
    unit = row["unit"].removesuffix(" work orders")
    counted = words.say("%(part)s of %(whole)s", part=words.count(int(row["numerator"])), whole=words.count(int(n)))
    return counted if row["unit"] == "share" else f"{counted}, {words.say(unit)}"


def _standing(row: Row) -> tuple[str, str]:
    """The chip's kind and text."""
    if row["value"] is None:
        return "nothing", label("Not measured")
    if row["target"] is None:
        return "none", label("No target")
    return ("met", label("Met")) if row["is_target_met"] else ("below", label("Missed"))


SECTION = Section(
    name="service",
    title=label("Service quality: gaps and indicators"),
    queries={
        "indicators": """
            SELECT * FROM marts.service_indicator_by_period
            ORDER BY indicator_order, indicator, grain, segment, period_start""",
        "gaps": "SELECT * FROM marts.service_gap_by_period ORDER BY grain, period_start DESC, process, gap",
    },
    view=view,
    sheets=(
        Sheet(
            "Service indicators",
            [
                ("indicator_name", "Indicator", "text"),
                ("indicator", "Indicator id", "text"),
                *_PROCESS,
                ("segment", "Segment", "text"),
                *_PERIOD,
                ("value", "Value", "number"),
                ("unit", "Unit", "text"),
                ("target", "Target", "number"),
                ("is_target_met", "Target met", "text"),
                ("numerator", "Numerator", "number"),
                ("denominator", "Denominator", "number"),
                ("undecided", "Undecided", "count"),
                ("status", "Status", "text"),
            ],
            "indicators",
        ),
        Sheet(
            "Service gaps",
            [
                *_PROCESS,
                *_PERIOD,
                ("gap", "Gap", "count"),
                ("gap_name", "Gap is of", "text"),
                ("status", "Status", "text"),
                ("n", "Work orders", "count"),
                ("concerned", "Concerned", "count"),
                ("share", "Share", "rate"),
                ("size_seconds", "Mean size, working hours", "hours"),
                ("median_seconds", "Median size, working hours", "hours"),
                ("size_per_work_order_seconds", "Per work order, working hours", "hours"),
                ("is_largest", "Largest", "text"),
                ("satisfaction_kept", "Satisfaction, promise kept", "rate"),
                ("ratings_kept", "Rated, promise kept", "count"),
                ("satisfaction_broken", "Satisfaction, promise broken", "rate"),
                ("ratings_broken", "Rated, promise broken", "count"),
            ],
            "gaps",
        ),
    ),
)
