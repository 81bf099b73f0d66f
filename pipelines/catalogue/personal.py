"""Columns of people in sources.yml: what may be dropped or hashed before it lands, and the key of the hashes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from pipelines.catalogue.base import as_text
from pipelines.catalogue.reading import File, WrittenDict

HASH_KEY = "COMMITMENTS_HASH_KEY"
SHORTEST_KEY = 16
# A hash is no time, no number and none of the words that are mapped; where the cursor stands is kept in clear.
IN_CLEAR = {
    *("`cursor`", "`deletions`", "`reconcile` (sum)", "`milestones` (from)", "`milestones` (to)"),
    "`milestones` (promised_at)",
    *(
        f"`columns` ({ours})"
        for ours in ("started_at", "ended_at", "at", "changed_at", "promised_at", "status", "lifecycle", "visit")
    ),
}


def hash_key_mistake(key: str) -> str | None:
    """Say what is wrong with the key, without showing any of it."""
    make = 'python3 -c "import secrets; print(secrets.token_hex(32))" makes one'
    if not key:
        return f"the environment variable {HASH_KEY} is not set; {make}. Keep it: with another one all hashes change."
    if len(key) < SHORTEST_KEY:
        return f"{HASH_KEY} is shorter than {SHORTEST_KEY} characters, which can be guessed; {make}."
    return None


def personal_mistakes(data: WrittenDict, file: File) -> Iterator[tuple[Any, str]]:
    """Yield what `drop` and `hash` of an entity may not name: what the entity needs in clear, or at all."""
    label = file.label(data)
    dropped, hashed = ({_name(one): one for one in file.scalars(data.get(key))} for key in ("drop", "hash"))
    used = list(_used(data, file))
    for name, written in dropped.items():
        where = next((place for one, place in used if one == name), None) or _in_sql(data, name)
        if where:
            yield (
                written,
                f"{label}.drop {file.shown(written)} is needed by {where}; hash it instead, or remove it there",
            )
        if name in hashed:
            yield written, f"{label}.drop {file.shown(written)} is in `hash` too; keep one"
    for name, place in used:
        if name in hashed and place in IN_CLEAR:
            yield (
                hashed[name],
                f"{label}.hash {file.shown(hashed[name])} is needed by {place}, which a hash cannot serve; "
                "remove it there or here",
            )
    if hashed and (problem := hash_key_mistake(file.environ.get(HASH_KEY, ""))):
        yield (*data.place, "hash"), f"{label}.hash: {problem}"


def _name(value: Any) -> str:
    return str(as_text(value)).strip().lower()


def _used(data: WrittenDict, file: File) -> Iterator[tuple[str, str]]:
    """The columns that an entity names, each with where."""
    for key in ("key", "cursor", "deletions"):
        yield from ((_name(one), f"`{key}`") for one in file.scalars(data.get(key)))
    columns = data.get("columns")
    for ours, theirs in columns.items() if isinstance(columns, dict) else ():
        yield from ((_name(one), f"`columns` ({ours})") for one in file.scalars(theirs))
    for step in file.items(data.get("milestones")):
        for key in ("from", "to", "promised_at"):
            if isinstance(step, dict):
                yield from ((_name(one), f"`milestones` ({key})") for one in file.scalars(step.get(key)))
    for check in file.items(data.get("checks")):
        for arguments in check.values() if isinstance(check, dict) else ():
            for key in ("column", "column_A", "column_B", "column_list"):
                if isinstance(arguments, dict):
                    yield from ((_name(one), "`checks`") for one in file.scalars(arguments.get(key)))
    reconcile = data.get("reconcile")
    if isinstance(reconcile, dict):
        yield from ((_name(one), "`reconcile` (sum)") for one in file.scalars(reconcile.get("sum")))


def _in_sql(data: WrittenDict, name: str) -> str | None:
    """Where an expression names the column."""
    columns = data.get("columns")
    for ours, theirs in columns.items() if isinstance(columns, dict) else ():
        sql = theirs.get("sql") if isinstance(theirs, dict) else None
        if isinstance(sql, str) and re.search(rf"(?<![\w']){re.escape(name)}(?![\w'])", sql, re.IGNORECASE):
            return f"`columns` ({ours})"
    return None
