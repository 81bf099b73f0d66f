"""What the documentation says can be pasted, and works."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest

from pipelines.catalogue import read_catalogue
from pipelines.catalogue.limits import limit_of
from pipelines.home import Home
from pipelines.sources import pull

ROOT = Path(__file__).parents[1]
QUESTIONS = re.findall(
    r"^## \d+\. (.+?)$.*?^```sql\n(.*?)^```", (ROOT / "docs" / "questions.md").read_text(encoding="utf-8"), re.M | re.S
)
# In the tiny home nothing fell due in the two months that would be compared, and nothing stands out.
MAY_BE_EMPTY = {"Which nodes got worse", "What goes with misses"}


def test_the_questions_are_numbered_and_have_one_answer_each() -> None:
    numbers = re.findall(r"^## (\d+)\. ", (ROOT / "docs" / "questions.md").read_text(encoding="utf-8"), re.M)

    assert [int(number) for number in numbers] == list(range(1, len(QUESTIONS) + 1))


@pytest.mark.xdist_group("built")
@pytest.mark.parametrize(("question", "sql"), QUESTIONS, ids=[question for question, _ in QUESTIONS])
def test_a_question_is_answered_by_its_sql(built_once: Home, question: str, sql: str) -> None:
    with duckdb.connect(str(built_once.published / "warehouse.duckdb"), read_only=True) as con:
        answer = con.execute(sql)
        columns, rows = [column[0] for column in answer.description], answer.fetchall()

    shown = (ROOT / "docs" / "questions.md").read_text(encoding="utf-8")
    assert f"| {' | '.join(columns)} |" in shown
    assert rows or question in MAY_BE_EMPTY


GUIDE = (ROOT / "docs" / "catalogue.md").read_text(encoding="utf-8")


def _write_the_guides_files(home: Path) -> dict[str, str]:
    """Write the files that the guide shows, and return the pieces that it shows for some of them."""
    files = dict(re.findall(r"^```\w+ (\S+)\n(.*?)^```", GUIDE, re.M | re.S))
    assert len(files) == 8
    (home / "in").mkdir()
    for name, text in files.items():
        path = home / name if "/" in name else home / "catalogue" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return {
        name: "".join(re.findall(r"^```yaml\n(.*?)^```", section, re.M | re.S))
        for name, section in re.findall(r"^## (\S+)\n(.*?)(?=^## )", GUIDE, re.M | re.S)
    }


def test_the_guides_source_of_files_is_in_order(tmp_path: Path) -> None:
    _write_the_guides_files(tmp_path)
    (example,) = re.findall(r"^## Files: .*?^```yaml\n(.*?)^```", GUIDE, re.M | re.S)
    (tmp_path / "catalogue" / "sources.yml").write_text(example, encoding="utf-8")

    catalogue = read_catalogue(Home(tmp_path), {"CARRIER_PASSWORD": "s3cret"})

    assert not catalogue.warnings
    assert catalogue.sources["carrier"].entities["visits"].header_row == 3


def test_the_guides_example_is_a_catalogue_in_order(tmp_path: Path) -> None:
    _write_the_guides_files(tmp_path)

    assert not read_catalogue(Home(tmp_path)).warnings


def test_the_pieces_that_the_guide_adds_fit_into_its_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_TOKEN", "secret of the shop")
    monkeypatch.setenv("ERP_PASSWORD", "secret of the erp")
    monkeypatch.setenv("COMMITMENTS_HASH_KEY", "a key of many letters")
    pieces = _write_the_guides_files(tmp_path)
    for name, piece in pieces.items():
        path = tmp_path / "catalogue" / name
        path.write_text(path.read_text(encoding="utf-8") + piece, encoding="utf-8")

    home = Home(tmp_path)
    catalogue = read_catalogue(home)
    assert not catalogue.warnings
    assert catalogue.sources["ticketing"].entities["calls"].hash == ("agent_name",)
    assert catalogue.sources["ticketing"].entities["waits"].shape == "pauses"
    assert catalogue.sources["ticketing"].entities["failures"].services["Ticket desk"] == "incident/register"
    assert len(catalogue.calendars["shop"].versions) == 2
    assert catalogue.sources["shop"].auth
    erp = catalogue.sources["erp"]
    pulled = pull(erp, erp.entities["steps"], [], home)
    assert pulled
    assert sum(batch.num_rows for batch in pulled.batches) == 1
    assert pulled.cursor_to == "2026-03-02 10:00"


@pytest.mark.parametrize("key", ["auth", "paging"])
def test_every_way_to_ask_and_to_page_that_the_guide_shows_is_one(tmp_path: Path, key: str) -> None:
    shown = re.findall(r"^\| `(\w+: .*?)` \|", GUIDE.split(f"| `{key}` |")[1].split("\n\n")[0], re.M)
    assert len(shown) == {"auth": 4, "paging": 5}[key]
    _write_the_guides_files(tmp_path)
    path = tmp_path / "catalogue" / "sources.yml"
    entity = path.read_text(encoding="utf-8").split("      tickets:\n")[1].replace("tickets.csv", "/tickets")
    for written in shown:
        of_source, of_entity = (f"{key}: {{{written}}}" if key == kind else "" for kind in ("auth", "paging"))
        path.write_text(
            f"sources:\n  shop:\n    kind: rest\n    connection: https://x\n    {of_source}\n    entities:\n"
            f"      tickets:\n        {of_entity}\n{entity}",
            encoding="utf-8",
        )
        shop = read_catalogue(Home(tmp_path), dict.fromkeys(["PASSWORD", "TOKEN", "KEY", "SECRET"], "x")).sources[
            "shop"
        ]
        assert shop.auth if key == "auth" else shop.entities["tickets"].paging


def test_every_limit_that_the_guide_shows_is_one() -> None:
    shown = re.findall(r"`([^`]+)`", "".join(re.findall(r"^\| (`.*?) \|", GUIDE.split("| limit |")[1], re.M)))

    assert [limit_of(text).kind for text in shown] == ["time"] * 4 + ["working_days"] * 2 + ["promised"] * 2


@pytest.mark.parametrize("page", ["README.md", *(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))])
def test_every_file_that_a_page_links_to_is_there(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    linked = [link for link in re.findall(r"\]\(([^)#]+)", text) if "://" not in link]

    assert [link for link in linked if not ((ROOT / page).parent / link).exists()] == []


@pytest.mark.xdist_group("built")
def test_the_question_of_the_history_page_can_be_asked(built_once: Home) -> None:
    [sql] = re.findall(r"^```sql\n(.*?)^```", (ROOT / "docs" / "history.md").read_text(encoding="utf-8"), re.M | re.S)

    with duckdb.connect(str(built_once.published / "warehouse.duckdb"), read_only=True) as con:
        assert con.execute(sql).fetchall() == []
