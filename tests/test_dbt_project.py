"""The dbt project: its folders keep their promises."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import duckdb
import orjson
import pytest
import yaml

from pipelines import warehouse
from pipelines.home import Home

pytestmark = pytest.mark.xdist_group("built")


@pytest.fixture(scope="session")
def manifest(built_once: Home) -> dict[str, Any]:
    """The project as dbt understands it."""
    return orjson.loads((warehouse.parse(built_once) / "manifest.json").read_bytes())


@pytest.fixture(scope="session")
def models(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    """Every model of it."""
    return [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]


def test_every_published_table_and_column_is_described_and_contracted(models: list[dict[str, Any]]) -> None:
    published = [model for model in models if model["fqn"][1] == "marts"]

    assert published
    for model in published:
        assert model["description"], model["name"]
        assert model["contract"]["enforced"], model["name"]
        assert [name for name, column in model["columns"].items() if not column["description"]] == [], model["name"]


def test_a_build_that_spilled_to_disk_goes_on(tmp_path: Path) -> None:
    text = re.sub(
        r"{{ env_var\('(\w+)', .*?\) }}", r"\1", (warehouse.PROJECT / "profiles.yml").read_text(encoding="utf-8")
    )
    profile = yaml.safe_load(text)["service_commitments"]["outputs"]["duckdb"]
    given = {"COMMITMENTS_TEMP": str(tmp_path / "spill"), "COMMITMENTS_MEMORY": "250MiB"}
    options, settings = (
        {name: given.get(value, value) for name, value in profile[part].items()}
        for part in ("config_options", "settings")
    )

    with duckdb.connect(str(tmp_path / "w.duckdb"), config=options) as con:
        for number in range(2):
            # As dbt-duckdb does before each model.
            for name, value in settings.items():
                con.execute(f"SET {name} = '{value}'")
            con.execute(
                f"CREATE TABLE spilled_{number} AS SELECT range AS n, repeat('x', 100) || range AS text "
                "FROM range(3_000_000) ORDER BY hash(range)"
            )

        assert con.execute("SELECT count(*) FROM spilled_1").fetchall() == [(3_000_000,)]


def test_only_staging_reads_files(models: list[dict[str, Any]]) -> None:
    reading = {model["fqn"][1] for model in models if "_path'" in model["raw_code"]}

    assert reading == {"staging"}
