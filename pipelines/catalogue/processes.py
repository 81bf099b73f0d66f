"""processes.yml: the service processes, their nodes in order, and who owns them from when on."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from pipelines.catalogue.base import Model, Text, as_text
from pipelines.catalogue.reading import File, WrittenDict, WrittenList, is_scalar
from pipelines.catalogue.times import Instant


class Owner(Model):
    """The department and position that answer for a process or node from an instant on; null: from the beginning."""

    department: Text | None = None
    position: Text | None = None
    valid_from_us: Instant | None = Field(None, alias="valid_from")


class _Owned(Model):
    """What has owners: `department` and `position` alone stand for one owner from the beginning."""

    owners: tuple[Owner, ...] = ()

    also_written: ClassVar[frozenset[str]] = frozenset(["department", "position"])

    @classmethod
    def as_written(cls, data: WrittenDict, file: File) -> WrittenDict:
        """Turn the short form into a list of one owner."""
        short = {key: data.pop(key) for key in ("department", "position") if key in data}
        if short and "owners" in data:
            also = " and ".join(f"`{key}`" for key in short)
            place = (*data.place, next(iter(short)))
            file.mistake(place, f"{file.label(data)} has `owners` and {also}; move everything into `owners`")
        elif short:
            owner = WrittenDict(short)
            owner.place = data.place
            data["owners"] = [owner]
        elif isinstance(data.get("owners"), WrittenList):
            _note_owners_at_one_time(data["owners"], file)
        return data


def _note_owners_at_one_time(owners: WrittenList, file: File) -> None:
    """Note owners of whom nobody could say which of them is meant."""
    seen: set[Any] = set()
    for owner in owners:
        written = owner.get("valid_from") if isinstance(owner, dict) else owner
        if not isinstance(owner, dict) or (written is not None and not is_scalar(written)):
            continue
        start = as_text(written)
        if start in seen:
            when = "no valid_from" if written is None else f"valid_from {file.shown(written)}"
            file.mistake(owner, f"{file.label(owner)}: an owner before it has {when} too; give each its own valid_from")
        seen.add(start)


class Node(_Owned):
    """A key point of a process."""

    node: Text = Field(description="the name that commitments and sources use")
    name: Text = Field(default_factory=lambda data: data["node"])
    final: bool = False


class Process(_Owned):
    """A service process; ``owners`` answer for it as a whole, ascending by ``valid_from_us``."""

    process: str = Field(alias="(process)")
    name: Text = Field(default_factory=lambda data: data["process"])
    nodes: tuple[Node, ...] = ()

    @classmethod
    def as_written(cls, data: WrittenDict, file: File) -> WrittenDict:
        """Check what concerns all nodes together; the last one is final if none says so."""
        data = super().as_written(data, file)
        nodes = [node for node in file.items(data.get("nodes")) if isinstance(node, WrittenDict)]
        lines: dict[str, int] = {}
        for node in nodes:
            name = as_text(node.get("node"))
            if isinstance(name, str) and lines.setdefault(name, file.line(node)) != file.line(node):
                file.mistake(
                    node["node"],
                    f"{file.label(data)} has the node {file.shown(node['node'])} twice, first in line {lines[name]}; "
                    "rename or remove one",
                )
        if nodes and not any(node.get("final") for node in nodes):
            if nodes[-1].get("final") is not None:
                file.mistake(
                    nodes[-1]["final"],
                    f"{file.label(data)} has no final node, so it would never complete; write `final: true` at one",
                )
            nodes[-1]["final"] = True
        return data


def read_processes(file: File) -> dict[str, Process] | None:
    """Return the processes by name, or None after noting what is wrong with them."""
    content = file.load_yaml("it needs the service processes, each with its nodes and their owners")
    if content is None:
        return None
    content = file.known(content, ("processes",))
    written = file.pairs(content.get("processes"), ("processes",), "process")
    if not written and not file.mistakes:
        file.mistake((), "there is no process; add one under `processes:`")
    processes = {}
    for name, data in written.items():
        place = ("processes", name)
        # A process of which only the name is known may have commitments as a whole.
        described = file.pairs(data, place, "key")
        process = file.read(Process, described.having(process=name))
        if process is not None:
            processes[name] = _in_order(process)
    return processes


def _in_order(process: Process) -> Process:
    """Return a process whose owners, and those of its nodes, follow one another in time."""

    def sorted_owners(owned: _Owned) -> tuple[Owner, ...]:
        # An open beginning comes first.
        return tuple(
            sorted(owned.owners, key=lambda owner: (owner.valid_from_us is not None, owner.valid_from_us or 0))
        )

    nodes = tuple(node.model_copy(update={"owners": sorted_owners(node)}) for node in process.nodes)
    return process.model_copy(update={"owners": sorted_owners(process), "nodes": nodes})
