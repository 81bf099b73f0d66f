"""What only all files together can show: names that nothing declares, commitments that contradict each other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import combinations
from typing import Any

from pipelines.calendars import lay_out
from pipelines.catalogue.base import as_text
from pipelines.catalogue.calendars import Calendar
from pipelines.catalogue.commitments import COLUMNS, QUALIFIERS, ROUND_THE_CLOCK, derived_id
from pipelines.catalogue.indicators import written_versions
from pipelines.catalogue.limits import limit_of
from pipelines.catalogue.reading import File, Written, WrittenDict, is_scalar, suggest
from pipelines.catalogue.times import UNITS_US, instant_of

# A wrong habit in a large file makes one mistake a row; nobody reads more of them, and the rest is counted.
MOST_OVERLAPS_SHOWN = 100

# Before and after every instant.
BEGINNING_US, END_US = -(2**62), 2**62

HORIZON_WARNING_DAYS = 365


def declared_processes(processes: File) -> dict[str, set[str] | None] | None:
    """Return the nodes of each process as they are written, right or wrong; None: not to be known."""
    if not isinstance(processes.content, dict):
        return None
    written = processes.content.get("processes")
    if not isinstance(written, dict):
        return None
    declared: dict[str, set[str] | None] = {}
    for name, process in written.items():
        nodes = process.get("nodes") if isinstance(process, dict) else None
        nodes = nodes if isinstance(nodes, list) else []
        names = [as_text(node.get("node")) if isinstance(node, dict) else None for node in nodes]
        # One node without a name may be the very one that somebody refers to.
        declared[name] = None if any(not isinstance(node, str) for node in names) else {n.strip() for n in names if n}
    return declared


def declared_calendars(calendars: File) -> set[str] | None:
    """Return the names of the calendars as they are written, right or wrong; None: not to be known."""
    if calendars.is_missing:
        return {ROUND_THE_CLOCK}
    written = calendars.content.get("calendars") if isinstance(calendars.content, dict) else None
    if calendars.content is None or (written is not None and not isinstance(written, dict)):
        return None
    return {ROUND_THE_CLOCK, *(written or {})}


def check_names_in_commitments(
    file: File, rows: Iterable[WrittenDict], processes: dict[str, set[str] | None] | None, calendars: File
) -> None:
    """Note processes, nodes and calendars of commitments that nothing declares."""
    known_calendars = declared_calendars(calendars)
    needs_calendars = False
    for row in rows:
        process, node, calendar = (row.get(column) for column in ("process", "node", "calendar"))
        if process and processes is not None:
            _check_node(file, row, process, node, processes)
        if not calendar or calendar == ROUND_THE_CLOCK:
            continue
        needs_calendars = True
        if known_calendars is not None and calendar not in known_calendars:
            # Without the file one message about it says enough.
            if not calendars.is_missing:
                remedy = suggest(calendar, known_calendars)
                file.mistake(calendar, f"calendar {file.shown(calendar)} is not in calendars.yml; {remedy}")
            continue
        for column in ("commitment_limit", "tolerance_limit"):
            _check_days(file, row.get(column), calendar)
    if not needs_calendars and calendars.is_missing:
        calendars.mistakes.clear()


def check_names_in_indicators(file: File, processes: dict[str, set[str] | None] | None, calendars: File) -> set[str]:
    """Note processes, nodes and calendars of indicators that nothing declares; return the calendars that they use."""
    known_calendars = declared_calendars(calendars)
    indicators = file.content.get("indicators") if isinstance(file.content, dict) else None
    used = set()
    for indicator in indicators.values() if isinstance(indicators, dict) else ():
        for version in written_versions(indicator):
            process, node, calendar = (version.get(key) for key in ("process", "node", "calendar"))
            if is_scalar(process) and processes is not None:
                _check_node(file, version, process, node, processes)
            if is_scalar(calendar) and known_calendars is not None and calendar not in known_calendars:
                remedy = suggest(calendar, known_calendars)
                file.mistake(calendar, f"calendar {file.shown(calendar)} is not in calendars.yml; {remedy}")
            used.add(str(calendar))
    return used


def check_names_in_alerts(
    file: File,
    processes: Mapping[str, set[str] | None] | None,
    calendars: File,
    sources: Container[str] | None,
) -> None:
    """Note processes, nodes, calendars and sources of alert rules that nothing declares."""
    known_calendars = declared_calendars(calendars)
    rules = file.content.get("rules") if isinstance(file.content, dict) else None
    for rule in rules.values() if isinstance(rules, dict) else ():
        if not isinstance(rule, WrittenDict):
            continue
        named = file.scalars(rule.get("process"))
        nodes = file.scalars(rule.get("node"))
        for process in named if processes is not None else ():
            _check_node(file, rule, process, None, processes)
        within = [processes[name] for name in named or processes if name in processes] if processes is not None else []
        known = None if None in within else {node for of_process in within for node in of_process or ()}
        for node in nodes if known is not None else ():
            if node not in known:
                file.mistake(node, f"node {file.shown(node)} is in none of its processes; {suggest(node, known)}")
        for source in file.scalars(rule.get("source")) if sources is not None else ():
            if source not in sources:
                file.mistake(source, f"source {file.shown(source)} is not in sources.yml")
        calendar = rule.get("only_in")
        if is_scalar(calendar) and known_calendars is not None and calendar not in known_calendars:
            remedy = suggest(calendar, known_calendars)
            file.mistake(calendar, f"calendar {file.shown(calendar)} is not in calendars.yml; {remedy}")


def _check_node(
    file: File, row: WrittenDict, process: Any, node: Any, processes: Mapping[str, set[str] | None]
) -> None:
    if process not in processes:
        remedy = suggest(process, processes)
        file.mistake(process, f"process {file.shown(process)} is not in processes.yml; {remedy}")
        return
    nodes = processes[process]
    if node and nodes is not None and node not in nodes:
        remedy = suggest(node, nodes)
        file.mistake(node, f"node {file.shown(node)} is no node of {file.shown(process)} in processes.yml; {remedy}")


def _check_days(file: File, limit: Any, calendar: Any) -> None:
    """Note days on a calendar that does not work around the clock: nobody could say how long they are."""
    if not limit:
        return
    try:
        found = limit_of(limit)
    except ValueError:
        return
    if not found.has_days or found.us is None:
        return
    days, rest = divmod(found.us, UNITS_US["d"])
    promised = "promised+" if found.kind == "promised" else ""
    working_days = "" if promised else ", or working days with wd" + (f" ({days}wd)" if days and not rest else "")
    file.mistake(
        limit,
        f"{limit.place[-1]} {file.shown(limit)} counts days, and a day of calendar {file.shown(calendar)} is not "
        f"24 hours; write working hours with h (at 24 a day: {promised}{found.us / UNITS_US['h']:g}h){working_days}",
    )


def check_names_in_sources(file: File, processes: Mapping[str, set[str] | None] | None) -> None:
    """Note constants, mapped nodes and milestones of sources that no process has."""
    sources = file.content.get("sources") if isinstance(file.content, dict) else None
    if processes is None or not isinstance(sources, dict):
        return
    for source in sources.values():
        entities = source.get("entities") if isinstance(source, dict) else None
        for entity in entities.values() if isinstance(entities, dict) else ():
            if isinstance(entity, dict):
                _check_entity(file, entity, processes)
                _check_services(file, entity, processes)


def _check_entity(file: File, entity: Mapping[str, Any], processes: Mapping[str, set[str] | None]) -> None:
    columns = entity.get("columns")
    columns = columns if isinstance(columns, dict) else {}
    process = _constant(columns.get("process"))
    name = str(as_text(process)).strip()
    if process is not None and name not in processes:
        remedy = suggest(name, processes)
        file.mistake(process, f"{file.label(process)} {file.shown(process)} is not in processes.yml; {remedy}")
        return
    choices = list(processes.values()) if process is None else [processes[name]]
    if None in choices:
        return
    nodes = {node for choice in choices for node in choice or ()}
    mapped = entity.get("nodes")
    steps = entity.get("milestones")
    used = [
        _constant(columns.get("node")),
        *(mapped.values() if isinstance(mapped, dict) else ()),
        *(step.get("node") for step in (steps if isinstance(steps, list) else ()) if isinstance(step, dict)),
    ]
    for node in used:
        text = as_text(node)
        if is_scalar(node) and text.strip() and text.strip() not in nodes:
            of = "any process" if process is None else f"{file.shown(process)}"
            remedy = suggest(text, nodes)
            file.mistake(node, f"{file.label(node)} {file.shown(node)} is no node of {of} in processes.yml; {remedy}")


def _check_services(file: File, entity: Mapping[str, Any], processes: Mapping[str, set[str] | None]) -> None:
    """Note services of outages that are no process, or process/node, of ours."""
    columns, mapped = entity.get("columns"), entity.get("services")
    constant = _constant(columns.get("service")) if isinstance(columns, dict) and not mapped else None
    for service in (constant, *(mapped.values() if isinstance(mapped, dict) else ())):
        if not is_scalar(service):
            continue
        process, _, node = as_text(service).strip().partition("/")
        if process not in processes:
            said = f"is of no process in processes.yml; {suggest(process, processes)}"
        elif node and node not in (processes[process] or {node}):
            said = f"is no node of '{process}' in processes.yml; {suggest(node, processes[process] or ())}"
        else:
            continue
        file.mistake(service, f"{file.label(service)} {file.shown(service)} {said}")


def _constant(column: Any) -> Any:
    """Return the written constant of a column, if it is one."""
    value = column.get("value") if isinstance(column, dict) else None
    return value if is_scalar(value) else None


def check_horizons(file: File, calendars: Mapping[str, Calendar], used: set[str], today: date) -> None:
    """Warn of calendars in use that end within a year, or that never work."""
    for name, calendar in calendars.items():
        if name not in used:
            continue
        if (calendar.horizon_to - today).days < HORIZON_WARNING_DAYS:
            file.warn(
                ("calendars", name, "horizon"),
                f"the horizon of {name} ends at {calendar.horizon_to}, runs beyond it are uncommitted; move `to` on",
            )
        if not len(lay_out(calendar)[0]):
            file.warn(
                ("calendars", name),
                f"{name} has no working time from {calendar.horizon_from} to {calendar.horizon_to}, so no run on it is "
                "ever late; give it `hours`, or see to its holidays, exceptions and closures",
            )


# ---------------------------------------------------------------------- overlaps


@dataclass(frozen=True)
class _Promise:
    """What an overlap depends on, of a row whose scope and dates could be read."""

    row: WrittenDict
    line: int
    values: tuple[str | None, ...]
    from_us: int
    to_us: int

    @property
    def filled(self) -> tuple[int, ...]:
        return tuple(index for index, value in enumerate(self.values) if value is not None)


def check_overlaps(file: File, rows: Iterable[WrittenDict], header: Iterable[str] = COLUMNS) -> None:
    """Note commitments that are equally specific and can apply to one run, unless a more specific one covers it all."""
    by_scope: dict[tuple[str, str | None], list[_Promise]] = defaultdict(list)
    # How people wrote each instant, for the rows that are proposed.
    texts = {BEGINNING_US: "", END_US: ""}
    for row in rows:
        promise = _promise(file, row)
        if promise is not None:
            by_scope[(row["process"], row.get("node"))].append(promise)
            texts.setdefault(promise.from_us, _cell(row, "valid_from"))
            texts.setdefault(promise.to_us, _cell(row, "valid_to"))
    shown = 0
    for promises in by_scope.values():
        covers = _by_values(promises)
        for earlier, later in _overlapping_pairs(promises):
            gap = _uncovered(earlier, later, covers)
            if gap is None:
                continue
            shown += 1
            if shown > MOST_OVERLAPS_SHOWN:
                file.mistake(
                    later.row,
                    f"and there are more overlaps than the {MOST_OVERLAPS_SHOWN} shown; mend those first",
                )
                return
            begin, end = (texts[at_us] for at_us in gap)
            file.mistake(later.row, _overlap_message(earlier, later, begin, end, list(header)))


def _promise(file: File, row: WrittenDict) -> _Promise | None:
    if not row.get("process"):
        return None
    try:
        from_us = instant_of(row["valid_from"], file.zone) if row.get("valid_from") else BEGINNING_US
        to_us = instant_of(row["valid_to"], file.zone) if row.get("valid_to") else END_US
    except ValueError:
        return None
    if from_us >= to_us:
        return None
    values = tuple(str(row[qualifier]) if row.get(qualifier) else None for qualifier in QUALIFIERS)
    return _Promise(row, file.line(row), values, from_us, to_us)


def _by_values(promises: Iterable[_Promise]) -> dict[tuple[str | None, ...], list[_Promise]]:
    found: dict[tuple[str | None, ...], list[_Promise]] = defaultdict(list)
    for promise in promises:
        found[promise.values].append(promise)
    return found


def _overlapping_pairs(promises: list[_Promise]) -> Iterator[tuple[_Promise, _Promise]]:
    """Yield pairs, earlier line first, that are equally specific, contradict in no qualifier and overlap in time.

    Promises meet only where the qualifiers that both fill are equal, so thousands of segments cost no more than one.
    """
    by_filled: dict[tuple[int, ...], list[_Promise]] = defaultdict(list)
    for promise in promises:
        by_filled[promise.filled].append(promise)
    for filled, alike in by_filled.items():
        for same in _grouped(alike, filled).values():
            yield from _overlapping_in_time(same, None)
    for one, other in combinations(by_filled, 2):
        if len(one) != len(other):
            continue
        both = tuple(index for index in one if index in other)
        others = _grouped(by_filled[other], both)
        for values, same in _grouped(by_filled[one], both).items():
            if values in others:
                yield from _overlapping_in_time(same, others[values])


def _grouped(promises: Iterable[_Promise], by: tuple[int, ...]) -> dict[tuple[str | None, ...], list[_Promise]]:
    groups: dict[tuple[str | None, ...], list[_Promise]] = defaultdict(list)
    for promise in promises:
        groups[tuple(promise.values[index] for index in by)].append(promise)
    return groups


def _overlapping_in_time(some: list[_Promise], others: list[_Promise] | None) -> Iterator[tuple[_Promise, _Promise]]:
    """Yield the pairs within ``some``, or between them and ``others``, that hold at the same time."""
    events = sorted(
        [(promise.from_us, 0, promise) for promise in some]
        + [(promise.from_us, 1, promise) for promise in others or ()],
        key=lambda event: (event[0], event[2].line),
    )
    holding: tuple[list[_Promise], list[_Promise]] = ([], [])
    for from_us, side, promise in events:
        opposite = side if others is None else 1 - side
        holding[opposite][:] = [held for held in holding[opposite] if held.to_us > from_us]
        for held in holding[opposite]:
            yield (held, promise) if held.line < promise.line else (promise, held)
        holding[side].append(promise)


def _uncovered(
    one: _Promise, other: _Promise, covers: Mapping[tuple[str | None, ...], list[_Promise]]
) -> tuple[int, int] | None:
    """Return the first part of the overlap for which no more specific promise decides; None if there is none."""
    from_us, to_us = max(one.from_us, other.from_us), min(one.to_us, other.to_us)
    both = tuple(mine if mine is not None else theirs for mine, theirs in zip(one.values, other.values, strict=True))
    for cover in sorted(_more_specific(both, len(one.filled), covers), key=lambda promise: promise.from_us):
        if cover.from_us > from_us:
            return from_us, min(cover.from_us, to_us)
        from_us = max(from_us, cover.to_us)
        if from_us >= to_us:
            return None
    return from_us, to_us


def _more_specific(
    both: tuple[str | None, ...], specificity: int, covers: Mapping[tuple[str | None, ...], list[_Promise]]
) -> Iterator[_Promise]:
    """Yield the promises that apply wherever ``both`` qualifiers do, and fill more of them."""
    filled = [index for index, value in enumerate(both) if value is not None]
    for size in range(specificity + 1, len(filled) + 1):
        for kept in combinations(filled, size):
            values = tuple(value if index in kept else None for index, value in enumerate(both))
            yield from covers.get(values, ())


def _overlap_message(one: _Promise, other: _Promise, begin: str, end: str, header: list[str]) -> str:
    both = f"{_id(other.row)} and {_id(one.row)} (line {one.line}) are equally specific, and both hold"
    when = " ".join(part for part in (begin and f"from {begin}", end and f"to {end}") if part) or "at all times"
    if one.values == other.values:
        return f"{both} {when} for the same runs; {_closing(one, other)}"
    cells = {column: _cell(one.row, column) for column in header}
    for qualifier in QUALIFIERS:
        cells[qualifier] = _cell(one.row, qualifier) or _cell(other.row, qualifier)
    cells |= {"commitment_id": f"{_id(one.row)}+{_id(other.row)}", "valid_from": begin, "valid_to": end}
    row = ",".join(_quoted(cells[column]) for column in header)
    return f"{both} {when} for a run that matches both; add the row that decides, with the limits you mean: {row}"


def _closing(one: _Promise, other: _Promise) -> str:
    """Return which of two promises with the same qualifiers to close, and when."""
    first, second = (one, other) if one.from_us <= other.from_us else (other, one)
    if first.from_us == second.from_us:
        return f"remove one, or close {_id(first.row)} (line {first.line}) with valid_to and begin the other there"
    return f"close {_id(first.row)} (line {first.line}) with valid_to {_cell(second.row, 'valid_from')}"


def _id(row: WrittenDict) -> str:
    """Return the commitment_id as the file has it; a derived one is made of what the file has."""
    written = row["commitment_id"]
    return written.written if isinstance(written, Written) else derived_id({key: _cell(row, key) for key in row})


def _cell(row: WrittenDict, column: str) -> str:
    value = row.get(column)
    return value.written if isinstance(value, Written) else ""


def _quoted(cell: str) -> str:
    """Return a cell as CSV wants it."""
    if any(character in cell for character in ',"\n'):
        return '"' + cell.replace('"', '""') + '"'
    return cell
