"""processes.yml: the service processes, their nodes in order, and who owns them from when on."""

from __future__ import annotations

from pydantic import Field

from pipelines.catalogue.base import Model, Text


class Owner(Model):
    """The department and position that answer for a process or node from an instant on; null: from the beginning."""

    department: Text | None = None
    position: Text | None = None
    valid_from_us: int | None = Field(None, alias="valid_from")


class Node(Model):
    """A key point of a process."""

    node: Text
    name: Text
    owners: tuple[Owner, ...] = ()
    final: bool = False


class Process(Model):
    """A service process; ``owners`` answer for it as a whole, ascending by ``valid_from_us``."""

    process: str = Field(alias="(process)")
    name: Text
    owners: tuple[Owner, ...] = ()
    nodes: tuple[Node, ...] = ()
