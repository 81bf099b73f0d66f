"""What every kind of source hands over, and the one way it says that something is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import pyarrow as pa

from pipelines.errors import UserError

Progress = Callable[[int], None]
Range = tuple[str, str]


class SourceError(UserError):
    """A source system did not give what its entry in sources.yml promises; never holds a credential."""

    def __init__(self, source: str, entity: str, message: str) -> None:
        """Name the entity first: it is what people grep for."""
        super().__init__(f"{source}.{entity}: {message}")
        self.said = message


@dataclass
class Pulled:
    """A pull under way: what ``batches`` brings is known only when it has been read to its end."""

    mode: Literal["whole", "cursor", "backfill", "keys"]
    """All there is; what changed since; what lies in a range once more; or the keys alone of all there is."""
    batches: Iterator[pa.RecordBatch]
    origin: str
    """What was asked for: the file name or glob, the table, or the query."""
    files: list[dict[str, Any]] = field(default_factory=list)
    cursor_column: str | None = None
    cursor_from: str | None = None
    cursor_to: str | None = None
    cursor_type: str | None = None
    cursor_ties: str | None = None
    """Hash of the rows that the next pull will bring again because they stand at ``cursor_to``."""
    content_hash: str | None = None
    """The same for the same content in any order; set when ``batches`` has been read."""
    unchanged: bool = False
    """Set when it has been read: these rows have all been landed before."""
    problem: SourceError | None = None
    """Set when it has been read: what could not be brought, beside what was."""
    always_land: bool = False
    """A full refresh lands what it finds, changed or not."""
    personal: str | None = None
    """What of it may not be written in clear, as a mark: another one means that the rules have changed."""
    control_total: str | None = None
    """What the source itself says its rows come to; set when ``batches`` has been read."""
    rest: Pulled | None = None
    """Set when ``batches`` has been read: what follows and lands as a batch of its own, so that a kill loses one."""
