"""Where an installation's own files live: one folder, nothing outside it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Home:
    """The folders of one installation; ``root`` is absolute."""

    root: Path

    @property
    def catalogue(self) -> Path:
        """Written by people: the only input besides the source systems."""
        return self.root / "catalogue"

    @property
    def landing(self) -> Path:
        """Immutable history; everything below can be made again from it."""
        return self.root / "landing"

    @property
    def accepted(self) -> Path:
        """Canonical rows that passed the gate, and the gate's decisions."""
        return self.root / "accepted"

    @property
    def quarantine(self) -> Path:
        """Rows that the gate set aside, and their releases."""
        return self.root / "quarantine"

    @property
    def warehouse(self) -> Path:
        """What the build works in; nobody reads here."""
        return self.root / "warehouse"

    @property
    def published(self) -> Path:
        """What readers open."""
        return self.root / "published"

    @property
    def alerts(self) -> Path:
        """Who was told of what; it cannot be made again."""
        return self.root / "alerts"

    @property
    def dagster(self) -> Path:
        """Dagster's own storage and settings."""
        return self.root / "dagster"
