"""What is at risk now, and what goes with misses."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from typing import TYPE_CHECKING, Any

from pipelines.publish.report.labels import label
from pipelines.publish.report.sections.section import Column, Section, Sheet

if TYPE_CHECKING:
    from pipelines.publish.report.facts import Facts, Row

RUNS_SHOWN = 12
DRIVERS_SHOWN = 5

AT_RISK = """
    SELECT *, coalesce(process_name, process) AS shown_process, coalesce(node_name, node) AS shown_node
    FROM marts.at_risk_run
    ORDER BY stake_rank"""

DRIVERS = """
    SELECT * FROM marts.driver_of_misses
    ORDER BY process_name, process, driver_rank"""

AT_RISK_COLUMNS: list[Column] = [
    ("stake_rank", "Rank", "count"),
    ("shown_process", "Process", "text"),
    ("scope", "Scope", "text"),
    ("shown_node", "Node", "text"),
    ("reached_node_name", "Reached", "text"),
    ("work_order_id", "Work order", "text"),
    ("visit", "Visit", "count"),
    ("department", "Department", "text"),
    ("position", "Position", "text"),
    ("segment", "Segment", "text"),
    ("service_level", "Service level", "text"),
    ("location", "Location", "text"),
    ("priority", "Priority", "text"),
    ("commitment_id", "Commitment", "text"),
    ("breach_probability", "Probability of breaking the commitment", "rate"),
    ("tolerance_breach_probability", "Probability of breaking the tolerance", "rate"),
    ("like_runs", "Runs like it", "count"),
    ("is_already_late", "Late already", "text"),
    ("penalty_at_stake", "Penalty at stake", "amount"),
    ("elapsed_seconds", "Elapsed, working hours", "hours"),
    ("seconds_to_commitment", "Left to commitment, working hours", "hours"),
    ("commitment_due_at", "Commitment due", "moment"),
    ("tolerance_due_at", "Tolerance due", "moment"),
    ("expected_end_at", "Half of such have ended by", "moment"),
    ("is_provisional", "Provisional", "text"),
    ("work_order_url", "Link", "text"),
]
DRIVER_COLUMNS: list[Column] = [
    ("process_name", "Process", "text"),
    ("driver_rank", "Rank", "count"),
    ("scope", "Scope", "text"),
    ("dimension", "Dimension", "text"),
    ("value_name", "Value", "text"),
    ("is_notable", "Notable", "text"),
    ("runs", "Runs", "count"),
    ("misses", "Misses", "count"),
    ("miss_rate", "Miss rate", "rate"),
    ("runs_elsewhere", "Runs elsewhere", "count"),
    ("misses_elsewhere", "Misses elsewhere", "count"),
    ("miss_rate_elsewhere", "Miss rate elsewhere", "rate"),
    ("difference", "Difference", "rate"),
    ("difference_low", "Difference low (95 %)", "rate"),
    ("difference_high", "Difference high (95 %)", "rate"),
    ("extra_misses", "Misses beyond the rate elsewhere", "number"),
    ("p_value", "p", "number"),
    ("q_value", "q, corrected for looking at many", "number"),
]

# Their values are the warehouse's words, not the organisation's.
OURS = ("weekday", "load", "hand_overs")
# How a value reads in a sentence.
WHERE = {
    "node": label("at {}"),
    "department": label("of {}"),
    "segment": label("of segment {}"),
    "service_level": label("of service level {}"),
    "location": label("of location {}"),
    "priority": label("of priority {}"),
    "weekday": label("begun on a {}"),
    "hour": label("begun at {}"),
    "load": label("begun with load {}"),
    "hand_overs": label("with hand-overs: {}"),
}


def view(facts: Facts, rows: Mapping[str, list[Row]]) -> Mapping[str, Any] | None:
    """The most at stake, and of each process what goes with more misses than elsewhere."""
    runs, drivers = rows["at_risk"], rows["drivers"]
    if not runs and not drivers:
        return None
    savable = [run for run in runs if not run["is_already_late"]]
    return {
        "runs": savable[:RUNS_SHOWN],
        "open_runs": len(runs),
        "savable": len(savable),
        "late": len(runs) - len(savable),
        "unknown": sum(run["breach_probability"] is None for run in savable),
        "expected": sum(run["breach_probability"] or 0 for run in savable),
        "window": drivers[0] if drivers else None,
        "processes": [_process(facts, list(of)) for _, of in groupby(drivers, key=lambda row: row["process"])],
    }


def _process(facts: Facts, drivers: list[Row]) -> Mapping[str, Any]:
    notable: dict[tuple[int, int], Row] = {}
    for row in drivers:
        if row["is_notable"] and row["extra_misses"] > 0:
            # One node's department is often told apart by the very same runs: said once, as the node.
            same = notable.get((row["runs"], row["misses"]))
            if same is None or row["dimension"] == "node":
                notable[row["runs"], row["misses"]] = row
    return {
        "name": drivers[0]["process_name"],
        "compared": sum(row["p_value"] is not None for row in drivers),
        "drivers": [{**row, "where": _where(facts, row)} for row in list(notable.values())[:DRIVERS_SHOWN]],
    }


def _where(facts: Facts, row: Row) -> str:
    value = row["value_name"]
    if row["dimension"] in OURS:
        value = facts.words.say(value)
    where = WHERE[row["dimension"]]
    return facts.words.say(where).format(value)


SECTION = Section(
    name="risk",
    title=label("At risk now, and what goes with misses"),
    queries={"at_risk": AT_RISK, "drivers": DRIVERS},
    view=view,
    sheets=[
        Sheet("At risk", AT_RISK_COLUMNS, "at_risk"),
        Sheet("Drivers of misses", DRIVER_COLUMNS, "drivers"),
    ],
)
