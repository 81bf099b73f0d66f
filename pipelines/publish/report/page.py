"""The page: what the facts mean for a manager, then the template."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from pipelines.publish.report import words
from pipelines.publish.report.charts import Trend, trend
from pipelines.publish.report.facts import Facts, Row, months_before
from pipelines.publish.report.sections import SECTIONS

# A page that lists thousands is read by nobody; the workbook has them all.
WARNINGS_SHOWN = 12

LEVELS = ("normal", "acceptable", "warning")


@dataclass
class Judgement:
    """One rate against its target; the order is that of concern."""

    kind: str  # below | close | met | none | nothing
    text: str
    gap: float | None = None


@dataclass
class Line:
    """A row of achievement: this month beside the month before."""

    key: str
    name: str
    now: Row | None
    before: Row | None
    judgement: Judgement
    change: float | None
    moved: str  # up | down, where the two intervals do not overlap; else empty


@dataclass
class Process(Line):
    """Everything about one process."""

    anchor: str
    trend: Trend
    by_month: list[tuple[date, Row | None]]
    nodes: list[Line]
    warnings: list[Row]
    warnings_by_department: list[tuple[str, int]]
    open_runs: int
    open_node_runs: int


def judge(row: Row | None) -> Judgement:
    """Say how a rate stands against its target, and whether chance alone could explain it."""
    if row is None or not row["due"] or row["achievement_rate"] is None:
        return Judgement("nothing", "Nothing due")
    if row.get("target_rate") is None:
        return Judgement("none", "No target")
    gap = row["achievement_rate"] - row["target_rate"]
    if gap >= 0:
        return Judgement("met", "On target", gap)
    if row["rate_high"] is not None and row["rate_high"] >= row["target_rate"]:
        return Judgement("close", "Just below", gap)
    return Judgement("below", "Below target", gap)


def render(facts: Facts, workbook: str) -> str:
    """The whole page as text."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        count=words.count,
        rate=words.rate,
        target=words.target,
        points=words.points,
        duration=words.duration,
        month=words.month,
        web_link=words.web_link,
        breakable=words.breakable,
        moment=lambda value: words.moment(value, facts.zone),
        age=lambda value: words.NONE if value is None else words.age((facts.as_of - value).total_seconds()),
        span=lambda value: words.NONE if value is None else words.age(value),
    )
    environment.globals.update(plural=words.plural, levels=LEVELS, warnings_shown=WARNINGS_SHOWN)
    processes = _processes(facts)
    return environment.get_template("page.html.j2").render(
        css=(Path(__file__).parent / "page.css").read_text(encoding="utf-8"),
        facts=facts,
        workbook=workbook,
        processes=processes,
        departments=_departments(facts),
        month_before=months_before(facts.month, 1) if facts.month else None,
        so_far="" if facts.is_month_complete else " so far",
        totals=_totals(facts, processes),
        sections=_sections(facts),
    )


def _sections(facts: Facts) -> list[dict[str, Any]]:
    """The sections that have something to show."""
    shown = [(section, section.view(facts, facts.sections[section.name])) for section in SECTIONS]
    return [{"name": section.name, "title": section.title, "shown": view} for section, view in shown if view]


def _line(key: str, name: str, now: Row | None, before: Row | None) -> Line:
    change = None
    if now and before and now["achievement_rate"] is not None and before["achievement_rate"] is not None:
        change = now["achievement_rate"] - before["achievement_rate"]
    return Line(key, name, now, before, judge(now), change, _moved(now, before) if change is not None else "")


def _moved(now: Row | None, before: Row | None) -> str:
    """A colour is a claim: not for what chance explains."""
    bounds = [row[bound] if row else None for row in (now, before) for bound in ("rate_low", "rate_high")]
    if None in bounds:
        return ""
    low, high, low_before, high_before = bounds
    return "up" if low > high_before else "down" if high < low_before else ""


def _processes(facts: Facts) -> list[Process]:
    months = facts.months
    by_process: dict[str, dict[date, Row]] = {}
    for row in facts.by_process:
        if row["period_start"] in months:
            by_process.setdefault(row["process"], {})[row["period_start"]] = row
    nodes = _pairs(facts, facts.by_node, lambda row: (row["process"], row["node"]))
    found = []
    for number, (process, rows) in enumerate(sorted(by_process.items()), start=1):
        name = rows[max(rows)]["process_name"]
        line = _line(process, name, rows.get(months[-1]), rows.get(months[-2]))
        lines = [
            _line(node, (now or before or {})["node_name"], now, before)
            for (of, node), (now, before) in nodes.items()
            if of == process
        ]
        warnings = [row for row in facts.open_warnings if row["process"] == process]
        departments = Counter(row["department"] or "(none)" for row in warnings if row["scope"] == "node")
        found.append(
            Process(
                **vars(line),
                anchor=f"process-{number}",
                trend=trend(months, rows),
                by_month=[(month, rows.get(month)) for month in months],
                nodes=sorted(lines, key=_worst_first),
                warnings=warnings,
                warnings_by_department=sorted(departments.items(), key=lambda item: (-item[1], item[0])),
                open_runs=_open(line.now),
                open_node_runs=sum(_open(node.now) for node in lines),
            )
        )
    return sorted(found, key=_most_concern_first)


def _departments(facts: Facts) -> list[Line]:
    pairs = _pairs(facts, facts.by_department, lambda row: (row["department"], row["position"]))
    lines = [_line(department, position, now, before) for (department, position), (now, before) in pairs.items()]
    return sorted((line for line in lines if line.now), key=_worst_first)


def _pairs(facts: Facts, rows: Sequence[Row], key: Any) -> dict[Any, tuple[Row | None, Row | None]]:
    """This month and the month before, by key."""
    if facts.month is None:
        return {}
    before = months_before(facts.month, 1)
    pairs: dict[Any, tuple[Row | None, Row | None]] = {}
    for row in rows:
        if row["period_start"] == facts.month:
            pairs[key(row)] = (row, pairs.get(key(row), (None, None))[1])
        elif row["period_start"] == before:
            pairs[key(row)] = (pairs.get(key(row), (None, None))[0], row)
    return pairs


def _open(row: Row | None) -> int:
    return sum(row[f"in_progress_{level}"] for level in LEVELS) if row else 0


def _worst_first(line: Line) -> tuple[Any, ...]:
    value = line.now["achievement_rate"] if line.now else None
    return (value is None, value or 0.0, -(line.now["due"] if line.now else 0), line.name)


def _most_concern_first(line: Line) -> tuple[Any, ...]:
    order = ("below", "close", "met", "none", "nothing").index(line.judgement.kind)
    return (order, line.judgement.gap or 0.0, line.name)


def _totals(facts: Facts, processes: list[Process]) -> dict[str, Any]:
    now = [process.now for process in processes if process.now]
    before = [process.before for process in processes if process.before]
    judged = [process for process in processes if process.judgement.gap is not None]
    return {
        "due": sum(row["due"] for row in now),
        "kept": sum(row["kept"] for row in now),
        "before_due": sum(row["due"] for row in before),
        "before_kept": sum(row["kept"] for row in before),
        "judged": len(judged),
        "met": sum(process.judgement.kind == "met" for process in judged),
        "open": sum(process.open_runs for process in processes),
        "open_warning": sum(row["in_progress_warning"] for row in now),
        "sources": len(facts.freshness),
        "stale": sum(bool(row["is_stale"]) for row in facts.freshness),
        "waiting": sum(row["waiting"] for row in facts.quarantine),
        "pulled": sum(row["pulled"] for row in facts.reconciliation),
        "held": sum(row["status"] == "held" for row in facts.reconciliation),
    }
