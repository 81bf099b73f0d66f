"""What the folders promise."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml

from pipelines.catalogue.sources import Shape
from pipelines.warehouse import PROJECT

MODELS = PROJECT / "models"
MARTS = sorted((MODELS / "marts").rglob("*.sql"))
INNER = sorted([*(MODELS / "staging").glob("*.sql"), *(MODELS / "intermediate").rglob("*.sql")])


def _described(folder: Path) -> dict[str, dict[str, Any]]:
    """The models that the yml files below a folder describe."""
    return {
        model["name"]: model
        for path in folder.rglob("*.yml")
        for model in (yaml.safe_load(path.read_text(encoding="utf-8")) or {}).get("models", [])
    }


@pytest.mark.parametrize("sql", MARTS, ids=lambda path: path.stem)
def test_every_mart_and_each_of_its_columns_is_described_beside_it(sql: Path) -> None:
    [mart] = yaml.safe_load(sql.with_suffix(".yml").read_text(encoding="utf-8"))["models"]

    assert mart["name"] == sql.stem
    assert mart["description"].strip()
    assert mart["columns"]
    assert [column["name"] for column in mart["columns"] if not str(column.get("description") or "").strip()] == []


@pytest.mark.parametrize("sql", INNER, ids=lambda path: path.stem)
def test_every_inner_model_says_what_it_is(sql: Path) -> None:
    opens_with_a_sentence = any(line.startswith("-- ") for line in sql.read_text(encoding="utf-8").splitlines()[:2])
    described = _described(sql.parent).get(sql.stem, {}).get("description")

    assert opens_with_a_sentence or described


def test_nothing_is_described_that_is_not_there() -> None:
    assert _described(MODELS).keys() <= {path.stem for path in MODELS.rglob("*.sql")}


@pytest.mark.parametrize("shape", get_args(Shape))
def test_every_shape_has_its_suite(shape: str) -> None:
    suite = importlib.import_module(f"quality_checks.{shape}")

    assert suite.NAMES
    assert callable(suite.rules)
    assert (MODELS / "staging" / f"stg_{shape}.sql").exists()


def test_dbt_does_not_phone_home() -> None:
    project = yaml.safe_load((PROJECT / "dbt_project.yml").read_text(encoding="utf-8"))

    assert project["flags"]["send_anonymous_usage_stats"] is False
