"""Files in a folder: new and changed ones, each format streamed in bounded memory and in the order of the file."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import os
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import date, datetime, time, timedelta
from fnmatch import fnmatchcase
from itertools import chain, islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.home import Home
from pipelines.sources.json_text import JSON, cell_text, text_batch
from pipelines.sources.pulled import Progress, Pulled, SourceError

if TYPE_CHECKING:
    from pipelines.catalogue.sources import Entity, Source
    from pipelines.landing import Batch

# Large enough to keep Arrow busy, small enough that a hundred wide text columns stay below 100 MB.
ROWS_IN_MEMORY = 32_768
# DuckDB keeps a few buffers of twice its longest line; a longer one is left to Python.
LONGEST_FAST_LINE = 8 * 1024 * 1024
LONGEST_CELL = 64 * 1024 * 1024
CHUNK = 1024 * 1024

GLOB = r"[*?\[]"
AGAIN = "Deliver the file again; nothing of it has landed"


def pull(
    source: Source,
    entity: Entity,
    history: Sequence[Batch],
    home: Home,
    full_refresh: bool = False,
    progress: Progress | None = None,
) -> Pulled | None:
    """Bring the files of an entity that are new or changed since they last landed; None when there are none."""
    if re.match(r"(?!file:)[a-z0-9+]+://", source.connection.get_secret_value()):
        raise SourceError(
            source.name, entity.name, "object stores are not available yet: name a folder of this machine."
        )
    if entity.from_ is None:
        raise SourceError(source.name, entity.name, "`from` is missing in sources.yml: the name of a file, or a glob.")
    wanted = entity.from_
    folder = source.folder(home)
    with _said_clearly(source.name, entity.name, folder):
        paths = _find(folder, wanted, source.name, entity.name)
        landed = {file["name"]: file["sha256"] for batch in history for file in batch.files}
        changed = []
        for path in paths:
            with _said_clearly(source.name, entity.name, path):
                name = _name(path, folder)
                _reader_of(path)
                state = _state(path)
                file = {"name": name, "sha256": _sha256(path), "size": path.stat().st_size}
                if full_refresh or landed.get(name) != file["sha256"]:
                    changed.append((path, state, file))
    if not changed:
        return None
    files: list[dict[str, Any]] = []
    digest = hashlib.sha256(json.dumps([(file["name"], file["sha256"]) for _, _, file in changed]).encode())
    return Pulled(
        mode="whole",
        batches=_stream(source.name, entity.name, changed, files, progress),
        origin=wanted,
        files=files,
        content_hash=digest.hexdigest(),
        always_land=full_refresh,
    )


def _stream(
    source: str,
    entity: str,
    changed: list[tuple[Path, tuple[int, int], dict[str, Any]]],
    files: list[dict[str, Any]],
    progress: Progress | None,
) -> Iterator[pa.RecordBatch]:
    rows = 0
    for path, state, file in changed:
        first = rows + 1
        with _said_clearly(source, entity, path):
            reader, zipped = _reader_of(path)
            if path.stat().st_size == 0:
                raise _Broken("is empty (0 bytes): not even a header is there", remedy=AGAIN)
            for batch in reader(path, zipped):
                rows += batch.num_rows
                if progress is not None:
                    progress(rows)
                yield batch
            if _state(path) != state:
                raise _Broken("changed while it was being read", remedy="Run again once it is whole")
        files.append({**file, "rows": rows - first + 1, "first_row": first})


# --- which files -------------------------------------------------------------------------------------------------


def _find(folder: Path, wanted: str, source: str, entity: str) -> list[Path]:
    if not folder.exists():
        raise SourceError(
            source,
            entity,
            f"the folder {folder} does not exist: create it, or correct `connection` of {source} in sources.yml.",
        )
    if not folder.is_dir():
        raise SourceError(
            source, entity, f"{folder} is a file, and `connection` wants its folder: the file belongs in `from`."
        )
    os.scandir(folder).close()
    literal = folder / wanted
    if literal.is_file():
        return [literal]
    if not re.search(GLOB, wanted):
        raise SourceError(
            source,
            entity,
            f"the file {literal} does not exist: deliver it, or correct `from` in sources.yml{_near(literal)}.",
        )
    found = sorted(_expand(folder, Path(wanted).parts), key=lambda path: _natural(_name(path, folder)))
    if not found:
        raise SourceError(
            source, entity, f"no file in {folder} matches {wanted!r}: deliver one, or correct `from` in sources.yml."
        )
    return found


def _expand(folder: Path, pattern: Sequence[str]) -> Iterator[Path]:
    # pathlib's own glob passes over folders that it may not read, and their files would be missed in silence.
    first, rest = pattern[0], pattern[1:]
    if not re.search(GLOB, first):
        child = folder / first
        if rest and child.is_dir():
            yield from _expand(child, rest)
        elif not rest and child.is_file():
            yield child
        return
    with os.scandir(folder) as listing:
        entries = [entry for entry in listing if not entry.name.startswith((".", "~$"))]
    if first == "**":
        yield from _expand(folder, rest or ["*"])
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _expand(folder / entry.name, pattern)
        return
    for entry in entries:
        if fnmatchcase(entry.name, first):
            if rest and entry.is_dir():
                yield from _expand(folder / entry.name, rest)
            elif not rest and entry.is_file():
                yield folder / entry.name


def _name(path: Path, folder: Path) -> str:
    return (path.relative_to(folder) if path.is_relative_to(folder) else path).as_posix()


def _natural(name: str) -> list[tuple[int, str]]:
    # export_9 before export_10: the later delivery wins, so the order has a meaning.
    return [(int(piece), "") if piece.isdecimal() else (0, piece) for piece in re.split(r"(\d+)", name)]


def _near(path: Path) -> str:
    from difflib import get_close_matches

    try:
        names = os.listdir(path.parent)
    except OSError:
        return ""
    close = get_close_matches(path.name, names, n=1)
    return f" (there is {close[0]})" if close else ""


def _state(path: Path) -> tuple[int, int]:
    stat = path.stat()
    return stat.st_size, stat.st_mtime_ns


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


# --- what is wrong, in words -------------------------------------------------------------------------------------


class _Broken(Exception):
    """What is wrong with a file; ``_said_clearly`` adds which one."""

    def __init__(self, message: str, line: int | None = None, remedy: str = AGAIN, place: str = "line") -> None:
        super().__init__(message)
        self.message, self.line, self.remedy, self.place = message, line, remedy, place


@contextmanager
def _said_clearly(source: str, entity: str, path: Path) -> Iterator[None]:
    try:
        yield
    except _Broken as broken:
        where = f"{path}: {broken.place} {broken.line}: " if broken.line else f"{path} "
        end = "" if broken.message.endswith("?") else "."
        raise SourceError(source, entity, f"{where}{broken.message}{end} {broken.remedy}.") from None
    except PermissionError as problem:
        raise SourceError(
            source,
            entity,
            f"{problem.filename or path} may not be read by this user: give it the right to (chmod, chown, or the "
            "share's settings), then run again.",
        ) from None
    except (EOFError, gzip.BadGzipFile, zlib.error) as problem:
        raise SourceError(source, entity, f"{path} is no whole gzip file ({problem}): is it cut? {AGAIN}.") from None
    except FileNotFoundError:
        raise SourceError(source, entity, f"{path} is gone while it was to be read. {AGAIN}.") from None
    except UnicodeError as problem:
        raise SourceError(source, entity, f"{path} holds text that is no valid UTF-8 ({problem}). {AGAIN}.") from None
    except OSError as problem:
        words = problem.strerror or str(problem)
        raise SourceError(source, entity, f"{path} cannot be read ({words}). {AGAIN}.") from None


# --- text columns ------------------------------------------------------------------------------------------------


def _header(cells: Sequence[str], line: int) -> list[str]:
    names = [cell if cell.strip() else f"column_{number}" for number, cell in enumerate(cells, 1)]
    seen: dict[str, str] = {}
    for name in names:
        if name.lower() in seen:
            raise _Broken(
                f"the header names two columns {seen[name.lower()]!r} and {name!r}, which cannot be told apart",
                line,
                "Give each its own name",
            )
        seen[name.lower()] = name
    return names


def _keyed(rows: Iterable[dict[str, str | None]]) -> Iterator[pa.RecordBatch]:
    """Rows as keys and values: columns in the order of their first appearance, more of them as more appear."""
    columns: dict[str, None] = {}
    rows = iter(rows)
    started = False
    while chunk := list(islice(rows, ROWS_IN_MEMORY)):
        started = True
        for row in chunk:
            columns.update(dict.fromkeys(row))
        yield text_batch(list(columns), [[row.get(name) for name in columns] for row in chunk])
    if not started:
        yield text_batch([], [])


def _opened(path: Path, zipped: bool) -> IO[bytes]:
    return gzip.open(path, "rb") if zipped else path.open("rb")  # type: ignore[return-value]


# --- CSV and TSV -------------------------------------------------------------------------------------------------


def _csv(path: Path, zipped: bool) -> Iterator[pa.RecordBatch]:
    yield from _delimited(path, zipped, (",", ";", "\t", "|"))


def _tsv(path: Path, zipped: bool) -> Iterator[pa.RecordBatch]:
    yield from _delimited(path, zipped, ("\t",))


def _delimited(path: Path, zipped: bool, delimiters: Sequence[str]) -> Iterator[pa.RecordBatch]:
    encoding = _encoding(path, zipped)
    delimiter = _delimiter(path, zipped, encoding, delimiters)
    with _Delimited(path, zipped, encoding, delimiter) as slow:
        columns, is_plain = slow.header()
        yield text_batch(columns, [])
        done = 0
        # DuckDB reads a million rows in 0.6 s, Python in 3.5 s, but Python knows the line on which a file breaks: so
        # DuckDB reads as long as it can, and where it stops Python goes on, or says what is wrong.
        if is_plain and encoding == "utf-8-sig":
            ends = _line_ends(path, zipped)
            inside = 0
            for batch in _fast(path, zipped, delimiter, columns):
                done += batch.num_rows
                inside += sum(pc.sum(pc.count_substring(column, "\n")).as_py() or 0 for column in batch.columns)
                yield batch
            # Every line end is that of a row or stands in a value. DuckDB 1.5 drops a last row whose quote never closes
            # without a word, and with parallel = true it mangled values of several lines (seen).
            if ends == done + inside:
                return
        yield from slow.batches(columns, skip=done)


def _encoding(path: Path, zipped: bool) -> str:
    with _opened(path, zipped) as file:
        start = file.read(2)
    # Excel's "Unicode text"; everything else must be UTF-8, with or without its mark.
    return "utf-16" if start in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"


def _delimiter(path: Path, zipped: bool, encoding: str, delimiters: Sequence[str]) -> str:
    def width(delimiter: str) -> int:
        try:
            with _Delimited(path, zipped, encoding, delimiter) as file:
                return len(file.header_cells()[0])
        except _Broken:
            return 0

    return delimiters[0] if len(delimiters) == 1 else max(delimiters, key=width)


def _line_ends(path: Path, zipped: bool) -> int:
    """How many line ends follow the header; one that the file leaves out at its very end counts."""
    # This reads to the end, where gzip keeps its checksum; DuckDB does not miss it when it is cut off.
    ends, last = 0, b""
    with _opened(path, zipped) as file:
        while piece := file.read(CHUNK):
            ends += piece.count(b"\n")
            last = piece[-1:]
    return ends - (last == b"\n")


def _fast(path: Path, zipped: bool, delimiter: str, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
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
    literal = re.sub(r"([*?\[])", r"[\1]", str(path)).replace("'", "''")
    names = ", ".join("'" + name.replace("'", "''") + "': 'VARCHAR'" for name in columns)
    query = (
        f"FROM read_csv('{literal}', auto_detect = false, header = true, columns = {{{names}}}, "
        f"delim = '{delimiter}', quote = '\"', escape = '\"', nullstr = []::VARCHAR[], strict_mode = true, "
        f"null_padding = false, parallel = false, max_line_size = {LONGEST_FAST_LINE}, "
        f"buffer_size = {2 * LONGEST_FAST_LINE}, "
        f"compression = '{'gzip' if zipped else 'none'}')"
    )
    # What is wrong, the exact reader will say.
    with suppress(duckdb.Error, pa.ArrowException, OSError), duckdb.connect(":memory:", config=settings) as connection:
        for batch in connection.execute(query).to_arrow_reader(ROWS_IN_MEMORY):
            yield batch.rename_columns(list(columns))


class _Delimited:
    """A delimited file read by Python: slower, and exact about lines."""

    def __init__(self, path: Path, zipped: bool, encoding: str, delimiter: str) -> None:
        self._binary = _opened(path, zipped)
        self._encoding = encoding
        self._reader = csv.reader(self._lines(), delimiter=delimiter, strict=True)
        self._lines_begun = 0
        csv.field_size_limit(LONGEST_CELL)

    def __enter__(self) -> _Delimited:
        return self

    def __exit__(self, *_: object) -> None:
        self._binary.close()

    def _lines(self) -> Iterator[str]:
        if self._encoding == "utf-16":
            yield from io.TextIOWrapper(self._binary, "utf-16", newline="")
            return
        for number, line in enumerate(self._binary, 1):
            try:
                yield line.decode(self._encoding if number == 1 else "utf-8")
            except UnicodeDecodeError as problem:
                raise _Broken(
                    f"is not UTF-8 (byte {problem.object[problem.start]:#04x} after {problem.start} bytes of the line)",
                    number,
                    "Have the export written as UTF-8; nothing of it has landed",
                ) from None

    def _records(self) -> Iterator[tuple[int, list[str]]]:
        """Each record with the line on which it begins; blank lines are none."""
        while True:
            begun = self._reader.line_num + 1
            try:
                cells = next(self._reader)
            except StopIteration:
                return
            except csv.Error as problem:
                if "unexpected end" in str(problem):
                    words = "a quote is opened and never closed (is the file cut?)"
                elif "new-line character" in str(problem):
                    words = "a carriage return stands alone; lines must end with LF or CRLF"
                else:
                    words = f"the quotes do not fit ({problem}); a quote inside a quoted value is written twice"
                raise _Broken(words, begun) from None
            if cells:
                yield begun, cells

    def header_cells(self) -> tuple[list[str], int, bool]:
        """The header, its line, and whether it is simply the first line of the file."""
        for line, cells in self._records():
            return cells, line, line == 1 and self._reader.line_num == 1
        raise _Broken("has no header")

    def header(self) -> tuple[list[str], bool]:
        """The names of the columns, and whether the header is simply the first line."""
        cells, line, is_plain = self.header_cells()
        return _header(cells, line), is_plain

    def batches(self, columns: Sequence[str], skip: int) -> Iterator[pa.RecordBatch]:
        """The rows after the first ``skip``."""
        width = len(columns)
        rows: list[list[str]] = []
        for line, cells in islice(self._records(), skip, None):
            if len(cells) != width:
                raise _Broken(
                    f"{len(cells)} columns, where the header has {width}"
                    + (" (is the file cut?)" if len(cells) < width else " (is a value with the delimiter not quoted?)"),
                    line,
                )
            rows.append(cells)
            if len(rows) == ROWS_IN_MEMORY:
                yield text_batch(columns, rows)
                rows = []
        if rows:
            yield text_batch(columns, rows)


# --- JSON --------------------------------------------------------------------------------------------------------


def _jsonl(path: Path, zipped: bool) -> Iterator[pa.RecordBatch]:
    def rows() -> Iterator[dict[str, str | None]]:
        with _opened(path, zipped) as file:
            for number, line in enumerate(file, 1):
                text = _decoded(line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line, number).strip()
                if not text:
                    continue
                try:
                    value = JSON.decode(text)
                except (json.JSONDecodeError, RecursionError) as problem:
                    raise _Broken(f"is no JSON object ({problem}); is the file cut?", number) from None
                yield _row(value, number)

    return _keyed(rows())


def _json(path: Path, zipped: bool) -> Iterator[pa.RecordBatch]:
    def rows() -> Iterator[dict[str, str | None]]:
        with _opened(path, zipped) as file:
            for line, value in _json_values(io.TextIOWrapper(file, "utf-8-sig")):
                yield _row(value, line)

    return _keyed(rows())


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
        raise _Broken("holds no array of objects", line(at))
    is_array = first == "["
    at += is_array
    expects_comma = False
    while True:
        found = peek()
        if not found:
            if is_array:
                raise _Broken("the array does not end (is the file cut?)", line(at))
            return
        if is_array and found == "]":
            at += 1
            if peek():
                raise _Broken("something follows the end of the array", line(at))
            return
        if is_array and expects_comma:
            if found != ",":
                raise _Broken(f"a comma is expected, not {found!r}", line(at))
            at += 1
            peek()
        while True:
            try:
                value, end = JSON.raw_decode(waiting, at)
                break
            except (json.JSONDecodeError, RecursionError) as problem:
                # Near the end of what has been read the rest may mend it; a mistake before that stays one.
                place = getattr(problem, "pos", 0)
                is_open = "Unterminated string" in str(problem) or place > len(waiting) - 16
                if ended or not is_open:
                    raise _Broken(
                        f"is no JSON ({getattr(problem, 'msg', problem)}); is the file cut?", line(place)
                    ) from None
                size *= 2
                more()
        yield line(at), value
        at, size, expects_comma = end, CHUNK, True


def _row(value: Any, line: int) -> dict[str, str | None]:
    if not isinstance(value, dict):
        raise _Broken("a row must be an object, {…}", line)
    return {key: cell_text(cell) for key, cell in value.items()}


def _decoded(line: bytes, number: int) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        raise _Broken("is not UTF-8", number, "Have the export written as UTF-8; nothing of it has landed") from None


# --- Parquet -----------------------------------------------------------------------------------------------------


def _parquet(path: Path, zipped: bool) -> Iterator[pa.RecordBatch]:
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            schema = file.schema_arrow.remove_metadata()
            yield pa.RecordBatch.from_pylist([], schema)
            for batch in file.iter_batches(batch_size=ROWS_IN_MEMORY):
                yield batch.replace_schema_metadata(None)
    except (pa.ArrowException, OSError) as problem:
        if isinstance(problem, PermissionError | FileNotFoundError):
            raise
        raise _Broken(f"is no whole Parquet file ({_first_line(problem)}); is it cut?") from None


# --- Excel -------------------------------------------------------------------------------------------------------


def _xlsx(path: Path, zipped: bool) -> Iterator[pa.RecordBatch]:
    import python_calamine

    path.open("rb").close()
    try:
        with python_calamine.load_workbook(str(path)) as book:
            sheet = book.get_sheet_by_index(0)
            first_row = (sheet.start or (0, 0))[0] + 1
            rows = [
                (number, cells)
                for number, cells in enumerate(sheet.to_python(skip_empty_area=True), first_row)
                if any(cell != "" for cell in cells)
            ]
    except (python_calamine.CalamineError, OSError) as problem:
        raise _Broken(
            f"is no whole Excel workbook ({_first_line(problem)}); is it cut, or protected by a password?"
        ) from None
    if not rows:
        raise _Broken("has an empty first sheet: not even a header is there", remedy=AGAIN)
    (line, titles), *rest = rows
    used = [at for at in range(len(titles)) if titles[at] != "" or any(cells[at] != "" for _, cells in rest)]
    columns = _header([_cell(titles[at], False) or "" for at in used], line)
    # A column of moments stays one where a moment happens to be a midnight, which calamine gives as a date.
    are_moments = [any(isinstance(cells[at], datetime) for _, cells in rest) for at in used]
    yield text_batch(columns, [])
    for start in range(0, len(rest), ROWS_IN_MEMORY):
        yield text_batch(
            columns,
            [
                [_cell(cells[at], is_moment) for at, is_moment in zip(used, are_moments, strict=True)]
                for _, cells in rest[start : start + ROWS_IN_MEMORY]
            ],
        )


def _cell(value: Any, is_moment: bool) -> str | None:
    """A cell as text: ISO 8601 for dates and times, whole numbers without a point."""
    if value == "":
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e17 else repr(value)
    if isinstance(value, datetime | time):
        return value.isoformat()
    if isinstance(value, date):
        return f"{value.isoformat()}T00:00:00" if is_moment else value.isoformat()
    if isinstance(value, timedelta):
        seconds = value.total_seconds()
        return f"{int(seconds // 3600):02d}:{int(seconds % 3600 // 60):02d}:{seconds % 60:06.3f}".removesuffix(".000")
    return str(value)


# --- XES ---------------------------------------------------------------------------------------------------------


def _xes(path: Path, zipped: bool) -> Iterator[pa.RecordBatch]:
    return _keyed(_xes_events(path, zipped))


def _xes_events(path: Path, zipped: bool) -> Iterator[dict[str, str | None]]:
    """One row an event: attributes of its trace as ``case:<key>``, its own by key, text as it is in the file."""
    from lxml import etree

    with _opened(path, zipped) as file:
        elements = etree.iterparse(
            file,
            events=("start", "end"),
            tag=("{*}log", "{*}trace", "{*}event"),
            resolve_entities=False,
            load_dtd=False,
            no_network=True,
            huge_tree=False,
        )
        try:
            _, log = next(elements, (None, None))
            if log is None or etree.QName(log).localname != "log":
                raise _Broken("is no XES log: its root element is not <log>")
            # XES has no document type; entities are how a small file becomes a huge one.
            if log.getroottree().docinfo.internalDTD is not None:
                raise _Broken("has a DOCTYPE, which XES does not know and this reader refuses")
            for moment, element in elements:
                if moment == "start" or element.getparent() is not log:
                    continue
                if etree.QName(element).localname == "trace":
                    yield from _xes_trace(element)
                else:
                    yield _xes_attributes(element)
                element.clear(keep_tail=True)
                while element.getprevious() is not None:
                    del log[0]
        except etree.XMLSyntaxError as problem:
            raise _Broken(f"is no whole XML ({problem.msg}); is the file cut?", problem.lineno or None) from None


def _xes_trace(trace: Any) -> Iterator[dict[str, str | None]]:
    case = {f"case:{key}": value for key, value in _xes_attributes(trace).items()}
    for event in trace.iterchildren("{*}event"):
        yield {**case, **_xes_attributes(event)}


def _xes_attributes(element: Any, path: str = "") -> dict[str, str | None]:
    attributes: dict[str, str | None] = {}
    for child in element.iterchildren("{*}*"):
        key = child.get("key")
        if key is None:
            # The <values> of a list stand between it and its members.
            if child.tag.endswith("values"):
                attributes.update(_xes_attributes(child, path))
            continue
        value = child.get("value")
        name = path + key
        if value is not None:
            known = attributes.get(name)
            attributes[name] = value if known is None else f"{known}; {value}"
        if len(child):
            attributes.update(_xes_attributes(child, f"{name}/"))
    return attributes


def _first_line(problem: Exception) -> str:
    return (str(problem).splitlines() or [type(problem).__name__])[0][:200]


Reader = Callable[[Path, bool], Iterator[pa.RecordBatch]]

READERS: dict[str, Reader] = {
    ".csv": _csv,
    ".tsv": _tsv,
    ".jsonl": _jsonl,
    ".json": _json,
    ".parquet": _parquet,
    ".xlsx": _xlsx,
    ".xes": _xes,
}
ZIPPED = {".csv", ".tsv", ".jsonl", ".json", ".xes"}


def _reader_of(path: Path) -> tuple[Reader, bool]:
    name = path.name.lower()
    zipped = name.endswith(".gz")
    suffix = Path(name.removesuffix(".gz")).suffix
    if suffix not in READERS or (zipped and suffix not in ZIPPED):
        known = " ".join(chain(READERS, (f"{kind}.gz" for kind in READERS if kind in ZIPPED)))
        raise _Broken(f"has an ending that is not known ({known})", remedy="Rename it, or make `from` more narrow")
    return READERS[suffix], zipped
