"""Dialects and encodings: what is declared or clear is read, what is not is refused with a proposal."""

from __future__ import annotations

import gzip

import pytest

from pipelines.sources import SourceError
from pipelines.sources.files.delimited import LONGEST_CELL, LONGEST_FAST_LINE

from .conftest import Bench, rows

CHINESE = "工单,步骤,备注\n1,受理,客户来电反映网络不通\n2,处理,已派单给装维人员\n"
NAMES = "id,name,betrag\n1,Müller,5\n2,Schröder,7\n3,Jäger,9\n"
FRENCH = "id,nom\n1,Hélène Préféré\n2,Noël\n3,Société créée à Orléans\n"
POLISH = "id,imie\n1,Łukasz\n2,Żółć\n3,Paweł\n4,Małgorzata\n"
CZECH = "id,jmeno\n1,Dvořák\n2,Němec\n3,Růžička\n4,Kučera\n"
TRADITIONAL = "單號,步驟,備註\n1,受理,客戶來電反映網路不通\n2,處理,已派單給裝維人員\n"
GERMAN = 'Auftrag;Schritt;Notiz\n1;geprüft;"Straße\nzurück"\n2;€ bezahlt;Größe „groß“\n'


# --- encodings


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("ending", ["", ".gz"])
def test_what_its_mark_or_utf8_shows_needs_no_declaration(bench: Bench, encoding: str, ending: str) -> None:
    content = CHINESE.encode(encoding)
    bench.deliver(f"orders.csv{ending}", content)

    found = bench.rows(f"orders.csv{ending}")

    assert [list(row.values()) for row in found] == [line.split(",") for line in CHINESE.splitlines()[1:]]
    assert list(found[0]) == ["工单", "步骤", "备注"]


@pytest.mark.parametrize(
    ("encoding", "written", "content"),
    [
        ("gb18030", "GB18030", CHINESE),
        ("gbk", "gbk", CHINESE),
        ("big5", "big5", "單號,步驟\n1,受理\n"),
        ("cp1252", "windows-1252", GERMAN),
        ("utf-16-le", "utf-16-le", CHINESE),
    ],
)
def test_what_is_declared_is_read_so(bench: Bench, encoding: str, written: str, content: str) -> None:
    bench.deliver("as-utf-8.csv", content)
    wanted = bench.rows("as-utf-8.csv")
    bench.deliver("orders.csv", content.encode(encoding))

    assert bench.rows("orders.csv", encoding=written) == wanted


def test_json_may_be_declared_too(bench: Bench) -> None:
    bench.deliver("orders.jsonl", '{"步骤": "受理"}\n'.encode("gb18030"))
    bench.deliver("orders.json", '[{"步骤": "受理"}]'.encode("utf-16"))

    assert bench.rows("orders.jsonl", encoding="gb18030") == [{"步骤": "受理"}]
    assert bench.rows("orders.json") == [{"步骤": "受理"}]


@pytest.mark.parametrize(
    ("content", "line", "proposed"),
    [
        (CHINESE.encode("gb18030"), 1, "gb18030"),
        (CHINESE.replace("受理", "Wang 受理 by Müller").encode("gb18030"), 1, "gb18030"),
        (TRADITIONAL.encode("big5"), 1, "big5"),
        (GERMAN.encode("cp1252"), 2, "cp1252"),
        (NAMES.encode("cp1252"), 2, "cp1252"),
        (b"id,step\n1,g\xf6d\n", 2, "cp1252"),
        (FRENCH.encode("cp1252"), 2, "cp1252"),
        (POLISH.encode("cp1250"), 2, "cp1250"),
        (CZECH.encode("cp1250"), 2, "cp1250"),
        (("a,b,c\n" + "1,x,y\n" * 50_000 + CHINESE * 3).encode("gb18030"), 50_002, "gb18030"),
    ],
)
def test_another_encoding_is_proposed_but_not_guessed(bench: Bench, content: bytes, line: int, proposed: str) -> None:
    bench.deliver("orders.csv", content)

    with pytest.raises(SourceError) as refused:
        bench.pull("orders.csv")

    assert f"orders.csv: line {line}: is not UTF-8 (byte 0x" in str(refused.value)
    assert f"write `encoding: {proposed}` in sources.yml" in str(refused.value)
    assert bench.nothing_landed()


@pytest.mark.parametrize(
    ("content", "declared", "words"),
    [
        (CHINESE.encode("utf-16-le"), None, "but not the mark of it. If it is, write `encoding: utf-16-le`"),
        (CHINESE.encode("utf-16-be")[:4] + b"\0a" * 40, None, "If it is, write `encoding: utf-16-be`"),
        (CHINESE.encode(), "gb18030", "orders.csv"),
        (CHINESE.encode(), "cp1252", "orders.csv"),
        ((GERMAN * 20).encode(), "cp1250", "orders.csv"),
        (b"a,b\n1,x\n2,\x81\n", "cp1252", "orders.csv: line 3: is not cp1252 (byte 0x81). Correct `encoding`"),
        (CHINESE.encode("utf-16")[:-1], None, "is not utf-16"),
    ],
)
def test_a_declaration_that_does_not_fit_is_refused(
    bench: Bench, content: bytes, declared: str | None, words: str
) -> None:
    bench.deliver("orders.csv", content)

    with pytest.raises(SourceError) as refused:
        bench.pull("orders.csv", encoding=declared)

    assert words in str(refused.value)
    assert bench.nothing_landed()


def test_a_mark_wins_over_the_declaration(bench: Bench) -> None:
    bench.deliver("orders.csv", CHINESE.encode("utf-8-sig"))

    assert bench.rows("orders.csv", encoding="gb18030")[0]["步骤"] == "受理"


def test_a_file_lands_again_when_it_is_to_be_read_in_another_way(bench: Bench) -> None:
    bench.deliver("orders.csv", "Report\nid;step\n1;open\n".encode("utf-16"))
    first = bench.pull("orders.csv", delimiter="|", header_row=1)
    second = bench.pull("orders.csv", header_row=2)
    third = bench.pull("orders.csv", header_row=2)

    assert first
    assert second
    assert third is None
    assert rows(second) == [{"id": "1", "step": "open"}]


# --- dialects


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters_are_found_though_other_ones_stand_in_values(bench: Bench, delimiter: str) -> None:
    others = "".join(one for one in ",;\t|" if one != delimiter)
    lines = [["id", "note", "step"], ["1", f"a{others[0]} b{others[0]} c{others[0]} d", "x"], ["2", others, "y"]]
    bench.deliver("orders.csv", "".join(delimiter.join(line) + "\n" for line in lines))

    assert [list(row.values()) for row in bench.rows("orders.csv")] == lines[1:]


@pytest.mark.parametrize("delimiter", ["^", "'", "~"])
def test_any_delimiter_may_be_declared(bench: Bench, delimiter: str) -> None:
    bench.deliver("orders.csv", f"id{delimiter}a,b\n1{delimiter}x,y\n")

    assert bench.rows("orders.csv", delimiter=delimiter) == [{"id": "1", "a,b": "x,y"}]


def test_excels_own_word_about_the_delimiter_is_no_row(bench: Bench) -> None:
    bench.deliver("orders.csv", "sep=^\r\nid^step\r\n1^a;b\r\n2^c;d\r\n")

    assert bench.rows("orders.csv") == [{"id": "1", "step": "a;b"}, {"id": "2", "step": "c;d"}]


@pytest.mark.parametrize(
    "titles", ['Report, "March\n', "Report\n\nfor March\n", "a;b;c;d;e;f\n", "\ufeffReport\n", '\'"\n"\n']
)
@pytest.mark.parametrize("ending", ["\n", ""])
def test_titles_above_the_header_are_passed_over(bench: Bench, titles: str, ending: str) -> None:
    bench.deliver("orders.csv", titles + 'id;"st\nep"\n1;"a\nb"\n\n2;c' + ending)
    bench.deliver("plain.csv", titles + "id;step\n1;a\n2;c" + ending)
    row = titles.count("\n") + 1

    assert bench.rows("orders.csv", header_row=row) == [{"id": "1", "st\nep": "a\nb"}, {"id": "2", "st\nep": "c"}]
    assert bench.rows("plain.csv", header_row=row) == [{"id": "1", "step": "a"}, {"id": "2", "step": "c"}]


def test_a_title_that_is_not_declared_is_pointed_out(bench: Bench) -> None:
    bench.deliver("orders.csv", "Report for March\n\nid;step\n1;a\n2;b\n")

    with pytest.raises(SourceError, match=r"orders\.csv: line 3: the columns seem .* Write `header_row: 3`"):
        bench.pull("orders.csv")

    assert bench.nothing_landed()


def test_a_file_of_one_column_has_no_title(bench: Bench) -> None:
    bench.deliver("orders.csv", "id\n1\n2\n")

    assert bench.rows("orders.csv") == [{"id": "1"}, {"id": "2"}]


def test_na_and_its_like_stay_the_text_they_are(bench: Bench) -> None:
    words = ["NA", "N/A", "null", "NULL", "None", "nan", "", "-", "#N/A", "\\N", "true"]
    bench.deliver("orders.csv", "id,step\n" + "".join(f"{word},x\n" for word in words))

    assert [row["id"] for row in bench.rows("orders.csv")] == words


def test_lines_that_end_otherwise_are_noted_for_the_gate(bench: Bench) -> None:
    bench.deliver("orders.csv", "id\n1\n")
    whole = bench.pull("orders.csv")
    bench.deliver("orders.csv", "id\n1\n2")
    cut = bench.pull("orders.csv")

    assert whole
    assert cut
    assert [batch.files[0]["ends_with_newline"] for batch in (whole, cut)] == [True, False]


# --- what breaks, and what is only large


@pytest.mark.parametrize(
    ("name", "content", "row"),
    [
        ("orders.csv", b"id,step\n1,open\n2,cl\0se\n", 2),
        ("orders.csv", b"id,step\n" + b"1,open\n" * 70_000 + b"2,\0\n", 70_001),
        ("orders.csv", b'id,"st\nep"\n1,open\n2,\0\n', 2),
        ("orders.jsonl", b'{"step": "a"}\n{"step": "\\u0000"}\n', 2),
        ("orders.tsv.gz", b"id\tstep\n1\t\0\n", 1),
    ],
)
def test_a_zero_byte_is_refused_with_its_row(bench: Bench, name: str, content: bytes, row: int) -> None:
    bench.deliver(name, content)

    with pytest.raises(SourceError, match=rf"{name}: row {row}: column '(step|st..?nep)' holds a 0x00 byte"):
        bench.pull(name)

    assert bench.nothing_landed()


@pytest.mark.parametrize("ending", ["csv", "jsonl", "json"])
def test_ten_megabytes_in_one_cell_land(bench: Bench, ending: str) -> None:
    size = 10 * 1024 * 1024
    text = {
        "csv": f"id,note\n0,a\n1,{'z' * size}\n2,b\n",
        "jsonl": '{"note": "a"}\n{"note": "%s"}\n{"note": "b"}\n' % ("z" * size),
        "json": '[{"note": "a"}, {"note": "%s"}, {"note": "b"}]' % ("z" * size),
    }[ending]
    assert size > LONGEST_FAST_LINE
    bench.deliver(f"orders.{ending}", text)

    assert [len(row["note"]) for row in bench.rows(f"orders.{ending}")] == [1, size, 1]


def test_a_cell_beyond_all_measure_is_refused(bench: Bench) -> None:
    bench.deliver("orders.csv", f"id,note\n1,{'z' * (LONGEST_CELL + 1)}\n")

    with pytest.raises(SourceError, match=r"orders\.csv: line 2: a cell has more than 67,108,864 characters"):
        bench.pull("orders.csv")


def test_many_large_cells_make_small_batches(bench: Bench) -> None:
    note = "z" * 1_000_000
    bench.deliver("orders.csv", "id,note\r\n" + f"1,{note}\n" * 40)

    batch = bench.pull("orders.csv")

    assert batch
    assert batch.rows == 40
    assert len(bench.seen) > 2


@pytest.mark.parametrize("encoding", ["gb18030", "utf-16"])
def test_other_encodings_break_on_the_right_line_too(bench: Bench, encoding: str) -> None:
    bench.deliver("orders.csv", (CHINESE + "3,受理\n").encode(encoding))

    with pytest.raises(SourceError, match=r"orders\.csv: line 4: 2 columns, where the header has 3 \(is the file cut"):
        bench.pull("orders.csv", encoding=encoding)


def test_any_file_may_be_said_to_be_of_a_format(bench: Bench) -> None:
    bench.deliver("orders.txt", "id;step\n1;open\n")
    path = bench.deliver("orders.dat.gz", b"")
    path.write_bytes(gzip.compress(b'{"id": 1, "step": "open"}\n'))

    assert bench.rows("orders.txt", format="csv") == [{"id": "1", "step": "open"}]
    assert bench.rows("orders.dat.gz", format="jsonl") == [{"id": "1", "step": "open"}]
