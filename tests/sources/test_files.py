"""Files land as they are, once, in their order; a broken one lands not at all and says where it breaks."""

from __future__ import annotations

import gzip
import io
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.sources import SourceError
from pipelines.sources.files import json_files, reading
from pipelines.sources.files.delimited import LONGEST_FAST_LINE
from pipelines.sources.files.formats import ENDINGS
from pipelines.sources.files.reading import ROWS_IN_MEMORY

from .conftest import Bench, rows

ORDERS = "order,step\n1,open\n2,close\n"
AS_LANDED = [{"order": "1", "step": "open"}, {"order": "2", "step": "close"}]


# --- CSV and TSV


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("orders.csv", ORDERS),
        ("orders.csv", ORDERS.replace("\n", "\r\n")),
        ("orders.csv", ORDERS.rstrip("\n")),
        ("orders.csv", "\ufeff" + ORDERS),
        ("orders.csv", "\ufeff" + '"order","step"\n"1","open"\n"2","close"\n'),
        ("orders.csv", ORDERS.replace(",", ";")),
        ("orders.csv", '"order";"step"\n1;open\n2;close\n'),
        ("orders.csv", ORDERS.replace(",", "|")),
        ("orders.csv", ORDERS.replace(",", "\t")),
        ("orders.csv", "\n\n" + ORDERS.replace("\n", "\n\n")),
        ("orders.csv", "order,step\r\n1,open\n2,close\r\n"),
        ("orders.csv", ORDERS.encode("utf-16")),
        ("orders.CSV", ORDERS),
        ("orders.csv.gz", ORDERS),
        ("orders.tsv", ORDERS.replace(",", "\t")),
        ("orders.tsv.gz", ORDERS.replace(",", "\t")),
    ],
)
def test_a_delimited_file_lands_as_text_however_it_is_written(bench: Bench, name: str, content: str | bytes) -> None:
    bench.deliver(name, content)

    assert bench.rows(name) == AS_LANDED


def test_quoted_values_keep_their_line_ends_delimiters_and_quotes(bench: Bench) -> None:
    bench.deliver("orders.csv", 'order,note\n1,"a, b\nc ""d"""\n2,5" pipe\n3, spaced \n4,\n5,""\n')

    assert [row["note"] for row in bench.rows("orders.csv")] == ['a, b\nc "d"', '5" pipe', " spaced ", "", ""]


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(*[st.text("ab,;\"\n é漢\\'\t#", max_size=5)] * 3), max_size=12), st.sampled_from(["\n", "\r\n"])
)
def test_whatever_is_quoted_comes_back_as_it_was(bench: Bench, cells: list[tuple[str, ...]], end: str) -> None:
    quoted = [["x", "y", "z"], *cells]
    lines = [",".join('"' + cell.replace('"', '""') + '"' for cell in line) for line in quoted]
    bench.deliver("fuzz.csv", end.join([*lines, ""]))

    assert [tuple(row.values()) for row in bench.rows("fuzz.csv", full_refresh=True)] == cells


def test_a_file_cut_at_any_byte_is_refused_unless_what_is_left_is_whole(bench: Bench) -> None:
    whole = b'order,note\n1,"a\nb"\n2,"c ""d"""\n3,"e, f"\n4,g\n'
    cells = [("1", "a\nb"), ("2", 'c "d"'), ("3", "e, f"), ("4", "g")]
    for length in range(len("order,note\n"), len(whole)):
        bench.deliver("orders.csv", whole[:length])
        try:
            landed = [tuple(row.values()) for row in bench.rows("orders.csv", full_refresh=True)]
        except SourceError:
            continue
        # Only where the cut leaves a value that may have been meant so does nothing tell; no more than that is lost.
        assert landed[:-1] == cells[: len(landed[:-1])]
        assert landed == [] or cells[len(landed) - 1][0] == landed[-1][0]
        assert landed == [] or cells[len(landed) - 1][1].startswith(landed[-1][1])


def test_a_header_alone_lands_no_rows_so_that_the_gate_sees_how_few(bench: Bench) -> None:
    bench.deliver("orders.csv", "order,step\n")

    batch = bench.pull("orders.csv")

    assert batch is not None
    assert (batch.rows, list(batch.columns)) == (0, ["order", "step"])


def test_a_column_without_a_name_gets_one(bench: Bench) -> None:
    bench.deliver("orders.csv", "order,,step,\n1,x,open,\n")

    assert bench.rows("orders.csv") == [{"order": "1", "column_2": "x", "step": "open", "column_4": ""}]


def test_a_cell_longer_than_the_fast_reader_takes_still_lands(bench: Bench) -> None:
    bench.deliver("orders.csv", f"order,note\n1,short\n2,{'z' * (LONGEST_FAST_LINE + 9)}\n3,short\n")

    assert [len(row["note"]) for row in bench.rows("orders.csv")] == [5, LONGEST_FAST_LINE + 9, 5]


def test_a_file_name_may_hold_what_is_a_pattern_elsewhere(bench: Bench) -> None:
    bench.deliver("orders [1] it's *.csv", ORDERS)
    bench.deliver("orders 1 it's x.csv", ORDERS.replace("open", "wrong"))

    assert bench.rows("orders [1] it's *.csv") == AS_LANDED


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "orders.csv is empty (0 bytes)"),
        ("\n\n", "orders.csv has no header"),
        ("order,step\n1,open\n2", "orders.csv: line 3: 1 columns, where the header has 2 (is the file cut?)"),
        ("order,step\n1,open\n2\n3,open\n", "orders.csv: line 3: 1 columns"),
        ("order,step\n1,open\n2,open,x\n3,open\n", "orders.csv: line 3: 3 columns, where the header has 2"),
        ('order,step\n1,"two\nlines"\n2\n', "orders.csv: line 4: 1 columns"),
        ('order,step\n1,open\n2,"op', "orders.csv: line 3: a quote is opened and never closed"),
        ('order,step\n1,open\n2,"open\n3,open\n', "orders.csv: line 3: a quote is opened and never closed"),
        ('order,step\n1,"a"b\n', "orders.csv: line 2: the quotes do not fit"),
        ('order,step\n1,"a\n2,"b\n3,c\n', "orders.csv: line 2: the quotes do not fit"),
        ("order,step\n1,open\n2,zurück\n".encode("latin-1"), "orders.csv: line 3: is not UTF-8 (byte 0xfc"),
        ("order,Order\n1,2\n", "orders.csv: line 1: the header names two columns 'order' and 'Order'"),
        ("order,step\r1,open\r", "orders.csv: line 1: a carriage return stands alone"),
    ],
)
def test_a_broken_csv_says_where_and_lands_nothing(bench: Bench, content: str | bytes, words: str) -> None:
    bench.deliver("orders.csv", content)

    with pytest.raises(SourceError, match=r"^crm\.orders: ") as refused:
        bench.pull("orders.csv")

    assert words in str(refused.value)
    assert str(refused.value).endswith("landed.") or "its own name" in str(refused.value)
    assert bench.nothing_landed()


def test_a_row_that_breaks_late_is_found_on_its_own_line(bench: Bench) -> None:
    count = ROWS_IN_MEMORY * 2
    bench.deliver("orders.csv", "order,step\n" + "".join(f"{n},open\n" for n in range(count)) + "7")

    with pytest.raises(SourceError, match=f"line {count + 2}: 1 columns"):
        bench.pull("orders.csv")

    assert bench.nothing_landed()


def test_where_the_fast_reader_stops_the_exact_one_goes_on_without_losing_or_repeating_a_row(bench: Bench) -> None:
    count = ROWS_IN_MEMORY * 2 + 5
    lines = [f"{n},open\n" for n in range(count)]
    lines[-3] = lines[-3].replace("\n", "\r\n")
    bench.deliver("orders.csv", "order,step\n" + "".join(lines))

    assert [row["order"] for row in bench.rows("orders.csv")] == [str(n) for n in range(count)]


# --- cut files of the other formats


def gz(content: str) -> bytes:
    # Without the time of day in it: workers that collect in different seconds must name the same tests.
    return gzip.compress(content.encode(), mtime=0)


def parquet(rows: int = 2) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table({"order": [str(n) for n in range(rows)]}), sink)
    return sink.getvalue()


def workbook(lines: list[list[object]]) -> bytes:
    book = openpyxl.Workbook()
    for line in lines:
        book.active.append(line)
    sink = io.BytesIO()
    book.save(sink)
    return sink.getvalue()


XES = """<?xml version="1.0" encoding="UTF-8"?>
<log xes.version="1.0" xmlns="http://www.xes-standard.org">
  <global scope="event"><string key="concept:name" value="a default, no event"/></global>
  <string key="concept:name" value="the log's own name"/>
  <trace>
    <string key="concept:name" value="case 1"/>
    <event><string key="concept:name" value="open"/>
      <date key="time:timestamp" value="2026-01-05T09:00:00.000+01:00"/></event>
    <event><string key="concept:name" value="close"/><date key="time:timestamp" value="2026-07-05T09:00:00+02:00"/>
      <int key="cost" value="007"/></event>
  </trace>
  <trace>
    <event><string key="concept:name" value="open"/></event>
    <string key="concept:name" value="case 2"/>
    <float key="amount" value="1.10"><string key="unit" value="EUR"/></float>
    <list key="tags"><values><string key="tag" value="a"/><string key="tag" value="b"/></values></list>
  </trace>
</log>
"""


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("o.csv.gz", gz(ORDERS * 500)[:-30], "o.csv.gz is no whole gzip file"),
        ("o.csv.gz", gz(ORDERS * 500)[:-8], "o.csv.gz is no whole gzip file"),
        ("o.csv.gz", ORDERS.encode(), "o.csv.gz is no whole gzip file"),
        ("o.jsonl.gz", gz('{"order": 1}\n' * 9000)[:-9], "o.jsonl.gz is no whole gzip file"),
        ("o.xes.gz", gz(XES)[:-40], "o.xes.gz is no whole gzip file"),
        ("o.jsonl", '{"order": 1}\n{"order": 2, "st', "o.jsonl: line 2: is no JSON object"),
        ("o.jsonl", '{"order": 1}\n[1, 2]\n', "o.jsonl: line 2: a row must be an object"),
        ("o.jsonl", b'{"order": 1}\n{"order": "\xfc"}\n', "o.jsonl: line 2: is not UTF-8"),
        ("o.json", '[{"order": 1},\n{"order": 2},\n{"order": ', "o.json: line 3: is no JSON"),
        ("o.json", '[{"order": 1},\n{"order": 2}', "o.json: line 2: the array does not end"),
        ("o.json", '[{"order": 1}\n{"order": 2}]', "o.json: line 2: a comma is expected, not '{'"),
        ("o.json", '[{"order": 1}]\n]', "o.json: line 2: something follows the end of the array"),
        ("o.json", "<html>", "o.json: line 1: holds no array of objects"),
        ("o.json", '[{"order": 1}, 7]', "o.json: line 1: a row must be an object"),
        ("o.parquet", parquet()[:-20], "o.parquet is no whole Parquet file"),
        ("o.parquet", b"hello", "o.parquet is no whole Parquet file"),
        ("o.xlsx", workbook([["order"], [1]])[:-700], "o.xlsx is no whole Excel workbook"),
        ("o.xlsx", b"order;step", "o.xlsx is no whole Excel workbook"),
        ("o.xlsx", workbook([]), "o.xlsx has an empty first sheet"),
        ("o.xes", XES[:700], "o.xes: line 14: is no whole XML"),
        ("o.xes", "<html></html>", "o.xes is no XES log"),
        ("o.xes", '<!DOCTYPE log [<!ENTITY a "aa">]><log><string key="&a;" value=""/></log>', "has a DOCTYPE"),
        *[(f"o{kind}", "", f"o{kind} is empty (0 bytes)") for kind in ENDINGS],
    ],
)
def test_a_cut_or_foreign_file_says_so_and_lands_nothing(
    bench: Bench, name: str, content: str | bytes, words: str
) -> None:
    path = bench.deliver(name, b"")
    path.write_bytes(content.encode() if isinstance(content, str) else content)

    with pytest.raises(SourceError) as refused:
        bench.pull(name)

    assert words in str(refused.value)
    assert bench.nothing_landed()


def test_a_broken_file_among_several_stops_no_other_and_lands_once_it_is_mended(bench: Bench) -> None:
    bench.deliver("a.csv", ORDERS)
    bench.deliver("b.csv", ORDERS + "3")
    bench.deliver("c.csv", ORDERS)

    with pytest.raises(SourceError, match=r"b\.csv: line 4: .* The other files have landed\."):
        bench.pull("*.csv")
    first = bench.batches[-1]
    with pytest.raises(SourceError, match=r"b\.csv: line 4: .* nothing of it has landed\.$"):
        bench.pull("*.csv")
    bench.deliver("b.csv", ORDERS)
    second = bench.pull("*.csv")

    assert rows(first) == AS_LANDED * 2
    assert [(file["name"], file["first_row"]) for file in first.files] == [("a.csv", 1), ("c.csv", 3)]
    assert second
    assert (len(bench.batches), rows(second)) == (2, AS_LANDED)


def test_several_broken_files_are_all_named(bench: Bench) -> None:
    for number in range(7):
        bench.deliver(f"{number}.csv", ORDERS + "3")

    with pytest.raises(SourceError, match=r"0\.csv: line 4.*4\.csv: line 4.*And 2 more files are broken\.$"):
        bench.pull("*.csv")

    assert bench.nothing_landed()


# --- JSON


@pytest.mark.parametrize("name", ["orders.jsonl", "orders.jsonl.gz", "orders.json", "orders.json.gz"])
def test_json_lands_every_key_as_text_and_what_is_nested_as_json(bench: Bench, name: str) -> None:
    first = (
        '{"order": 1, "amount": 1.10, "big": 12345678901234567890123, "ok": true, "none": null, "text": "a\\n\\u00e9"}'
    )
    second = '{"order": 2, "extra": {"n": 1.10, "list": [1, null, "x"]}, "empty": []}'
    lines = f"{first}\n\n{second}\n" if ".jsonl" in name else f"[{first},\n {second}]"
    bench.deliver(name, lines)

    assert bench.rows(name) == [
        {
            "order": "1",
            "amount": "1.10",
            "big": "12345678901234567890123",
            "ok": "true",
            "none": None,
            "text": "a\né",
            "extra": None,
            "empty": None,
        },
        {
            "order": "2",
            "amount": None,
            "big": None,
            "ok": None,
            "none": None,
            "text": None,
            "extra": '{"n": 1.10, "list": [1, null, "x"]}',
            "empty": "[]",
        },
    ]


def test_json_may_be_objects_one_after_another_or_nothing_at_all(bench: Bench) -> None:
    bench.deliver("some.json", '{"order": 1}\n{"order": 2}\n')
    bench.deliver("none.json", "[ ]\n")

    assert bench.rows("some.json") == [{"order": "1"}, {"order": "2"}]
    assert bench.rows("none.json") == []


def test_an_array_is_read_a_piece_at_a_time(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_files, "CHUNK", 7)
    orders = [{"order": n, "note": "x" * (n % 40), "nested": {"a": [n, "}]"]}} for n in range(200)]
    bench.deliver("orders.json", json.dumps(orders, indent=1))

    found = bench.rows("orders.json")

    assert [json.loads(row["nested"]) for row in found] == [order["nested"] for order in orders]
    assert [row["note"] for row in found] == [order["note"] for order in orders]


def test_a_key_that_appears_late_is_a_column_from_then_on(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "ROWS_IN_MEMORY", 2)
    bench.deliver("orders.jsonl", '{"a": 1}\n{"a": 2}\n{"b": 3}\n{"a": 4}\n{"a": 5}\n')

    batch = bench.pull("orders.jsonl")

    assert batch is not None
    assert [part["rows"] for part in batch.manifest["parts"]] == [2, 3]
    assert [(row["a"], row["b"]) for row in rows(batch)] == [
        ("1", None),
        ("2", None),
        (None, "3"),
        ("4", None),
        ("5", None),
    ]


# --- Parquet, Excel, XES


def test_parquet_lands_with_its_own_types(bench: Bench) -> None:
    table = pa.table(
        {
            "order": pa.array([1, 2], pa.int32()),
            "opened": pa.array([datetime(2026, 1, 5, 9), None], pa.timestamp("us", "UTC")),
            "step": pa.array(["open", "close"]).dictionary_encode(),
            "unused": pa.nulls(2),
        }
    )
    pq.write_table(table, bench.home.root / "in" / "orders.parquet")

    batch = bench.pull("orders.parquet")

    assert batch is not None
    assert batch.columns == {
        "order": "int32",
        "opened": "timestamp[us, tz=UTC]",
        "step": "string",
        "unused": "string",
    }
    assert rows(batch)[1] == {"order": 2, "opened": None, "step": "close", "unused": None}


def test_excel_lands_iso_times_and_whole_numbers_without_a_point(bench: Bench) -> None:
    lines = [
        [None, "opened", "day", "number", "share", "ok", "clock", "length", "", "text"],
        [
            1,
            datetime(2026, 3, 1, 10, 30, 15, 123000),
            date(2026, 3, 1),
            5.0,
            0.25,
            True,
            time(9, 15),
            None,
            None,
            "007",
        ],
        [None] * 10,
        [2, datetime(2026, 3, 2), None, 12345678901234, 1e-7, False, None, timedelta(hours=30, seconds=5), None, " "],
    ]
    bench.deliver("orders.xlsx", workbook(lines))

    first, second = bench.rows("orders.xlsx")

    assert first == {
        "column_1": "1",
        "opened": "2026-03-01T10:30:15.123000",
        "day": "2026-03-01",
        "number": "5",
        "share": "0.25",
        "ok": "true",
        "clock": "09:15:00",
        "length": None,
        "text": "007",
    }
    # A midnight in a column of moments is a moment, not a day.
    assert (second["opened"], second["day"], second["number"]) == ("2026-03-02T00:00:00", None, "12345678901234")
    assert (second["ok"], second["length"], float(second["share"])) == ("false", "30:00:05", 1e-7)


def test_excel_with_a_header_alone_lands_no_rows(bench: Bench) -> None:
    bench.deliver("orders.xlsx", workbook([["order", "step"]]))

    batch = bench.pull("orders.xlsx")

    assert batch is not None
    assert (batch.rows, list(batch.columns)) == (0, ["order", "step"])


@pytest.mark.parametrize("name", ["log.xes", "log.xes.gz"])
def test_xes_lands_a_row_an_event_with_the_attributes_of_its_case(bench: Bench, name: str) -> None:
    bench.deliver(name, XES)

    batch = bench.pull(name)

    assert batch is not None
    assert set(batch.columns.values()) == {"string"}
    found = [{key: value for key, value in row.items() if value is not None} for row in rows(batch)]
    assert found == [
        {"case:concept:name": "case 1", "concept:name": "open", "time:timestamp": "2026-01-05T09:00:00.000+01:00"},
        {
            "case:concept:name": "case 1",
            "concept:name": "close",
            "time:timestamp": "2026-07-05T09:00:00+02:00",
            "cost": "007",
        },
        {
            "case:concept:name": "case 2",
            "concept:name": "open",
            "case:amount": "1.10",
            "case:amount/unit": "EUR",
            "case:tags/tag": "a; b",
        },
    ]


def test_xes_without_a_namespace_or_with_events_outside_a_case_is_read_too(bench: Bench) -> None:
    bench.deliver("log.xes", '<log><event><string key="concept:name" value="open"/></event><trace/></log>')

    assert bench.rows("log.xes") == [{"concept:name": "open"}]


# --- which files, and when again


def test_an_unchanged_file_lands_nothing_and_a_changed_one_lands_again(bench: Bench) -> None:
    path = bench.deliver("orders.csv", ORDERS)
    first = bench.pull("orders.csv")
    os.utime(path, (0, 0))
    again = bench.pull("orders.csv")
    bench.deliver("orders.csv", ORDERS + "3,open\n")
    changed = bench.pull("orders.csv")
    bench.deliver("orders.csv", ORDERS)
    back = bench.pull("orders.csv")

    assert again is None
    assert first
    assert changed
    assert back
    assert [batch.rows for batch in bench.batches] == [2, 3, 2]


def test_a_full_refresh_lands_what_is_there_changed_or_not(bench: Bench) -> None:
    bench.deliver("orders.csv", ORDERS)
    bench.pull("orders.csv")

    assert bench.pull("orders.csv", full_refresh=True)
    assert len(bench.batches) == 2


def test_of_a_glob_only_new_and_changed_files_land_in_the_order_of_their_numbers(bench: Bench) -> None:
    for number in (10, 9, 8):
        bench.deliver(f"2026/orders_{number}.csv", f"order\n{number}\n")
    bench.deliver("2026/~$orders_7.csv", "lock of Excel")
    bench.deliver("2026/.orders_7.csv", "half an upload")
    first = bench.pull("2026/*.csv")
    bench.deliver("2026/orders_9.csv", "order\n9\n99\n")
    bench.deliver("2026/orders_11.csv", "order\n11\n")
    second = bench.pull("2026/*.csv")

    assert first
    assert second
    assert [row["order"] for row in rows(first)] == ["8", "9", "10"]
    assert [row["order"] for row in rows(second)] == ["9", "99", "11"]
    assert [(file["name"], file["rows"], file["first_row"]) for file in second.files] == [
        ("2026/orders_9.csv", 2, 1),
        ("2026/orders_11.csv", 1, 3),
    ]


def test_files_of_different_columns_and_formats_make_one_batch(bench: Bench) -> None:
    bench.deliver("a.csv", ORDERS)
    bench.deliver("b.jsonl", '{"step": "open", "order": 3, "agent": "Li"}\n')

    batch = bench.pull("*")

    assert batch is not None
    assert len(batch.parts) == 2
    assert rows(batch)[2] == {"order": "3", "step": "open", "agent": "Li"}


def test_two_stars_reach_into_every_folder_below(bench: Bench) -> None:
    for name in ("a.csv", "x/b.csv", "x/y/c.csv"):
        bench.deliver(name, f"order\n{name}\n")

    assert [row["order"] for row in bench.rows("**/*.csv")] == ["a.csv", "x/b.csv", "x/y/c.csv"]


def test_progress_is_told_as_rows_come(bench: Bench) -> None:
    bench.deliver("orders.csv", ORDERS)

    bench.pull("orders.csv")

    assert bench.seen[-1] == 2


def test_a_file_that_is_written_while_it_is_read_lands_nothing(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    path = bench.deliver("orders.csv", ORDERS)
    monkeypatch.setattr(bench, "seen", type("", (), {"append": lambda self, _: path.write_text(ORDERS + "3,x\n")})())

    with pytest.raises(SourceError, match=r"orders\.csv changed while it was being read"):
        bench.pull("orders.csv")

    assert bench.nothing_landed()


# --- what is not there, or not allowed


@pytest.mark.parametrize(
    ("from_", "words"),
    [
        ("order.csv", "order.csv does not exist: deliver it, or correct `from` in sources.yml (there is orders.csv)."),
        ("sub/none.csv", "none.csv does not exist"),
        ("*.xlsx", "matches '*.xlsx': deliver one, or correct `from`"),
        ("readme.txt", "readme.txt has an ending that is not known (.csv .tsv"),
        ("*", "old.xlsx.gz has an ending that is not known"),
        ("old.xlsx.gz", "old.xlsx.gz has an ending that is not known"),
    ],
)
def test_a_file_that_is_not_there_or_not_known_is_named_with_what_to_do(bench: Bench, from_: str, words: str) -> None:
    bench.deliver("orders.csv", ORDERS)
    bench.deliver("readme.txt", "hello")
    bench.deliver("old.xlsx.gz", "hello")

    with pytest.raises(SourceError) as refused:
        bench.pull(from_)

    assert words in str(refused.value)
    assert bench.nothing_landed()


@pytest.mark.parametrize(
    ("connection", "words"),
    [
        ("nowhere", "nowhere does not exist: create it, or correct `connection` of crm in sources.yml."),
        ("in/orders.csv", "orders.csv is a file, and `connection` wants its folder"),
    ],
)
def test_a_folder_that_is_none_is_named_with_what_to_do(bench: Bench, connection: str, words: str) -> None:
    bench.deliver("orders.csv", ORDERS)
    bench.connection = connection

    with pytest.raises(SourceError) as refused:
        bench.pull("orders.csv")

    assert words in str(refused.value)


@pytest.fixture
def guarded() -> Iterator[Path]:
    """A folder that everybody may reach; root takes on another user's rights while the test runs."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o777)
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(65534)
    yield folder
    if is_root:
        os.seteuid(0)
    shutil.rmtree(folder)


@pytest.mark.parametrize("closed", ["in", "in/sub", "in/sub/orders.csv"])
def test_a_folder_or_file_without_rights_is_named_with_what_to_do(bench: Bench, guarded: Path, closed: str) -> None:
    open_folder = guarded / "in" / "sub"
    open_folder.mkdir(parents=True)
    (open_folder / "orders.csv").write_text(ORDERS)
    (guarded / closed).chmod(0)
    bench.connection = str(guarded / "in")
    bench.home = type(bench.home)(guarded)

    for from_ in ("**/*.csv", "sub/*.csv", "sub/orders.csv"):
        with pytest.raises(SourceError, match=r"may not be read by this user: give it the right") as refused:
            bench.pull(from_)
        assert str(guarded / closed) in str(refused.value)

    (guarded / closed).chmod(0o755)
    assert bench.pull("sub/orders.csv")
