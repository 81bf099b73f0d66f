"""Where the models and the hand-written SQL differ, run by run."""

from __future__ import annotations

from pathlib import Path

import duckdb

from pipelines.warehouse import WAREHOUSE

COLUMNS = (
    "elapsed_us",
    "paused_us",
    "commitment_due_us",
    "tolerance_due_us",
    "commitment_left_us",
    "tolerance_left_us",
    "state",
)


def differences(home: Path) -> dict[str, int]:
    """Return how many runs there are, how many only one side has, and how many differ in each column."""
    with duckdb.connect() as database:
        database.execute("set enable_progress_bar = false")
        for name in ("models", "by_hand"):
            database.execute(f"attach '{home / 'benchmark' / name / WAREHOUSE}' as {name} (read_only)")
        counted = [
            "count(*) as runs",
            "count(*) filter (models.run_id is null or by_hand.run_id is null) as on_one_side",
            *(f"count(*) filter (models.{one} is distinct from by_hand.{one}) as {one}" for one in COLUMNS),
        ]
        answer = database.sql(
            f"select {', '.join(counted)} from models.run_state as models "
            "full join by_hand.run_state as by_hand on models.run_id = by_hand.run_id"
        )
        return dict(zip(answer.columns, answer.fetchone() or (), strict=True))
