"""Columns of people: `drop` leaves them out and `hash` replaces them before anything is written anywhere.

A pull in which such a column is gone while another one is new stops: under its new name it would land in clear.
"""

from __future__ import annotations

import hmac
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING

import pyarrow as pa

from pipelines.catalogue.personal import HASH_KEY, hash_key_mistake
from pipelines.sources.pulled import Pulled, SourceError

if TYPE_CHECKING:
    from pipelines.catalogue.sources import Entity, Source
    from pipelines.landing import Batch

# The names that a batch had before: it also says that there is nothing to do any more.
CAME_WITH = b"came_with"
QUOTED = re.compile(r"(?P<quote>['\"])(?P<inside>.*?)(?P=quote)")
DETAIL = re.compile(r"\b(?:DETAIL|CONTEXT|LINE \d+):.*", re.DOTALL)


class Protection:
    """What of an entity's rows may not be written in clear."""

    def __init__(self, source: Source, entity: Entity, environ: Mapping[str, str] = os.environ) -> None:
        """The key comes from the environment; without one nothing is pulled."""
        self.source, self.entity = source, entity
        self._dropped = {name.lower() for name in entity.drop}
        self._hashed = {name.lower() for name in entity.hash}
        self._key = b""
        if self._hashed:
            key = environ.get(HASH_KEY, "")
            problem = hash_key_mistake(key)
            if problem:
                raise SourceError(source.name, entity.name, f"`hash` needs a key: {problem}")
            self._key = key.encode()

    @property
    def mark(self) -> str | None:
        """The same as long as the same is protected with the same key; null where nothing is."""
        if not self._dropped and not self._hashed:
            return None
        said = json.dumps([sorted(self._dropped), sorted(self._hashed)])
        return hmac.digest(self._key or b"no key", said.encode(), sha256).hex()[:16]

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return the batch as it may be written."""
        if self.mark is None or CAME_WITH in (batch.schema.metadata or {}):
            return batch
        names, columns = [], []
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            if name.lower() in self._dropped:
                continue
            names.append(name)
            columns.append(self._hash(column) if name.lower() in self._hashed else column)
        fields = [pa.field(name, column.type) for name, column in zip(names, columns, strict=True)]
        came_with = {CAME_WITH: json.dumps(batch.schema.names).encode()}
        # Without a column there would be nothing left to count rows by.
        if not columns and batch.num_rows:
            raise SourceError(self.source.name, self.entity.name, "`drop` leaves no column: keep at least the key.")
        return pa.RecordBatch.from_arrays(columns, schema=pa.schema(fields, came_with))

    def _hash(self, column: pa.Array) -> pa.Array:
        if pa.types.is_nested(column.type) or pa.types.is_binary(column.type):
            column = pa.array([None if value is None else str(value) for value in column.to_pylist()], pa.string())
        encoded = column.cast(pa.string()).dictionary_encode()
        hashed = [None if value is None else self.hash(value) for value in encoded.dictionary.to_pylist()]
        return pa.array(hashed, pa.string()).take(encoded.indices)

    def hash(self, value: str) -> str | None:
        """The keyed hash of a text: the same in every source; an empty cell is null here too."""
        text = value.strip()
        return hmac.digest(self._key, text.encode(), sha256).hex() if text else None

    def error(self, problem: Exception) -> SourceError:
        """Say what went wrong without the values that a library may have put into its message."""
        known = {name.lower() for name in self._names()}

        def shown(match: re.Match[str]) -> str:
            return match[0] if match["inside"].lower() in known else f"{match['quote']}***{match['quote']}"

        words = str(problem) if isinstance(problem, SourceError) else f"{type(problem).__name__}: {problem}"
        words = words.removeprefix(f"{self.source.name}.{self.entity.name}: ")
        words = QUOTED.sub(shown, DETAIL.sub("", words).strip())
        return SourceError(self.source.name, self.entity.name, words)

    def _names(self) -> Iterator[str]:
        yield from (*self.entity.key, *self.entity.drop, *self.entity.hash)
        yield from (theirs for theirs in self.entity.columns.values() if isinstance(theirs, str))
        yield from (self.entity.from_ or "", self.entity.cursor or "")


def protected(protection: Protection, pulled: Pulled, history: Sequence[Batch]) -> Pulled:
    """Let nothing of the pull pass that may not be written, whichever kind of source it is of."""
    if protection.mark is not None:
        pulled.personal = protection.mark
        pulled.batches = _batches(protection, pulled, pulled.batches, history)
    return pulled


def _batches(
    protection: Protection, pulled: Pulled, batches: Iterator[pa.RecordBatch], history: Sequence[Batch]
) -> Iterator[pa.RecordBatch]:
    entity = protection.entity
    came: set[tuple[str, ...]] = set()
    rows = 0
    try:
        for batch in batches:
            safe = protection(batch)
            came.add(tuple(json.loads((safe.schema.metadata or {})[CAME_WITH])))
            rows += batch.num_rows
            yield safe
        if pulled.problem is not None:
            pulled.problem = protection.error(pulled.problem)
    except (GeneratorExit, KeyboardInterrupt):
        raise
    except Exception as problem:
        raise protection.error(problem) from None
    finally:
        close = getattr(batches, "close", None)
        if close is not None:
            close()
    if pulled.rest is not None:
        pulled.rest.batches = _batches(protection, pulled.rest, pulled.rest.batches, history)
    # A list of keys has none but those.
    if not rows or pulled.mode == "keys":
        return
    for name in (*entity.drop, *entity.hash):
        unknown = _in_its_place(name, came, history)
        if unknown is not None:
            key = "drop" if name in entity.drop else "hash"
            new = f", and {unknown} is new" if unknown else ""
            raise SourceError(
                protection.source.name,
                entity.name,
                f"there is no column {name!r}, which `{key}` names{new}: nothing has landed, so that nobody's data "
                f"lands in clear under another name. Correct `{key}` in sources.yml.",
            )


def _in_its_place(name: str, came: set[tuple[str, ...]], history: Sequence[Batch]) -> str | None:
    """The new columns that came without the one that is protected; empty where it never was there; null: all well."""
    lower = [{one.lower() for one in names} for names in came]
    without = [names for names, have in zip(came, lower, strict=True) if name.lower() not in have]
    if not without:
        return None
    known = {one.lower() for batch in history for one in batch.columns}
    known |= {one for have in lower if name.lower() in have for one in have}
    if not known:
        return ""
    new = sorted({repr(one) for names in without for one in names if one.lower() not in known})
    return ", ".join(new) or None
