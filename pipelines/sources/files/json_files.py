"""JSON: a row an object, a line or an array of them, streamed; nested values stay JSON."""

from __future__ import annotations

import io
import json as json_library
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from pipelines.sources.files.broken import Broken
from pipelines.sources.files.encodings import as_utf8
from pipelines.sources.files.reading import CHUNK, Reading, keyed
from pipelines.sources.json_text import JSON, cell_text


def jsonl(path: Path, zipped: bool, how: Reading) -> Iterator[pa.RecordBatch]:
    """Yield a row a line."""

    def rows() -> Iterator[dict[str, str | None]]:
        with as_utf8(path, zipped, how) as text, text.opened() as file:
            for number, line in enumerate(file, 1):
                decoded = text.decoded(line, number).strip()
                if not decoded:
                    continue
                try:
                    value = JSON.decode(decoded)
                except (json_library.JSONDecodeError, RecursionError) as problem:
                    raise Broken(f"is no JSON object ({problem}); is the file cut?", number) from None
                yield _row(value, number)

    return keyed(rows())


def json(path: Path, zipped: bool, how: Reading) -> Iterator[pa.RecordBatch]:
    """Yield a row an object."""

    def rows() -> Iterator[dict[str, str | None]]:
        with as_utf8(path, zipped, how) as text, text.opened() as file:
            for line, value in _json_values(io.TextIOWrapper(file, "utf-8-sig")):
                yield _row(value, line)

    return keyed(rows())


def _json_values(file: IO[str]) -> Iterator[tuple[int, Any]]:
    """The elements of an array, or objects one after another, each with its line, a piece of the file at a time."""
    waiting, at, size, ended = "", 0, CHUNK, False
    lines, counted = 1, 0

    def more() -> None:
        nonlocal waiting, at, counted, ended
        line(at)
        piece = file.read(size)
        waiting, at, counted, ended = waiting[at:] + piece, 0, 0, not piece

    def line(position: int) -> int:
        # Counted on from where it was counted last: from the start each time took minutes for a million rows.
        nonlocal lines, counted
        lines += waiting.count("\n", counted, position)
        counted = position
        return lines

    def peek() -> str:
        nonlocal at
        while True:
            while at < len(waiting) and waiting[at] in " \t\r\n":
                at += 1
            if at < len(waiting):
                return waiting[at]
            if ended:
                return ""
            more()

    first = peek()
    if first not in ("[", "{"):
        raise Broken("holds no array of objects", line(at))
    is_array = first == "["
    at += is_array
    expects_comma = False
    while True:
        found = peek()
        if not found:
            if is_array:
                raise Broken("the array does not end (is the file cut?)", line(at))
            return
        if is_array and found == "]":
            at += 1
            if peek():
                raise Broken("something follows the end of the array", line(at))
            return
        if is_array and expects_comma:
            if found != ",":
                raise Broken(f"a comma is expected, not {found!r}", line(at))
            at += 1
            peek()
        while True:
            try:
                value, end = JSON.raw_decode(waiting, at)
                break
            except (json_library.JSONDecodeError, RecursionError) as problem:
                # Near the end of what has been read the rest may mend it; a mistake before that stays one.
                place = getattr(problem, "pos", 0)
                is_open = "Unterminated string" in str(problem) or place > len(waiting) - 16
                if ended or not is_open:
                    raise Broken(
                        f"is no JSON ({getattr(problem, 'msg', problem)}); is the file cut?", line(place)
                    ) from None
                size *= 2
                more()
        yield line(at), value
        at, size, expects_comma = end, CHUNK, True


def _row(value: Any, line: int) -> dict[str, str | None]:
    if not isinstance(value, dict):
        raise Broken("a row must be an object, {…}", line)
    return {key: cell_text(cell) for key, cell in value.items()}
