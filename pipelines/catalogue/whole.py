"""The whole catalogue, and how it is read: every file, every mistake, then one typed object."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from typing import Any

from pydantic import PrivateAttr

from pipelines.catalogue.base import Model
from pipelines.catalogue.calendars import Calendar
from pipelines.catalogue.commitments import Commitment
from pipelines.catalogue.mistakes import Mistake
from pipelines.catalogue.organisation import Organisation
from pipelines.catalogue.processes import Process
from pipelines.catalogue.sources import Source
from pipelines.home import Home


class Catalogue(Model):
    """What an organisation declared: its sources, processes, commitments and calendars."""

    organisation: Organisation
    sources: dict[str, Source]
    processes: dict[str, Process]
    commitments: tuple[Commitment, ...]
    calendars: dict[str, Calendar]

    _warnings: tuple[Mistake, ...] = PrivateAttr(())

    @property
    def warnings(self) -> list[Mistake]:
        """What does not stop a run, but will one day surprise somebody."""
        return list(self._warnings)

    def as_json(self) -> dict[str, Any]:
        """Return the parsed catalogue without secrets."""
        return self.model_dump(mode="json")

    @property
    def hash(self) -> str:
        """Identify the content; secrets, comments and line numbers do not change it."""
        content = self.model_dump(mode="json", exclude={"commitments": {"__all__": {"line"}}})
        return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def read_catalogue(home: Home, environ: Mapping[str, str] = os.environ) -> Catalogue:
    """Read the catalogue of ``home``; a CatalogueError lists every mistake of all files."""
    raise NotImplementedError
