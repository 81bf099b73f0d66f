"""XES event logs: a row an event, with the attributes of its case."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipelines.sources.files.broken import Broken
from pipelines.sources.files.reading import Reading, keyed, opened


def xes(path: Path, zipped: bool, how: Reading) -> Iterator[pa.RecordBatch]:
    """Yield a row an event."""
    return keyed(_xes_events(path, zipped))


def _xes_events(path: Path, zipped: bool) -> Iterator[dict[str, str | None]]:
    """One row an event: attributes of its trace as ``case:<key>``, its own by key, text as it is in the file."""
    from lxml import etree

    with opened(path, zipped) as file:
        elements = etree.iterparse(
            file,
            events=("start", "end"),
            tag=("{*}log", "{*}trace", "{*}event"),
            resolve_entities=False,
            load_dtd=False,
            no_network=True,
            huge_tree=False,
        )
        try:
            _, log = next(elements, (None, None))
            if log is None or etree.QName(log).localname != "log":
                raise Broken("is no XES log: its root element is not <log>")
            # XES has no document type; entities are how a small file becomes a huge one.
            if log.getroottree().docinfo.internalDTD is not None:
                raise Broken("has a DOCTYPE, which XES does not know and this reader refuses")
            for moment, element in elements:
                if moment == "start" or element.getparent() is not log:
                    continue
                if etree.QName(element).localname == "trace":
                    yield from _xes_trace(element)
                else:
                    yield _xes_attributes(element)
                element.clear(keep_tail=True)
                while element.getprevious() is not None:
                    del log[0]
        except etree.XMLSyntaxError as problem:
            why = "a value has more than 10 million characters" if "length too long" in problem.msg else problem.msg
            raise Broken(f"is no whole XML ({why}); is the file cut?", problem.lineno or None) from None


def _xes_trace(trace: Any) -> Iterator[dict[str, str | None]]:
    case = {f"case:{key}": value for key, value in _xes_attributes(trace).items()}
    for event in trace.iterchildren("{*}event"):
        yield {**case, **_xes_attributes(event)}


def _xes_attributes(element: Any, path: str = "") -> dict[str, str | None]:
    attributes: dict[str, str | None] = {}
    for child in element.iterchildren("{*}*"):
        key = child.get("key")
        if key is None:
            # The <values> of a list stand between it and its members.
            if child.tag.endswith("values"):
                attributes.update(_xes_attributes(child, path))
            continue
        value = child.get("value")
        name = path + key
        if value is not None:
            known = attributes.get(name)
            attributes[name] = value if known is None else f"{known}; {value}"
        if len(child):
            attributes.update(_xes_attributes(child, f"{name}/"))
    return attributes
