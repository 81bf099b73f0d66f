"""By which rules what has landed is judged: the catalogue's, and for what it no longer declares, those it last had.

Rows of a source stay when it is taken out of sources.yml, so somebody must still say how they are read.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from pipelines.catalogue import Entity, Source
from pipelines.catalogue.landed import landed_sources
from pipelines.home import Home
from pipelines.landing import CatalogueBatch, Landing


def sources_of(landed: CatalogueBatch) -> dict[str, Source]:
    """The sources of a landed catalogue, as the gate needs them."""
    file = landed.folder / "catalogue.json"
    what = f"{file} (landed by version {landed.manifest['code_version']})"
    return landed_sources(json.loads(file.read_text(encoding="utf-8")), what)


def no_longer_declared(home: Home, declared: Mapping[str, Source]) -> Iterator[tuple[Source, Entity]]:
    """What has landed and is not in ``declared``, by the newest landed catalogue that has it."""
    landing = Landing(home)
    wanted = {
        (source, entity)
        for source, entity in landing.entities()
        if source not in declared or entity not in declared[source].entities
    }
    for landed in reversed(landing.catalogues()) if wanted else ():
        known = sources_of(landed)
        for name, entity in sorted(wanted):
            if name in known and entity in known[name].entities:
                wanted.remove((name, entity))
                yield known[name], known[name].entities[entity]
        if not wanted:
            return
