"""Excel workbooks: what the cells show, as text; real dates as ISO 8601."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from fnmatch import fnmatchcase
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipelines.sources.files.broken import AGAIN, Broken, first_line
from pipelines.sources.files.reading import CHUNK, Reading, check_names, header, in_pieces
from pipelines.sources.json_text import text_batch

# Enough to tell a title from a header.
ROWS_LOOKED_AT = 20
# calamine cannot tell a formula that was never calculated, nor an error, from an empty cell.
FORMULA = re.compile(rb"<c\b([^>]*)>\s*<f\b.*?</c>", re.DOTALL)
ERROR = re.compile(rb'<c\b[^>]*\bt="e"')

UNMERGE = "Unmerge them, and write the value into each cell; nothing of the file has landed"

Row = tuple[int, list[Any]]


def xlsx(path: Path, zipped: bool, how: Reading) -> Iterator[pa.RecordBatch]:
    """Yield the rows of the sheets that are asked for: the first visible one unless sources.yml names others."""
    import python_calamine

    path.open("rb").close()
    try:
        with python_calamine.load_workbook(str(path)) as book:
            for name in _sheets(book, how):
                errors = _look_at_formulas(path, name)
                if errors:
                    how.noticed["error_cells"] = how.noticed.get("error_cells", 0) + errors
                yield from _Sheet(book.get_sheet_by_name(name), how).batches()
    except (python_calamine.CalamineError, zipfile.BadZipFile, KeyError, OSError) as problem:
        raise Broken(
            f"is no whole Excel workbook ({first_line(problem)}); is it cut, or protected by a password?"
        ) from None


def _sheets(book: Any, how: Reading) -> list[str]:
    from python_calamine import SheetTypeEnum, SheetVisibleEnum

    sheets = [sheet for sheet in book.sheets_metadata if sheet.typ == SheetTypeEnum.WorkSheet]
    if how.sheet is None:
        visible = [sheet.name for sheet in sheets if sheet.visible == SheetVisibleEnum.Visible]
        return (visible or [sheet.name for sheet in sheets])[:1]
    # No sheet can have a sign of a pattern in its name.
    found = [sheet.name for sheet in sheets if fnmatchcase(sheet.name, how.sheet)]
    if not found:
        raise Broken(
            f"has no sheet {how.sheet!r}; it has {', '.join(repr(sheet.name) for sheet in sheets)}",
            remedy="Correct `sheet` in sources.yml, or deliver the file again",
        )
    return found


class _Sheet:
    """The cells of a sheet, read twice: what a column holds decides how its cells are written."""

    def __init__(self, sheet: Any, how: Reading) -> None:
        self._sheet, self._how = sheet, how
        first_column = (sheet.start or (0, 0))[1]
        # By the row in which they begin: column, last row, last column.
        self._merged: dict[int, list[tuple[int, int, int]]] = {}
        for (top, left), (bottom, right) in sheet.merged_cell_ranges or ():
            place = (left - first_column, bottom + 1, right - first_column)
            self._merged.setdefault(top + 1, []).append(place)

    def batches(self) -> Iterator[pa.RecordBatch]:
        titles_row, titles = self._header()
        used = [titles[at] != "" for at in range(len(titles))]
        # A column of moments stays one where a moment happens to be a midnight, which calamine gives as a date.
        is_moment = [False] * len(titles)
        self._refuse_merged_header(titles_row, titles)
        for number, cells in self._rows(titles_row):
            self._refuse_wide(number, cells)
            for at, cell in enumerate(cells):
                if cell != "":
                    used[at] = True
                    is_moment[at] = is_moment[at] or isinstance(cell, datetime)
        kept = [at for at in range(len(titles)) if used[at]]
        columns = header([_cell(titles[at], False) or "" for at in kept], titles_row, "row")
        extra: list[str] = []
        if self._how.sheet_column is not None:
            check_names([*columns, self._how.sheet_column], titles_row, "row")
            columns.append(self._how.sheet_column)
            extra.append(self._sheet.name)
        yield text_batch(columns, [])
        texts = ([*(_cell(cells[at], is_moment[at]) for at in kept), *extra] for _, cells in self._rows(titles_row))
        for rows in in_pieces((sum(map(len, filter(None, row))), row) for row in texts):
            yield text_batch(columns, rows)

    def _header(self) -> Row:
        rows = list(islice(self._rows(0), ROWS_LOOKED_AT))
        wanted = self._how.header_row
        if wanted is not None:
            rows = list(islice(self._rows(wanted - 1), 1))
            if not rows or rows[0][0] != wanted:
                raise Broken(
                    f"has nothing in row {wanted} of sheet {self._sheet.name!r}, the `header_row` of sources.yml"
                )
            return rows[0]
        if not rows:
            raise Broken(
                "has an empty first sheet: not even a header is there"
                if self._how.sheet is None
                else f"has an empty sheet {self._sheet.name!r}: not even a header is there",
                remedy=AGAIN,
            )
        filled = [sum(cell != "" for cell in cells) for _, cells in rows]
        wider = [row for (row, _), cells in zip(rows, filled, strict=True) if cells > max(1, filled[0] * 2 - 1)]
        if filled[0] == 1 and len(wider) > 1:
            raise Broken(
                f"the columns seem to be named here, below a title (sheet {self._sheet.name!r})",
                wider[0],
                f"Write `header_row: {wider[0]}` in sources.yml, or `header_row: {rows[0][0]}` if that is none; "
                "nothing of it has landed",
                "row",
            )
        return rows[0]

    def _rows(self, after: int) -> Iterator[Row]:
        """Rows with something in them, below row ``after``; what is merged over rows stands in each of them."""
        # Column: value, last row.
        over: dict[int, tuple[Any, int]] = {}
        for number, cells in enumerate(self._sheet.iter_rows(), 1):
            is_filled = any(cell != "" for cell in cells)
            for at, (value, last) in over.items():
                if number <= last:
                    cells[at] = value
            for left, bottom, right in self._merged.get(number, ()):
                if bottom > number and left == right and 0 <= left < len(cells):
                    over[left] = (cells[left], bottom)
            if number > after and is_filled:
                yield number, cells

    def _refuse_merged_header(self, row: int, titles: list[Any]) -> None:
        self._refuse_wide(row, titles)
        for top, places in self._merged.items():
            if top <= row and any(bottom > row for _, bottom, _ in places):
                raise Broken("cells of the header are merged with rows below", row, UNMERGE, "row")

    def _refuse_wide(self, row: int, cells: list[Any]) -> None:
        # Of which column it is the value, nobody can tell.
        for left, _, right in self._merged.get(row, ()):
            if right > left and 0 <= left < len(cells) and cells[left] != "":
                raise Broken(
                    f"{right - left + 1} cells beside each other are merged in sheet {self._sheet.name!r}, so that the "
                    "value has no column",
                    row,
                    UNMERGE,
                    "row",
                )


def _look_at_formulas(path: Path, sheet: str) -> int:
    """Refuse a formula without its value, and count the cells that show an error: both are empty to calamine."""
    errors = 0
    with zipfile.ZipFile(path) as book, book.open(_part_of(book, sheet)) as file:
        waiting = b""
        while piece := file.read(CHUNK):
            waiting += piece
            end = waiting.rfind(b"</row>") + len(b"</row>")
            if end < len(b"</row>"):
                continue
            rows, waiting = waiting[:end], waiting[end:]
            errors += len(ERROR.findall(rows))
            if b"<f" not in rows:
                continue
            for cell in FORMULA.finditer(rows):
                if b"<v>" not in cell[0].replace(b"<v></v>", b"") and b't="str"' not in cell[1]:
                    place = re.search(rb'r="([A-Z]+[0-9]+)"', cell[1])
                    raise Broken(
                        f"has a formula without its value in cell {place[1].decode() if place else '?'} of {sheet!r}",
                        remedy="Open the workbook in Excel and save it, which calculates it; nothing of it has landed",
                    )
    return errors


def _part_of(book: zipfile.ZipFile, sheet: str) -> str:
    """The part of a workbook that holds a sheet."""
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    sheets = etree.fromstring(book.read("xl/workbook.xml"), parser).iterfind(".//{*}sheet")
    of_sheet = next(one for one in sheets if one.get("name") == sheet)
    # The strict form of the format has other namespaces.
    relation = next(value for name, value in of_sheet.attrib.items() if name.endswith("}id"))
    relations = etree.fromstring(book.read("xl/_rels/workbook.xml.rels"), parser)
    target = next(one.get("Target") for one in relations if one.get("Id") == relation)
    return target.lstrip("/") if target.startswith("/") else f"xl/{target}"


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
