"""Rows of the section on risk for the report's tests: runs at risk and drivers of misses, made by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import duckdb

AS_OF = datetime(2026, 11, 22, 16, 0, tzinfo=UTC)
NASTY = "<script>document.title='broken'</script>&\"'"


def insert(con: duckdb.DuckDBPyConnection, table: str, **values: Any) -> None:
    """One row; what is not named is null."""
    marks = ", ".join("?" for _ in values)
    con.execute(f"INSERT INTO marts.{table} ({', '.join(values)}) VALUES ({marks})", list(values.values()))


def at_risk(con: duckdb.DuckDBPyConnection, rank: int, **values: Any) -> None:
    """One open run."""
    row = {
        "stake_rank": rank,
        "run_id": f"risk-{rank}",
        "scope": "node",
        "work_order_id": f"RISK-{rank:03}",
        "process": "commission",
        "process_name": "Settlement of dealers' commissions",
        "node": "check",
        "node_name": "Check by the channel department",
        "elapsed_seconds": 3600.0,
        "seconds_to_commitment": 5400.0,
        "breach_probability": 0.75,
        "tolerance_breach_probability": 0.25,
        "like_runs": 120,
        "expected_end_at": AS_OF + timedelta(hours=3),
        "commitment_due_at": AS_OF + timedelta(hours=2),
        "is_already_late": False,
        "penalty_at_stake": 150.0,
        "work_order_url": f"https://crm.example.com/{rank}",
    }
    insert(con, "at_risk_run", **(row | values))


def driver(con: duckdb.DuckDBPyConnection, rank: int, dimension: str, value: str, **values: Any) -> None:
    """One value of a dimension."""
    row = {
        "process": "commission",
        "process_name": "Settlement of dealers' commissions",
        "window_start": date(2026, 8, 1),
        "window_end": date(2026, 11, 1),
        "scope": "process",
        "dimension": dimension,
        "value": value,
        "value_name": value,
        "runs": 106,
        "misses": 20,
        "miss_rate": 20 / 106,
        "runs_elsewhere": 791,
        "misses_elsewhere": 56,
        "miss_rate_elsewhere": 56 / 791,
        "difference": 0.118,
        "difference_low": 0.052,
        "difference_high": 0.204,
        "p_value": 0.0001,
        "q_value": 0.001,
        "is_notable": True,
        "extra_misses": 12.4,
        "driver_rank": rank,
    }
    insert(con, "driver_of_misses", **(row | values))


def insert_risk_rows(con: duckdb.DuckDBPyConnection) -> None:
    """Runs more than the page shows, one unknown, one late; drivers that stand out and that do not."""
    at_risk(
        con, 1, scope="process", node=None, node_name=None, reached_node_name="Settle disputes", is_provisional=True
    )
    for rank in range(2, 15):
        at_risk(con, rank, breach_probability=0.5)
    at_risk(con, 15, work_order_id=NASTY, work_order_url="javascript:alert(1)", breach_probability=None,
            expected_end_at=None, penalty_at_stake=None)  # fmt: skip
    at_risk(con, 16, work_order_id="LATE-ALREADY", is_already_late=True, breach_probability=1.0, penalty_at_stake=0.0)
    driver(con, 1, "node", "check", value_name="Check " + NASTY, scope="node", runs=400, misses=385)
    driver(con, 2, "department", "Same runs", scope="node", runs=400, misses=385)
    driver(con, 3, "weekday", "Thursday")
    driver(con, 4, "segment", "FEWER", extra_misses=-30.0, runs=50, misses=1)
    driver(con, 5, "priority", "BY CHANCE", is_notable=False, q_value=0.3, runs=70, misses=11)
    driver(con, 1, "weekday", "Monday", process="port_in", process_name=NASTY, is_notable=False, p_value=None)
