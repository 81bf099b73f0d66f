"""A landed catalogue judges as it did on its day."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import tiny

from pipelines.catalogue import Catalogue, read_catalogue
from pipelines.catalogue.landed import columns_wanted, landed_sources
from pipelines.catalogue.tables import catalogue_tables
from pipelines.errors import UserError
from pipelines.gate import gate_hash
from pipelines.home import Home

SAMPLE = Path(__file__).parents[2] / "data"


@pytest.fixture(params=["sample organisation", "tiny"])
def catalogue(request: pytest.FixtureRequest, tmp_path: Path) -> Catalogue:
    """A catalogue with every shape and kind of source, and the tiny one."""
    environ = {**os.environ, "CRM_DATABASE_URL": "sqlite://", "TICKETING_DATABASE_URL": "sqlite://"}
    home = Home(SAMPLE) if request.param == "sample organisation" else tiny.make_tiny_home(tmp_path / "home")
    return read_catalogue(home, {**environ, "TINY_WMS": "sqlite://"})


def test_each_entity_comes_back_as_it_was_and_with_it_the_gates_hash(catalogue: Catalogue) -> None:
    landed = json.loads(json.dumps(catalogue.as_json()))

    sources = landed_sources(landed, "it", {})

    assert sources.keys() == catalogue.sources.keys()
    for name, source in catalogue.sources.items():
        assert sources[name].entities == source.entities
        for entity in source.entities.values():
            assert gate_hash(sources[name], sources[name].entities[entity.name]) == gate_hash(source, entity)


def test_a_text_from_the_environment_takes_todays_value_and_a_variable_that_is_gone_stays_as_it_was_written(
    tmp_path: Path,
) -> None:
    home = tiny.make_tiny_home(tmp_path / "home")
    sources = home.catalogue / "sources.yml"
    sources.write_text(tiny.SOURCES.replace("[VOID]", "['${VOIDED}']").replace("[OPEN]", "['${OPENED}']"))
    day = {"TINY_WMS": "sqlite://", "VOIDED": "VOID", "OPENED": "OPEN"}
    landed = read_catalogue(home, day).as_json()

    [jobs] = landed_sources(landed, "it", {"VOIDED": "GONE"})["crm"].entities.values()

    assert jobs.statuses["cancelled"] == ("GONE",)
    assert jobs.statuses["in_progress"] == ("${OPENED}",)


def test_what_this_code_does_not_know_is_named_with_what_landed_it(catalogue: Catalogue) -> None:
    landed = catalogue.as_json()
    name = next(iter(landed["sources"]))
    entity = next(iter(landed["sources"][name]["entities"]))
    landed["sources"][name]["entities"][entity]["telepathy"] = True

    with pytest.raises(UserError, match=rf"^catalogue 7: .*sources\.{name}\.entities\.{entity}\.telepathy.*version"):
        landed_sources(landed, "catalogue 7", {})


def test_the_tables_that_are_wanted_of_a_landed_catalogue_are_those_that_one_lands(catalogue: Catalogue) -> None:
    assert columns_wanted() == {name: table.schema.names for name, table in catalogue_tables(catalogue).items()}
