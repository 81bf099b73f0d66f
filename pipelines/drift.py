"""How a batch's columns differ from those before it, and what a lost one may be called now."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

import duckdb

from pipelines.catalogue.sources import Entity, Source
from pipelines.conform import SELF_DESCRIBING, declared_columns, literal, quoted
from pipelines.landing import Batch

# Enough to tell what a column looks like, and read in no time.
ROWS_LOOKED_AT = 1000
# Below it two columns have hardly more in common than any two.
ALIKE = 0.5

DECIMAL = re.compile(r"decimal\d+\(\d+, (-?\d+)\)")


@dataclass(frozen=True)
class Drift:
    """A column that is new, gone, or of another type than before."""

    column_name: str
    what: str
    type_before: str | None
    type_now: str | None
    is_used: bool


def drift(
    con: duckdb.DuckDBPyConnection, source: Source, entity: Entity, batch: Batch, before: Sequence[Batch]
) -> list[Drift]:
    """Compare the batch with all that landed before it; types with the newest of them, which should be accepted."""
    if not before or not batch.columns:
        return []
    used = {name.lower() for name in declared_columns(entity)}
    ours = {name.lower() for name in (*entity.drop, *entity.hash)}
    seen = {name.lower() for one in before for name in one.columns}
    last = before[-1]
    then = {name.lower(): kind for name, kind in last.columns.items()}
    found = [
        Drift(name, "new", None, kind, name.lower() in used)
        for name, kind in batch.columns.items()
        if name.lower() not in seen
    ]
    now = {name.lower() for name in batch.columns}
    if not _describes_itself(source, batch):
        found += [
            Drift(name, "gone", kind, None, name.lower() in used)
            for name, kind in last.columns.items()
            if name.lower() not in now and name.lower() not in ours
        ]
    for name, kind in batch.columns.items():
        was = then.get(name.lower())
        if was is None or name.lower() in ours or family(was) == family(kind):
            continue
        # A column without a value has no type of its own.
        if _has_values(con, batch, name) and _has_values(con, last, name):
            found.append(Drift(name, "retyped", was, kind, name.lower() in used))
    return found


def family(kind: str) -> str:
    """What an Arrow type is to whoever maps it: types that write their values alike are one."""
    decimal = DECIMAL.match(kind)
    if kind.startswith(("int", "uint")) or (decimal and int(decimal[1]) <= 0):
        return "whole number"
    if decimal or kind in ("double", "float", "halffloat"):
        return "number with a fraction"
    if kind.startswith("timestamp"):
        return "instant" if "tz=" in kind else "time without a zone"
    names = {"bool": "truth value", "string": "text", "large_string": "text"}
    return names.get(kind, "date" if kind.startswith("date") else kind)


def nearest(
    con: duckdb.DuckDBPyConnection, lost: str, batch: Batch, before: Sequence[Batch], entity: Entity
) -> str | None:
    """The column that the lost one may be called now: by its name, and by what its values look like."""
    seen = {name.lower() for one in before for name in one.columns}
    used = {name.lower() for name in declared_columns(entity)}
    new = [name for name in batch.columns if name.lower() not in (seen or used)]
    last = next((one for one in reversed(before) if lost.lower() in {name.lower() for name in one.columns}), None)
    was = _shapes(con, last, lost) if last and new else set()
    best, most = None, ALIKE
    for name in new:
        score = SequenceMatcher(None, _plain(lost), _plain(name)).ratio()
        if was and (now := _shapes(con, batch, name)):
            score = max(score, (score + 2 * len(was & now) / len(was | now)) / 2)
        if score >= most:
            best, most = name, score
    return best


def _describes_itself(source: Source, batch: Batch) -> bool:
    """Records name their own fields: one that is empty throughout is not there."""
    if source.kind not in ("files", "database"):
        return True
    return bool(batch.files) and all(file["name"].lower().endswith(SELF_DESCRIBING) for file in batch.files)


def _parts(batch: Batch) -> str:
    parts = ", ".join(literal(str(part)) for part in batch.parts)
    return f"read_parquet([{parts}], union_by_name = true, hive_partitioning = false)"


def _has_values(con: duckdb.DuckDBPyConnection, batch: Batch, name: str) -> bool:
    sql = f"SELECT 1 FROM {_parts(batch)} WHERE {quoted(name)} IS NOT NULL LIMIT 1"
    return con.execute(sql).fetchone() is not None


def _shapes(con: duckdb.DuckDBPyConnection, batch: Batch, name: str) -> set[str]:
    """What the first values look like: digits and letters by their kind, runs of them as one."""
    text = f"left({quoted(name)}::VARCHAR, 40)"
    shape = rf"regexp_replace(regexp_replace({text}, '\d+', '9', 'g'), '\pL+', 'a', 'g')"
    rows = con.execute(
        f"SELECT DISTINCT {shape} FROM (FROM {_parts(batch)} WHERE {quoted(name)} IS NOT NULL LIMIT {ROWS_LOOKED_AT})"
    ).fetchall()
    return {one for (one,) in rows}


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", name.lower())


def said(found: Iterable[Drift]) -> str:
    """Retyped columns in words."""
    return ", ".join(
        f"{one.column_name!r} was {family(one.type_before or '')} and is {family(one.type_now or '')} now"
        for one in found
    )
