"""What people deliver in files, from the file to what is accepted, quarantined and held."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import duckdb
import pytest

from pipelines.catalogue.sources import Check, Entity
from pipelines.gate import decisions, judge

from .conftest import Bench

AS_OF = datetime(2026, 6, 1, tzinfo=UTC)
COLUMNS = {
    "work_order_id": "id",
    "process": {"value": "claims"},
    "node": "step",
    "started_at": "opened",
    "ended_at": "closed",
    "status": "state",
}
HEADER = "id,step,opened,closed,state,amount\n"


class Gate:
    """Files through pull, landing and gate."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench

    def deliver(self, name: str, content: str, accept_held: bool = False, **declared: Any) -> tuple[int, int, int, int]:
        """Accepted, quarantined, duplicate and held rows of the newest batch."""
        self.bench.deliver(name, content)
        said = {"shape": "runs", "key": ("id", "step"), "columns": COLUMNS} | declared
        said["statuses"] = {"completed": ("DONE",), "in_progress": ("OPEN",), "cancelled": ("VOID",)}
        checks = said.pop("checks", ())
        entity = Entity.model_validate({"(name)": "orders", "from": name, **said})
        entity = entity.model_copy(update={"checks": tuple(checks)})
        reading = {key: value for key, value in declared.items() if key in ("header_row", "encoding", "delimiter")}
        self.bench.pull(name, **reading)
        judge(self.bench.home, self.bench.source(entity), entity, AS_OF, accept_held=accept_held)
        newest = decisions(self.bench.home, "crm", "orders")[-1]
        self.reason = newest.reason
        return newest.accepted, newest.quarantined, newest.duplicates, newest.held

    def ask(self, kind: str, sql: str) -> list[tuple[Any, ...]]:
        folder = {"accepted": self.bench.home.accepted / "runs", "quarantine": self.bench.home.quarantine / "row"}[kind]
        return duckdb.sql(f"FROM (FROM read_parquet('{folder}/*/*/*.parquet')) {sql}").fetchall()


@pytest.fixture
def gate(bench: Bench) -> Gate:
    return Gate(bench)


def test_odd_rows_are_kept_or_set_aside_one_by_one_and_none_is_lost(gate: Gate) -> None:
    rows = [
        "NA,a,2026-02-02 09:00:00,,OPEN,1",
        ",a,2026-02-02 09:00:00,,OPEN,1",
        "old,a,1948-07-01 09:00:00,1948-07-02 09:00:00,DONE,1",
        "new,a,2999-12-31 09:00:00,,OPEN,1",
        "twice,a,2026-02-02 09:00:00,,OPEN,1",
        "twice,a,2026-02-02 09:00:00,2026-02-03 09:00:00,DONE,1",
        "same,a,2026-02-02 09:00:00,,OPEN,1",
        "same,a,2026-02-02 09:00:00,,OPEN,1",
    ]

    accepted, quarantined, duplicates, held = gate.deliver("orders.csv", HEADER + "\n".join(rows) + "\n")

    assert accepted + quarantined + duplicates + held == len(rows)
    assert held == 0
    found = gate.ask("accepted", "SELECT work_order_id, reported_status ORDER BY row_number")
    assert ("NA", "in_progress") in found
    assert found.count(("same", "in_progress")) == 1
    # Of a key that repeats the last version counts, and the one before stays in history.
    assert [status for key, status in found if key == "twice"] == ["in_progress", "completed"]
    assert ("old", "completed") in found
    set_aside = dict(gate.ask("quarantine", "SELECT row_number, rule"))
    assert set_aside[2] == "work_order_present"
    assert set_aside.keys() == {2, 4}


def test_a_file_that_lost_its_last_line_end_is_held_until_somebody_accepts_it(gate: Gate) -> None:
    row = "{},a,2026-02-02 09:00:00,,OPEN,{}"
    whole = HEADER + row.format(1, 100) + "\n"
    assert gate.deliver("orders_1.csv", whole) == (1, 0, 0, 0)

    cut = HEADER + row.format(2, 100) + "\n" + row.format(3, 1)
    assert gate.deliver("orders_2.csv", cut) == (0, 0, 0, 2)
    assert "last_line: orders_2.csv does not end with a line end, as every file before it did" in gate.reason

    assert gate.deliver("orders_2.csv", cut + "00\n") == (2, 0, 0, 0)
    assert gate.deliver("orders_3.csv", cut.replace("\n2,", "\n5,"), accept_held=True) == (1, 0, 1, 0)
    # Who accepted it has said that this is how files end now.
    assert gate.deliver("orders_4.csv", cut.replace("\n2,", "\n6,")) == (1, 0, 1, 0)


def test_titles_dates_of_two_kinds_and_decimal_commas_reach_the_gate(gate: Gate) -> None:
    content = (
        "Orders of March\n\nid;step;opened;closed;state;amount\n"
        "1;a;05/03/2026 09:00;;OPEN;1.234,50\n2;a;2026-03-05T09:00:00;;OPEN;12,5\n3;a;05/03/2026 09:00;;OPEN;9.999\n"
    )
    check = Check(
        expectation="expect_column_values_to_be_between",
        arguments={"column": "amount", "min_value": 10, "max_value": 2000},
    )

    counts = gate.deliver(
        "orders.csv", content, header_row=3, decimal=",", time_format="%d/%m/%Y %H:%M", checks=[check]
    )

    assert counts == (2, 1, 0, 0)
    assert gate.ask("quarantine", "SELECT row_number") == [(3,)]
    assert gate.ask("accepted", "SELECT DISTINCT make_timestamp(started_us)::VARCHAR") == [("2026-03-05 09:00:00",)]
