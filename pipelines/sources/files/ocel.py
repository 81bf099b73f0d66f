"""OCEL 2.0, JSON and SQLite: a row for each event and object of the one type that is taken for the case."""

from __future__ import annotations

import json
import sqlite3
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipelines.sources.files.broken import Broken, first_line
from pipelines.sources.files.reading import Reading, keyed, opened

SQLITE = b"SQLite format 3\0"
OWN = ("event_id", "work_order_id", "activity", "at", "qualifier")

Event = tuple[str, str, str, dict[str, str | None], list[tuple[str, str | None]]]


def ocel(path: Path, zipped: bool, how: Reading) -> Iterator[pa.RecordBatch]:
    """Yield a row an event and object; events of other objects alone are counted."""
    if how.object_type is None:
        raise Broken(
            "is an object-centric log, in which an event belongs to objects of several types",
            remedy="Say which of them is the work order: `object_type: …` in sources.yml",
        )
    with path.open("rb") as file:
        is_sqlite = file.read(len(SQLITE)) == SQLITE
    with closing(_Sqlite(path) if is_sqlite else _Json(path, zipped)) as log:
        types = log.object_types()
        if how.object_type not in types:
            near = get_close_matches(how.object_type, types, n=1)
            raise Broken(
                f"has no objects of type {how.object_type!r}{f' (there is {near[0]!r})' if near else ''}; it has "
                f"{', '.join(map(repr, sorted(types))) or 'none'}",
                remedy="Correct `object_type` in sources.yml",
            )
        try:
            yield from keyed(_rows(log, how))
        except (KeyError, TypeError, AttributeError) as problem:
            raise Broken(f"is no OCEL 2.0: an event or object lacks {problem}") from None


def _rows(log: _Json | _Sqlite, how: Reading) -> Iterator[dict[str, str | None]]:
    cases, others = log.objects(str(how.object_type))
    without = 0
    for event_id, activity, at, attributes, relations in log.events():
        found: dict[str, list[str]] = {}
        for related, qualifier in relations:
            if related in cases:
                found.setdefault(related, []).extend([qualifier] if qualifier else [])
            elif related not in others:
                raise Broken(f"event {event_id!r} names the object {related!r}, which is not in the file (is it cut?)")
        without += not found
        for related, qualifiers in found.items():
            row = {
                "event_id": event_id,
                "work_order_id": related,
                "activity": activity,
                "at": at,
                "qualifier": "; ".join(qualifiers) or None,
            }
            row |= {f"event:{name}" if name in OWN else name: value for name, value in attributes.items()}
            row |= {f"case:{name}": value for name, value in cases[related].at(at).items()}
            yield row
    if without:
        how.noticed["events_without_case"] = without


class _Case:
    """The attributes of an object, which may change over time."""

    def __init__(self) -> None:
        self._values: dict[str, list[tuple[datetime, str | None]]] = {}

    def add(self, name: str, since: str | None, value: str | None) -> None:
        values = self._values.setdefault(name, [])
        values.append((_instant(since), value))
        values.sort(key=lambda one: one[0])

    def at(self, moment: str) -> dict[str, str | None]:
        """What they were then; one that was first said later is not known yet."""
        instant = _instant(moment)
        found = {}
        for name, values in self._values.items():
            place = bisect_right(values, instant, key=lambda one: one[0])
            if place:
                found[name] = values[place - 1][1]
        return found


def _instant(text: str | None) -> datetime:
    if not text:
        return datetime.min.replace(tzinfo=UTC)
    try:
        instant = datetime.fromisoformat(text.strip())
    except ValueError:
        raise Broken(f"holds the time {text!r}, which is not ISO 8601 as OCEL wants it") from None
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, bool | dict | list) else str(value)


class _Json:
    """The JSON form, of which only the cases are kept in memory."""

    def __init__(self, path: Path, zipped: bool) -> None:
        self._path, self._zipped = path, zipped

    def close(self) -> None:
        """Nothing stays open."""

    def object_types(self) -> set[str]:
        return {str(one.get("name")) for one in self._items("objectTypes")}

    def objects(self, of_type: str) -> tuple[dict[str, _Case], set[str]]:
        cases: dict[str, _Case] = {}
        others: set[str] = set()
        for one in self._items("objects"):
            if one.get("type") != of_type:
                others.add(str(one["id"]))
                continue
            case = cases.setdefault(str(one["id"]), _Case())
            for attribute in one.get("attributes") or ():
                case.add(attribute["name"], attribute.get("time"), _text(attribute.get("value")))
        return cases, others

    def events(self) -> Iterator[Event]:
        for one in self._items("events"):
            attributes = {item["name"]: _text(item.get("value")) for item in one.get("attributes") or ()}
            relations = [(str(item["objectId"]), item.get("qualifier")) for item in one.get("relationships") or ()]
            yield str(one["id"]), str(one["type"]), str(one["time"]), attributes, relations

    def _items(self, array: str) -> Iterator[dict[str, Any]]:
        import ijson

        with opened(self._path, self._zipped) as file:
            try:
                yield from ijson.items(file, f"{array}.item")
            except ijson.JSONError as problem:
                raise Broken(f"is no whole JSON ({first_line(problem)}); is the file cut?") from None


class _Sqlite:
    """The SQLite form: a table for each type of event and object."""

    def __init__(self, path: Path) -> None:
        self._database = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
        # An integer in a column without a type is that integer.
        self._database.text_factory = lambda text: text.decode("utf-8", "replace")

    def close(self) -> None:
        self._database.close()

    def object_types(self) -> set[str]:
        return {str(name) for (name,) in self._asked('SELECT ocel_type FROM "object_map_type"')}

    def objects(self, of_type: str) -> tuple[dict[str, _Case], set[str]]:
        others = {str(name) for (name,) in self._asked('SELECT ocel_id FROM "object" WHERE ocel_type <> ?', of_type)}
        ids = self._asked('SELECT ocel_id FROM "object" WHERE ocel_type = ?', of_type)
        cases = {str(name): _Case() for (name,) in ids}
        tables = self._asked('SELECT ocel_type_map FROM "object_map_type" WHERE ocel_type = ?', of_type)
        for (table,) in tables.fetchall():
            rows = self._asked(f"SELECT * FROM {_quoted(f'object_{table}')}")
            names = [column[0] for column in rows.description]
            for cells in rows:
                row = dict(zip(names, cells, strict=True))
                changed = row.pop("ocel_changed_field", None)
                name, since = str(row.pop("ocel_id")), row.pop("ocel_time", None)
                for attribute, value in row.items():
                    # A row is the first state of all attributes, or the change of one.
                    if changed in (None, "", attribute) and name in cases and (value is not None or changed):
                        cases[name].add(attribute, since, _text(value))
        return cases, others

    def events(self) -> Iterator[Event]:
        types = self._asked('SELECT ocel_type, ocel_type_map FROM "event_map_type" ORDER BY 1')
        for activity, table in types.fetchall():
            rows = self._asked(
                f"""
                SELECT e.*, (
                    SELECT json_group_array(json_array(r.ocel_object_id, r.ocel_qualifier))
                    FROM "event_object" AS r WHERE r.ocel_event_id = e.ocel_id
                ) FROM {_quoted(f"event_{table}")} AS e ORDER BY e.ocel_time, e.ocel_id
                """
            )
            names = [column[0] for column in rows.description][:-1]
            for *cells, relations in rows:
                row = dict(zip(names, cells, strict=True))
                event_id, at = str(row.pop("ocel_id")), str(row.pop("ocel_time"))
                attributes = {name: _text(value) for name, value in row.items()}
                yield event_id, activity, at, attributes, [(str(one), said) for one, said in json.loads(relations)]

    def _asked(self, sql: str, *values: str) -> sqlite3.Cursor:
        try:
            return self._database.execute(sql, values)
        except sqlite3.Error as problem:
            raise Broken(
                f"is no whole OCEL 2.0 in SQLite ({first_line(problem)})",
                remedy="Deliver it again; another SQLite file is a source of kind database",
            ) from None


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
