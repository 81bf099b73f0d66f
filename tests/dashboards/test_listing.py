"""The list of dashboards fits the marts: found out without a Superset."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from pipelines.dashboards.bundle import Outlet, listing, write_bundle
from pipelines.dashboards.installation import URL, outlets
from pipelines.errors import UserError
from pipelines.home import Home

pytestmark = pytest.mark.xdist_group("built")
LISTED = listing()
CHARTS = [chart for dashboard in LISTED.dashboards for chart in dashboard.charts]


@pytest.fixture(scope="module")
def published(built_once: Home) -> Path:
    """A finished file."""
    return built_once.published / "warehouse.duckdb"


def test_every_chart_asks_for_columns_and_metrics_that_its_dataset_has(published: Path) -> None:
    with duckdb.connect(str(published), read_only=True) as con:
        for chart in CHARTS:
            dataset = LISTED.datasets[chart.dataset]
            metrics = [f"{dataset['metrics'][metric]['sql']} AS {metric}" for metric in chart.metrics]
            asked = ", ".join([*chart.columns, *metrics])
            grouped = "GROUP BY ALL" if metrics and chart.columns else ""
            order = [column for column, _ in chart.order] + [column for column, _, _ in chart.conditions]
            con.execute(f"SELECT {', '.join(order) or 1} FROM ({dataset['sql']}) LIMIT 0")
            con.execute(f"SELECT {asked} FROM ({dataset['sql']}) {grouped}")


def test_every_dataset_and_metric_is_shown_somewhere() -> None:
    shown = {(chart.dataset, metric) for chart in CHARTS for metric in chart.metrics}

    assert {chart.dataset for chart in CHARTS} == set(LISTED.datasets)
    assert {(name, metric) for name, listed in LISTED.datasets.items() for metric in listed.get("metrics", {})} == shown


def test_what_superset_imports_names_nothing_twice_over_both_outlets(published: Path, tmp_path: Path) -> None:
    files = bundled(published, tmp_path, "file") + bundled(published, tmp_path, "PostgreSQL")
    datasets = [file["table_name"] for file in files if "table_name" in file]

    assert len({file["uuid"] for file in files if "uuid" in file}) == sum("uuid" in file for file in files)
    assert len(set(datasets)) == len(datasets) == 2 * len(LISTED.datasets)


def test_a_column_says_in_superset_what_it_says_in_the_marts(published: Path, tmp_path: Path) -> None:
    [runs] = [f for f in bundled(published, tmp_path, "file") if f.get("table_name") == "processes_by_month (file)"]

    [due] = [column for column in runs["columns"] if column["column_name"] == "due"]
    with duckdb.connect(str(published), read_only=True) as con:
        said = con.execute(
            "SELECT comment FROM duckdb_columns() WHERE table_name = 'achievement_by_process' AND column_name = 'due'"
        ).fetchone()
    assert (due["description"],) == said


def bundled(published: Path, folder: Path, outlet: str) -> list[dict[str, Any]]:
    """The files of a bundle."""
    bundle = folder / f"{outlet}.zip"
    write_bundle(published, Outlet(outlet, "duckdb:////nowhere", outlet == "PostgreSQL"), bundle)
    with zipfile.ZipFile(bundle) as zipped:
        return [yaml.safe_load(zipped.read(name)) for name in zipped.namelist()]


def test_the_reader_whom_one_names_comes_before_the_feeder_of_organisation_yml(
    built_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(URL, raising=False)
    assert [outlet.name for outlet in outlets(built_home)] == ["file"]

    with (built_home.catalogue / "organisation.yml").open("a") as organisation:
        organisation.write("\npublish: {postgresql: 'postgresql://feeder:a%40b@host/reporting'}\n")
    assert outlets(built_home)[1].uri == "postgresql+psycopg2://feeder:a%40b@host/reporting"

    monkeypatch.setenv(URL, "postgresql://reader@host/reporting")
    assert outlets(built_home)[1].uri == "postgresql+psycopg2://reader@host/reporting"


def test_without_a_publication_it_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="run it first"):
        outlets(Home(tmp_path))
