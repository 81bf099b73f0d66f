"""A yardstick that measures something else is none: both give the answers of the slow reference."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import duckdb
import pandas as pd
import pytest
import reference

from . import hand_written, pandas_reference
from .staged import catalogue_frames, stage
from .synthesize import AS_OF, synthesize

MEASURES = ["runs", *pandas_reference.STATES, "uncommitted", "due", "kept"]


def home_of(runs: int, folder: Path) -> Path:
    synthesize(folder, runs, suffix="csv")
    stage(folder)
    return folder


def by_hand(home: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    with duckdb.connect() as database:
        hand_written.compute(database, home)
        return database.sql("from run").df(), database.sql("from achievement_by_month").df()


def listed(frame: pd.DataFrame, columns: list[str]) -> list[tuple[object, ...]]:
    """Return rows as plain tuples in one order; whole numbers as such, a null as None."""
    plain = frame[columns].astype(object).where(frame[columns].notna(), None)
    rows = [
        tuple(int(cell) if isinstance(cell, float) else cell for cell in row) for row in plain.itertuples(index=False)
    ]
    return sorted(rows, key=repr)


def test_the_sql_and_pandas_give_the_same_states_and_achievement(tmp_path: Path) -> None:
    home = home_of(20_000, tmp_path)
    sql_runs, sql_months = by_hand(home)
    pandas_runs, pandas_months = pandas_reference.compute(home)

    columns = ["scope", "process", "node", "started_us", "elapsed_us", "commitment_due_us", "state"]
    assert listed(sql_runs, columns) == listed(pandas_runs, columns)
    assert set(sql_runs["state"]) == set(pandas_reference.STATES)

    grain = pandas_reference.GRAIN
    assert listed(sql_months, [*grain, *MEASURES]) == listed(pandas_months, [*grain, *MEASURES])
    assert sql_months["kept"].sum() / sql_months["due"].sum() == pytest.approx(0.76, abs=0.05)


def test_both_count_runs_without_a_commitment(tmp_path: Path) -> None:
    home = home_of(3_000, tmp_path)
    file = home / "catalogue" / "commitments.csv"
    kept = [line for line in file.read_text(encoding="utf-8").splitlines(keepends=True) if not line.startswith("p0-")]
    file.write_text("".join(kept), encoding="utf-8")
    sql_months, pandas_months = by_hand(home)[1], pandas_reference.compute(home)[1]

    columns = [*pandas_reference.GRAIN, *MEASURES]
    assert listed(sql_months, columns) == listed(pandas_months, columns)
    without = sql_months[sql_months["process"] == "p0"]
    assert without["uncommitted"].sum() == without["runs"].sum() > 100


def test_working_time_row_by_row_is_the_same(tmp_path: Path) -> None:
    home = home_of(500, tmp_path)

    for quick, slow in zip(
        pandas_reference.compute(home), pandas_reference.compute(home, row_by_row=True), strict=True
    ):
        pd.testing.assert_frame_equal(quick, slow)


def test_both_agree_with_the_slow_reference(tmp_path: Path) -> None:
    home = home_of(300, tmp_path)
    runs, months = by_hand(home)
    frames = catalogue_frames(home)
    as_of = reference.microseconds(AS_OF)
    intervals = {
        calendar: list(zip(rows["from_us"], rows["to_us"], strict=True))
        for calendar, rows in frames["calendar_interval"].groupby("calendar")
    }
    counts: Counter[tuple[str, ...]] = Counter()

    for run in runs[runs["scope"] == "node"].itertuples():
        ended = None if pd.isna(run.ended_us) else int(run.ended_us)
        worked = intervals[run.calendar]
        limits = int(run.commitment_limit_us), int(run.tolerance_limit_us)
        elapsed = reference.elapsed(worked, run.started_us, as_of if ended is None else ended)

        assert run.elapsed_us == elapsed
        assert run.commitment_due_us == reference.deadline(worked, run.started_us, limits[0])
        assert run.state == reference.state(run.status, elapsed, *limits)

        for month in frames["month"].itertuples():
            end = min(month.to_us, as_of)
            key = (run.process, run.node, month.month)
            if run.started_us < end and (ended is None or ended >= month.from_us):
                is_over = ended is not None and ended < end
                until = ended if is_over else end
                status = run.status if is_over else "in_progress"
                counts[*key, reference.state(status, reference.elapsed(worked, run.started_us, until), *limits)] += 1
            is_decided = run.status == "completed" or elapsed > limits[0]
            if month.from_us <= run.commitment_due_us < end and is_decided:
                counts[*key, "due"] += 1
                counts[*key, "kept"] += run.state == "completed_normal"

    published = {
        (row["process"], row["node"], row["month"], measure): int(row[measure])
        for row in months[months["scope"] == "node"].to_dict("records")
        for measure in [*pandas_reference.STATES, "due", "kept"]
        if row[measure]
    }
    assert published == {key: count for key, count in counts.items() if count}
