"""OCEL 2.0: a row an event and object of the type that is the work order, the same from JSON and from SQLite."""

from __future__ import annotations

import gzip
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from pipelines.sources import SourceError

from .conftest import Bench, rows

LOG: dict[str, Any] = {
    "objectTypes": [
        {"name": "order", "attributes": [{"name": "segment", "type": "string"}, {"name": "amount", "type": "float"}]},
        {"name": "item", "attributes": []},
    ],
    "eventTypes": [
        {"name": "place order", "attributes": [{"name": "agent", "type": "string"}]},
        {"name": "pick item", "attributes": []},
    ],
    "events": [
        {
            "id": "e1",
            "type": "place order",
            "time": "2026-01-05T09:00:00Z",
            "attributes": [{"name": "agent", "value": "Li"}],
            "relationships": [
                {"objectId": "o1", "qualifier": "order"},
                {"objectId": "o1", "qualifier": "main"},
                {"objectId": "o2", "qualifier": ""},
                {"objectId": "i1", "qualifier": "item"},
            ],
        },
        {
            "id": "e2",
            "type": "pick item",
            "time": "2026-01-06T09:00:00Z",
            "relationships": [{"objectId": "i1", "qualifier": "item"}, {"objectId": "o1", "qualifier": "of"}],
        },
        {
            "id": "e3",
            "type": "pick item",
            "time": "2026-01-07T09:00:00Z",
            "relationships": [{"objectId": "i1", "qualifier": "item"}],
        },
    ],
    "objects": [
        {
            "id": "o1",
            "type": "order",
            "attributes": [
                {"name": "segment", "time": "1970-01-01T00:00:00Z", "value": "silver"},
                {"name": "segment", "time": "2026-01-06T08:00:00Z", "value": "gold"},
                {"name": "amount", "time": "1970-01-01T00:00:00Z", "value": 1.5},
            ],
            "relationships": [{"objectId": "i1", "qualifier": "has"}],
        },
        {"id": "o2", "type": "order"},
        {"id": "i1", "type": "item", "attributes": []},
    ],
}

FLAT = [
    {
        "event_id": "e1",
        "work_order_id": "o1",
        "activity": "place order",
        "at": "2026-01-05T09:00:00Z",
        "qualifier": "order; main",
        "agent": "Li",
        "case:segment": "silver",
        "case:amount": "1.5",
    },
    {
        "event_id": "e1",
        "work_order_id": "o2",
        "activity": "place order",
        "at": "2026-01-05T09:00:00Z",
        "agent": "Li",
    },
    {
        "event_id": "e2",
        "work_order_id": "o1",
        "activity": "pick item",
        "at": "2026-01-06T09:00:00Z",
        "qualifier": "of",
        "case:segment": "gold",
        "case:amount": "1.5",
    },
]


def sqlite(path: Path, log: dict[str, Any]) -> bytes:
    """The log as the standard lays it out in SQLite."""
    path.unlink(missing_ok=True)
    database = sqlite3.connect(path)
    database.executescript(
        """
        CREATE TABLE event (ocel_id TEXT PRIMARY KEY, ocel_type TEXT);
        CREATE TABLE object (ocel_id TEXT PRIMARY KEY, ocel_type TEXT);
        CREATE TABLE event_object (ocel_event_id TEXT, ocel_object_id TEXT, ocel_qualifier TEXT);
        CREATE TABLE object_object (ocel_source_id TEXT, ocel_target_id TEXT, ocel_qualifier TEXT);
        CREATE TABLE event_map_type (ocel_type TEXT PRIMARY KEY, ocel_type_map TEXT);
        CREATE TABLE object_map_type (ocel_type TEXT PRIMARY KEY, ocel_type_map TEXT);
        INSERT INTO event_map_type VALUES ('place order', 'PlaceOrder'), ('pick item', 'PickItem');
        INSERT INTO object_map_type VALUES ('order', 'Order'), ('item', 'Item');
        CREATE TABLE event_PlaceOrder (ocel_id TEXT, ocel_time TIMESTAMP, agent TEXT);
        CREATE TABLE event_PickItem (ocel_id TEXT, ocel_time TIMESTAMP);
        CREATE TABLE object_Order
            (ocel_id TEXT, ocel_time TIMESTAMP, segment TEXT, amount REAL, ocel_changed_field TEXT);
        CREATE TABLE object_Item (ocel_id TEXT, ocel_time TIMESTAMP, ocel_changed_field TEXT);
        INSERT INTO object_Order VALUES
            ('o1', '1970-01-01T00:00:00Z', 'silver', 1.5, NULL),
            ('o1', '2026-01-06T08:00:00Z', 'gold', NULL, 'segment'),
            ('o2', '1970-01-01T00:00:00Z', NULL, NULL, NULL);
        INSERT INTO object_Item VALUES ('i1', '1970-01-01T00:00:00Z', NULL);
        """
    )
    for event in log["events"]:
        database.execute("INSERT INTO event VALUES (?, ?)", [event["id"], event["type"]])
        values = [event["id"], event["time"], *(one["value"] for one in event.get("attributes", ()))]
        table = "PlaceOrder" if event["type"] == "place order" else "PickItem"
        database.execute(f"INSERT INTO event_{table} VALUES ({', '.join('?' * len(values))})", values)
        for one in event["relationships"]:
            database.execute(
                "INSERT INTO event_object VALUES (?, ?, ?)", [event["id"], one["objectId"], one["qualifier"]]
            )
    for one in log["objects"]:
        database.execute("INSERT INTO object VALUES (?, ?)", [one["id"], one["type"]])
    database.commit()
    database.close()
    return path.read_bytes()


@pytest.mark.parametrize("name", ["log.jsonocel", "log.jsonocel.gz", "log.json", "log.sqlite", "log.db"])
def test_each_event_is_a_row_of_each_of_its_work_orders(bench: Bench, tmp_path: Path, name: str) -> None:
    content = json.dumps(LOG).encode()
    bench.deliver(name, sqlite(tmp_path / "log", LOG) if name.endswith(("sqlite", "db")) else content)
    declared = {} if "ocel" in name or name.endswith("sqlite") else {"format": "ocel"}

    batch = bench.pull(name, object_type="order", **declared)

    assert batch
    found = [{key: value for key, value in row.items() if value is not None} for row in rows(batch)]
    assert sorted(found, key=lambda row: (row["event_id"], row["work_order_id"])) == FLAT
    assert batch.files[0]["events_without_case"] == 1


def test_another_type_may_be_the_work_order(bench: Bench) -> None:
    bench.deliver("log.jsonocel", json.dumps(LOG))

    assert [row["event_id"] for row in bench.rows("log.jsonocel", object_type="item")] == ["e1", "e2", "e3"]
    assert len(bench.rows("log.jsonocel", object_type="order")) == 3


def test_attributes_named_like_a_column_of_ours_are_kept_apart(bench: Bench) -> None:
    log = json.loads(json.dumps(LOG))
    log["events"][0]["attributes"].append({"name": "at", "value": "the desk"})
    bench.deliver("log.jsonocel", json.dumps(log))

    first = bench.rows("log.jsonocel", object_type="order")[0]

    assert (first["at"], first["event:at"]) == ("2026-01-05T09:00:00Z", "the desk")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda text: text[: len(text) // 2], "log.jsonocel is no whole JSON"),
        (lambda text: text.replace('"id": "o2", "type"', '"id": "o9", "type"'), "event 'e1' names the object 'o2'"),
        (
            lambda text: text.replace("2026-01-05T09:00:00Z", "yesterday"),
            "holds the time 'yesterday', which is not ISO",
        ),
        (
            lambda text: text.replace('"time": "2026-01-05T09:00:00Z", ', ""),
            "is no OCEL 2.0: an event or object lacks 'time'",
        ),
        (lambda text: "{}", "has no objects of type 'order'; it has none. Correct `object_type`"),
        (lambda text: "hello", "log.jsonocel is no whole JSON"),
    ],
)
def test_a_broken_log_says_what_is_wrong(bench: Bench, change: Any, words: str) -> None:
    bench.deliver("log.jsonocel", change(json.dumps(LOG)))

    with pytest.raises(SourceError) as refused:
        bench.pull("log.jsonocel", object_type="order")

    assert words in str(refused.value)
    assert bench.nothing_landed()


def test_what_must_be_declared_is_asked_for(bench: Bench, tmp_path: Path) -> None:
    bench.deliver("log.jsonocel", json.dumps(LOG))
    bench.deliver("other.sqlite", b"")
    sqlite3.connect(bench.home.root / "in" / "other.sqlite").execute("CREATE TABLE orders (id)").connection.close()

    with pytest.raises(SourceError, match=r"Say which of them is the work order: `object_type: …`"):
        bench.pull("log.jsonocel")
    with pytest.raises(
        SourceError, match=r"no objects of type 'orders' \(there is 'order'\); it has 'item', 'order'\."
    ):
        bench.pull("log.jsonocel", object_type="orders")
    with pytest.raises(SourceError, match=r"no whole OCEL 2.0 in SQLite .* is a source of kind database"):
        bench.pull("other.sqlite", object_type="order")


def test_a_cut_sqlite_or_gzip_is_refused(bench: Bench, tmp_path: Path) -> None:
    whole = sqlite(tmp_path / "log", LOG)
    bench.deliver("log.sqlite", whole[: len(whole) // 2])
    with pytest.raises(SourceError, match=r"log\.sqlite is no whole OCEL 2.0 in SQLite"):
        bench.pull("log.sqlite", object_type="order")

    path = bench.deliver("log.jsonocel.gz", b"")
    path.write_bytes(gzip.compress(json.dumps(LOG).encode())[:-20])
    with pytest.raises(SourceError, match=r"log\.jsonocel\.gz is no whole gzip file"):
        bench.pull("log.jsonocel.gz", object_type="order")
