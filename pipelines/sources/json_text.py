"""JSON as columns of text: numbers as they are written, since a float would round them and a type may change."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

import pyarrow as pa


class Number(str):
    """A number as it is written, so that 1.10 stays 1.10."""

    __slots__ = ()


JSON = json.JSONDecoder(parse_float=Number, parse_int=Number, parse_constant=Number)


def cell_text(value: Any) -> str | None:
    """Return a value as the text of a cell: null is none, objects and lists are JSON."""
    if value is None or type(value) is str:
        return value
    return _text(value)


def _text(value: Any) -> str:
    if type(value) is Number:
        return str(value)
    if isinstance(value, dict):
        pairs = (f"{json.dumps(key, ensure_ascii=False)}: {_text(inner)}" for key, inner in value.items())
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_text, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def text_batch(columns: Sequence[str], rows: Sequence[Sequence[str | None]]) -> pa.RecordBatch:
    """Return rows of text as Arrow."""
    cells: Iterable[Sequence[str | None]] = zip(*rows, strict=True) if rows else [()] * len(columns)
    return pa.RecordBatch.from_arrays([pa.array(cell, pa.string()) for cell in cells], names=list(columns))
