"""Source systems: one module a kind, each yields Arrow batches, nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pipelines.catalogue.sources import KEY_SWEEP
from pipelines.home import Home
from pipelines.sources.personal import Protection, protected
from pipelines.sources.pulled import Progress, Pulled, Range, SourceError

if TYPE_CHECKING:
    from pipelines.catalogue.sources import Entity, Source
    from pipelines.landing import Batch

__all__ = ["Progress", "Pulled", "Range", "SourceError", "list_keys", "pull"]


def pull(
    source: Source,
    entity: Entity,
    history: Sequence[Batch],
    home: Home,
    full_refresh: bool = False,
    progress: Progress | None = None,
    backfill: Range | None = None,
) -> Pulled | None:
    """Bring what an entity has that did not land before; None when that is known to be nothing.

    ``progress`` is told the number of rows so far. With ``backfill``: what lies between these places of its cursor.
    """
    if backfill is not None and (source.kind != "database" or not entity.cursor):
        return None
    protection = Protection(source, entity)
    # What landed under other rules for what people may see is pulled again under these.
    full_refresh = full_refresh or bool(history and history[-1].manifest.get("personal") != protection.mark)
    # Each kind has its own libraries, and most runs need few of them.
    if source.kind == "files":
        from pipelines.sources import files as kind
    elif source.kind == "database":
        from pipelines.sources import database as kind
    elif source.kind == "rest":
        from pipelines.sources import rest as kind
    else:
        from pipelines.sources import python as kind
    try:
        if backfill is None:
            pulled = kind.pull(source, entity, history, home, full_refresh, progress)
        else:
            from pipelines.sources.database import pull_range

            pulled = pull_range(source, entity, history, home, backfill, progress)
    except Exception as problem:
        if protection.mark is None:
            raise
        raise protection.error(problem) from None
    return None if pulled is None else protected(protection, pulled, history)


def list_keys(source: Source, entity: Entity, home: Home, progress: Progress | None = None) -> Pulled | None:
    """Bring the keys that an entity has now, where it is declared to list them; None where it is not."""
    if entity.deletions != KEY_SWEEP:
        return None
    from pipelines.sources.database import list_keys as of_database

    return protected(Protection(source, entity), of_database(source, entity, home, progress), ())
