"""sources.yml: the source systems, and how their columns and words map to ours."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr

from pipelines.catalogue.base import AnyText, Model, Text, Texts
from pipelines.home import Home

Shape = Literal["runs", "events", "milestones"]
Status = Literal["completed", "in_progress", "cancelled"]


class Constant(Model):
    """A column of ours that is the same in every row."""

    value: Text


class Expression(Model):
    """A column of ours that is a DuckDB expression over the columns of the source."""

    sql: Text


Column = str | Constant | Expression


class Check(Model):
    """A Great Expectations expectation of one entity, beside those of its shape."""

    expectation: str
    arguments: dict[str, Any] = {}
    on_failure: Literal["quarantine", "stop"] = "quarantine"


class EventRules(Model):
    """How the events of a log become runs."""

    mode: Literal["states", "completions", "lifecycle"] = "states"
    ends: Texts = ()
    cancels: Texts = ()


class Milestone(Model):
    """A step of a wide table: the columns with the times at which it begins and completes."""

    node: Text
    from_: Text = Field(alias="from")
    to: Text
    promised_at: Text | None = None


class Entity(Model):
    """A table, query or set of files of one shape."""

    name: str = Field(alias="(name)")
    shape: Shape
    from_: Text | None = Field(None, alias="from")
    query: Text | None = None
    key: Texts = ()
    cursor: Text | None = None
    columns: dict[str, Column] = {}
    work_order_url: Text | None = None
    statuses: dict[Status, Texts] = {}
    nodes: dict[str, Text] = {}
    time_format: Text | None = None
    checks: tuple[Check, ...] = ()
    events: EventRules | None = None
    milestones: tuple[Milestone, ...] = ()


class Source(Model):
    """An IT system that records run times."""

    name: str = Field(alias="(name)")
    kind: Literal["files", "database"]
    connection: SecretStr
    time_zone: Text = "UTC"
    expected_every: timedelta = timedelta(days=1)
    work_order_prefix: AnyText = ""
    entities: dict[str, Entity]

    def folder(self, home: Home) -> Path:
        """Return the folder of a ``files`` source; a relative one is relative to the home."""
        return home.root / self.connection.get_secret_value().removeprefix("file://")
