"""`commitments report`: the page of one department or month, from what is published."""

from __future__ import annotations

import re
from pathlib import Path

import openpyxl
import pytest
from test_report import publish

from pipelines.command_line import main
from pipelines.errors import UserError
from pipelines.home import Home
from pipelines.publish.report import ask_report


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home with nothing but what is published."""
    folder = tmp_path_factory.mktemp("home")
    (folder / "published").mkdir()
    publish(folder / "published" / "warehouse.duckdb")
    return Home(folder)


def _text(page: Path) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.read_text(encoding="utf-8").split("</style>")[1]))


def test_the_page_of_a_department_holds_what_is_its_own_and_nothing_of_others(home: Home, tmp_path: Path) -> None:
    page, workbook = ask_report(home, tmp_path / "deep" / "channel.html", "Channel department", None)

    text = _text(page)
    assert "Example Telecom · Channel department" in text
    assert "WO-00019" in text
    assert "Complaint handling" not in text.split("Service quality: gaps")[0]
    assert "Pay the case" not in text
    assert 'href="channel.xlsx"' in page.read_text(encoding="utf-8")
    book = openpyxl.load_workbook(workbook)
    assert {row[0] for row in book["Departments"].iter_rows(min_row=4, values_only=True)} == {"Channel department"}
    assert {row[2] for row in book["Nodes"].iter_rows(min_row=4, values_only=True)} == {"check"}


def test_the_page_of_a_month_stands_at_that_month_and_leaves_out_what_is_of_now(home: Home, tmp_path: Path) -> None:
    page, _ = ask_report(home, tmp_path / "october.html", None, "2026-10")

    text = _text(page)
    assert "313 kept of 420 due" in text
    assert "so far" not in text.split("How to read this")[0].replace("as the month stands so far", "")
    assert "The seven states at the end of the month" in text
    assert "Open and already in warning" not in text
    assert "WO-00019" not in text
    assert "can still keep their commitment" not in text


def test_an_unknown_department_gets_the_nearest_and_a_month_without_data_which_there_are(
    home: Home, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match="'chanel department' is not known; did you mean 'Channel department'"):
        ask_report(home, tmp_path / "a.html", "chanel department", None)
    with pytest.raises(UserError, match="nothing is published of 2020-01; there is 2025-10 to 2026-11"):
        ask_report(home, tmp_path / "a.html", None, "2020-01")
    with pytest.raises(UserError, match="'October' is no month; write it as year-month"):
        ask_report(home, tmp_path / "a.html", None, "October")
    with pytest.raises(UserError, match=r"a.pdf is no page; name it with .html"):
        ask_report(home, tmp_path / "a.pdf", None, None)
    with pytest.raises(UserError, match="nothing is published yet"):
        ask_report(Home(tmp_path), tmp_path / "a.html", None, None)
    assert list(tmp_path.iterdir()) == []


def test_the_command_says_where_the_page_is(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    into = tmp_path / "page.html"
    monkeypatch.setattr(
        "sys.argv", ["commitments", "report", "--home", str(home.root), "--month", "2026-10", "--into", str(into)]
    )

    with pytest.raises(SystemExit) as ended:
        main()

    assert ended.value.code == 0
    assert capsys.readouterr().out == f"{into}, with the same numbers in {tmp_path / 'page.xlsx'}\n"
    assert into.exists()
