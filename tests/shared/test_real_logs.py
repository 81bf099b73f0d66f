"""Real logs through the whole warehouse, against the node runs that plain SQL made of the same files.

What differs is named case by case in ``EXPECTED``; nothing else may.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
import tiny

from pipelines.home import Home

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not DATA.is_dir(), reason=f"the real logs are missing: no folder {DATA}"),
    pytest.mark.xdist_group("real_logs"),
]

ORGANISATION = "{name: Real logs, business_time_zone: UTC, currency: EUR}\n"
CALENDARS = "calendars: {}\n"
PROCESSES = """\
processes:
  bpic2012: {name: Loan application, nodes: [{node: A_SUBMITTED}]}
  bpic2013_closed_problems: {name: Problem, nodes: [{node: Accepted/In Progress}]}
  bpic2020_domestic: {name: Domestic declaration, nodes: [{node: Payment Handled}]}
  bpic2020_rfp: {name: Request for payment, nodes: [{node: Payment Handled}]}
  olist:
    name: Marketplace order
    nodes: [{node: approve payment}, {node: hand over to carrier}, {node: deliver to customer}]
"""
COMMITMENTS = """\
commitment_id,process,node,calendar,commitment_limit,tolerance_limit,target_rate
D1,olist,deliver to customer,24x7,10d,20d,0.9
"""
SOURCES = f"""\
sources:
  bpi:
    kind: files
    connection: {DATA}/raw
    time_zone: Europe/Amsterdam
    entities:
      loans:
        shape: events
        from: bpic2012.xes.gz
        columns:
          {{work_order_id: case:concept:name, process: {{value: bpic2012}}, activity: concept:name,
           lifecycle: lifecycle:transition, at: time:timestamp}}
        events: {{mode: lifecycle}}
      problems:
        shape: events
        from: bpic2013_closed_problems.xes.gz
        columns:
          work_order_id: case:concept:name
          process: {{value: bpic2013_closed_problems}}
          activity: {{sql: '"concept:name" || ''/'' || "lifecycle:transition"'}}
          at: time:timestamp
        events: {{mode: states, ends: [Completed/Closed], cancels: [Completed/Cancelled]}}
      declarations:
        shape: events
        from: bpic2020_DomesticDeclarations.xes.gz
        columns:
          {{work_order_id: case:concept:name, process: {{value: bpic2020_domestic}}, activity: concept:name,
           at: time:timestamp}}
        events: {{mode: completions}}
      payments:
        shape: events
        from: bpic2020_RequestForPayment.xes.gz
        columns:
          {{work_order_id: case:concept:name, process: {{value: bpic2020_rfp}}, activity: concept:name,
           at: time:timestamp}}
        events: {{mode: completions}}
  olist:
    kind: files
    connection: {DATA}/raw
    time_zone: America/Sao_Paulo
    entities:
      orders:
        shape: milestones
        from: olist_orders_dataset.csv.gz
        key: [order_id]
        columns: {{work_order_id: order_id, process: {{value: olist}}, status: order_status}}
        statuses: {{cancelled: [canceled, unavailable]}}
        milestones:
          - {{node: approve payment, from: order_purchase_timestamp, to: order_approved_at}}
          - {{node: hand over to carrier, from: order_approved_at, to: order_delivered_carrier_date}}
          - node: deliver to customer
            from: order_delivered_carrier_date
            to: order_delivered_customer_date
            promised_at: order_estimated_delivery_date
"""

LOGS = ("bpic2012", "bpic2013_closed_problems", "bpic2020_domestic", "bpic2020_rfp", "olist")

# An order is quarantined whole when one of its steps ends before it begins, or ends and never began.
BAD_ORDERS = """
    SELECT case_id FROM golden
    WHERE log = 'olist' AND ended_at IS NOT NULL AND (started_at IS NULL OR ended_at < started_at)
"""

# The runs of the plain SQL, each difference of ours applied by name.
EXPECTED = f"""
    SELECT
        log, case_id, node,
        -- bpic2012: a complete without a start is a run of zero length; there its start stays unknown.
        CASE WHEN log = 'bpic2012' THEN coalesce(started_at, ended_at) ELSE started_at END AS started_at,
        ended_at,
        CASE
            -- bpic2013: the run that a cancelling event ends is cancelled; there the event's own run is.
            WHEN log = 'bpic2013_closed_problems' AND next_node = 'Completed/Cancelled' THEN 'cancelled'
            -- olist: times decide before the order's word; there `delivered` without its time counts as completed.
            WHEN log = 'olist' AND status = 'completed' AND ended_at IS NULL THEN 'in_progress'
            ELSE status
        END AS status
    FROM (
        SELECT *, lead(node) OVER (PARTITION BY log, case_id ORDER BY started_at, ended_at) AS next_node FROM golden
    )
    WHERE
        -- bpic2013: an event that ends a work order begins no run.
        (log <> 'bpic2013_closed_problems' OR node NOT IN ('Completed/Closed', 'Completed/Cancelled'))
        AND (log <> 'olist' OR case_id NOT IN ({BAD_ORDERS}))
"""
# When a cancelled order's open step ended nobody wrote down: ours is an estimate, from the landing.
OURS = """
    SELECT process AS log, work_order_id AS case_id, node, started_at,
        CASE WHEN NOT is_end_estimated THEN ended_at END AS ended_at, reported_status AS status
    FROM marts.fct_run WHERE scope = 'node'
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """The published warehouse of the logs, with the plain SQL's runs beside it as ``golden``."""
    home = Home(tmp_path_factory.mktemp("real_logs"))
    home.catalogue.mkdir(parents=True)
    for name, text in {
        "organisation.yml": ORGANISATION,
        "calendars.yml": CALENDARS,
        "processes.yml": PROCESSES,
        "commitments.csv": COMMITMENTS,
        "sources.yml": SOURCES,
    }.items():
        (home.catalogue / name).write_text(text, encoding="utf-8")
    # Later than the landing, which is when a cancelled step without an end is taken to have ended.
    as_of = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    done = tiny.commitments(home, "run", "--as-of", as_of)
    assert done.returncode == 0, done.stdout + done.stderr
    with duckdb.connect(home.published / "warehouse.duckdb", read_only=True) as con:
        logs = " UNION ALL ".join(
            f"SELECT '{log}' AS log, case_id, node, started_at, ended_at, status "
            f"FROM read_parquet('{DATA}/parquet/{log}_node_runs.parquet')"
            for log in LOGS
        )
        con.execute(f"CREATE TEMP TABLE golden AS {logs}")
        yield con


@pytest.fixture(scope="module")
def figures() -> dict[str, Any]:
    return json.loads((DATA / "golden.json").read_text(encoding="utf-8"))


def rows(con: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[Any, ...]]:
    return con.execute(sql).fetchall()


def test_every_run_is_the_one_that_plain_sql_finds(built: duckdb.DuckDBPyConnection) -> None:
    assert rows(built, f"({EXPECTED}) EXCEPT ALL ({OURS}) LIMIT 20") == []
    assert rows(built, f"({OURS}) EXCEPT ALL ({EXPECTED}) LIMIT 20") == []


def test_runs_by_node_and_status_and_their_lead_time_add_up(built: duckdb.DuckDBPyConnection) -> None:
    summed = """
        SELECT log, node, status, count(*), count(ended_at), sum(epoch_us(ended_at) - epoch_us(started_at))
        FROM ({}) GROUP BY ALL ORDER BY ALL
    """
    published = """
        SELECT process, sum(lead_seconds) FILTER (WHERE ended_at IS NOT NULL AND NOT is_end_estimated)
        FROM marts.fct_run WHERE scope = 'node' GROUP BY process
    """
    by_hand = f"SELECT log, sum(epoch_us(ended_at) - epoch_us(started_at)) / 1e6 FROM ({EXPECTED}) GROUP BY log"

    assert rows(built, summed.format(OURS)) == rows(built, summed.format(EXPECTED))
    assert dict(rows(built, published)) == pytest.approx(dict(rows(built, by_hand)), rel=0, abs=1e-3)


@pytest.mark.parametrize("log", ["bpic2012", "bpic2020_domestic", "bpic2020_rfp"])
def test_the_logs_without_closing_events_have_the_golden_figures(
    built: duckdb.DuckDBPyConnection, figures: dict[str, Any], log: str
) -> None:
    said = figures["node_runs"][log]
    # Golden seconds are whole ones: the ticks of a clock between start and end.
    found = rows(
        built,
        f"""SELECT count(*), count(DISTINCT case_id), count(*) FILTER (status = 'completed'),
            count(*) FILTER (status = 'in_progress'), count(*) FILTER (status = 'cancelled'),
            count(*) FILTER (ended_at IS NULL), sum(date_diff('second', started_at, ended_at))
            FROM ({OURS}) WHERE log = '{log}'""",
    )[0]

    names = ("runs", "cases", "completed", "in_progress", "cancelled", "open_ended", "total_seconds")
    assert dict(zip(names, found, strict=True)) == {name: said[name] for name in names}


def test_every_problem_lacks_only_its_closing_events(built: duckdb.DuckDBPyConnection, figures: dict[str, Any]) -> None:
    said = figures["node_runs"]["bpic2013_closed_problems"]
    closing = rows(
        built,
        "SELECT count(*), sum(epoch(ended_at) - epoch(started_at)) FROM golden "
        "WHERE log = 'bpic2013_closed_problems' AND node IN ('Completed/Closed', 'Completed/Cancelled')",
    )[0]
    found = rows(
        built,
        f"SELECT count(*), sum(epoch(ended_at) - epoch(started_at)), count(*) FILTER (status = 'cancelled') "
        f"FROM ({OURS}) WHERE log = 'bpic2013_closed_problems'",
    )[0]

    assert closing[0] == 1565 + 3
    assert found == (said["runs"] - closing[0], said["total_seconds"] - closing[1], said["cancelled"])


def test_the_quarantine_holds_the_orders_whose_times_contradict_each_other(
    built: duckdb.DuckDBPyConnection, figures: dict[str, Any]
) -> None:
    found = rows(built, "SELECT json_extract_string(\"row\", '$.order_id'), rule FROM marts.quarantine")
    rules = [rule for _, rule in found]

    assert {order for order, _ in found} == {order for (order,) in rows(built, BAD_ORDERS)}
    assert rules.count("end_not_before_start") == figures["node_runs"]["olist"]["negative"] == 107
    assert rules.count("step_has_start") == len(rules) - 107 == 15


def test_late_deliveries_are_the_golden_ones_but_for_the_quarantine(
    built: duckdb.DuckDBPyConnection, figures: dict[str, Any]
) -> None:
    late = "SELECT count(*) FROM {} WHERE node = 'deliver to customer' AND ended_at > {}"
    ours = rows(
        built,
        late.format("marts.fct_run", "promised_at")
        + " AND process = 'olist' AND scope = 'node' AND NOT is_end_estimated",
    )[0][0]
    spoiled = rows(
        built,
        late.format(f"read_parquet('{DATA}/parquet/olist_node_runs.parquet')", "due_at")
        + f" AND case_id IN ({BAD_ORDERS})",
    )[0][0]

    assert ours == figures["olist"]["late_vs_instant"] - spoiled
