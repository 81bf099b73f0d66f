"""A batch is there whole or not at all, in its order, and never changes."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import resource
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines import landing as landing_module
from pipelines.errors import UserError
from pipelines.home import Home
from pipelines.landing import Landing
from pipelines.sources import Pulled

NOW = datetime(2026, 5, 1, 0, 30, tzinfo=UTC)


@pytest.fixture
def landing(tmp_path: Path) -> Landing:
    return Landing(Home(tmp_path))


def batch(**columns: list[Any]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pydict(columns)


def pulled(*batches: pa.RecordBatch, **more: Any) -> Pulled:
    return Pulled(**{"mode": "whole", "batches": iter(batches), "origin": "orders", **more})


def folders(landing: Landing) -> list[str]:
    folder = landing.root / "crm" / "orders"
    return sorted(path.name for path in folder.iterdir() if path.name != ".lock") if folder.exists() else []


# --- what is stored


def test_a_batch_comes_back_as_it_was_with_its_rows_numbered_over_all_parts(landing: Landing) -> None:
    landed = landing.land(
        "crm", "orders", pulled(batch(a=["x", "y"]), batch(a=["z"]), batch(a=["u"], b=[1]), batch(a=["v"])), NOW
    )

    assert landed is not None
    assert landed == landing.batches("crm", "orders")[0]
    assert (landed.load_id, landed.landed_at, landed.landed_us) == ("20260501T003000000000Z", NOW, 1777595400000000)
    assert (landed.rows, landed.mode, landed.columns) == (5, "whole", {"a": "string", "b": "int64"})
    assert [part.name for part in landed.parts] == ["part-00000.parquet", "part-00001.parquet", "part-00002.parquet"]
    assert [part["rows"] for part in landed.manifest["parts"]] == [3, 1, 1]
    assert landed.table().select(["a", "b", "_row_number"]).to_pylist() == [
        {"a": value, "b": 1 if value == "u" else None, "_row_number": number}
        for number, value in enumerate("xyzuv", start=1)
    ]


def test_duckdb_reads_the_parts_of_a_batch_together(landing: Landing) -> None:
    landed = landing.land("crm", "orders", pulled(batch(a=["x"]), batch(a=["y"], b=["1"])), NOW)

    assert landed is not None
    parts = [str(part) for part in landed.parts]
    found = duckdb.execute("SELECT a, b, _row_number FROM read_parquet($1, union_by_name = true) ORDER BY 3", [parts])
    assert found.fetchall() == [("x", None, 1), ("y", "1", 2)]


def test_the_manifest_says_what_the_pull_knew_when_it_had_ended(landing: Landing) -> None:
    def rows() -> Iterator[pa.RecordBatch]:
        yield batch(a=["x"])
        pull.cursor_to, pull.cursor_type, pull.content_hash = "7", "int", "abc"
        pull.files.append({"name": "orders.csv", "sha256": "…", "size": 4, "rows": 1, "first_row": 1})

    pull = pulled(mode="cursor", cursor_column="id", cursor_from="3")
    pull.batches = rows()
    landed = landing.land("crm", "orders", pull, NOW)

    assert landed is not None
    manifest = json.loads((landed.folder / "manifest.json").read_text())
    assert manifest == landed.manifest
    assert (manifest["source"], manifest["entity"], manifest["rows"]) == ("crm", "orders", 1)
    assert [manifest[f"cursor_{key}"] for key in ("column", "from", "to", "type")] == ["id", "3", "7", "int"]
    assert (manifest["content_hash"], landed.files[0]["name"]) == ("abc", "orders.csv")
    assert manifest["landed_at"] == NOW.isoformat()
    assert manifest["code_version"]


def test_a_pull_without_rows_lands_its_columns(landing: Landing) -> None:
    landed = landing.land("crm", "orders", pulled(batch(a=["x"]).slice(0, 0)), NOW)

    assert landed is not None
    assert (landed.rows, landed.columns, landed.table().column_names) == (0, {"a": "string"}, ["a", "_row_number"])


def test_a_pull_without_anything_lands_an_empty_part(landing: Landing) -> None:
    landed = landing.land("crm", "orders", pulled(), NOW)

    assert landed is not None
    assert (landed.rows, landed.table().column_names) == (0, ["_row_number"])


def test_small_batches_become_large_row_groups(landing: Landing) -> None:
    many = [batch(a=np.arange(1000)) for _ in range(250)]

    landed = landing.land("crm", "orders", pulled(*many), NOW)

    assert landed is not None
    assert pq.ParquetFile(landed.parts[0]).num_row_groups == 3
    assert landed.table()["_row_number"].to_pylist() == list(range(1, 250_001))


def test_types_that_only_save_memory_land_as_what_they_hold(landing: Landing) -> None:
    words = pa.array(["x", None]).dictionary_encode()
    landed = landing.land("crm", "orders", pulled(pa.record_batch({"a": words, "b": pa.nulls(2)})), NOW)

    assert landed is not None
    assert landed.columns == {"a": "string", "b": "string"}


def test_a_column_that_changes_its_type_between_parts_counts_as_text(landing: Landing) -> None:
    landed = landing.land("crm", "orders", pulled(batch(a=[1]), batch(a=["x"])), NOW)

    assert landed is not None
    assert landed.columns == {"a": "string"}


@pytest.mark.parametrize("columns", [{"_row_number": [1]}, {"_ROW_NUMBER": [1]}, {"a": [1], "A": [2]}])
def test_a_column_that_nobody_could_name_is_refused(landing: Landing, columns: dict[str, list[int]]) -> None:
    with pytest.raises(UserError, match=r"crm\.orders: the source has .* rename"):
        landing.land("crm", "orders", pulled(batch(**columns)), NOW)

    assert folders(landing) == []


# --- history


def test_load_ids_rise_even_when_the_clock_is_set_back(landing: Landing) -> None:
    for now in (NOW, NOW, NOW - timedelta(days=9)):
        landing.land("crm", "orders", pulled(batch(a=["x"])), now)

    landed = landing.batches("crm", "orders")
    assert [one.load_id for one in landed] == [f"20260501T00300000000{n}Z" for n in range(3)]
    assert [one.landed_at - NOW for one in landed] == [timedelta(microseconds=n) for n in range(3)]


def test_the_same_content_lands_once(landing: Landing) -> None:
    first = landing.land("crm", "orders", pulled(batch(a=["x"]), content_hash="1"), NOW)
    again = landing.land("crm", "orders", pulled(batch(a=["x"]), content_hash="1"), NOW)
    changed = landing.land("crm", "orders", pulled(batch(a=["y"]), content_hash="2"), NOW)
    back = landing.land("crm", "orders", pulled(batch(a=["x"]), content_hash="1"), NOW)
    forced = landing.land("crm", "orders", pulled(batch(a=["x"]), content_hash="1", always_land=True), NOW)

    assert [bool(one) for one in (first, again, changed, back, forced)] == [True, False, True, True, True]
    assert len(folders(landing)) == 4


def test_the_same_content_from_elsewhere_or_under_other_names_lands(landing: Landing) -> None:
    landing.land("crm", "orders", pulled(batch(a=["x"]), content_hash="1"), NOW)

    assert landing.land("crm", "orders", pulled(batch(a=["x"]), content_hash="1", origin="other"), NOW)
    assert landing.land("crm", "orders", pulled(batch(b=["x"]), content_hash="1", origin="other"), NOW)


def test_entities_and_sources_have_histories_of_their_own(landing: Landing) -> None:
    landing.land("crm", "orders", pulled(batch(a=["x"])), NOW)

    assert landing.batches("crm", "tickets") == []
    assert landing.batches("billing", "orders") == []


def test_a_manifest_that_was_damaged_is_named(landing: Landing) -> None:
    landed = landing.land("crm", "orders", pulled(batch(a=["x"])), NOW)
    assert landed is not None
    (landed.folder / "manifest.json").write_text("{")

    with pytest.raises(UserError, match=r"manifest\.json: cannot be read .* restore the folder from your backup"):
        landing.batches("crm", "orders")


# --- whole or not at all


def breaking(problem: Exception) -> Iterator[pa.RecordBatch]:
    yield batch(a=["x"])
    raise problem


def test_a_source_that_breaks_half_way_leaves_nothing(landing: Landing) -> None:
    with pytest.raises(UserError, match="the source broke"):
        landing.land("crm", "orders", pulled(batches=breaking(UserError("the source broke"))), NOW)

    assert folders(landing) == []
    assert landing.batches("crm", "orders") == []


def test_a_source_is_closed_when_landing_fails(landing: Landing) -> None:
    closed = []

    def rows() -> Iterator[pa.RecordBatch]:
        try:
            yield batch(_row_number=[1])
        finally:
            closed.append(True)

    with pytest.raises(UserError):
        landing.land("crm", "orders", pulled(batches=rows()), NOW)

    assert closed == [True]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
@pytest.mark.parametrize("at", ["_sync", "_sync_folder", "_write_text"])
def test_a_full_disk_at_any_step_is_said_and_leaves_the_landed_batches(
    landing: Landing, monkeypatch: pytest.MonkeyPatch, number: int, at: str
) -> None:
    landing.land("crm", "orders", pulled(batch(a=["x"])), NOW)

    def full(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(landing_module, at, full)
    with pytest.raises(UserError, match=r"crm\.orders: the disk is full .* nothing of this pull was kept\. Free some"):
        landing.land("crm", "orders", pulled(batch(a=["y"])), NOW)
    monkeypatch.undo()

    assert folders(landing) == ["20260501T003000000000Z"]
    assert landing.land("crm", "orders", pulled(batch(a=["y"])), NOW)


def test_a_disk_that_fills_up_within_a_part_leaves_nothing(landing: Landing) -> None:
    random = np.random.default_rng(1)
    noise = (batch(a=random.random(200_000)) for _ in range(20))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5_000_000, before[1]))
    try:
        with pytest.raises(UserError, match="the disk is full while landing"):
            landing.land("crm", "orders", pulled(batches=noise), NOW)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)

    assert folders(landing) == []


def test_a_landing_folder_that_may_not_be_written_is_named(landing: Landing, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(landing.root))

    monkeypatch.setattr(Path, "mkdir", denied)

    with pytest.raises(UserError, match=r"landing may not write .*landing \(Permission denied\); give this user"):
        landing.land("crm", "orders", pulled(batch(a=["x"])), NOW)


def test_what_a_killed_pull_left_is_never_read_and_goes_with_the_next(landing: Landing, tmp_path: Path) -> None:
    landing.land("crm", "orders", pulled(batch(a=["x"])), NOW)
    script = f"""
        import pyarrow as pa, time
        from datetime import datetime, UTC
        from pathlib import Path
        from pipelines.home import Home
        from pipelines.landing import Landing
        from pipelines.sources import Pulled

        def rows():
            while True:
                yield pa.record_batch({{"a": list(range(50_000))}})
                print("more", flush=True)

        Landing(Home(Path({str(tmp_path)!r}))).land("crm", "orders", Pulled("whole", rows(), "x"), datetime.now(UTC))
    """
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(script)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    for _ in range(5):
        process.stdout.readline()

    with pytest.raises(UserError, match="another run is landing it just now"):
        landing.land("crm", "orders", pulled(batch(a=["y"])), NOW)
    landing.remove_leftovers()
    assert any(name.startswith(".tmp-") for name in folders(landing)), "a pull under way is left alone"

    process.kill()
    process.wait()
    process.stdout.close()
    assert [one.rows for one in landing.batches("crm", "orders")] == [1]
    landing.remove_leftovers()
    assert folders(landing) == ["20260501T003000000000Z"]
    assert landing.land("crm", "orders", pulled(batch(a=["y"])), NOW)


def test_landing_alone_removes_what_was_left_of_its_entity(landing: Landing) -> None:
    leftover = landing.root / "crm" / "orders" / ".tmp-20260401T003000000000Z"
    leftover.mkdir(parents=True)
    (leftover / "part-00000.parquet").write_bytes(b"half a file")

    landing.land("crm", "orders", pulled(batch(a=["x"])), NOW)

    assert folders(landing) == ["20260501T003000000000Z"]


def test_the_lock_of_a_finished_pull_is_free(landing: Landing) -> None:
    landing.land("crm", "orders", pulled(batch(a=["x"])), NOW)

    with (landing.root / "crm" / "orders" / ".lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


# --- the catalogue


class Parsed:
    """As much of a catalogue as landing looks at."""

    def __init__(self, hash: str) -> None:
        self.hash = hash

    def as_json(self) -> dict[str, str]:
        return {"organisation": "Zürich"}


def test_the_catalogue_lands_when_its_words_or_what_follows_from_them_change(landing: Landing) -> None:
    hours = {"process": pa.table({"process": ["order"]}), "calendar": pa.table({"calendar": ["24x7"]})}
    other = hours | {"calendar": pa.table({"calendar": ["office"]})}

    assert landing.latest_catalogue() is None
    first = landing.land_catalogue(Parsed("1"), hours, NOW)
    assert landing.land_catalogue(Parsed("1"), hours, NOW) == first == landing.latest_catalogue()
    renewed = landing.land_catalogue(Parsed("1"), other, NOW)
    changed = landing.land_catalogue(Parsed("2"), other, NOW + timedelta(days=1))

    assert [one.load_id for one in landing.catalogues()] == [first.load_id, renewed.load_id, changed.load_id]
    assert landing.latest_catalogue() == changed
    assert (changed.hash, changed.landed_at) == ("2", NOW + timedelta(days=1))
    assert pq.read_table(changed.tables["calendar"]).to_pylist() == [{"calendar": "office"}]
    assert json.loads((changed.folder / "catalogue.json").read_text(encoding="utf-8")) == {"organisation": "Zürich"}


def test_a_full_disk_keeps_the_catalogue_in_force(landing: Landing, monkeypatch: pytest.MonkeyPatch) -> None:
    tables = {"process": pa.table({"process": ["order"]})}
    first = landing.land_catalogue(Parsed("1"), tables, NOW)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(landing_module, "_sync", full)
    with pytest.raises(UserError, match="the catalogue: the disk is full"):
        landing.land_catalogue(Parsed("2"), tables, NOW)

    assert landing.latest_catalogue() == first


def test_a_home_without_landing_has_no_history(landing: Landing) -> None:
    landing.remove_leftovers()

    assert (landing.batches("crm", "orders"), landing.catalogues()) == ([], [])
