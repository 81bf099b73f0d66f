"""What a source itself says that its rows come to: asked of a database with the rows, read from a file beside files."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from pipelines.home import Home
from pipelines.sources.pulled import Pulled, SourceError

if TYPE_CHECKING:
    from pipelines.catalogue.sources import Entity, Source

NUMBER = re.compile(r"(?<![\w.])\d+(?![\w.])")
MICRO = Decimal("0.000001")


def control_total(home: Home, source: Source, entity: Entity, pulled: Pulled | None) -> Decimal | None:
    """Return the exact number; null where the entity does not ask, or the source has nothing to say."""
    if entity.reconcile is None:
        return None
    if entity.reconcile.file:
        return _from_files(home, source, entity, entity.reconcile.file)
    said = pulled.control_total if pulled else None
    if said is None:
        return None
    try:
        return Decimal(said).quantize(MICRO)
    except InvalidOperation:
        raise SourceError(
            source.name,
            entity.name,
            f"`reconcile` asks for a number, and the source says {said[:60]!r}: correct it in sources.yml.",
        ) from None


def _from_files(home: Home, source: Source, entity: Entity, pattern: str) -> Decimal:
    """The numbers of all control files together: each speaks of the rows of one delivery."""
    files = sorted(source.folder(home).glob(pattern))
    if not files:
        raise SourceError(
            source.name, entity.name, f"there is no control file {pattern!r}: deliver it, or correct `reconcile`."
        )
    total = Decimal(0)
    for file in files:
        numbers = NUMBER.findall(file.read_text(encoding="utf-8", errors="replace"))
        if len(numbers) != 1:
            raise SourceError(
                source.name,
                entity.name,
                f"the control file {file.name} holds {len(numbers) or 'no'} numbers: it must hold one, how many rows "
                "there are.",
            )
        total += Decimal(numbers[0])
    return total
