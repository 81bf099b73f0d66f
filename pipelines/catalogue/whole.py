"""The whole catalogue, and how it is read: every file, every mistake, then one typed object."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from pydantic import Field, PrivateAttr

from pipelines.catalogue import crosschecks
from pipelines.catalogue.alerts import Alerts, read_alerts
from pipelines.catalogue.base import Model
from pipelines.catalogue.calendars import Calendar, read_calendars
from pipelines.catalogue.commitments import Commitment, read_commitments
from pipelines.catalogue.indicators import Indicator, read_indicators
from pipelines.catalogue.mistakes import CatalogueError, Mistake
from pipelines.catalogue.organisation import Organisation, read_organisation
from pipelines.catalogue.processes import Process, read_processes
from pipelines.catalogue.reading import File
from pipelines.catalogue.service_credits import ServiceCredit, read_service_credits
from pipelines.catalogue.sources import Source, read_sources
from pipelines.home import Home


class Catalogue(Model):
    """What an organisation declared: its sources, processes, commitments and calendars."""

    organisation: Organisation
    sources: dict[str, Source]
    processes: dict[str, Process]
    commitments: tuple[Commitment, ...]
    calendars: dict[str, Calendar]
    service_credits: tuple[ServiceCredit, ...] = ()
    indicators: dict[str, Indicator] = Field(default_factory=dict)
    alerts: Alerts = Alerts()

    _warnings: tuple[Mistake, ...] = PrivateAttr(())
    # What the files have for each text that came from the environment.
    _replaced: dict[str, str] = PrivateAttr(default_factory=dict)

    @property
    def warnings(self) -> list[Mistake]:
        """What does not stop a run, but will one day surprise somebody."""
        return list(self._warnings)

    def as_json(self) -> dict[str, Any]:
        """Return the parsed catalogue without secrets: what came from the environment is ``${NAME}`` again."""
        return _as_written(self._content(), self._replaced)

    @property
    def hash(self) -> str:
        """Identify the content; connections, comments and line numbers do not change it."""
        text = json.dumps(self._content(), sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()

    def _content(self) -> dict[str, Any]:
        content = self.model_dump(
            mode="json", exclude={"commitments": {"__all__": {"line"}}, "service_credits": {"__all__": {"line"}}}
        )
        for calendar in content["calendars"].values():
            for version in calendar["versions"]:
                # A set has no order of its own.
                version["holidays"].sort()
        return content


def read_catalogue(home: Home, environ: Mapping[str, str] = os.environ, today: date | None = None) -> Catalogue:
    """Read the catalogue of ``home``; a CatalogueError lists every mistake of all files.

    ``today`` is what default horizons are counted from.
    """
    today = today or datetime.now(UTC).date()
    names = (
        "organisation.yml",
        "sources.yml",
        "processes.yml",
        "commitments.csv",
        "calendars.yml",
        "service_credits.csv",
        "indicators.yml",
        "alerts.yml",
    )
    files = [File(home.catalogue / name, f"{home.catalogue.name}/{name}", environ) for name in names]
    of_organisation, of_sources, of_processes, of_commitments, of_calendars, of_credits, of_indicators, of_alerts = (
        files
    )

    organisation = read_organisation(of_organisation)
    if organisation is not None:
        for file in files:
            file.zone = organisation.business_time_zone
    sources = read_sources(of_sources)
    processes = read_processes(of_processes)
    commitments = read_commitments(of_commitments)
    calendars = read_calendars(of_calendars, today)
    indicators = read_indicators(of_indicators)
    alerts = read_alerts(of_alerts)

    declared = crosschecks.declared_processes(of_processes)
    crosschecks.check_names_in_sources(of_sources, declared)
    crosschecks.check_names_in_commitments(of_commitments, commitments.rows, declared, of_calendars)
    crosschecks.check_overlaps(of_commitments, commitments.rows, commitments.header)
    service_credits = read_service_credits(
        of_credits, (row["commitment_id"] for row in commitments.rows), declared and declared.keys()
    )
    used = {commitment.calendar for commitment in commitments.right}
    crosschecks.check_names_in_alerts(of_alerts, declared, of_calendars, sources)
    used |= crosschecks.check_names_in_indicators(of_indicators, declared, of_calendars)
    crosschecks.check_horizons(of_calendars, calendars, used, today)

    mistakes = [mistake for file in files for mistake in file.mistakes]
    if mistakes or organisation is None or sources is None or processes is None:
        raise CatalogueError(mistakes)
    catalogue = Catalogue(
        organisation=organisation,
        sources=sources,
        processes=processes,
        commitments=commitments.right,
        calendars=calendars,
        service_credits=service_credits,
        indicators=indicators,
        alerts=alerts,
    )
    catalogue._warnings = tuple(sorted({warning for file in files for warning in file.warnings}))
    catalogue._replaced = {text: written for file in files for text, written in file.replaced.items()}
    return catalogue


def _as_written(value: Any, replaced: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _as_written(item, replaced) for key, item in value.items()}
    if isinstance(value, list):
        return [_as_written(item, replaced) for item in value]
    return replaced.get(value, value) if isinstance(value, str) else value
