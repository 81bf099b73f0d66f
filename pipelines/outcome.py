"""What a daily run did, for people and for programs: what came in, what was held back, and what is published now."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from pipelines.home import Home
from pipelines.published import open_published, rows
from pipelines.recomputed import CatalogueChange

PUBLISHED, PUBLISHED_WITH_GAPS = 0, 3


@dataclass
class HeldBatch:
    """A batch that the gate keeps out as a whole."""

    load_id: str
    rows: int
    reason: str


@dataclass
class EntityOutcome:
    """What became of one entity of a source in this run; counts are of the batches judged in it."""

    source_system: str
    entity: str
    problem: str | None = None
    load_ids: list[str] = field(default_factory=list)
    pulled: int = 0
    accepted: int = 0
    quarantined: int = 0
    duplicates: int = 0
    held: int = 0
    deleted: int = 0
    broken: dict[str, int] = field(default_factory=dict)
    held_batches: list[HeldBatch] = field(default_factory=list)

    @property
    def name(self) -> str:
        """As every message says it."""
        return f"{self.source_system}.{self.entity}"


@dataclass
class Outcome:
    """A run that published."""

    home: Path
    publication_id: str
    as_of: datetime
    business_time_zone: str
    seconds: float
    entities: list[EntityOutcome]
    findings: list[dict[str, Any]]
    warnings: list[str]
    catalogue_change: CatalogueChange | None
    not_fed: list[str]
    published: dict[str, Any]

    @property
    def exit_code(self) -> int:
        """0 where everything came in and went out, 3 where a source, a batch or an outlet was held back."""
        is_held_back = any(entity.problem or entity.held_batches for entity in self.entities) or self.not_fed
        return PUBLISHED_WITH_GAPS if is_held_back else PUBLISHED

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "status": "published" if self.exit_code == PUBLISHED else "published_with_gaps",
            "exit_code": self.exit_code,
            "publication_id": self.publication_id,
            "as_of": self.as_of.isoformat(),
            "seconds": round(self.seconds, 3),
            "entities": [asdict(entity) for entity in self.entities],
            "findings": self.findings,
            "warnings": self.warnings,
            "not_fed": self.not_fed,
            "catalogue_change": None if self.catalogue_change is None else asdict(self.catalogue_change),
            **self.published,
            "files": {name: str(path) for name, path in _files(self.home)},
        }

    def show(self, console: Console) -> None:
        """For people."""
        zone = ZoneInfo(self.business_time_zone)
        parts: list[RenderableType] = [_sources(self, zone)]
        parts += _held_back(self)
        if self.published["quarantine"]:
            parts.append(_quarantine(self.published["quarantine"]))
        parts += _notes(self, zone)
        parts.append(_achievement(self.published))
        parts.append(_where(self, zone))
        console.print(Group(*_spaced(parts)))


def read_published(home: Home) -> dict[str, Any]:
    """The part of the outcome that readers can see for themselves, from the published file alone."""
    with open_published(home) as con:
        last = rows(
            con,
            "SELECT max(period_start) AS month FROM marts.achievement_by_process WHERE grain = 'month' AND is_complete",
        )[0]["month"]
        return {
            "sources": rows(
                con,
                "SELECT source_system, last_landed_at, data_through_at, expected_every_seconds, is_stale "
                "FROM marts.source_freshness ORDER BY source_system",
            ),
            "quarantine": rows(
                con,
                "SELECT source_system, entity, rule, count(*) AS rows, min(detail) AS example "
                "FROM marts.quarantine WHERE released_at IS NULL GROUP BY ALL "
                "ORDER BY rows DESC, source_system, entity, rule",
            ),
            "unmapped_statuses": rows(
                con,
                """
                SELECT source_system, entity,
                       regexp_extract(detail, '(?s)^status (.*) is in none of `statuses`', 1) AS status,
                       count(*) AS rows
                FROM marts.quarantine WHERE rule = 'status_mapped' AND released_at IS NULL
                GROUP BY ALL ORDER BY rows DESC, source_system, entity, status
                """,
            ),
            "drift": rows(
                con, "SELECT * FROM marts.source_drift ORDER BY landed_at, source_system, entity, column_name"
            ),
            "control_totals": rows(con, "SELECT * FROM marts.control_total ORDER BY source_system, entity, measure"),
            "uncommitted": rows(
                con,
                "SELECT * FROM marts.finding ORDER BY runs DESC, pauses DESC, finding, source_system, process, node",
            ),
            "month": None if last is None else f"{last:%Y-%m}",
            "achievement": rows(
                con,
                """
                SELECT achieved.process, achieved.process_name, due, kept, achievement_rate, target_rate
                FROM marts.achievement_by_process AS achieved
                LEFT JOIN marts.dim_process AS process USING (process)
                WHERE grain = 'month' AND period_start = ?
                ORDER BY process_order, achieved.process
                """,
                [last],
            ),
        }


def _files(home: Path) -> Iterator[tuple[str, Path]]:
    published = home / "published"
    for name, path in (
        ("warehouse", published / "warehouse.duckdb"),
        ("parquet", published / "parquet"),
        ("report", published / "report" / "index.html"),
        ("docs", published / "docs" / "index.html"),
    ):
        if path.exists():
            yield name, path


def share(kept: int | None, due: int | None) -> str:
    """A rate with its denominator; a dash where there is none."""
    return f"{kept / due:.1%}" if kept is not None and due else "–"


def table(title: str, *columns: str) -> Table:
    """A table in the house's style: words to the left, numbers (``>name``) to the right."""
    made = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        made.add_column(column.lstrip(">"), justify="right" if column.startswith(">") else "left", overflow="fold")
    return made


def local(instant: datetime | None, zone: ZoneInfo) -> str:
    """An instant in the business time zone, to the minute."""
    return "–" if instant is None else f"{instant.astimezone(zone):%Y-%m-%d %H:%M}"


def _sources(outcome: Outcome, zone: ZoneInfo) -> RenderableType:
    shown = table(
        "Sources in this run",
        *("source", "entity", ">pulled", ">accepted", ">quarantined", ">duplicates", ">held", "data through"),
    )
    through = {row["source_system"]: row["data_through_at"] for row in outcome.published["sources"]}
    for entity in sorted(outcome.entities, key=lambda one: one.name):
        counts = [entity.pulled, entity.accepted, entity.quarantined, entity.duplicates, entity.held]
        words = [f"{count:,}" if count else "·" for count in counts]
        if entity.problem:
            words[0] = "failed"
        shown.add_row(
            entity.source_system,
            entity.entity,
            *words,
            local(through.get(entity.source_system), zone),
            style="red" if entity.problem or entity.held_batches else "",
        )
    return shown


def _held_back(outcome: Outcome) -> list[RenderableType]:
    lines = []
    for entity in outcome.entities:
        if entity.problem:
            lines.append(Text(f"NOT PULLED  {entity.problem}", style="red"))
        for batch in entity.held_batches:
            lines.append(
                Text(
                    f"HELD  {entity.name}: batch {batch.load_id} ({batch.rows:,} rows): {batch.reason} "
                    f"If it is right as it is: commitments run --accept-held {entity.source_system}",
                    style="red",
                )
            )
    for outlet in outcome.not_fed:
        lines.append(
            Text(f"NOT FED  {outlet} The files are published; the next run brings the server up to date.", style="red")
        )
    return [Group(*lines)] if lines else []


def _quarantine(rows: list[dict[str, Any]]) -> RenderableType:
    shown = table("In quarantine, by rule", "source", "entity", "rule", ">rows", "for example")
    for row in rows:
        shown.add_row(row["source_system"], row["entity"], row["rule"], f"{row['rows']:,}", Text(row["example"] or ""))
    return shown


def _notes(outcome: Outcome, zone: ZoneInfo) -> list[RenderableType]:
    lines = [
        f"STALE  {row['source_system']}: data through {local(row['data_through_at'], zone)}, "
        f"expected every {_span(row['expected_every_seconds'])}"
        for row in outcome.published["sources"]
        if row["is_stale"]
    ]
    lines += [
        f"NEW STATUS  {row['source_system']}.{row['entity']}: {row['status']} in {_count(row['rows'], 'row')}, which "
        f"{'waits' if row['rows'] == 1 else 'wait'} in quarantine: say what it means under `statuses:` in sources.yml"
        for row in outcome.published["unmapped_statuses"]
    ]
    judged = {
        (entity.source_system, entity.entity, load_id) for entity in outcome.entities for load_id in entity.load_ids
    }
    lines += [
        f"DRIFT  {row['source_system']}.{row['entity']}: {_drifted(row)} since batch {row['load_id']}"
        for row in outcome.published["drift"]
        if (row["source_system"], row["entity"], row["load_id"]) in judged
    ]
    lines += [f"FINDING  {_difference(row)}" for row in outcome.published["control_totals"] if row["difference"]]
    lines += [f"FINDING  {_found(row, zone)}" for row in outcome.published["uncommitted"]]
    lines += [f"FINDING  {one['name'].replace('_', ' ')}: {one['rows']:,} exceptions" for one in outcome.findings]
    lines += [f"WARNING  {warning}" for warning in outcome.warnings]
    if outcome.catalogue_change is not None:
        lines.append(f"CATALOGUE  {outcome.catalogue_change}")
    return [Group(*(Text(line, style="yellow") for line in lines))] if lines else []


def _count(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _drifted(row: dict[str, Any]) -> str:
    column = f"column {row['column_name']!r}"
    if row["what"] == "new":
        return f"new {column} ({row['type_now']}), landed" + ("" if row["is_used"] else " and mapped to nothing")
    if row["what"] == "gone":
        return f"{column} ({row['type_before']}) is gone"
    return f"{column} was {row['type_before']} and is {row['type_now']}"


def _difference(row: dict[str, Any]) -> str:
    rows_or_amount = "rows" if row["measure"] == "count" else f"as {row['measure']}"
    waiting = f" and {row['quarantined_value']:,.10g} in quarantine" if row["quarantined_value"] else ""
    more = "more than is here" if row["difference"] > 0 else "less than is here"
    return (
        f"control total of {row['source_system']}.{row['entity']}: the source says {row['source_value']:,.10g} "
        f"{rows_or_amount}, the warehouse has {row['warehouse_value']:,.10g}{waiting}: "
        f"{abs(row['difference']):,.10g} {more}"
    )


def _found(row: dict[str, Any], zone: ZoneInfo) -> str:
    where = [f"{name} {row[name]}" for name in ("process", "node", "calendar") if row[name]]
    if "horizon" in row["finding"]:
        horizon = [local(row[name], zone) for name in ("horizon_from_at", "horizon_to_at")]
        reach = [local(row[name], zone) for name in ("first_started_at", "reaches_to_at")]
        where.append(f"horizon {' to '.join(horizon)}; the runs reach from {' to '.join(reach)}")
    if row["pauses"]:
        count, what = row["pauses"], "pause"
        effect = "stops no clock" if count == 1 else "stop no clock"
    else:
        count, what = row["runs"], "run"
        be = "is" if count == 1 else "are"
        has_deadline = "deadline" in row["finding"] or "without working time" in row["finding"]
        effect = f"{'has' if count == 1 else 'have'} no deadline" if has_deadline else f"{be} not judged"
    return (
        f"{row['finding']}: {count:,} {what}{'' if count == 1 else 's'} of {row['source_system']} {effect} "
        f"({', '.join(where)}; such as work order {row['example_work_order_id']})"
    )


def _achievement(published: dict[str, Any]) -> RenderableType:
    if not published["achievement"]:
        return Text("No complete month with data yet, so no achievement to show.")
    shown = table(f"Achievement in {published['month']} by process", "process", ">kept", ">due", ">achieved", ">target")
    for row in published["achievement"]:
        rate, target = row["achievement_rate"], row["target_rate"]
        style = "" if rate is None or target is None else ("green" if rate >= target else "red")
        shown.add_row(
            row["process_name"],
            f"{row['kept']:,}",
            f"{row['due']:,}",
            Text(share(row["kept"], row["due"]), style=style),
            "–" if target is None else f"{target:.0%}",
        )
    return shown


def _where(outcome: Outcome, zone: ZoneInfo) -> RenderableType:
    shown = Table.grid(padding=(0, 2))
    for name, path in _files(outcome.home):
        shown.add_row(name, Text(str(path), overflow="fold"))
    said = "Published" if outcome.exit_code == PUBLISHED else "Published, but something was held back (see above)"
    as_of = local(outcome.as_of, zone)
    return Group(
        Text(f"{said}: as of {as_of} {outcome.business_time_zone}, {outcome.seconds:.0f} s"),
        shown,
    )


def _spaced(parts: list[RenderableType]) -> Iterator[RenderableType]:
    for part in parts:
        yield part
        yield Text("")


def _span(seconds: float | None) -> str:
    if not seconds:
        return "–"
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds % size == 0:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def json_default(value: Any) -> Any:
    """Let dates and paths stand in JSON."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
