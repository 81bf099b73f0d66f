"""A review window of made-up rows for the section of the report that says where the time goes."""

from __future__ import annotations

import duckdb

NASTY = "<script>document.title=''broken''</script>&\"''"

ROWS = f"""
INSERT INTO marts.bottleneck_by_node BY NAME
SELECT DATE '2026-08-01' AS window_start, DATE '2026-11-01' AS window_end, process, process_name, node, node_name,
    true AS is_working_time, 400 AS process_runs, 410 AS node_runs, 3.6e6 AS process_seconds, share AS time_share,
    share / 2 AS work_share, share / 4 AS waiting_share, share / 4 AS paused_share, 0.0001 AS rework_share,
    breached AS breached_runs, breached // 3 AS breached_while_late,
    breached // 3 / nullif(breached, 0) AS breached_while_late_share, 7200.0 AS work_p50_seconds,
    90000.0 AS given_back_seconds, place AS bottleneck_rank
FROM (VALUES
    ('commission', 'Settlement of dealers'' commissions', 'check', 'Check by the channel department', 0.61, 57, 1),
    ('commission', 'Settlement of dealers'' commissions', 'pay', 'Pay the dealer', 0.39, 57, 2),
    ('port_in', '{NASTY}', 'ask', '{NASTY}', 1.0, 0, 1)
) AS made_up (process, process_name, node, node_name, share, breached, place);

INSERT INTO marts.flow_by_process BY NAME
SELECT DATE '2026-08-01' AS window_start, DATE '2026-11-01' AS window_end, 'commission' AS process,
    'Settlement of dealers'' commissions' AS process_name, 400 AS process_runs, 390 AS followed,
    312 AS first_time_through, 0.8 AS first_time_through_share, 1560 AS visits, 4.0 AS visits_per_work_order,
    780 AS hand_overs, 2.0 AS hand_overs_per_work_order
UNION ALL BY NAME SELECT DATE '2026-08-01' AS window_start, DATE '2026-11-01' AS window_end, 'port_in' AS process,
    '{NASTY}' AS process_name, 3 AS process_runs, 0 AS followed, 0 AS first_time_through, 0 AS visits, 0 AS hand_overs;

INSERT INTO marts.responsibility_share BY NAME
SELECT DATE '2026-08-01' AS window_start, DATE '2026-11-01' AS window_end, run AS run_id, run AS work_order_id,
    'commission' AS process, 'Settlement of dealers'' commissions' AS process_name, department,
    seconds AS held_seconds, share AS held_share
FROM (VALUES ('A', 'Channel department', 36000.0, 1.0), ('B', 'Channel department', 18000.0, 0.2),
    ('B', '{NASTY}', 72000.0, 0.8)) AS made_up (run, department, seconds, share);

INSERT INTO marts.goal_tree BY NAME
SELECT 'review' AS grain, DATE '2026-08-01' AS period_start, DATE '2026-11-01' AS period_end, true AS is_complete,
    level, CASE level WHEN 'position' THEN 'node' ELSE 'process' END AS scope, goal AS goal_id, process,
    process_name, node, node AS node_name, department, 'Clerk' AS position, due, kept, kept / due AS achievement_rate,
    0.9 AS target_rate, kept / due - 0.9 AS gap, -0.013 AS trend, greatest(0, 0.9 * due - kept) / 1000 AS contribution,
    place AS contribution_rank
FROM (VALUES
    ('organisation', 'organisation', NULL, NULL, NULL, NULL, 1000, 850, 1),
    ('process', 'commission', 'commission', 'Settlement of dealers'' commissions', NULL, NULL, 400, 300, 1),
    ('process', 'kept', 'kept', 'Kept well', NULL, NULL, 600, 550, 2),
    ('position', 'c > check', 'commission', 'Settlement of dealers'' commissions', 'check', '{NASTY}', 800, 700, 1)
) AS made_up (level, goal, process, process_name, node, department, due, kept, place);

INSERT INTO marts.duration_by_process BY NAME
SELECT month AS period_start, month < DATE '2026-11-01' AS is_complete, 'commission' AS process,
    'Settlement of dealers'' commissions' AS process_name, 200 AS runs, 150 AS completed, 40 AS open_runs,
    10 AS cancelled, 0 AS uncommitted, 180000.0 AS elapsed_p50_seconds, 170000.0 AS elapsed_p50_low_seconds,
    190000.0 AS elapsed_p50_high_seconds, 120000.0 AS naive_p50_seconds, 300000.0 AS naive_p90_seconds
FROM (VALUES (DATE '2026-10-01'), (DATE '2026-11-01')) AS months (month);
"""


def insert_time_rows(con: duckdb.DuckDBPyConnection) -> None:
    """Fill the tables of the section, in schema ``marts``."""
    con.execute(ROWS)
