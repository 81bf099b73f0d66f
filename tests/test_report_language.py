"""The report in its reader's language: nothing is left untranslated, and what the organisation named stays as it is."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from html import unescape
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import openpyxl
import pytest
from babel.messages.pofile import read_po
from test_report import publish

from pipelines.catalogue.organisation import Language
from pipelines.publish.report import write_report
from pipelines.publish.report.labels import translation_file
from pipelines.publish.report.labels.used import update, used
from pipelines.publish.report.words import Words

OTHERS = [language for language in Language.__args__ if language != "en"]
CHINESE = Words("zh-CN", ZoneInfo("Asia/Shanghai"))
# Names of people and methods are the same in every language; in seconds there is no other letter.
NOT_ENGLISH = {"Wilson", "Kaplan", "Meier", "docs", "risk", "Asia", "Shanghai"}


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report in Chinese."""
    folder = tmp_path_factory.mktemp("chinese")
    return write_report(publish(folder / "warehouse.duckdb", "zh-CN"), folder / "report")


@pytest.mark.parametrize("language", OTHERS)
def test_every_text_of_the_page_and_the_workbook_has_a_translation_and_no_translation_is_left_over(
    language: str,
) -> None:
    with translation_file(language).open("rb") as file:
        catalog = read_po(file)
    translated = {message.id for message in catalog if message.id and message.string and all(message.string)}

    # `make labels` adds what is missing and drops what is left over.
    assert translated == {message.id for message in used() if message.id}


@pytest.mark.parametrize("language", OTHERS)
def test_a_translation_names_the_same_values_and_tags_as_its_text(language: str) -> None:
    with translation_file(language).open("rb") as file:
        catalog = read_po(file)
    for message in catalog:
        texts = message.id if isinstance(message.id, tuple) else (message.id,)
        said = message.string if isinstance(message.string, tuple) else (message.string,)
        if message.id:
            for pattern in (r"%\(\w+\)s|\{\}|%%", r"</?\w+[^>]*>"):
                assert {*re.findall(pattern, said[0])} == {*re.findall(pattern, texts[-1])}, message.id


def test_bringing_a_translation_up_to_date_keeps_it_and_counts_what_waits(tmp_path: Path) -> None:
    file = tmp_path / "zh_CN.po"
    whole = translation_file("zh-CN").read_text(encoding="utf-8")
    file.write_text(whole.replace('msgid "Overview"', 'msgid "Gone since"'), encoding="utf-8")

    waiting = update(file)

    kept = file.read_text(encoding="utf-8")
    assert waiting == 1
    assert "Gone since" not in kept
    assert 'msgid "Overview"\nmsgstr ""' in kept
    assert 'msgid "Departments"\nmsgstr "部门"' in kept


def test_the_chinese_page_holds_no_english_but_what_comes_from_the_data(page: Path) -> None:
    html = page.read_text(encoding="utf-8").split("</style>")[1].replace("<wbr>", "")
    attributes = " ".join(re.findall(r'(?:aria-label|title)="([^"]*)"', html))
    text = unescape(re.sub(r"<[^>]+>", " ", html) + attributes)
    with duckdb.connect(str(page.parents[1] / "warehouse.duckdb"), read_only=True) as con:
        columns = con.execute(
            "SELECT table_name, column_name FROM information_schema.columns "
            "WHERE table_schema = 'marts' AND data_type = 'VARCHAR'"
        ).fetchall()
        values = {
            value
            for table, column in columns
            for (value,) in con.execute(f'SELECT DISTINCT "{column}" FROM marts.{table}').fetchall()
            # Words that our own SQL writes are translated.
            if value and (table, column) not in {("service_gap_by_period", "gap_name"), ("restatement", "reason")}
        }
    # On the page in part, too: a name is shortened, an example cut.
    data = {word for value in values for word in re.findall("[A-Za-z]{3,}", value)}

    words = set(re.findall("[A-Za-z]{3,}", text))

    assert "承诺" in text
    assert words - data - NOT_ENGLISH == set()


def test_numbers_dates_and_durations_are_written_as_the_reader_writes_them() -> None:
    assert CHINESE.moment(datetime(2026, 11, 22, 16, 0, tzinfo=UTC)) == "2026年11月23日 00:00"
    assert CHINESE.month(date(2026, 11, 1)) == "2026年11月"
    assert CHINESE.short_month(date(2026, 11, 1)) == "11月"
    assert CHINESE.duration(12_000) == "3 小时 20 分钟"
    assert CHINESE.count(1_234_567) == "1,234,567"
    assert CHINESE.counted(1, "%(n)s run", "%(n)s runs") == "1 次办理"


def test_the_workbook_is_in_the_same_language(page: Path) -> None:
    book = openpyxl.load_workbook(page.with_name("report.xlsx"))

    assert {"流程", "环节", "未结预警", "图表"} <= set(book.sheetnames)
    assert [cell.value for cell in book["流程"][3]][:5] == ["流程", "流程编号", "月份", "整月", "到期"]
    assert {name for sheet in book for name in sheet.tables} >= {"Processes", "Open_warnings"}


def test_the_sentences_of_the_review_say_that_they_are_english(page: Path) -> None:
    assert 'lang="en">84 of 93 due runs were kept' in page.read_text(encoding="utf-8")
