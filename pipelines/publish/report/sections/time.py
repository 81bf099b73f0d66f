"""Where the time of the processes goes, who held what is late, and which goals are short."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pipelines.publish.report.labels import label
from pipelines.publish.report.sections.section import Section, Sheet

if TYPE_CHECKING:
    from pipelines.publish.report.facts import Facts, Row

# A page that lists everything is read by nobody; the workbook has it.
ROWS_SHOWN = 12

DURATION = [
    (f"{kind}_{quantile}{limit}_seconds", f"{heading} {quantile}{words}, working hours", "hours")
    for quantile in ("p50", "p80", "p90", "p95")
    for kind, limit, heading, words in (
        ("elapsed", "", "All runs", ""),
        ("elapsed", "_low", "All runs", " low (95 %)"),
        ("elapsed", "_high", "All runs", " high (95 %)"),
        ("naive", "", "Completed only", ""),
    )
]
COHORT = [
    ("period_start", "Month of start", "date"),
    ("is_complete", "Month complete", "text"),
    ("runs", "Committed runs", "count"),
    ("completed", "Completed", "count"),
    ("open_runs", "Open", "count"),
    ("cancelled", "Cancelled", "count"),
    ("uncommitted", "Uncommitted, left out", "count"),
    *DURATION,
]
WINDOW = [("window_start", "Window from", "day"), ("window_end", "Window to", "day")]
PROCESS = [("process_name", "Process", "text"), ("process", "Process id", "text")]
NODE = [("node_name", "Node", "text"), ("node", "Node id", "text")]

# By run it is of any length: here of each process together, every late run weighing the same.
RESPONSIBILITY = """
    WITH late AS (
        SELECT process, count(DISTINCT run_id) AS late_runs FROM marts.responsibility_share GROUP BY process
    )
    SELECT process, process_name, department, any_value(late_runs) AS late_runs, count(*) AS held_runs,
        sum(held_seconds) AS held_seconds, sum(held_share) / any_value(late_runs) AS mean_share,
        any_value(window_start) AS window_start, any_value(window_end) AS window_end,
        row_number() OVER (PARTITION BY process ORDER BY mean_share DESC, department) AS place
    FROM marts.responsibility_share JOIN late USING (process)
    GROUP BY process, process_name, department
    ORDER BY process, place"""


def view(facts: Facts, rows: Mapping[str, list[Row]]) -> Mapping[str, Any] | None:
    """The goals that would raise the rate most. What is of a process or department stands in its own section."""
    if facts.is_newest:
        tree = [row for row in rows["goals"] if row["grain"] == "review"]
    else:
        tree = [row for row in rows["goals"] if row["grain"] == "month" and row["period_start"] == facts.month]
    goals = [
        row
        for level, most in (("process", 4), ("position", 8))
        for row in tree
        if row["level"] == level and row["contribution"] and row["contribution_rank"] <= most
    ]
    if not goals:
        return None
    return {
        "goals": goals[:ROWS_SHOWN],
        "organisation": next((row for row in tree if row["level"] == "organisation"), None),
    }


SECTION = Section(
    name="time",
    title=label("Which goals are short"),
    queries={
        "bottlenecks": "SELECT * FROM marts.bottleneck_by_node ORDER BY process, bottleneck_rank, node",
        "flow": "SELECT * FROM marts.flow_by_process ORDER BY process",
        "transitions": "SELECT * FROM marts.flow_by_transition ORDER BY process, transitions DESC, from_node, to_node",
        "responsibility": RESPONSIBILITY,
        "goals": """
            SELECT * FROM marts.goal_tree ORDER BY grain DESC, period_start DESC,
                array_position(['organisation', 'process', 'node', 'department', 'position'], level),
                contribution_rank NULLS LAST, goal_id""",
        "duration_by_process": "SELECT * FROM marts.duration_by_process ORDER BY period_start DESC, process",
        "duration_by_node": """
            SELECT * FROM marts.duration_by_node ORDER BY period_start DESC, process, node_order, node""",
    },
    view=view,
    sheets=(
        Sheet(
            "Bottlenecks",
            [
                *PROCESS,
                *NODE,
                ("bottleneck_rank", "Rank", "count"),
                ("time_share", "Share of the time", "rate"),
                ("work_share", "In work", "rate"),
                ("waiting_share", "Waiting before it", "rate"),
                ("paused_share", "In pauses", "rate"),
                ("rework_share", "Of these in rework", "rate"),
                ("process_seconds", "Time of the process, hours", "hours"),
                ("is_working_time", "Working time", "text"),
                ("process_runs", "Process runs", "count"),
                ("node_runs", "Node runs", "count"),
                ("breached_runs", "Late process runs", "count"),
                ("breached_while_late", "Of these, node late", "count"),
                ("breached_while_late_share", "Share of these", "rate"),
                ("work_p50_seconds", "Median work, hours", "hours"),
                ("given_back_seconds", "Given back at the median, hours", "hours"),
                *WINDOW,
            ],
            "bottlenecks",
        ),
        Sheet(
            "Flow",
            [
                *PROCESS,
                ("process_runs", "Completed process runs", "count"),
                ("followed", "Whose nodes are known", "count"),
                ("first_time_through", "First time through", "count"),
                ("first_time_through_share", "First time through, share", "rate"),
                ("visits", "Node runs", "count"),
                ("visits_per_work_order", "Node runs per work order", "number"),
                ("hand_overs", "Hand-overs", "count"),
                ("hand_overs_per_work_order", "Hand-overs per work order", "number"),
                *WINDOW,
            ],
            "flow",
        ),
        Sheet(
            "Transitions",
            [
                *PROCESS,
                ("from_node_name", "From node", "text"),
                ("from_node", "From node id", "text"),
                ("to_node_name", "To node", "text"),
                ("to_node", "To node id", "text"),
                ("transitions", "Transitions", "count"),
                ("measured_transitions", "With a calendar", "count"),
                ("side_by_side", "Side by side", "count"),
                ("hand_overs", "Hand-overs", "count"),
                ("hand_over_share", "Hand-overs, share", "rate"),
                ("waiting_p50_seconds", "Median waiting, working hours", "hours"),
                ("waiting_p90_seconds", "90th percentile, working hours", "hours"),
                ("waiting_wall_p50_seconds", "Median waiting, clock hours", "hours"),
                ("waiting_wall_p90_seconds", "90th percentile, clock hours", "hours"),
                *WINDOW,
            ],
            "transitions",
        ),
        Sheet(
            "Responsibility",
            [
                *PROCESS,
                ("department", "Department", "text"),
                ("late_runs", "Late process runs", "count"),
                ("held_runs", "Of these it held a part of", "count"),
                ("mean_share", "Share of a late run, mean", "rate"),
                ("held_seconds", "Held, working hours", "hours"),
                *WINDOW,
            ],
            "responsibility",
        ),
        Sheet(
            "Goals",
            [
                ("grain", "Grain", "text"),
                ("period_start", "From", "day"),
                ("period_end", "To", "day"),
                ("is_complete", "Complete", "text"),
                ("level", "Level", "text"),
                *PROCESS,
                *NODE,
                ("department", "Department", "text"),
                ("position", "Position", "text"),
                ("scope", "Counts runs of scope", "text"),
                ("due", "Due", "count"),
                ("kept", "Kept", "count"),
                ("achievement_rate", "Achievement", "rate"),
                ("target_rate", "Target", "rate"),
                ("gap", "Gap", "rate"),
                ("trend", "Since the period before", "rate"),
                ("contribution", "Would raise the organisation by", "rate"),
                ("contribution_to_process", "Would raise the process by", "rate"),
                ("contribution_rank", "Rank", "count"),
                ("goal_id", "Branch", "text"),
                ("parent_id", "Branch above", "text"),
            ],
            "goals",
        ),
        Sheet("Durations by process", [*PROCESS, *COHORT], "duration_by_process"),
        Sheet("Durations by node", [*PROCESS, *NODE, *COHORT], "duration_by_node"),
    ),
)
