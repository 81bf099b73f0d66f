"""What a source deletes leaves the marts, is listed, changes published figures for that reason, and may come back."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest
import tiny

from pipelines.catalogue import read_catalogue
from pipelines.errors import UserError
from pipelines.home import Home
from pipelines.landing import Landing
from pipelines.replay import replay
from pipelines.run import Daily, run

PAID_LATE = "C1,PAY,2026-02-03 02:00:00,2026-02-04 02:00:00,DONE,gold\n"
LATE = "C7,PAY,2026-02-12 09:00:00,2026-02-12 10:00:00,DONE,\n"


def ask(home: Home, sql: str) -> list[tuple]:
    with duckdb.connect(str(home.published / "warehouse.duckdb"), read_only=True) as con:
        return con.execute(sql).fetchall()


def declare(home: Home, entity: str, more: str) -> None:
    """One more line in the entry of an entity in sources.yml."""
    file = home.catalogue / "sources.yml"
    file.write_text(file.read_text().replace(f"        from: {entity}\n", f"        from: {entity}\n        {more}\n"))


def deliver(home: Home, jobs: str) -> str:
    (home.root / "in" / "jobs.csv").write_text(jobs)
    run(home, tiny.AS_OF)
    return datetime.now(UTC).isoformat()


def of_february(home: Home) -> dict[tuple[str, str], tuple]:
    return {
        (node, measure): tuple(rest)
        for node, measure, *rest in ask(
            home,
            "SELECT node, measure, first_published, now, reason FROM marts.restatement "
            "WHERE grain = 'month' AND period_start = DATE '2026-02-01' AND process = 'claims'",
        )
    }


@pytest.mark.xdist_group("built")
def test_a_deleted_run_leaves_the_marts_is_listed_and_comes_back(built_home: Home, tmp_path: Path) -> None:
    pay = "SELECT reported_status FROM marts.fct_run WHERE work_order_id = 'C1' AND node = 'pay'"
    (run_id,) = ask(built_home, "SELECT run_id FROM marts.fct_run WHERE work_order_id = 'C1' AND node = 'pay'")[0]
    declare(built_home, "jobs.csv", "deletions: absent")
    known_at = deliver(built_home, tiny.JOBS)
    assert ask(built_home, "FROM marts.removed_run") == []

    deliver(built_home, tiny.JOBS.replace(PAID_LATE, "") + LATE)

    assert ask(built_home, pay) == []
    assert ask(built_home, "SELECT count(*) FROM marts.fct_state_interval WHERE run_id = " + repr(run_id)) == [(0,)]
    assert ask(
        built_home,
        "SELECT run_id, source_system, entity, work_order_id, process, node, started_at::VARCHAR, deleted_by, "
        "load_id = (SELECT max(load_id) FROM marts.batch_reconciliation), removed_at = (SELECT max(landed_at) FROM "
        "marts.batch_reconciliation) FROM marts.removed_run",
    ) == [(run_id, "crm", "jobs", "C1", "claims", "pay", "2026-02-02 18:00:00+00", "absent", True, True)]
    assert ask(
        built_home,
        "SELECT pulled, accepted, quarantined, duplicates, held, deleted FROM marts.batch_reconciliation "
        "WHERE source_system = 'crm' ORDER BY load_id",
    ) == [(8, 8, 0, 0, 0, 0), (8, 1, 0, 7, 0, 1)]
    # One came late and one is gone: both have a part in what is said otherwise.
    changed = of_february(built_home)
    assert changed["pay", "kept"] == (0, 1, "late data, deleted")
    assert {reason for _, _, reason in changed.values()} <= {"late data", "deleted", "late data, deleted"}

    # Who asks for what was known before still finds it.
    replay(built_home, tiny.AS_OF, tmp_path / "before.duckdb", known_at)
    with duckdb.connect(str(tmp_path / "before.duckdb"), read_only=True) as con:
        assert con.execute(pay).fetchall() == [("completed",)]
        assert con.execute("FROM marts.removed_run").fetchall() == []

    # It comes back, and open: in progress again.
    deliver(built_home, tiny.JOBS.replace(PAID_LATE, PAID_LATE.replace("2026-02-04 02:00:00,DONE", ",OPEN")))
    assert ask(built_home, pay) == [("in_progress",)]
    assert ask(built_home, "SELECT work_order_id, deleted_by FROM marts.removed_run") == [("C7", "absent")]
    assert ask(
        built_home, "SELECT reported_status, is_open FROM marts.fct_run WHERE work_order_id = 'C1' AND node IS NULL"
    ) == [("in_progress", True)]


# --- what is pulled again


@pytest.fixture
def wms_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """The tiny home with a database of its own."""
    monkeypatch.setenv("TINY_WMS", tiny.make_wms(tmp_path / "wms.db"))
    return tiny.make_tiny_home(tmp_path / "home")


def bring(home: Home, *sources: str, **asked: object) -> list[tuple[str, int]]:
    """A run up to the gate: mode and rows of the newest batch of each source that landed something."""
    catalogue, landing = read_catalogue(home), Landing(home)
    before = {one: len(landing.batches(*one)) for one in (("crm", "jobs"), ("wms", "steps"))}
    daily = Daily(home, catalogue, sources=sources, **asked)  # type: ignore[arg-type]
    assert [one.problem for one in daily.bring()] == [None, None]
    return [(batch.mode, batch.rows) for one, count in before.items() for batch in landing.batches(*one)[count:]]


def change(tmp_path: Path, sql: str) -> None:
    with closing(sqlite3.connect(tmp_path / "wms.db")) as con:
        con.execute(sql)
        con.commit()


def test_a_full_refresh_is_of_the_sources_that_are_named(wms_home: Home) -> None:
    assert bring(wms_home) == [("whole", 8), ("whole", 4)]

    assert bring(wms_home, full_refresh=True) == [("whole", 8), ("whole", 4)]
    assert bring(wms_home, "wms", full_refresh=True) == [("whole", 4)]
    assert bring(wms_home) == []


def test_a_backfill_is_of_a_range_of_one_source_and_moves_no_cursor(wms_home: Home, tmp_path: Path) -> None:
    declare(wms_home, "steps", "cursor: t_from")
    bring(wms_home)
    change(tmp_path, "UPDATE steps SET state = 9 WHERE id = 2")

    assert bring(wms_home) == []
    assert bring(wms_home, "wms", backfill="2026-02-10..2026-02-10") == [("backfill", 2)]
    assert bring(wms_home) == []
    with duckdb.connect() as con:
        read = f"read_parquet('{wms_home.accepted}/runs/wms/steps/*.parquet')"
        assert con.execute(f"SELECT version, reported_status FROM {read} WHERE node = 'deliver' AND version = 2")


@pytest.mark.parametrize(
    ("backfill", "sources", "asked", "word"),
    [
        ("2026-02-10", ["wms"], {}, r"write FROM\.\.TO"),
        ("2026-02-10..2026-02-11", [], {}, "needs --source NAME"),
        ("2026-02-10..2026-02-11", ["crm"], {}, "no entity of it has a `cursor`"),
        ("2026-02-10..2026-02-11", ["wms"], {"full_refresh": True}, "give one of them"),
    ],
)
def test_a_backfill_that_cannot_be_is_told_with_the_remedy(
    wms_home: Home, backfill: str, sources: list[str], asked: dict, word: str
) -> None:
    with pytest.raises(UserError, match=word):
        Daily(wms_home, read_catalogue(wms_home), backfill=backfill, sources=sources, **asked)


def test_keys_that_are_listed_apart_tell_what_is_gone(wms_home: Home, tmp_path: Path) -> None:
    declare(
        wms_home, "steps", "cursor: t_from\n        deletions: key_sweep\n        keys: {query: SELECT id FROM steps}"
    )
    assert bring(wms_home) == [("whole", 8), ("whole", 4), ("keys", 4)]
    change(tmp_path, "DELETE FROM steps WHERE id = 2")

    assert bring(wms_home) == [("keys", 3)]
    with duckdb.connect() as con:
        read = f"read_parquet('{wms_home.accepted}/runs/wms/steps/*.parquet')"
        assert con.execute(f"SELECT work_order_id, node, deleted_by FROM {read} WHERE version = 2").fetchall() == [
            ("O1", "deliver", "key_sweep")
        ]
    assert bring(wms_home) == []
