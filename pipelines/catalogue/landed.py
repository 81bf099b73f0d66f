"""A landed catalogue read back: as much of it as the gate needs to judge by the rules of its day."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from pipelines.catalogue.organisation import Organisation
from pipelines.catalogue.reading import VARIABLE
from pipelines.catalogue.sources import Source
from pipelines.catalogue.tables import catalogue_tables
from pipelines.catalogue.whole import Catalogue
from pipelines.errors import UserError

# How a source is reached, and how often, is no matter of judging what it delivered.
OF_PULLING = {"connection", "expected_every", "timeout", "retries", "auth", "headers", "settings"}


def landed_sources(as_json: Mapping[str, Any], what: str, environ: Mapping[str, str] = os.environ) -> dict[str, Source]:
    """Return the sources that ``Catalogue.as_json`` wrote, without their connections; ``what`` names it in errors.

    Texts from the environment take today's values; a variable that is gone stays ``${NAME}``.
    """
    sources = {}
    for name, written in as_json["sources"].items():
        content = {key: value for key, value in _expanded(written, environ).items() if key not in OF_PULLING}
        try:
            sources[name] = Source.model_validate({**content, "connection": ""})
        except ValidationError as problem:
            found = problem.errors()[0]
            where = ".".join(str(step) for step in ("sources", name, *found["loc"]))
            raise UserError(
                f"{what}: this version of the code cannot read {where} ({found['msg']}); "
                "use the version that landed it."
            ) from None
    return sources


def columns_wanted() -> dict[str, list[str]]:
    """The tables, with their columns, that this version of the code lands of any catalogue and its models read."""
    organisation = Organisation(name="any", business_time_zone="UTC", currency="EUR")
    empty = Catalogue(organisation=organisation, sources={}, processes={}, commitments=(), calendars={})
    return {name: table.schema.names for name, table in catalogue_tables(empty).items()}


def _expanded(value: Any, environ: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _expanded(item, environ) for key, item in value.items()}
    if isinstance(value, list):
        return [_expanded(item, environ) for item in value]
    if not isinstance(value, str):
        return value
    return VARIABLE.sub(lambda match: environ.get(match[1], match[0]), value)
