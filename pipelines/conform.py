"""A landed batch into canonical rows by the declared mapping: one streamed statement of DuckDB, written to Parquet.

The rows written here are those of the source, one by one, with helper columns that the gate's rules look at; a row of
milestones becomes a row a step only when it is accepted.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from pipelines.catalogue.sources import Constant, Entity, Expression, Source
from pipelines.landing import ROW_NUMBER, Batch
from pipelines.zones import DAY_US, FIRST_DAY, LAST_DAY, day_number, local_day_table, offsets

TEXTS = (
    "work_order_id",
    "process",
    "node",
    "department",
    "position",
    "segment",
    "service_level",
    "location",
    "priority",
    "customer_id",
    "resource",
)
NUMBERS = ("value", "scale", "worst")
# What an expectation counts: by the wall clock, or of the work order's calendar.
HOURS = ("hours", "working_hours")
_BATCH = {"source_system": "VARCHAR", "entity": "VARCHAR", "load_id": "VARCHAR", "landed_us": "BIGINT"}
_ROW = {
    "row_number": "BIGINT",
    "key_hash": "VARCHAR",
    "content_hash": "VARCHAR",
    "version": "INTEGER",
    "first_load_id": "VARCHAR",
    "first_row_number": "BIGINT",
    **dict.fromkeys(TEXTS, "VARCHAR"),
    "changed_us": "BIGINT",
    "promised_us": "BIGINT",
    "work_order_url": "VARCHAR",
    "control_amount": "DECIMAL(38, 6)",
    "deleted_by": "VARCHAR",
}
OF_SHAPE = {
    "runs": {
        "run_id": "VARCHAR",
        "visit": "INTEGER",
        "started_us": "BIGINT",
        "ended_us": "BIGINT",
        "reported_status": "VARCHAR",
    },
    "events": {
        "activity": "VARCHAR",
        "lifecycle": "VARCHAR",
        "at_us": "BIGINT",
        "mode": "VARCHAR",
        "meaning": "VARCHAR",
        "run_id": "VARCHAR",
    },
    "milestones": {"run_id": "VARCHAR", "started_us": "BIGINT", "ended_us": "BIGINT", "order_status": "VARCHAR"},
    "pauses": {"started_us": "BIGINT", "ended_us": "BIGINT"},
    "feedback": {
        "at_us": "BIGINT",
        "kind": "VARCHAR",
        "value": "DOUBLE",
        "unit": "VARCHAR",
        "scale": "DOUBLE",
        "worst": "DOUBLE",
        "text": "VARCHAR",
    },
    "outages": {"service": "VARCHAR", "started_us": "BIGINT", "ended_us": "BIGINT", "is_planned": "BOOLEAN"},
}
CANONICAL = {shape: {**_BATCH, **_ROW, **columns} for shape, columns in OF_SHAPE.items()}
"""Names and types of the accepted rows, by shape."""

FLAG = "flag"
DELETED = "deleted"
"""The content hash of a version that says that its key is gone: saying so twice is no news."""
TRUE, FALSE = ("true", "t", "yes", "y", "1", "1.0", "x"), ("false", "f", "no", "n", "0", "0.0")

# What lies outside is a slip of the pen, or a system's word for never.
EARLIEST_US = day_number(FIRST_DAY) * DAY_US
LATEST_US = (day_number(LAST_DAY) + 1) * DAY_US
_BLANKS = "' ' || chr(9) || chr(10) || chr(13)"
ISO_TIME = r"^(\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?)?) ?(Z|z|[+-]\d{2}(?::?\d{2})?)?$"
_TIME_OF_DAY = re.compile(r"%-?[HIMSfgnpcX]")
SELF_DESCRIBING = (".json", ".jsonl", ".xes", ".json.gz", ".jsonl.gz", ".xes.gz")


class ConformError(Exception):
    """The mapping cannot be applied to this batch at all; the message is for people."""


@dataclass
class Landed:
    """A landed batch as a view of DuckDB, with its columns as it has them."""

    columns: dict[str, str]
    """Name and DuckDB type."""
    missing: list[str] = field(default_factory=list)
    """What the catalogue names and the batch lacks, each with where."""
    lost: list[str] = field(default_factory=list)
    """The columns among them."""

    def name(self, wanted: str) -> str | None:
        """The column as the source writes it; the engine does not tell upper from lower case."""
        return next((name for name in self.columns if name.lower() == wanted.lower()), None)


def quoted(name: str) -> str:
    """An identifier in SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: str) -> str:
    """A text in SQL."""
    return "'" + value.replace("'", "''") + "'"


def connect(temporary: Path) -> duckdb.DuckDBPyConnection:
    """A connection that spills to ``temporary``."""
    con = duckdb.connect()
    con.execute("SET TimeZone = 'UTC'")
    con.execute("SET enable_progress_bar = false")
    con.execute(f"SET temp_directory = {literal(str(temporary / 'spill'))}")
    return con


def open_landed(con: duckdb.DuckDBPyConnection, batch: Batch, entity: Entity) -> Landed:
    """Show the batch as the view ``landed``, and note what the catalogue names and it lacks."""
    parts = ", ".join(literal(str(part)) for part in batch.parts)
    con.execute(
        "CREATE OR REPLACE VIEW landed AS "
        f"FROM read_parquet([{parts}], union_by_name = true, hive_partitioning = false)"
    )
    described = con.execute("DESCRIBE landed").fetchall()
    landed = Landed({name: kind for name, kind, *_ in described if name != ROW_NUMBER})
    if batch.rows == 0 and not landed.columns:
        # Nothing was said, also not wrongly.
        return landed
    wanted = list(dict.fromkeys(declared_columns(entity)))
    landed.lost = [name for name in wanted if landed.name(name) is None]
    landed.missing = [repr(name) for name in landed.lost]
    if not landed.missing:
        in_files = list(_missing_in_files(batch, wanted))
        landed.lost = list(dict.fromkeys(name for name, _ in in_files))
        landed.missing = [f"{name!r} in {file}" for name, file in in_files]
    for ours, column in {**entity.columns, "deletions": entity.deletion_column}.items():
        if isinstance(column, Expression) and (problem := _binding_problem(con, column.sql)):
            landed.missing.append(f"{ours} {{sql: {column.sql.strip()}}} ({problem})")
    return landed


def declared_columns(entity: Entity) -> Iterable[str]:
    """The columns of the source that an entity of the catalogue names."""
    yield from entity.key
    yield from (column for column in entity.columns.values() if isinstance(column, str))
    if isinstance(entity.deletion_column, str):
        yield entity.deletion_column
    for step in entity.milestones:
        yield from (name for name in (step.from_, step.to, step.promised_at) if name)
    for check in entity.checks:
        yield from columns_of_check(check.arguments)
    if entity.reconcile and entity.reconcile.sum:
        yield entity.reconcile.sum


def columns_of_check(arguments: dict[str, Any]) -> list[str]:
    """The columns that an expectation looks at."""
    named = [arguments[name] for name in ("column", "column_A", "column_B") if name in arguments]
    several = arguments.get("column_list")
    return [str(name) for name in [*named, *(several if isinstance(several, list | tuple) else [])]]


def conform(
    con: duckdb.DuckDBPyConnection, batch: Batch, landed: Landed, source: Source, entity: Entity, target: Path
) -> None:
    """Write the canonical rows of the view ``landed``, with the helper columns of the rules, to ``target``."""
    try:
        con.execute(
            f"COPY ({_statement(con, batch, landed, source, entity)}) TO {literal(str(target))} "
            "(FORMAT parquet, COMPRESSION snappy)"
        )
    except (duckdb.IOException, duckdb.OutOfMemoryException):
        raise
    except duckdb.Error as problem:
        raise ConformError(_first_line(problem)) from None


def accepted_sql(shape: str, entity: Entity) -> str:
    """SELECT of canonical rows from ``conformed`` joined with ``fresh`` (row_number, version, first …)."""
    columns = []
    for name in CANONICAL[shape]:
        if name in ("version", "first_load_id", "first_row_number"):
            columns.append(f"f.{name}")
        elif shape == "milestones" and name in ("node", "run_id", "started_us", "ended_us", "promised_us"):
            columns.append(f"s.{name}")
        else:
            columns.append(f"c.{name}")
    selected = ", ".join(
        f"{column}::{kind} AS {name}" for column, (name, kind) in zip(columns, CANONICAL[shape].items(), strict=True)
    )
    sql = f"SELECT {selected} FROM conformed AS c JOIN fresh AS f USING (row_number)"
    if shape == "milestones":
        steps = ", ".join(
            f"{{'node': {literal(step.node)}, 'run_id': md5(c.key_hash || {literal(step.node)}), "
            f"'started_us': c.from_{i}_us, 'ended_us': c.to_{i}_us, 'promised_us': c.promised_{i}_us}}"
            for i, step in enumerate(entity.milestones)
        )
        sql += f" CROSS JOIN LATERAL (SELECT unnest([{steps}], recursive := true)) AS s"
    return sql


# --- the statement ------------------------------------------------------------------------------------------------


def _statement(con: duckdb.DuckDBPyConnection, batch: Batch, landed: Landed, source: Source, entity: Entity) -> str:
    times = _times(entity)
    raw = {f"x_{ours}": _expression(con, landed, column) for ours, column in entity.columns.items()}
    raw |= {f"x_{ours}": _expression(con, landed, theirs) for ours, theirs in times.items() if f"x_{ours}" not in raw}
    if entity.reconcile and entity.reconcile.sum:
        raw["x_control_amount"] = _expression(con, landed, entity.reconcile.sum)
    raw |= {f"k_{i}": _text_of_key(landed, theirs) for i, theirs in enumerate(entity.key)}
    if entity.deletion_column is not None:
        raw["x_deletion"] = _expression(con, landed, entity.deletion_column)
    first = f"SELECT {ROW_NUMBER} AS row_number{_list(raw)} FROM landed"
    types = {name: kind for name, kind, *_ in con.execute(f"DESCRIBE {first}").fetchall()}

    has = entity.columns.__contains__
    texts = [*TEXTS, "status", "activity", "lifecycle", "visit", "kind", "unit", "text", "service", "planned", *NUMBERS]
    trimmed = {f"t_{name}": _text(f"x_{name}") if has(name) else "NULL::VARCHAR" for name in texts}
    trimmed |= {f"t_{ours}": _text(f"x_{ours}") for ours in times}
    if entity.decimal == ",":
        written = [f"t_{name}" for name in NUMBERS if types.get(f"x_{name}") == "VARCHAR"]
        trimmed |= {name: f"replace(replace({trimmed[name]}, '.', ''), ',', '.')" for name in written}
    trimmed["t_deletion"] = f"lower({_text('x_deletion')})" if "x_deletion" in raw else "NULL::VARCHAR"
    second = f"SELECT *{_list(trimmed)} FROM ({first})"

    # Layer upon layer, so that each text is parsed once: the engine repeats what a CASE names twice.
    read = {ours: _Reading(ours, types[f"x_{ours}"], entity.time_format) for ours in times}
    third = f"SELECT *{_list({name: sql for one in read.values() for name, sql in one.parsed.items()})} FROM ({second})"
    fourth = f"SELECT *{_list({name: sql for one in read.values() for name, sql in one.split.items()})} FROM ({third})"
    joins, from_local = _zone_joins(con, source.time_zone, [ours for ours, one in read.items() if one.has_local])
    instants = {f"i_{ours}": one.instant(from_local.get(ours, "NULL::BIGINT")) for ours, one in read.items()}
    fifth = f"SELECT b.*{_list(instants)} FROM ({fourth}) AS b{joins}"
    in_range = {f"{ours}_us": _in_range(f"i_{ours}") for ours in times}
    sixth = f"SELECT *{_list(in_range)} FROM ({fifth})"

    ours = _canonical(batch, source, entity, times)
    seventh = f"SELECT row_number{_list(ours)} FROM ({sixth})"
    keyed = f"SELECT *, {_key_hash(source, entity)} AS key_hash FROM ({seventh})"
    content = [*TEXTS, "changed_us", "promised_us", "work_order_url"]
    if entity.reconcile and entity.reconcile.sum:
        # What is added up must be the newest there is, though no mart shows it.
        content.append("control_amount")
    content += [name for name in OF_SHAPE[entity.shape] if name in ours]
    content += [
        name for name in ours if entity.shape == "milestones" and name.startswith(("from_", "to_", "promised_"))
    ]
    absent = {name for name, sql in ours.items() if sql.startswith("NULL::")}
    hashed = f"md5({_unambiguous(list(dict.fromkeys(content)), absent)})"
    hashed = f"CASE WHEN deleted_by IS NULL THEN {hashed} ELSE '{DELETED}' END AS content_hash"
    run_id = ""
    if entity.shape == "runs":
        run_id = ", md5(key_hash || coalesce(node, '')) AS run_id"
    elif entity.shape == "events":
        run_id = ", key_hash AS run_id"
    return f"SELECT * EXCLUDE (key_parts), {hashed}{run_id} FROM ({keyed})"


def listed_keys_sql(relation: str, source: Source, entity: Entity) -> str:
    """SELECT of row_number and key_hash from a list of keys, whose columns have the names of ``key``."""
    texts = ", ".join(f"{quoted(theirs)}::VARCHAR AS k_{i}" for i, theirs in enumerate(entity.key))
    parts = (
        f"SELECT {ROW_NUMBER} AS row_number, {_key_parts(entity)} AS key_parts FROM (SELECT *, {texts} FROM {relation})"
    )
    return f"SELECT row_number, {_key_hash(source, entity)} AS key_hash FROM ({parts})"


def _times(entity: Entity) -> dict[str, Any]:
    """Name of ours (``_us`` is added) and theirs, of every column that is a time."""
    found: dict[str, Any] = {}
    for ours in ("started_at", "ended_at", "at", "changed_at", "promised_at"):
        if ours in entity.columns:
            found[ours] = entity.columns[ours]
    for i, step in enumerate(entity.milestones):
        found[f"from_{i}"], found[f"to_{i}"] = step.from_, step.to
        if step.promised_at:
            found[f"promised_{i}"] = step.promised_at
    return found


def _canonical(batch: Batch, source: Source, entity: Entity, times: dict[str, Any]) -> dict[str, str]:
    def time(ours: str) -> str:
        return f"{ours}_us" if ours in times else "NULL::BIGINT"

    number = "t_work_order_id"
    url = "NULL::VARCHAR"
    if entity.work_order_url:
        url = f"replace({literal(entity.work_order_url)}, '{{work_order_id}}', url_encode({number}))"
    columns = {
        "source_system": literal(source.name),
        "entity": literal(entity.name),
        "load_id": literal(batch.load_id),
        "landed_us": f"{batch.landed_us}::BIGINT",
        **{name: f"t_{name}" for name in TEXTS},
        "work_order_id": f"{literal(source.work_order_prefix)} || {number}",
        "node": _mapped("t_activity" if entity.shape == "events" else "t_node", entity.nodes),
        "changed_us": time("changed_at"),
        "promised_us": time("promised_at"),
        "work_order_url": url,
        "control_amount": _control_amount(entity),
        "unreadable_times": _unreadable(entity, times),
        "deleted_by": f"CASE WHEN t_deletion IN ({_texts(TRUE)}) THEN '{FLAG}' END",
        "unreadable_deletion": f"CASE WHEN t_deletion NOT IN ({_texts((*TRUE, *FALSE))}) THEN t_deletion END",
        "key_parts": _key_parts(entity),
    }
    if entity.shape == "runs":
        status = _status(entity)
        columns |= {
            "visit": "try_cast(t_visit AS INTEGER)",
            "started_us": time("started_at"),
            "ended_us": time("ended_at"),
            "reported_status": status,
            "status_text": "t_status",
            "end_if_completed_us": f"CASE WHEN {status} = 'completed' THEN {time('ended_at')} ELSE 0 END",
        }
    elif entity.shape == "pauses":
        columns |= {"started_us": time("started_at"), "ended_us": time("ended_at")}
    elif entity.shape == "feedback":
        columns |= _feedback(entity, time("at"))
    elif entity.shape == "outages":
        columns |= _outage(entity) | {"started_us": time("started_at"), "ended_us": time("ended_at")}
    elif entity.shape == "events":
        assert entity.events is not None
        columns |= {
            "activity": "t_activity",
            "lifecycle": _lifecycle(entity.events.mode),
            "at_us": time("at"),
            "mode": literal(entity.events.mode),
            "meaning": _meaning(entity),
        }
    else:
        columns["order_status"] = f"CASE WHEN {_status(entity)} = 'cancelled' THEN 'cancelled' END"
        for i, step in enumerate(entity.milestones):
            columns |= {
                f"from_{i}_us": f"from_{i}_us",
                f"to_{i}_us": f"to_{i}_us",
                f"promised_{i}_us": f"promised_{i}_us" if step.promised_at else "NULL::BIGINT",
                f"start_if_ended_{i}_us": f"CASE WHEN to_{i}_us IS NOT NULL THEN from_{i}_us ELSE 0 END",
            }
    return columns


def _feedback(entity: Entity, at_us: str) -> dict[str, str]:
    """What customers say, and what of it cannot be: ``unreadable_numbers``, ``off_scale``."""
    kind = _case("t_kind", {word: ours for ours, words in entity.kinds.items() for word in words}, "NULL::VARCHAR")
    value, scale, worst = (_number(f"t_{name}") for name in NUMBERS)
    # One is the worst on most scales; a scale on which it is the best says what its worst is.
    worst = f"coalesce({worst}, CASE WHEN {scale} IS NOT NULL THEN 1 END)"
    on_scale = f"{value} BETWEEN least({scale}, {worst}) AND greatest({scale}, {worst}) AND {scale} <> {worst}"
    off_scale = f"{kind} = 'rating' AND NOT coalesce({on_scale}, false)"
    expects = f"{kind} = 'expectation' AND NOT coalesce({value} > 0, false)"
    numbers = ", ".join(
        f"CASE WHEN t_{name} IS NOT NULL AND {_number(f't_{name}')} IS NULL "
        f"THEN '{name} ''' || left(t_{name}, 60) || '''' END"
        for name in NUMBERS
    )
    return {
        "at_us": at_us,
        "kind": kind,
        "value": value,
        "unit": f"CASE WHEN {kind} = 'expectation' THEN coalesce(lower(t_unit), 'hours') END",
        "scale": scale,
        "worst": worst,
        "text": "t_text",
        "kind_text": "t_kind",
        "unreadable_numbers": f"nullif(concat_ws(', ', {numbers}), '')",
        "off_scale": f"CASE WHEN {off_scale} THEN 1 END",
        "expects_nothing": f"CASE WHEN {expects} THEN 1 END",
        "unknown_unit": f"CASE WHEN {kind} = 'expectation' AND lower(t_unit) NOT IN ({_texts(HOURS)}) THEN t_unit END",
    }


def _outage(entity: Entity) -> dict[str, str]:
    """A service is a process of ours, or process/node, once ``services`` has translated it."""
    ours = _case("t_service", dict(entity.services), "NULL::VARCHAR" if entity.services else "t_service")
    return {
        "process": f"split_part({ours}, '/', 1)",
        "node": f"nullif(split_part({ours}, '/', 2), '')",
        "service": "t_service",
        "is_planned": f"coalesce(lower(t_planned) IN ({_texts(TRUE)}), false)",
        "unreadable_planned": f"CASE WHEN lower(t_planned) NOT IN ({_texts((*TRUE, *FALSE))}) THEN t_planned END",
    }


def _number(text: str) -> str:
    # No infinity, and nothing that is none.
    return f"try_cast({text} AS DECIMAL(18, 6))"


def _control_amount(entity: Entity) -> str:
    kind = _ROW["control_amount"]
    return f"try_cast(x_control_amount AS {kind})" if entity.reconcile and entity.reconcile.sum else f"NULL::{kind}"


def _status(entity: Entity) -> str:
    words = {word: status for status, words in entity.statuses.items() for word in words}
    return _case("t_status", words, "NULL::VARCHAR")


def _mapped(text: str, names: dict[str, str]) -> str:
    return _case(text, dict(names), text)


def _case(text: str, names: dict[str, str], otherwise: str) -> str:
    if not names:
        return otherwise
    whens = " ".join(f"WHEN {literal(theirs.strip())} THEN {literal(ours)}" for theirs, ours in names.items())
    return f"CASE {text} {whens} ELSE {otherwise} END"


def _lifecycle(mode: str) -> str:
    # A log that leaves the word out logs what is complete, says the XES standard.
    return "coalesce(lower(t_lifecycle), 'complete')" if mode == "lifecycle" else "lower(t_lifecycle)"


def _meaning(entity: Entity) -> str:
    rules = entity.events
    assert rules is not None
    by_mode = {"states": "'begins'", "completions": "'completes'"}.get(rules.mode)
    if by_mode is None:
        by_mode = (
            f"CASE {_lifecycle(rules.mode)} WHEN 'start' THEN 'begins' WHEN 'complete' THEN 'completes' ELSE 'none' END"
        )
    last = f"CASE {by_mode} WHEN 'completes' THEN %s ELSE {by_mode} END" if rules.mode == "lifecycle" else "%s"
    whens = [
        f"WHEN t_activity IN ({', '.join(literal(word.strip()) for word in words)}) THEN {last % literal(meaning)}"
        for meaning, words in (("ends", rules.ends), ("cancels", rules.cancels), ("pauses", rules.pauses))
        if words
    ]
    return f"CASE {' '.join(whens)} ELSE {by_mode} END" if whens else by_mode


def _key_parts(entity: Entity) -> str:
    if not entity.key:
        return "NULL::VARCHAR"
    filled = " OR ".join(f"nullif(k_{i}, '') IS NOT NULL" for i in range(len(entity.key)))
    return f"CASE WHEN {filled} THEN {_unambiguous([f'k_{i}' for i in range(len(entity.key))])} END"


def _key_hash(source: Source, entity: Entity) -> str:
    head = f"{literal(source.name)} || '/' || {literal(entity.name)} || '/'"
    if entity.key:
        return f"md5({head} || key_parts)"
    alike = "work_order_id, process, activity, lifecycle, at_us"
    which = f"row_number() OVER (PARTITION BY {alike} ORDER BY row_number)"
    return f"md5({head} || {_unambiguous(alike.split(', '))} || {which})"


def _unambiguous(names: Iterable[str], absent: Container[str] = ()) -> str:
    """The values one after the other, each with its length before it; ``absent`` ones are known to be null."""
    parts = []
    for name in names:
        if name in absent:
            parts.append("'-;'")
        else:
            text = f"{name}::VARCHAR"
            parts.append(f"length({text}), CASE WHEN {name} IS NULL THEN '-' ELSE ':' END, {text}, ';'")
    return f"concat({', '.join(parts)})"


def _unreadable(entity: Entity, times: dict[str, Any]) -> str:
    said = []
    for ours, theirs in times.items():
        shown = theirs if isinstance(theirs, str) else ours
        said.append(
            f"CASE WHEN t_{ours} IS NOT NULL AND {ours}_us IS NULL "
            f"THEN {literal(shown + ' ')} || '''' || left(t_{ours}, 60) || '''' END"
        )
    return f"nullif(concat_ws(', ', {', '.join(said)}), '')" if said else "NULL::VARCHAR"


def _expression(con: duckdb.DuckDBPyConnection, landed: Landed, column: Any) -> str:
    if isinstance(column, Constant):
        return f"{literal(column.value)}::VARCHAR"
    if isinstance(column, Expression):
        # A row that the expression stumbles over is that row's trouble.
        for sql in (f"try(({column.sql}))", f"({column.sql})"):
            if _binding_problem(con, sql) is None:
                return sql
        return "NULL::VARCHAR"
    name = landed.name(column)
    return "NULL::VARCHAR" if name is None else quoted(name)


def _binding_problem(con: duckdb.DuckDBPyConnection, sql: str) -> str | None:
    try:
        con.execute(f"DESCRIBE SELECT ({sql}) AS x FROM landed")
    except duckdb.Error as problem:
        return _first_line(problem)
    return None


def _text_of_key(landed: Landed, theirs: str) -> str:
    name = landed.name(theirs)
    return "NULL::VARCHAR" if name is None else f"{quoted(name)}::VARCHAR"


def _text(name: str) -> str:
    return f"nullif(trim({name}::VARCHAR, {_BLANKS}), '')"


def _is_text(kind: str) -> bool:
    return not kind.startswith(("TIMESTAMP", "DATE"))


def _reads_iso(time_format: str | None) -> bool:
    # Real dates of a workbook land as ISO text beside those that were typed as text; no other order looks like it.
    return time_format is None or (time_format not in ("unix", "unix_ms") and not time_format.startswith("%Y"))


class _Reading:
    """How the text or value ``x_<ours>`` becomes an instant, in layers of SQL that each build on the one before.

    A promise that is a date alone runs to the last microsecond of that local day.
    """

    def __init__(self, ours: str, kind: str, time_format: str | None) -> None:
        text, value = f"t_{ours}", f"x_{ours}"
        self.parsed: dict[str, str] = {}
        """Read off the text."""
        self.split: dict[str, str] = {}
        """``l_<ours>``: wall time of the source's zone; other columns: instants."""
        self._before: list[str] = []
        self._after: list[str] = []
        self._is_day: list[str] = []
        self._is_promise = ours.startswith("promised")
        local: list[str] = []
        if kind == "TIMESTAMP WITH TIME ZONE":
            self.split[f"a_{ours}"] = f"try(epoch_us({value}))"
            self._before.append(f"a_{ours}")
        elif not _is_text(kind):
            self.parsed[f"p_{ours}"] = f"try(epoch_us({value}::TIMESTAMP))"
            self._is_day.append(str(kind == "DATE"))
            local.append(f"p_{ours}")
        elif time_format in ("unix", "unix_ms"):
            factor = 1_000_000 if time_format == "unix" else 1_000
            number = f"try_cast({text if kind == 'VARCHAR' else value} AS DECIMAL(28, 6))"
            self.split[f"a_{ours}"] = f"try_cast({number} * {factor} AS BIGINT)"
            self._before.append(f"a_{ours}")
        else:
            self._read_text(ours, text, time_format, local)
        self.has_local = bool(local)
        if local:
            self.split[f"l_{ours}"] = f"coalesce({', '.join(_in_range(one) for one in local)}){self._next_day()}"

    def _read_text(self, ours: str, text: str, time_format: str | None, local: list[str]) -> None:
        if time_format is not None:
            # `epoch` and `infinity` are times to DuckDB.
            parsed = f"CASE WHEN regexp_matches({text}, '[0-9]') THEN try_strptime({text}, {literal(time_format)}) END"
            self.parsed[f"p_{ours}"] = f"try(epoch_us({parsed}))"
            if not _TIME_OF_DAY.search(time_format):
                self._is_day.append(f"p_{ours} IS NOT NULL")
            if "%z" in time_format or "%Z" in time_format:
                self._before.append(f"p_{ours}")
            else:
                local.append(f"p_{ours}")
        if not _reads_iso(time_format):
            return
        self.parsed[f"m_{ours}"] = f"regexp_extract({text}, {literal(ISO_TIME)}, ['wall', 'zone'])"
        wall = f"try(epoch_us(try_cast(replace(m_{ours}.wall, ',', '.') AS TIMESTAMP)))"
        zone = f"m_{ours}.zone"
        digits = f"replace(substr({zone}, 2), ':', '')"
        seconds = f"(left({digits}, 2)::BIGINT * 3600 + coalesce(nullif(substr({digits}, 3), '')::BIGINT, 0) * 60)"
        ahead = f"CASE WHEN {zone}[1] = '-' THEN -1 ELSE 1 END * {seconds} * 1000000"
        self._is_day.append(f"length(m_{ours}.wall) = 10")
        self.split[f"w_{ours}"] = wall + self._next_day()
        self.split[f"o_{ours}"] = f"CASE WHEN {zone} = '' THEN NULL WHEN {zone} IN ('Z', 'z') THEN 0 ELSE {ahead} END"
        local.append(f"CASE WHEN {zone} = '' THEN {wall} END")
        self._after.append(f"w_{ours} - o_{ours}")

    def instant(self, from_local: str) -> str:
        """The instant, given that of ``l_<ours>``."""
        return f"coalesce({', '.join([*self._before, from_local, *self._after])}){self._if_day('- 1')}"

    def _next_day(self) -> str:
        return self._if_day(f"+ {DAY_US}")

    def _if_day(self, step: str) -> str:
        if not self._is_promise or not self._is_day:
            return ""
        sign, number = step.split()
        return f" {sign} CASE WHEN {' OR '.join(self._is_day)} THEN {number} ELSE 0 END"


def _zone_joins(con: duckdb.DuckDBPyConnection, zone: str, times: Sequence[str]) -> tuple[str, dict[str, str]]:
    """Joins that bring the offset of each wall time ``l_<ours>`` in ``zone``, and the instant in terms of them."""
    table = offsets(zone)
    if len(table.offset_us) == 1:
        return "", {ours: f"l_{ours} - ({int(table.offset_us[0])})" for ours in times}
    if not times:
        return "", {}
    con.register("local_day_table", local_day_table(zone))
    con.execute(
        "CREATE OR REPLACE TEMP TABLE local_day AS "
        f"SELECT * REPLACE (local_day - ({EARLIEST_US // DAY_US}) AS local_day) FROM local_day_table"
    )
    con.unregister("local_day_table")
    joins = "".join(
        f" LEFT JOIN local_day AS z_{ours} ON z_{ours}.local_day = (b.l_{ours} - ({EARLIEST_US})) // {DAY_US} "
        f"AND z_{ours}.local_from_us <= b.l_{ours} AND b.l_{ours} < z_{ours}.local_to_us"
        for ours in times
    )
    # `greatest` of a null and a number is the number.
    found = {
        ours: f"CASE WHEN l_{ours} IS NOT NULL THEN greatest(l_{ours} - z_{ours}.offset_us, z_{ours}.not_before_us) END"
        for ours in times
    }
    return joins, found


def _in_range(us: str) -> str:
    return f"CASE WHEN {us} >= {EARLIEST_US} AND {us} < {LATEST_US} THEN {us} END"


def _texts(words: Iterable[str]) -> str:
    return ", ".join(literal(word) for word in words)


def _list(columns: dict[str, str]) -> str:
    return "".join(f", {sql} AS {name}" for name, sql in columns.items())


def _missing_in_files(batch: Batch, wanted: Sequence[str]) -> Iterable[tuple[str, str]]:
    """A file of a glob that lost a column would else be filled up with nulls."""
    import pyarrow.parquet as pq

    if not batch.files:
        return
    first = 1
    for part, described in zip(batch.parts, batch.manifest["parts"], strict=True):
        last = first + described["rows"] - 1
        have = {name.lower() for name in pq.read_schema(part).names}
        lost = [name for name in wanted if name.lower() not in have]
        for file in batch.files:
            begin, rows = file.get("first_row") or 0, file.get("rows") or 0
            reaches = rows > 0 and begin <= last and begin + rows - 1 >= first
            if lost and reaches and not file["name"].lower().endswith(SELF_DESCRIBING):
                yield from ((name, file["name"]) for name in lost)
        first = last + 1


def _first_line(problem: Exception) -> str:
    return str(problem).strip().splitlines()[0] if str(problem).strip() else type(problem).__name__
