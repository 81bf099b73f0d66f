"""The gate: nothing is lost, what is wrong is set aside with a reason, and comes back once it is right."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from pipelines.catalogue.sources import Entity, Source
from pipelines.errors import UserError
from pipelines.gate import Verdict, decisions, judge, make_empty_files, rule_names
from pipelines.home import Home
from pipelines.landing import ACCEPTED_BY_HAND, Landing, accepted_by_hand_us
from pipelines.sources.pulled import Pulled
from pipelines.zones import instant_us

AS_OF = datetime(2026, 3, 20, tzinfo=UTC)
COLUMNS = {
    "work_order_id": "order_no",
    "process": {"value": "claims"},
    "node": "step",
    "started_at": "opened",
    "ended_at": "closed",
    "status": "state",
}
STATUSES = {"completed": ("DONE",), "in_progress": ("OPEN",), "cancelled": ("VOID",)}
NAMES = ["order_no", "step", "opened", "closed", "state", "amount"]
GOOD = [
    ("C1", "register", "2026-02-02 09:00:00", "2026-02-02 13:00:00", "DONE", "10"),
    ("C2", "register", "2026-02-03 09:00:00", "", "OPEN", "20"),
    ("C3", "register", "2026-02-04 09:00:00", "2026-02-04 09:00:00", "VOID", ""),
    ("C4", "register", "2026-02-05 09:00:00", "2026-02-05 10:00:00", "DONE", "40"),
]


class Bench:
    """A source whose batches land from lists of rows."""

    def __init__(self, root: Path) -> None:
        """Of shape runs, until told otherwise."""
        self.home = Home(root)
        self.landed = 0
        self.declare()

    def declare(self, zone: str = "UTC", prefix: str = "", **entity: Any) -> None:
        """Another entry in sources.yml."""
        said = {"shape": "runs", "key": ("order_no", "step"), "columns": COLUMNS, "statuses": STATUSES} | entity
        if said["shape"] != "runs" and "statuses" not in entity:
            del said["statuses"]
        checks = said.pop("checks", ())
        self.entity = Entity.model_construct(
            **Entity.model_validate({"(name)": "jobs", **said}).__dict__ | {"checks": tuple(checks)}
        )
        self.source = Source.model_validate(
            {
                "(name)": "crm",
                "kind": "database",
                "connection": "sqlite://",
                "time_zone": zone,
                "work_order_prefix": prefix,
                "entities": {},
            }
        )

    def land(
        self,
        rows: Iterable[tuple],
        names: Iterable[str] = NAMES,
        mode: str = "whole",
        files: list[dict[str, Any]] | None = None,
    ) -> None:
        """One more batch."""
        rows, names = list(rows), list(names)
        columns = list(zip(*rows, strict=True)) if rows else [()] * len(names)
        made = [pa.array(column, None if rows else pa.string()) for column in columns]
        pulled = Pulled(
            mode=mode,  # type: ignore[arg-type]
            batches=iter([pa.RecordBatch.from_arrays(made, names=names)]),
            origin="jobs",
            files=files or [],
            always_land=True,
        )
        self.landed += 1
        Landing(self.home).land("crm", "jobs", pulled, AS_OF + timedelta(minutes=self.landed))

    def judge(self, accept_held: bool = False, as_of: datetime = AS_OF) -> Verdict:
        """The gate, as a run calls it; every batch adds up."""
        verdict = judge(self.home, self.source, self.entity, as_of, accept_held=accept_held)
        for one in decisions(self.home, "crm", "jobs"):
            assert one.pulled == one.accepted + one.quarantined + one.duplicates + one.held
        return verdict

    def counts(self) -> list[tuple[int, int, int, int]]:
        """Accepted, quarantined, duplicates, held of each batch."""
        return [
            (one.accepted, one.quarantined, one.duplicates, one.held) for one in decisions(self.home, "crm", "jobs")
        ]

    def ask(self, sql: str) -> list[tuple]:
        """A question to ``accepted``, ``quarantine`` and ``release``."""
        with duckdb.connect() as con:
            for name, folder in {
                "accepted": self.home.accepted / self.entity.shape,
                "quarantine": self.home.quarantine / "row",
                "release": self.home.quarantine / "release",
                "drift": self.home.accepted / "drift",
            }.items():
                con.execute(f"CREATE VIEW {name} AS FROM read_parquet('{folder}/*/*/*.parquet')")
            return con.execute(sql).fetchall()


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A home in which nothing has landed."""
    return Bench(tmp_path)


def changed(row: tuple, **cells: Any) -> tuple:
    """A row with other cells."""
    return tuple(cells.get(name, cell) for name, cell in zip(NAMES, row, strict=True))


def test_good_rows_are_accepted_with_their_instants_and_statuses(bench: Bench) -> None:
    bench.declare(zone="Europe/Amsterdam", prefix="A-")
    bench.land(GOOD)

    bench.judge()

    assert bench.counts() == [(4, 0, 0, 0)]
    assert bench.ask(
        "SELECT work_order_id, reported_status, make_timestamp(started_us)::VARCHAR, ended_us IS NULL, version "
        "FROM accepted ORDER BY row_number"
    ) == [
        ("A-C1", "completed", "2026-02-02 08:00:00", False, 1),
        ("A-C2", "in_progress", "2026-02-03 08:00:00", True, 1),
        ("A-C3", "cancelled", "2026-02-04 08:00:00", False, 1),
        ("A-C4", "completed", "2026-02-05 08:00:00", False, 1),
    ]


@pytest.mark.parametrize(
    ("cells", "rule", "word"),
    [
        ({"order_no": "", "step": ""}, "key_present", "order_no, step"),
        ({"order_no": ""}, "work_order_present", "order_no"),
        ({"opened": "yesterday"}, "times_readable", "opened 'yesterday'"),
        ({"opened": "0001-01-01"}, "times_readable", "0001-01-01"),
        ({"closed": "9999-12-31 23:59:59"}, "times_readable", "9999-12-31"),
        ({"opened": "infinity"}, "times_readable", "infinity"),
        ({"opened": ""}, "start_present", "opened"),
        ({"closed": "2026-02-02 08:59:59"}, "end_not_before_start", "2026-02-02 08:59:59"),
        ({"state": "WEIRD"}, "status_mapped", "WEIRD"),
        ({"state": ""}, "status_mapped", "(empty)"),
        ({"closed": ""}, "completed_has_end", "closed"),
        ({"opened": "2028-01-01", "closed": "2028-01-02"}, "start_not_in_far_future", "2028-01-01"),
    ],
)
def test_a_bad_row_is_set_aside_with_its_rule_and_a_detail(bench: Bench, cells: dict, rule: str, word: str) -> None:
    bench.land([changed(GOOD[0], **cells), *GOOD[1:]])

    verdict = bench.judge()

    assert bench.counts() == [(3, 1, 0, 0)]
    assert verdict.broken == {rule: 1}
    ((found, detail, row),) = bench.ask("SELECT rule, detail, row FROM quarantine")
    assert found == rule
    assert word in detail
    assert json.loads(row) == dict(zip(NAMES, changed(GOOD[0], **cells), strict=True))


def test_a_row_that_breaks_several_rules_counts_once_and_names_them_all(bench: Bench) -> None:
    bench.land([changed(GOOD[0], state="WEIRD", closed="2026-01-01")])

    bench.judge()

    ((rule, detail),) = bench.ask("SELECT rule, detail FROM quarantine")
    assert rule == "end_not_before_start"
    assert "status_mapped" in detail


@pytest.mark.parametrize(
    "moment", ["1770022800", "99999999999999", "1770022800000", "-99999999999999999999", "1e400", "nan"]
)
def test_unix_seconds_of_any_size_are_judged_and_crash_nothing(bench: Bench, moment: str) -> None:
    bench.declare(time_format="unix")
    bench.land([changed(GOOD[0], opened=moment, closed="1770026400")])

    bench.judge()

    assert bench.counts() == [(1, 0, 0, 0) if moment == "1770022800" else (0, 1, 0, 0)]


def test_typed_timestamps_of_any_year_crash_nothing(bench: Bench) -> None:
    naive = [datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59), datetime(2026, 2, 2), None]
    bench.declare(zone="Asia/Shanghai")
    bench.land([(f"C{i}", "register", when, None, "OPEN", "") for i, when in enumerate(naive)])

    verdict = bench.judge()

    assert verdict.broken == {"times_readable": 2, "start_present": 1}
    assert bench.ask("SELECT make_timestamp(started_us)::VARCHAR FROM accepted") == [("2026-02-01 16:00:00",)]


def test_the_same_again_is_a_duplicate_and_other_content_a_version(bench: Bench) -> None:
    closed = changed(GOOD[1], closed="2026-02-03 11:00:00", state="DONE")
    bench.land([*GOOD, GOOD[0]])
    bench.land([*GOOD, closed])
    bench.land(GOOD)

    bench.judge()

    assert bench.counts() == [(4, 0, 1, 0), (1, 0, 4, 0), (1, 0, 3, 0)]
    versions = bench.ask("SELECT version, reported_status FROM accepted WHERE work_order_id = 'C2' ORDER BY version")
    assert versions == [(1, "in_progress"), (2, "completed"), (3, "in_progress")]
    assert bench.ask("SELECT count(DISTINCT (first_load_id, first_row_number)) FROM accepted") == [(4,)]


def test_a_corrected_row_releases_what_was_quarantined_even_if_it_is_a_duplicate(bench: Bench) -> None:
    bench.land(GOOD)
    bench.land([changed(GOOD[0], opened="yesterday"), *GOOD[1:]])
    bench.judge()
    assert bench.ask("SELECT count(*) FROM release") == [(0,)]

    bench.land(GOOD)
    bench.judge()

    assert bench.counts()[-1] == (0, 0, 4, 0)
    assert bench.ask("SELECT quarantined_row_number FROM release") == [(1,)]


def test_within_a_batch_only_a_later_row_releases(bench: Bench) -> None:
    bad = changed(GOOD[0], opened="yesterday")
    bench.land([bad, GOOD[0], bad])

    bench.judge()

    assert bench.counts() == [(1, 2, 0, 0)]
    assert bench.ask("SELECT quarantined_row_number FROM release") == [(1,)]


def test_a_mapping_that_changes_lets_in_what_it_stopped(bench: Bench) -> None:
    bench.land([changed(GOOD[0], state="FERTIG"), *GOOD[1:]])
    bench.land(GOOD[1:])
    bench.judge()
    assert bench.counts() == [(3, 1, 0, 0), (0, 0, 3, 0)]

    bench.declare(statuses=STATUSES | {"completed": ("DONE", "FERTIG")})
    bench.judge()

    assert bench.counts() == [(4, 0, 0, 0), (0, 0, 3, 0)]
    assert bench.ask("SELECT count(*) FROM quarantine") == [(0,)]


def test_a_second_look_at_the_same_judges_nothing(bench: Bench) -> None:
    bench.land(GOOD)
    bench.judge()

    assert bench.judge() == Verdict()


def test_what_is_lost_is_made_again_from_landing(bench: Bench) -> None:
    bench.land([changed(GOOD[0], opened="yesterday"), *GOOD[1:]])
    bench.land(GOOD)
    bench.judge()
    everything = "SELECT * FROM accepted ORDER BY load_id, row_number"
    before, counts = bench.ask(everything), bench.counts()

    shutil.rmtree(bench.home.accepted)
    shutil.rmtree(bench.home.quarantine)
    bench.judge()

    assert (bench.ask(everything), bench.counts()) == (before, counts)


def test_a_batch_without_its_decision_is_judged_again_and_so_are_those_after_it(bench: Bench) -> None:
    for _ in range(3):
        bench.land(GOOD)
    bench.judge()
    counts = bench.counts()
    sorted((bench.home.accepted / "decision" / "crm" / "jobs").glob("*.parquet"))[0].unlink()

    bench.judge()

    assert bench.counts() == counts == [(4, 0, 0, 0), (0, 0, 4, 0), (0, 0, 4, 0)]


def test_a_batch_that_lacks_columns_is_held_until_a_whole_one_comes(bench: Bench) -> None:
    bench.land(GOOD)
    bench.land([row[:4] for row in GOOD], NAMES[:4])

    held = bench.judge().held

    assert bench.counts() == [(4, 0, 0, 0), (0, 0, 0, 4)]
    assert "columns_as_declared" in held[0].reason
    assert "'state'" in held[0].reason
    again = bench.judge()
    assert (again.judged, again.held) == ([], held)
    bench.land(GOOD)
    assert bench.judge().held == []


@pytest.mark.parametrize(
    ("names", "lost", "new"),
    [
        (["order_no", "step", "opened", "closed", "order_state", "amount"], "state", "order_state"),
        (["order_no", "step", "begin_ts", "closed", "state", "amount"], "opened", "begin_ts"),
        (["order_no", "step", "opened", "closed", "Bearbeitungszustand", "Betrag"], "state", "Bearbeitungszustand"),
    ],
)
def test_a_renamed_column_is_named_with_what_it_may_be_called_now(
    bench: Bench, names: list[str], lost: str, new: str
) -> None:
    bench.land(GOOD)
    bench.land(GOOD, names)

    [held] = bench.judge().held

    assert f"the batch lacks {lost!r}, which sources.yml names" in held.reason
    assert f"{new!r} may be {lost!r} under a new name" in held.reason
    assert (lost, "gone") in bench.ask("SELECT column_name, what FROM drift")


def test_a_lost_column_that_no_new_one_is_like_is_only_named(bench: Bench) -> None:
    bench.land(GOOD)
    bench.land([(*row[:4], 7.5, row[5]) for row in GOOD], [*NAMES[:4], "weight", "amount"])

    [held] = bench.judge().held

    assert "the batch lacks 'state', which sources.yml names: correct" in held.reason


def test_a_new_column_is_landed_noted_and_holds_up_nothing(bench: Bench) -> None:
    bench.land(GOOD)
    bench.land([(*row, "web") for row in GOOD], [*NAMES, "channel"])
    bench.land([(*row, "shop") for row in GOOD], [*NAMES, "channel"])

    assert bench.judge().held == []

    assert bench.ask("SELECT column_name, what, type_before, type_now, is_used FROM drift") == [
        ("channel", "new", None, "string", False)
    ]


def test_a_column_that_the_mapping_uses_is_held_where_its_type_changes(bench: Bench) -> None:
    instants = [(*row[:2], datetime(2026, 2, 1, tzinfo=UTC), *row[3:5], 1) for row in GOOD]
    walls = [(*row[:2], datetime(2026, 2, 1), *row[3:5], "1") for row in GOOD]
    bench.land(instants)
    bench.land(walls)

    [held] = bench.judge().held

    assert held.reason.startswith("types_as_before: 'opened' was instant and is time without a zone now")
    assert "amount" not in held.reason
    assert bench.ask("SELECT column_name, type_before, type_now, is_used FROM drift ORDER BY 1") == [
        ("amount", "int64", "string", False),
        ("opened", "timestamp[us, tz=UTC]", "timestamp[us]", True),
    ]
    assert bench.judge(accept_held=True).held == []
    bench.land(walls)
    assert bench.judge().held == []


def test_a_column_without_a_value_has_no_type_to_change(bench: Bench) -> None:
    empty, whole = ([(*row[:2], *row[2:5], amount) for row in GOOD] for amount in (None, 5))
    bench.declare(checks=[check("expect_column_values_to_be_between", column="amount", min_value=0)])
    bench.land(empty)
    bench.land(whole)
    bench.land(empty)

    assert bench.judge().held == []
    assert bench.ask("SELECT * FROM drift") == []


def test_records_of_json_may_leave_fields_out(bench: Bench) -> None:
    files = [{"name": "a.jsonl", "rows": 4, "first_row": 1}]
    bench.land(GOOD, files=files)
    bench.land([row[:5] for row in GOOD], NAMES[:5], files=[{**files[0], "name": "b.jsonl"}])

    assert bench.judge().held == []
    assert bench.ask("SELECT * FROM drift") == []


def test_a_pull_of_a_fifth_of_the_usual_rows_is_held(bench: Bench) -> None:
    rows = [(f"C{number}", *GOOD[0][1:]) for number in range(100)]
    bench.land(rows)
    bench.land(rows[:20])

    [held] = bench.judge().held

    assert held.reason.startswith("volume: 20 rows, where 100 are usual, less than half of what is usual")


def test_a_quarantined_row_keeps_what_could_be_read_of_its_work_order(bench: Bench) -> None:
    bench.declare(prefix="A-")
    bench.land([*GOOD[:2], changed(GOOD[2], state="GONE"), changed(GOOD[3], order_no="")])

    bench.judge()

    assert bench.ask("SELECT rule, work_order_id, process, node FROM quarantine ORDER BY row_number") == [
        ("status_mapped", "A-C3", "claims", "register"),
        ("work_order_present", None, "claims", "register"),
    ]


def test_a_rule_that_changes_lets_in_what_it_stopped(bench: Bench) -> None:
    bench.declare(checks=[check("expect_column_values_to_be_between", column="amount", max_value=30)])
    bench.land([row for row in GOOD if row[5]])
    bench.judge()
    assert bench.counts() == [(2, 1, 0, 0)]
    bench.declare(checks=[check("expect_column_values_to_be_between", column="amount", max_value=50)])

    bench.judge()

    assert bench.counts() == [(3, 0, 0, 0)]
    assert bench.ask("SELECT * FROM quarantine") == []


def test_what_is_added_up_follows_the_newest_delivery_though_nothing_else_changed(bench: Bench) -> None:
    bench.declare(reconcile={"sum": "amount"})
    bench.land(GOOD[:2])
    bench.land([changed(GOOD[0], amount="11.5"), changed(GOOD[1], state="GONE", amount="x")])

    bench.judge()

    assert bench.counts() == [(2, 0, 0, 0), (1, 1, 0, 0)]
    assert [float(amount) for (amount,) in bench.ask("SELECT control_amount FROM accepted ORDER BY ALL")] == [
        10,
        11.5,
        20,
    ]


def test_half_of_the_usual_rows_is_let_in_and_less_is_held_unless_somebody_accepts_it(bench: Bench) -> None:
    bench.land(GOOD)
    bench.land(GOOD[:2])
    bench.land(GOOD[:0])
    held = bench.judge().held

    assert [one.status for one in decisions(bench.home, "crm", "jobs")] == ["accepted", "accepted", "held"]
    assert "volume: 0 rows" in held[0].reason

    assert bench.judge(accept_held=True).held == []
    bench.declare(prefix="X-")
    assert bench.judge().held == []


def test_what_somebody_accepted_outlives_all_that_is_derived(bench: Bench) -> None:
    bench.land(GOOD)
    bench.land(GOOD[:1])
    assert len(bench.judge().held) == 1
    assert bench.judge(accept_held=True).held == []

    shutil.rmtree(bench.home.accepted)

    assert bench.judge().held == []


def test_when_somebody_accepted_is_kept_for_those_who_ask_what_was_known_before(bench: Bench) -> None:
    bench.land(GOOD)
    bench.land(GOOD[:1])
    bench.judge()
    before = instant_us(datetime.now(UTC))
    bench.judge(accept_held=True)
    [mark] = bench.home.landing.rglob(f"*{ACCEPTED_BY_HAND}")
    said = mark.read_text()
    bench.declare(prefix="X-")
    bench.judge(accept_held=True)

    assert mark.read_text() == said
    assert before <= accepted_by_hand_us(mark) <= instant_us(datetime.now(UTC))
    assert [one.accepted_by_hand_us for one in decisions(bench.home, "crm", "jobs")] == [
        None,
        accepted_by_hand_us(mark),
    ]
    # Older marks say only that somebody did.
    mark.write_text("")
    assert accepted_by_hand_us(mark) == 0
    mark.write_text("yes")
    with pytest.raises(UserError, match="'yes' is no instant"):
        accepted_by_hand_us(mark)


def test_a_start_far_ahead_is_judged_again_once_it_is_not_far_ahead_any_more_and_not_before(bench: Bench) -> None:
    ahead = ("C9", "register", "2028-01-01", "", "OPEN", "1")
    bench.land([*GOOD, ahead])
    bench.land(GOOD)

    def judged(as_of: datetime) -> tuple[int, list[tuple[int, int, int, int]]]:
        return len(bench.judge(as_of=as_of).judged), bench.counts()

    far, near = [(4, 1, 0, 0), (0, 0, 4, 0)], [(5, 0, 0, 0), (0, 0, 4, 0)]
    # 366 days before 2028-01-01.
    a_year_before = datetime(2026, 12, 31, tzinfo=UTC)
    assert judged(AS_OF) == (2, far)
    assert judged(AS_OF + timedelta(days=1)) == (0, far)
    assert judged(a_year_before - timedelta(microseconds=1)) == (0, far)
    assert judged(a_year_before) == (1, near)
    assert judged(a_year_before + timedelta(days=500)) == (0, near)
    # Whoever asks for an earlier day gets what that day was told.
    assert judged(AS_OF) == (1, far)


def test_a_file_is_compared_with_itself(bench: Bench) -> None:
    def file(name: str, rows: int) -> list[dict[str, Any]]:
        return [{"name": name, "sha256": str(rows), "size": rows, "rows": rows, "first_row": 1}]

    bench.land(GOOD, files=file("a.csv", 4))
    bench.land(GOOD[:1], files=file("b.csv", 1))
    bench.land(GOOD[:1], files=file("a.csv", 1))

    held = bench.judge().held

    assert [one.status for one in decisions(bench.home, "crm", "jobs")] == ["accepted", "accepted", "held"]
    assert "a.csv has 1 rows, where it had 4" in held[0].reason


def test_a_batch_accepted_by_hand_despite_missing_columns_quarantines_its_rows(bench: Bench) -> None:
    bench.land([row[:4] for row in GOOD], NAMES[:4])

    bench.judge(accept_held=True)
    bench.judge(accept_held=True)

    assert bench.counts() == [(0, 4, 0, 0)]


def check(expectation: str, on_failure: str = "quarantine", **arguments: Any) -> Any:
    """An entity's own check."""
    from pipelines.catalogue.sources import Check

    return Check.model_construct(expectation=expectation, arguments=arguments, on_failure=on_failure)


def test_a_check_on_numbers_reads_text_as_numbers_and_what_is_none_breaks_it(bench: Bench) -> None:
    bench.declare(checks=[check("expect_column_values_to_be_between", column="amount", min_value=20)])
    bench.land([*GOOD[:3], changed(GOOD[3], amount="much")])

    bench.judge()

    assert bench.ask("SELECT rule, detail FROM quarantine ORDER BY row_number") == [
        ("expect_column_values_to_be_between", "amount = '10'"),
        ("expect_column_values_to_be_between", "amount = 'much'"),
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        check("expect_column_values_to_match_regex", "stop", column="amount", regex="^1"),
        check("expect_table_row_count_to_be_between", min_value=5),
        check("expect_column_max_to_be_between", column="amount", max_value=30),
        check("expect_column_values_to_match_regex", column="amount", regex="("),
        check("expect_column_values_to_be_between", column="amount", min_value="low", max_value=7),
        check("expect_column_values_to_be_between", colum="amount"),
    ],
)
def test_a_check_that_stops_or_cannot_be_applied_holds_the_batch(bench: Bench, wrong: Any) -> None:
    bench.declare(checks=[wrong])
    bench.land(GOOD)

    held = bench.judge().held

    assert bench.counts() == [(0, 0, 0, 4)]
    assert wrong.expectation in held[0].reason


def test_uniqueness_is_judged_over_the_whole_batch(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.gate.SLICE_ROWS", 2)
    bench.declare(checks=[check("expect_column_values_to_be_unique", column="amount")])
    bench.land([*GOOD[:3], changed(GOOD[3], amount="10")])

    bench.judge()

    assert bench.ask("SELECT row_number FROM quarantine ORDER BY 1") == [(1,), (4,)]


def test_rows_are_found_in_whichever_slice_they_are(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.gate.SLICE_ROWS", 3)
    rows = [changed(GOOD[0], order_no=f"C{i}", state="WEIRD" if i in (2, 5, 6) else "DONE") for i in range(8)]
    bench.land(rows)

    bench.judge()

    assert bench.ask("SELECT row_number FROM quarantine ORDER BY 1") == [(3,), (6,), (7,)]


def test_before_anything_has_landed_there_are_files_with_every_column(bench: Bench) -> None:
    make_empty_files(bench.home)

    assert bench.ask("SELECT count(*), count(run_id), count(version) FROM accepted") == [(0, 0, 0)]
    assert bench.ask("SELECT count(row) FROM quarantine") == [(0,)]


def test_the_names_of_the_rules_are_known_without_great_expectations(bench: Bench) -> None:
    bench.declare(checks=[check("expect_column_values_to_be_unique", column="amount")])

    names = rule_names(bench.entity)

    assert names[:5] == ("columns_as_declared", "volume", "last_line", "types_as_before", "key_present")
    assert names[-1] == "expect_column_values_to_be_unique"


KILLED = """
import os, signal, sys
from pathlib import Path
from pipelines import gate
from tests.test_gate import Bench

put, left = gate._put, int(sys.argv[2])

def killed(temporary, file):
    global left
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)
    left -= 1
    put(temporary, file)

gate._put = killed
bench = Bench(Path(sys.argv[1]))
bench.declare(zone="Europe/Amsterdam")
bench.judge()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
@pytest.mark.parametrize("files_written", [2, 5, 7])
def test_a_gate_killed_in_between_decides_alike_the_next_time(tmp_path: Path, files_written: int) -> None:
    told = []
    for name in ("killed", "whole"):
        bench = Bench(tmp_path / name)
        bench.declare(zone="Europe/Amsterdam")
        bench.land([*GOOD[:3], changed(GOOD[3], opened="yesterday")])
        bench.land([*GOOD[:2], changed(GOOD[2], closed="2026-02-04 11:00:00"), GOOD[3]])
        if name == "killed":
            child = subprocess.run(
                [sys.executable, "-c", KILLED, str(bench.home.root), str(files_written)],
                cwd=Path(__file__).parent.parent,
                timeout=120,
                check=False,
            )
            assert child.returncode == -signal.SIGKILL
            assert len(decisions(bench.home, "crm", "jobs")) == (files_written > 3)
        bench.judge()
        assert not list(bench.home.accepted.glob(".tmp-gate-*"))
        told.append(
            [
                decisions(bench.home, "crm", "jobs"),
                *(bench.ask(f"SELECT * FROM {kind} ORDER BY ALL") for kind in ("accepted", "quarantine", "release")),
            ]
        )

    assert told[0] == told[1]
    assert [(one.accepted, one.quarantined, one.duplicates) for one in told[0][0]] == [(3, 1, 0), (2, 0, 2)]


# --- deletions

FLAGGED = [*NAMES, "gone"]


def living(bench: Bench) -> list[str]:
    """Work orders that are there as the gate last heard."""
    return [
        number
        for (number,) in bench.ask(
            "SELECT work_order_id FROM (SELECT arg_max(work_order_id, version) AS work_order_id, "
            "arg_max(deleted_by IS NULL, version) AS is_there FROM accepted GROUP BY key_hash) "
            "WHERE is_there ORDER BY 1"
        )
    ]


def deleted(bench: Bench) -> list[int]:
    return [one.deleted for one in decisions(bench.home, "crm", "jobs")]


@pytest.mark.parametrize("word", ["true", "TRUE", "t", "Y", "yes", "1", "x", True, 1])
def test_a_flag_deletes_a_row_of_which_nothing_but_the_key_is_asked(bench: Bench, word: Any) -> None:
    bench.declare(deletions="gone")
    bench.land([(*row, None) for row in GOOD], FLAGGED)
    bench.land([("C1", "register", "", "", "", "", word)], FLAGGED, mode="cursor")
    bench.land([("C1", "register", "", "", "WEIRD", "9", word)], FLAGGED, mode="cursor")

    bench.judge()

    assert bench.counts() == [(4, 0, 0, 0), (1, 0, 0, 0), (0, 0, 1, 0)]
    assert deleted(bench) == [0, 1, 0]
    assert living(bench) == ["C2", "C3", "C4"]

    bench.land([(*GOOD[0], "" if isinstance(word, str) else type(word)(0))], FLAGGED, mode="cursor")
    bench.judge()
    assert living(bench) == ["C1", "C2", "C3", "C4"]
    assert bench.ask(
        "SELECT version, deleted_by FROM accepted WHERE key_hash IN (SELECT key_hash FROM accepted "
        "WHERE deleted_by = 'flag') ORDER BY version"
    ) == [(1, None), (2, "flag"), (3, None)]


def test_a_flag_that_says_neither_yes_nor_no_is_set_aside(bench: Bench) -> None:
    bench.declare(deletions="gone")
    bench.land([(*GOOD[0], "maybe"), (*GOOD[1], "0"), (*GOOD[2], "f"), (*GOOD[3], "")], FLAGGED)

    assert bench.judge().broken == {"deletion_readable": 1}
    ((detail,),) = bench.ask("SELECT detail FROM quarantine")
    assert "gone 'maybe' says neither yes nor no" in detail
    assert living(bench) == ["C2", "C3", "C4"]


def test_an_expression_may_say_what_is_deleted_and_a_lost_flag_holds_the_batch(bench: Bench) -> None:
    bench.declare(deletions={"sql": "amount = '20'"})
    bench.land(GOOD)
    bench.judge()
    assert living(bench) == ["C1", "C3", "C4"]

    bench.declare(deletions="gone")
    assert "'gone'" in bench.judge().held[0].reason


def test_what_a_whole_pull_leaves_out_is_gone_until_it_is_delivered_again(bench: Bench) -> None:
    bench.declare(deletions="absent")
    bench.land(GOOD)
    bench.land(GOOD[1:])
    bench.land(GOOD[2:], mode="cursor")
    bench.land(GOOD)
    bench.land(GOOD[:3])

    bench.judge()

    assert bench.counts() == [(4, 0, 0, 0), (0, 0, 3, 0), (0, 0, 2, 0), (1, 0, 3, 0), (0, 0, 3, 0)]
    assert deleted(bench) == [0, 1, 0, 0, 1]
    assert living(bench) == ["C1", "C2", "C3"]
    assert bench.ask(
        "SELECT version, deleted_by, started_us IS NULL, row_number FROM accepted WHERE work_order_id = 'C1' "
        "ORDER BY version"
    ) == [(1, None, False, 1), (2, "absent", False, None), (3, None, False, 1)]
    # Nothing of it is kept elsewhere, and without the declaration nothing is gone.
    bench.declare()
    bench.judge()
    assert (living(bench), deleted(bench)) == (["C1", "C2", "C3", "C4"], [0] * 5)


def test_a_row_that_is_wrong_now_is_not_gone_and_one_that_is_gone_is_not_wrong_any_more(bench: Bench) -> None:
    bench.declare(deletions="absent")
    bench.land(GOOD)
    bench.land([changed(GOOD[0], opened="yesterday"), *GOOD[1:]])
    bench.judge()
    assert (living(bench), bench.ask("SELECT count(*) FROM release")) == (["C1", "C2", "C3", "C4"], [(0,)])

    bench.land(GOOD[1:])
    bench.judge()
    assert (living(bench), bench.ask("SELECT count(*) FROM release")) == (["C2", "C3", "C4"], [(1,)])


def test_a_whole_pull_that_lost_most_of_its_rows_deletes_nothing_before_somebody_says_so(bench: Bench) -> None:
    bench.declare(deletions="absent")
    bench.land(GOOD)
    bench.land(GOOD[:1])

    assert "volume: 1 rows" in bench.judge().held[0].reason
    assert living(bench) == ["C1", "C2", "C3", "C4"]

    bench.judge(accept_held=True)
    assert (living(bench), deleted(bench)) == (["C1"], [0, 3])


def test_a_first_whole_pull_is_compared_with_what_a_cursor_brought_before_it(bench: Bench) -> None:
    bench.declare(deletions="absent")
    bench.land(GOOD, mode="cursor")
    bench.land(GOOD[:1])

    assert "where 4 are usual" in bench.judge().held[0].reason


def test_a_file_that_is_delivered_again_leaves_out_what_is_gone_of_it_and_of_no_other(bench: Bench) -> None:
    def files(*named: tuple[str, int]) -> list[dict[str, Any]]:
        first, said = 1, []
        for name, rows in named:
            said.append({"name": name, "sha256": f"{name}{rows}", "size": rows, "rows": rows, "first_row": first})
            first += rows
        return said

    bench.declare(deletions="absent")
    bench.land(GOOD, files=files(("a.csv", 2), ("b.csv", 2)))
    bench.land(GOOD[:1], files=files(("a.csv", 1)))
    bench.judge()
    assert living(bench) == ["C1", "C3", "C4"]

    # What moved to another file is not gone.
    bench.land([GOOD[3]], files=files(("c.csv", 1)))
    bench.land([GOOD[2]], files=files(("b.csv", 1)))
    bench.judge()
    assert living(bench) == ["C1", "C3", "C4"]
    bench.land([GOOD[2]], files=files(("c.csv", 1)))
    bench.judge()
    assert living(bench) == ["C1", "C3"]
    assert deleted(bench) == [0, 1, 0, 0, 1]


def test_keys_that_are_not_listed_are_gone_and_listed_again_are_back_as_they_were(bench: Bench) -> None:
    def keys(*numbers: str) -> None:
        bench.land([(number, "register") for number in numbers], NAMES[:2], mode="keys")

    bench.declare(deletions="key_sweep")
    bench.land([*GOOD, changed(GOOD[3], order_no="C5", opened="yesterday")], mode="cursor")
    keys("C1", "C2", "C3", "C5", "C9")
    bench.land([changed(GOOD[0], closed="2026-02-02 14:00:00")], mode="cursor")
    keys("C1", "C2", "C3")
    keys("C2", "C3", "C4")

    bench.judge()

    assert bench.counts() == [(4, 1, 0, 0), (0, 0, 5, 0), (1, 0, 0, 0), (0, 0, 3, 0), (1, 0, 2, 0)]
    assert deleted(bench) == [0, 1, 0, 0, 1]
    assert living(bench) == ["C2", "C3", "C4"]
    assert bench.ask(
        "SELECT version, deleted_by, reported_status, row_number FROM accepted WHERE work_order_id = 'C4' "
        "ORDER BY version"
    ) == [(1, None, "completed", 4), (2, "key_sweep", "completed", None), (3, None, "completed", 3)]
    assert bench.ask("SELECT count(*) FROM release") == [(1,)]

    keys()
    assert "volume: 0 rows" in bench.judge().held[0].reason
    assert living(bench) == ["C2", "C3", "C4"]
    keys("C2", "C3", "C4")
    assert bench.judge().held == []


def test_the_first_list_of_keys_is_compared_with_the_keys_that_are_known(bench: Bench) -> None:
    bench.declare(deletions="key_sweep")
    bench.land(GOOD, mode="cursor")
    bench.land([("C1", "register")], NAMES[:2], mode="keys")

    assert "1 rows, where 4 are usual" in bench.judge().held[0].reason


@pytest.mark.parametrize(
    "declared",
    [
        {
            "shape": "events",
            "columns": {"work_order_id": "order_no", "process": {"value": "p"}, "activity": "step", "at": "opened"},
            "events": {"mode": "states"},
        },
        {
            "shape": "events",
            "key": (),
            "columns": {"work_order_id": "order_no", "process": {"value": "p"}, "activity": "step", "at": "opened"},
            "events": {"mode": "states"},
        },
        {
            "shape": "pauses",
            "columns": {
                "work_order_id": "order_no",
                "process": {"value": "p"},
                "started_at": "opened",
                "ended_at": "closed",
            },
        },
        {
            "shape": "feedback",
            "columns": {"work_order_id": "order_no", "at": "opened", "kind": {"value": "complaint"}},
            "kinds": {"complaint": ("complaint",)},
        },
        {
            "shape": "milestones",
            "columns": {"work_order_id": "order_no", "process": {"value": "p"}},
            "milestones": (
                {"node": "n", "from": "opened", "to": "closed"},
                {"node": "m", "from": "closed", "to": "closed"},
            ),
        },
    ],
)
def test_rows_of_every_shape_may_be_deleted(bench: Bench, declared: dict[str, Any]) -> None:
    rows = [row for row in GOOD if row[3]]
    bench.declare(**declared, deletions="absent")
    bench.land(rows)
    bench.land(rows[1:])
    bench.judge()
    assert living(bench) == ["C3", "C4"]

    bench.declare(**declared, deletions="gone")
    bench.land([(*row, "") for row in rows], FLAGGED)
    bench.land([(*rows[0], ""), (*rows[1], "true")], FLAGGED, mode="cursor")
    bench.judge(accept_held=True)
    assert living(bench) == ["C1", "C4"]


def test_a_completed_row_that_comes_back_open_is_in_progress_also_after_it_was_gone(bench: Bench) -> None:
    bench.declare(deletions="absent")
    bench.land(GOOD)
    bench.land(GOOD[1:])
    bench.land([changed(GOOD[0], closed="", state="OPEN"), *GOOD[1:]])

    bench.judge()

    assert bench.ask(
        "SELECT version, reported_status, ended_us IS NULL, deleted_by, first_row_number FROM accepted "
        "WHERE work_order_id = 'C1' ORDER BY version"
    ) == [
        (1, "completed", False, None, 1),
        (2, "completed", False, "absent", 1),
        (3, "in_progress", True, None, 1),
    ]
