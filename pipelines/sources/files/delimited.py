"""CSV and TSV: text as it is written, however it is delimited; fast where it can be, exact where it breaks."""

from __future__ import annotations

import csv as csv_library
import re
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.sources.files.broken import Broken
from pipelines.sources.files.encodings import Text, as_utf8
from pipelines.sources.files.reading import CHUNK, ROWS_IN_MEMORY, Reading, header, in_pieces
from pipelines.sources.json_text import text_batch

# DuckDB keeps a few buffers of twice its longest line; a longer one is left to Python.
LONGEST_FAST_LINE = 8 * 1024 * 1024
LONGEST_CELL = 64 * 1024 * 1024
# Enough to tell a title from a header.
ROWS_LOOKED_AT = 20
# As many as landing writes at once.
BATCHES_AHEAD = 4
DELIMITERS = (",", ";", "\t", "|")


def csv(path: Path, zipped: bool, how: Reading) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a file whose delimiter is declared, or found."""
    yield from _delimited(path, zipped, how, DELIMITERS)


def tsv(path: Path, zipped: bool, how: Reading) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a file delimited by tabs."""
    yield from _delimited(path, zipped, how, ("\t",))


def _delimited(path: Path, zipped: bool, how: Reading, delimiters: Sequence[str]) -> Iterator[pa.RecordBatch]:
    with as_utf8(path, zipped, how) as text:
        delimiter, titles = _dialect(text, how, delimiters)
        with _Delimited(text, delimiter, titles) as slow:
            columns, is_plain = slow.header()
            yield text_batch(columns, [])
            done = 0
            # DuckDB reads a million rows in 0.6 s, Python in 3.5 s, but Python knows the line on which a file breaks:
            # so DuckDB reads as long as it can, and where it stops Python goes on, or says what is wrong.
            scan = _Scan(text)
            how.noticed["ends_with_newline"] = scan.ends_with_newline
            how.may_have_zeros = scan.has_zeros
            if is_plain:
                inside = 0
                for batch in _ahead(_fast(text, delimiter, titles, columns)):
                    done += batch.num_rows
                    if scan.has_quotes:
                        inside += sum(pc.sum(pc.count_substring(column, "\n")).as_py() or 0 for column in batch.columns)
                    yield batch
                # Every line end is that of a row or stands in a value. DuckDB 1.5 drops a last row whose quote never
                # closes without a word, and with parallel = true it mangled values of several lines (seen).
                if scan.line_ends == done + inside + titles:
                    return
            yield from slow.batches(columns, skip=done)


class _Scan:
    """What the bytes of a file tell before they are rows."""

    def __init__(self, text: Text) -> None:
        # This reads to the end, where gzip keeps its checksum; DuckDB does not miss it when it is cut off.
        self.has_quotes = self.has_zeros = False
        ends, last = 0, b""
        with text.opened() as file:
            while piece := file.read(CHUNK):
                ends += piece.count(b"\n")
                self.has_quotes = self.has_quotes or b'"' in piece
                self.has_zeros = self.has_zeros or b"\0" in piece
                last = piece[-1:]
        self.ends_with_newline = last == b"\n"
        # Behind the first line; one that the file leaves out at its very end counts.
        self.line_ends = ends - self.ends_with_newline


def _ahead(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Read on while what has been read is written, which takes as long."""
    with ThreadPoolExecutor(1) as pool:
        waiting = deque(pool.submit(next, batches, None) for _ in range(BATCHES_AHEAD))
        while (batch := waiting.popleft().result()) is not None:
            waiting.append(pool.submit(next, batches, None))
            yield batch


# --- dialects ----------------------------------------------------------------------------------------------------


def _dialect(text: Text, how: Reading, delimiters: Sequence[str]) -> tuple[str, int]:
    """The delimiter, and how many lines of titles stand above the header."""
    titles = (how.header_row or 1) - 1
    with text.opened() as file:
        first = file.readline(16).strip()
    # Excel's own word about the delimiter of the file.
    if said := re.fullmatch(rb"sep=(.)", first):
        titles = max(titles, 1)
        delimiters = (said[1].decode("latin-1"),)
    if how.delimiter is not None:
        delimiters = (how.delimiter,)
    looks = {delimiter: _Look(text, delimiter, titles) for delimiter in delimiters}
    best = max(delimiters, key=lambda delimiter: looks[delimiter].fit)
    if how.header_row is None and (line := looks[best].header_below):
        raise Broken(
            f"the columns seem to be named here, below a title ({looks[best].usual} columns, where line "
            f"{looks[best].first_line} has {looks[best].first})",
            line,
            f"Write `header_row: {line}` in sources.yml, or `header_row: 1` if that is none; nothing of it has landed",
        )
    return best, titles


class _Look:
    """The first rows, as one delimiter cuts them."""

    def __init__(self, text: Text, delimiter: str, titles: int) -> None:
        widths: list[tuple[int, int]] = []
        with suppress(Broken), _Delimited(text, delimiter, titles) as file:
            for line, cells in islice(file.records(), ROWS_LOOKED_AT):
                widths.append((line, len(cells)))
        self.first_line, self.first = widths[0] if widths else (0, 0)
        counts = Counter(width for _, width in widths if width > 1)
        self.usual = max(counts, key=lambda width: (counts[width], width == self.first, width), default=self.first)
        self.fit = (counts[self.usual], self.usual)
        # Two rows of more columns below one of fewer: a header and what belongs to it.
        wider = [line for line, width in widths if width == self.usual]
        self.header_below = wider[0] if self.first < self.usual and len(wider) > 1 else None


# --- two readers -------------------------------------------------------------------------------------------------


def _fast(text: Text, delimiter: str, titles: int, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """The rows as far as DuckDB gets."""
    import duckdb

    settings = {
        "threads": "1",
        # It keeps what it has read up to the limit; with 64 MB it gave up after two million rows.
        "memory_limit": "128MB",
        "temp_directory": "",
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        # It would serve the old content of a file that is written anew within a second.
        "enable_external_file_cache": "false",
    }
    literal = re.sub(r"([*?\[])", r"[\1]", str(text.path)).replace("'", "''")
    sign = delimiter.replace("'", "''")
    names = ", ".join("'" + name.replace("'", "''") + "': 'VARCHAR'" for name in columns)
    query = (
        f"FROM read_csv('{literal}', auto_detect = false, header = true, columns = {{{names}}}, "
        f"delim = '{sign}', skip = {titles}, quote = '\"', escape = '\"', nullstr = []::VARCHAR[], strict_mode = true, "
        f"null_padding = false, parallel = false, max_line_size = {LONGEST_FAST_LINE}, "
        f"buffer_size = {2 * LONGEST_FAST_LINE}, "
        f"compression = '{'gzip' if text.zipped else 'none'}')"
    )
    # What is wrong, the exact reader will say.
    with suppress(duckdb.Error, pa.ArrowException, OSError), duckdb.connect(":memory:", config=settings) as connection:
        for batch in connection.execute(query).to_arrow_reader(ROWS_IN_MEMORY):
            yield batch.rename_columns(list(columns))


class _Delimited:
    """A delimited file read by Python: slower, and exact about lines."""

    def __init__(self, text: Text, delimiter: str, titles: int) -> None:
        self._text = text
        self._titles = titles
        self._binary = text.opened()
        self._reader = csv_library.reader(self._lines(), delimiter=delimiter, strict=True)
        csv_library.field_size_limit(LONGEST_CELL)

    def __enter__(self) -> _Delimited:
        return self

    def __exit__(self, *_: object) -> None:
        self._binary.close()

    def _lines(self) -> Iterator[str]:
        for number, line in enumerate(self._binary, 1):
            if number > self._titles:
                yield self._text.decoded(line, number)

    def records(self) -> Iterator[tuple[int, list[str]]]:
        """Each record with the line on which it begins; blank lines are none."""
        while True:
            begun = self._titles + self._reader.line_num + 1
            try:
                cells = next(self._reader)
            except StopIteration:
                return
            except csv_library.Error as problem:
                if "unexpected end" in str(problem):
                    words = "a quote is opened and never closed (is the file cut?)"
                elif "new-line character" in str(problem):
                    words = "a carriage return stands alone; lines must end with LF or CRLF"
                elif "field limit" in str(problem):
                    words = f"a cell has more than {LONGEST_CELL:,} characters (is a quote never closed?)"
                else:
                    words = f"the quotes do not fit ({problem}); a quote inside a quoted value is written twice"
                raise Broken(words, begun) from None
            if cells:
                yield begun, cells

    def header(self) -> tuple[list[str], bool]:
        """The names of the columns, and whether they stand in the first line below the titles, and in it alone."""
        for line, cells in self.records():
            return header(cells, line), self._titles + 1 == line and self._reader.line_num == 1
        raise Broken("has no header")

    def batches(self, columns: Sequence[str], skip: int) -> Iterator[pa.RecordBatch]:
        """The rows after the first ``skip``."""
        for rows in in_pieces(self._rows(len(columns), skip)):
            yield text_batch(columns, rows)

    def _rows(self, width: int, skip: int) -> Iterator[tuple[int, list[str]]]:
        for line, cells in islice(self.records(), skip, None):
            if len(cells) != width:
                raise Broken(
                    f"{len(cells)} columns, where the header has {width}"
                    + (" (is the file cut?)" if len(cells) < width else " (is a value with the delimiter not quoted?)"),
                    line,
                )
            yield sum(map(len, cells)), cells
