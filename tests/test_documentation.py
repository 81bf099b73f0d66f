"""Every published column is explained beside the data, with a unit and a query that can be asked."""

from __future__ import annotations

import html
import json
import re

import duckdb
import pytest

from pipelines import warehouse
from pipelines.home import Home
from pipelines.publish.documentation import unit_of
from pipelines.publish.report import facts
from pipelines.publish.report.sections import SECTIONS

pytestmark = pytest.mark.xdist_group("built")
DASHBOARDS = warehouse.PROJECT.parent / "data" / "dashboards"


@pytest.fixture(scope="module")
def page(built_once: Home) -> str:
    """The published glossary."""
    return (built_once.published / "docs" / "index.html").read_text(encoding="utf-8")


def test_every_column_stands_there_with_its_words(built_once: Home, page: str) -> None:
    with duckdb.connect(str(built_once.published / "warehouse.duckdb"), read_only=True) as con:
        columns = con.execute(
            "SELECT schema_name, table_name, column_name FROM duckdb_columns() WHERE schema_name IN ('marts', 'detail')"
        ).fetchall()

    shown = {
        (section, column)
        for section, body in re.findall(r'<section id="(\S+)">(.*?)</section>', page, re.S)
        for column, unit, words in re.findall(r'<th scope="row">(\S+)</th><td>(.+?)</td><td>(.+?)</td>', body, re.S)
    }
    assert {(f"{schema}.{table}", column) for schema, table, column in columns} == shown


def test_every_example_can_be_asked(built_once: Home, page: str) -> None:
    examples = [html.unescape(text) for text in re.findall(r"<pre>(.*?)</pre>", page, re.S)]

    with duckdb.connect(str(built_once.published / "warehouse.duckdb"), read_only=True) as con:
        for example in examples:
            con.execute(example).fetchall()
    assert len(examples) > 30


def test_the_lineage_page_has_the_models_and_calls_nobody(built_once: Home) -> None:
    site = (built_once.published / "docs" / "lineage.html").read_text(encoding="utf-8")

    assert "INLINE DATA" not in site
    assert '"send_anonymous_usage_stats": false' in site
    assert "model.service_commitments.fct_run" in site


@pytest.mark.parametrize(
    ("column", "kind", "unit"),
    [
        ("elapsed_seconds", "DOUBLE", "seconds"),
        ("commitment_due_on", "DATE", "business day"),
        ("ended_at", "TIMESTAMP WITH TIME ZONE", "instant, UTC"),
        ("achievement_rate", "DOUBLE", "0 to 1, unless it says otherwise"),
        ("rate_low", "DOUBLE", "0 to 1, unless it says otherwise"),
        ("due", "BIGINT", "count"),
        ("is_open", "BOOLEAN", "yes or no"),
    ],
)
def test_the_unit_of_a_column_is_read_off_its_name_and_type(column: str, kind: str, unit: str) -> None:
    assert unit_of(column, kind) == unit


@pytest.mark.parametrize("exposure", ["service_quality_report", "superset_dashboards"])
def test_an_exposure_names_exactly_the_tables_that_are_read(built_once: Home, exposure: str) -> None:
    asked = {
        "service_quality_report": [
            *(text for name, text in vars(facts).items() if name.isupper() and isinstance(text, str)),
            *(question for section in SECTIONS for question in section.queries.values()),
            "marts.publication",
        ],
        "superset_dashboards": [path.read_text(encoding="utf-8") for path in DASHBOARDS.glob("*.yml")],
    }
    read = {table for text in asked[exposure] for table in re.findall(r"marts\.(\w+)", text)}
    manifest = json.loads((warehouse.parse(built_once) / "manifest.json").read_text(encoding="utf-8"))

    named = manifest["exposures"][f"exposure.service_commitments.{exposure}"]["depends_on"]["nodes"]

    assert {name.rsplit(".", 1)[1] for name in named} == read
