"""What every reader of a format holds to: how it is told to read, and how rows become batches."""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.sources.files.broken import Broken
from pipelines.sources.json_text import text_batch

# Large enough to keep Arrow busy, small enough that a hundred wide text columns stay below 100 MB.
ROWS_IN_MEMORY = 32_768
# A few rows may be as large as many: a cell of 10 MB is rare, but it comes.
CHARACTERS_IN_MEMORY = 16 * 1024 * 1024
CHUNK = 1024 * 1024


@dataclass
class Reading:
    """What sources.yml says about how a file is read, and what its reader noticed besides the rows."""

    temporary: Path
    """A folder for copies, removed after the pull."""
    encoding: str | None = None
    delimiter: str | None = None
    header_row: int | None = None
    sheet: str | None = None
    sheet_column: str | None = None
    object_type: str | None = None
    may_have_zeros: bool = True
    """Whether 0x00 must be looked for in what a reader yields."""
    noticed: dict[str, Any] = field(default_factory=dict)
    """Goes into the manifest of the batch."""


def opened(path: Path, zipped: bool) -> IO[bytes]:
    """Open a file that may be gzipped."""
    return gzip.open(path, "rb") if zipped else path.open("rb")  # type: ignore[return-value]


def header(cells: Sequence[str], line: int, place: str = "line") -> list[str]:
    """Return the names of columns, of which no two may be alike."""
    names = [cell if cell.strip() else f"column_{number}" for number, cell in enumerate(cells, 1)]
    check_names(names, line, place)
    return names


def check_names(names: Iterable[str], line: int | None = None, place: str = "line") -> None:
    """Refuse two columns that the warehouse could not tell apart."""
    seen: dict[str, str] = {}
    for name in names:
        if name.lower() in seen:
            raise Broken(
                f"the header names two columns {seen[name.lower()]!r} and {name!r}, which cannot be told apart",
                line,
                "Give each its own name",
                place,
            )
        seen[name.lower()] = name


def in_pieces(rows: Iterable[tuple[int, Any]]) -> Iterator[list[Any]]:
    """Cut rows, each with its number of characters, into as many as fit into memory."""
    piece: list[Any] = []
    characters = 0
    for size, row in rows:
        piece.append(row)
        characters += size
        if len(piece) == ROWS_IN_MEMORY or characters >= CHARACTERS_IN_MEMORY:
            yield piece
            piece, characters = [], 0
    if piece:
        yield piece


def keyed(rows: Iterable[dict[str, str | None]]) -> Iterator[pa.RecordBatch]:
    """Rows as keys and values: columns in the order of their first appearance, more of them as more appear."""
    columns: dict[str, None] = {}
    started = False
    for piece in in_pieces((sum(map(len, filter(None, row.values()))), row) for row in rows):
        started = True
        for row in piece:
            columns.update(dict.fromkeys(row))
        yield text_batch(list(columns), [[row.get(name) for name in columns] for row in piece])
    if not started:
        yield text_batch([], [])


def checked(batches: Iterator[pa.RecordBatch], how: Reading) -> Iterator[pa.RecordBatch]:
    """Refuse what no format may bring: names that are alike, and 0x00, which is how disks and transfers fail."""
    names: list[str] | None = None
    rows = 0
    for batch in batches:
        if batch.schema.names != names:
            names = batch.schema.names
            check_names(names)
        texts = [
            (name, column)
            for name, column in zip(names, batch.columns, strict=True)
            if how.may_have_zeros and (pa.types.is_string(column.type) or pa.types.is_large_string(column.type))
        ]
        for name, column in texts:
            has_zero = pc.match_substring(column, "\0")
            if pc.any(has_zero).as_py():
                row = rows + has_zero.index(True).as_py() + 1
                raise Broken(f"column {name!r} holds a 0x00 byte (is the file damaged?)", row, place="row")
        rows += batch.num_rows
        yield batch
