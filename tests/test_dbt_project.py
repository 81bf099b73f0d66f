"""The dbt project: its folders keep their promises."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

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


def test_only_staging_reads_files(models: list[dict[str, Any]]) -> None:
    reading = {model["fqn"][1] for model in models if "_path'" in model["raw_code"]}

    assert reading == {"staging"}
