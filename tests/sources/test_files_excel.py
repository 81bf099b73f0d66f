"""Workbooks as people keep them: titles, several sheets, merged cells, formulas, errors, dates of every kind."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import openpyxl
import pytest
import xlsxwriter
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from pipelines.sources import SourceError

from .conftest import Bench, rows


def workbook(*lines: list[Any], change: Callable[[Any], None] = lambda sheet: None) -> bytes:
    book = openpyxl.Workbook()
    for line in lines:
        book.active.append(line)
    change(book.active)
    return saved(book)


def saved(book: Any) -> bytes:
    sink = io.BytesIO()
    book.save(sink)
    return sink.getvalue()


def rewritten(book: bytes, pattern: bytes, by: bytes) -> bytes:
    """The workbook with another text of its first sheet."""
    sink = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(book)) as old, zipfile.ZipFile(sink, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            new.writestr(name, re.sub(pattern, by, content) if name.endswith("sheet1.xml") else content)
    return sink.getvalue()


def refused(bench: Bench, **declared: Any) -> str:
    with pytest.raises(SourceError) as problem:
        bench.pull("orders.xlsx", **declared)
    assert bench.nothing_landed()
    return str(problem.value)


# --- titles and sheets


def test_titles_above_the_header_are_pointed_out_and_passed_over(bench: Bench) -> None:
    def merged(sheet: Any) -> None:
        sheet.merge_cells("A1:C1")

    bench.deliver("orders.xlsx", workbook(["Report"], [], ["id", "step", ""], [1, "a"], [2, "b"], change=merged))

    assert "orders.xlsx: row 3: the columns seem to be named here, below a title (sheet 'Sheet'). Write" in refused(
        bench
    )
    assert "has nothing in row 2 of sheet 'Sheet', the `header_row` of sources.yml" in refused(bench, header_row=2)
    assert bench.rows("orders.xlsx", header_row=3) == [{"id": "1", "step": "a"}, {"id": "2", "step": "b"}]


def test_a_table_that_begins_further_in_is_found(bench: Bench) -> None:
    def moved(sheet: Any) -> None:
        sheet.move_range("A1:B3", rows=4, cols=2)

    bench.deliver("orders.xlsx", workbook(["id", "step"], [1, "a"], [2, "b"], change=moved))

    assert bench.rows("orders.xlsx") == [{"id": "1", "step": "a"}, {"id": "2", "step": "b"}]
    assert bench.rows("orders.xlsx", header_row=5)[1] == {"id": "2", "step": "b"}


def several() -> bytes:
    book = openpyxl.Workbook()
    book.active.title = "Notes"
    book.active.sheet_state = "hidden"
    for name, extra in (("2026-01", []), ("2026-02", ["agent"]), ("old", [])):
        sheet = book.create_sheet(name)
        sheet.append(["id", "step", *extra])
        sheet.append([name, "open", *extra])
    return saved(book)


@pytest.mark.parametrize(
    ("sheet", "found"),
    [
        (None, ["2026-01"]),
        ("2026-02", ["2026-02"]),
        ("2026-*", ["2026-01", "2026-02"]),
        ("old", ["old"]),
    ],
)
def test_the_first_visible_sheet_is_read_or_those_that_are_asked_for(
    bench: Bench, sheet: str | None, found: list[str]
) -> None:
    bench.deliver("orders.xlsx", several())

    read = bench.rows("orders.xlsx", sheet=sheet, sheet_column="month")

    assert [row["id"] for row in read] == found
    assert [row["month"] for row in read] == found


def test_a_sheet_that_is_not_there_or_empty_is_named(bench: Bench) -> None:
    bench.deliver("orders.xlsx", several())

    assert "has no sheet '2027'; it has 'Notes', '2026-01', '2026-02', 'old'. Correct `sheet`" in refused(
        bench, sheet="2027"
    )
    assert "has an empty sheet 'Notes': not even a header is there" in refused(bench, sheet="*")
    assert "row 1: the header names two columns 'id' and 'ID', which cannot be told apart" in refused(
        bench, sheet="2026-01", sheet_column="ID"
    )


# --- cells


def test_what_is_merged_over_rows_stands_in_each_of_them(bench: Bench) -> None:
    def merged(sheet: Any) -> None:
        sheet.merge_cells("A2:A4")
        sheet.merge_cells("B5:B7")

    lines = [["id", "step"], [1, "a"], [None, "b"], [None, None], [2, "c"], [3, None], [None, None]]
    bench.deliver("orders.xlsx", workbook(*lines, change=merged))

    assert bench.rows("orders.xlsx") == [
        {"id": "1", "step": "a"},
        {"id": "1", "step": "b"},
        {"id": "2", "step": "c"},
        {"id": "3", "step": "c"},
    ]


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ("B3:C3", "orders.xlsx: row 3: 2 cells beside each other are merged in sheet 'Sheet'"),
        ("A1:B1", "orders.xlsx: row 1: 2 cells beside each other are merged"),
        ("A1:A2", "orders.xlsx: row 1: cells of the header are merged with rows below"),
        ("A2:B4", "orders.xlsx: row 2: 2 cells beside each other are merged"),
    ],
)
def test_what_is_merged_otherwise_is_refused(bench: Bench, cells: str, words: str) -> None:
    def merged(sheet: Any) -> None:
        sheet.merge_cells(cells)

    bench.deliver("orders.xlsx", workbook(["id", "step", "x"], [1, "a", 1], [2, "b", 1], [3, "c", 1], change=merged))

    said = refused(bench)

    assert words in said
    assert "Unmerge them, and write the value into each cell; nothing of the file has landed." in said


def test_names_that_repeat_are_named(bench: Bench) -> None:
    bench.deliver("orders.xlsx", workbook(["id", "Step", "step"], [1, 2, 3]))

    assert "orders.xlsx: row 1: the header names two columns 'Step' and 'step'" in refused(bench)


def test_dates_land_in_iso_and_what_is_typed_as_text_as_it_is(bench: Bench) -> None:
    lines = [
        ["id", "at"],
        [1, datetime(2026, 3, 5, 9, 30)],
        [2, "05/03/2026 09:30"],
        [3, date(2026, 3, 5)],
        ["007", "NA"],
    ]
    bench.deliver("orders.xlsx", workbook(*lines))

    assert [row["at"] for row in bench.rows("orders.xlsx")] == [
        "2026-03-05T09:30:00",
        "05/03/2026 09:30",
        "2026-03-05T00:00:00",
        "NA",
    ]
    assert rows(bench.batches[-1])[3]["id"] == "007"


@pytest.mark.parametrize("day", [datetime(1948, 7, 1, 9), datetime(2999, 12, 31, 23, 59, 59)])
def test_dates_of_another_age_and_of_the_other_calendar_land_too(bench: Bench, day: datetime) -> None:
    book = openpyxl.Workbook()
    book.epoch = CALENDAR_MAC_1904
    book.active.append(["at"])
    book.active.append([day])
    bench.deliver("mac.xlsx", saved(book))
    bench.deliver("orders.xlsx", workbook(["at"], [day]))

    assert bench.rows("mac.xlsx") == bench.rows("orders.xlsx") == [{"at": day.isoformat()}]


def test_formulas_land_as_their_values_and_errors_as_nothing(bench: Bench) -> None:
    sink = io.BytesIO()
    with xlsxwriter.Workbook(sink) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["id", "sum", "text", "found"])
        sheet.write_row(1, 0, ["1"])
        sheet.write_formula(1, 1, "=1+1", value=2)
        sheet.write_formula(1, 2, '=IF(1,"","x")', value="")
        sheet.write_formula(1, 3, "=NA()", value="#N/A")
    # Excel says of an empty text that it is one.
    bench.deliver("orders.xlsx", rewritten(sink.getvalue(), rb'(r="C2"[^>]*)>', rb'\1 t="str">'))

    batch = bench.pull("orders.xlsx")

    assert batch
    assert rows(batch) == [{"id": "1", "sum": "2", "text": None, "found": None}]
    assert batch.files[0]["error_cells"] == 1


def test_a_formula_that_was_never_calculated_is_refused(bench: Bench) -> None:
    bench.deliver("orders.xlsx", workbook(["id", "sum"], *[[n, n] for n in range(5000)], [1, "=1+1"], [2, 2]))

    assert (
        "orders.xlsx has a formula without its value in cell B5002 of 'Sheet'. Open the workbook in Excel"
        in refused(bench)
    )


def test_hidden_rows_and_columns_count(bench: Bench) -> None:
    def hidden(sheet: Any) -> None:
        sheet.row_dimensions[2].hidden = True
        sheet.column_dimensions["B"].hidden = True

    bench.deliver("orders.xlsx", workbook(["id", "step"], [1, "a"], [2, "b"], change=hidden))

    assert bench.rows("orders.xlsx") == [{"id": "1", "step": "a"}, {"id": "2", "step": "b"}]


def test_a_workbook_cut_anywhere_is_refused(bench: Bench) -> None:
    whole = workbook(["id", "step"], *[[n, f"step {n}"] for n in range(300)])
    for length in range(1, len(whole), len(whole) // 40):
        bench.deliver("orders.xlsx", whole[:length])
        assert "is no whole Excel workbook" in refused(bench)


def test_a_workbook_whose_sheet_is_damaged_is_refused(bench: Bench) -> None:
    bench.deliver("orders.xlsx", rewritten(workbook(["id", "step"], [1, "a"]), rb"</row>.*", b""))

    assert "is no whole Excel workbook" in refused(bench)
