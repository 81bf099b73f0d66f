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
from pipelines.publish.report.labels import label
from pipelines.publish.report.sections import SECTIONS

# A page that lists thousands is read by nobody; the workbook has them all.
WARNINGS_SHOWN = 12
BOTTLENECKS_SHOWN = 6
LONGEST_SHOWN = 5
OWNED_SHOWN = 12
ALERTS_SHOWN = 6
RESTATED_SHOWN = 4

FILTERS = ("number", "count", "rate", "target", "points", "duration", "moment", "day", "month", "short_month")
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
    flow: Row | None
    durations: Row | None
    bottlenecks: list[Row]
    restatements: list[dict[str, Any]]


@dataclass
class Department(Line):
    """Everything about one department: all its positions together, then each."""

    anchor: str
    positions: list[Line]
    owned: list[Row]
    warnings: list[Row]
    late_share: list[Row]
    alerts: list[Row]
    open_levels: dict[str, int]


def judge(row: Row | None) -> Judgement:
    """Say how a rate stands against its target, and whether chance alone could explain it."""
    if row is None or not row["due"] or row["achievement_rate"] is None:
        return Judgement("nothing", label("Nothing due"))
    if row.get("target_rate") is None:
        return Judgement("none", label("No target"))
    gap = row["achievement_rate"] - row["target_rate"]
    if gap >= 0:
        return Judgement("met", label("On target"), gap)
    if row["rate_high"] is not None and row["rate_high"] >= row["target_rate"]:
        return Judgement("close", label("Just below"), gap)
    return Judgement("below", label("Below target"), gap)


def render(facts: Facts, workbook: str) -> str:
    """The whole page as text."""
    said = facts.words
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        extensions=["jinja2.ext.i18n"],
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["ext.i18n.trimmed"] = True
    environment.install_gettext_translations(said.translations, newstyle=True)  # type: ignore[attr-defined]
    environment.filters.update(
        {name: getattr(said, name) for name in FILTERS},
        label=said.say,
        web_link=words.web_link,
        breakable=words.breakable,
        short=words.short,
        age=lambda value: said.age(None if value is None else (facts.as_of - value).total_seconds()),
        span=said.age,
    )
    environment.globals.update(
        counted=said.counted,
        levels=LEVELS,
        warnings_shown=WARNINGS_SHOWN,
        longest_shown=LONGEST_SHOWN,
        owned_shown=OWNED_SHOWN,
        alerts_shown=ALERTS_SHOWN,
        restated_shown=RESTATED_SHOWN,
    )
    processes = _processes(facts)
    return environment.get_template("page.html.j2").render(
        css=(Path(__file__).parent / "page.css").read_text(encoding="utf-8"),
        facts=facts,
        workbook=workbook,
        processes=processes,
        departments=_departments(facts),
        month_before=months_before(facts.month, 1) if facts.month else None,
        so_far="" if facts.is_month_complete else " " + said.say("so far"),
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
        of_time = {
            query: [row for row in facts.sections["time"][query] if row["process"] == process]
            for query in ("flow", "bottlenecks", "duration_by_process")
        }
        # The newest month that was over when the month under report ended: of younger ones little has ended.
        cohorts = [
            row
            for row in of_time["duration_by_process"]
            if row["is_complete"] and row["runs"] and row["period_start"] <= facts.month
        ]
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
                flow=of_time["flow"][0] if of_time["flow"] else None,
                durations=max(cohorts, key=lambda row: row["period_start"], default=None),
                bottlenecks=of_time["bottlenecks"][:BOTTLENECKS_SHOWN],
                restatements=_restated(facts, process, rows),
            )
        )
    return sorted(found, key=_most_concern_first)


def _restated(facts: Facts, process: str, rows: dict[date, Row]) -> list[dict[str, Any]]:
    """Of each month whose due or kept runs are not what they were at first: both, the newest month first."""
    found: dict[date, dict[str, Any]] = {}
    for row in facts.restatements:
        now = rows.get(row["period_start"])
        if now is None or (row["process"], row["node"]) != (process, "(all)") or row["measure"] not in ("due", "kept"):
            continue
        first = {"due": now["due"], "kept": now["kept"]}
        month = found.setdefault(row["period_start"], {"first": first, "now": now, "reason": row["reason"]})
        month["first"][row["measure"]] = int(row["first_published"])
    for month in found.values():
        due = month["first"]["due"]
        month["first"]["achievement_rate"] = month["first"]["kept"] / due if due else None
    return sorted(found.values(), key=lambda month: month["now"]["period_start"], reverse=True)


def _departments(facts: Facts) -> list[Department]:
    pairs = _pairs(facts, facts.by_department, lambda row: (row["department"], row["position"]))
    names = {department for department, _ in pairs} | {row["department"] for row in facts.owned}
    found = []
    for number, department in enumerate(sorted(names), start=1):
        of_positions = {position: pair for (of, position), pair in pairs.items() if of == department}
        now, before = (_together([pair[at] for pair in of_positions.values()]) for at in (0, 1))
        owned = [row for row in facts.owned if row["department"] == department]
        if not owned and not (now and now["due"]) and not _open(now):
            continue
        found.append(
            Department(
                **vars(_line(department, department, now, before)),
                anchor=f"department-{number}",
                positions=sorted(
                    (_line(position, position, *pair) for position, pair in of_positions.items() if pair[0]),
                    key=_worst_first,
                ),
                owned=owned,
                warnings=[
                    row
                    for row in facts.open_warnings
                    if row["scope"] == "node" and (row["department"] or "(none)") == department
                ],
                late_share=[row for row in facts.sections["time"]["responsibility"] if row["department"] == department],
                alerts=[row for row in facts.alerts if row["department"] == department],
                open_levels={level: now[f"in_progress_{level}"] if now else 0 for level in LEVELS},
            )
        )
    return sorted(found, key=_worst_first)


def _together(rows: Sequence[Row | None]) -> Row | None:
    """The positions of a department as one: counts add up, an interval does not."""
    known = [row for row in rows if row]
    if not known:
        return None
    added = {name: sum(row[name] for row in known) for name in ("due", "kept", *(f"in_progress_{x}" for x in LEVELS))}
    rate = added["kept"] / added["due"] if added["due"] else None
    return {**added, "achievement_rate": rate, "rate_low": None, "rate_high": None}


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
