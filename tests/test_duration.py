"""Durations with open runs counted as censored: our SQL says what lifelines and statsmodels say of the same runs."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import numpy as np
import pandas as pd
import pytest
from lifelines import KaplanMeierFitter
from sql_engine import compiled
from statsmodels.duration.survfunc import SurvfuncRight

SHARES = {"p50": 0.5, "p80": 0.8, "p90": 0.9, "p95": 0.95}


def made_up() -> pd.DataFrame:
    """Cohorts of many kinds, a process each: seconds, and whether the run completed, is open or was cancelled."""
    random = np.random.default_rng(20261127)
    cohorts: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    for number, (runs, censored) in enumerate([(7, 0.3), (40, 0.0), (60, 0.2), (300, 0.5), (900, 0.9), (2000, 0.05)]):
        smooth = np.round(random.lognormal(9, 1, runs), 6)
        for kind, seconds in (("smooth", smooth), ("tied", np.ceil(smooth / 4000) * 3600), ("zeros", smooth // 9000)):
            statuses = np.where(
                random.random(runs) >= censored, "completed", random.choice(["in_progress", "cancelled"], runs)
            )
            cohorts[f"{kind}_{number}"] = seconds, statuses
    cohorts["all at once"] = np.full(20, 60.0), np.full(20, "completed")
    cohorts["none ended"] = np.arange(1.0, 21.0), np.full(20, "in_progress")
    return pd.concat(
        pd.DataFrame({"process": name, "elapsed_seconds": seconds, "reported_status": statuses})
        for name, (seconds, statuses) in cohorts.items()
    )


RUNS = made_up()


@pytest.fixture(scope="module")
def durations() -> Iterator[pd.DataFrame]:
    """The model's rows, a process each."""
    model = next(each for each in compiled("int_duration") if each.name == "int_duration")
    with duckdb.connect() as con:
        con.execute("ATTACH ':memory:' AS work; ATTACH ':memory:' AS warehouse")
        con.execute("CREATE SCHEMA work.intermediate; CREATE SCHEMA warehouse.marts")
        con.register("runs", RUNS)
        con.execute(
            "CREATE TABLE warehouse.marts.fct_run AS SELECT 'process' AS scope, process, NULL::VARCHAR AS node, "
            "DATE '2026-03-07' AS started_on, elapsed_seconds, reported_status FROM runs "
            "UNION ALL SELECT 'process', 'smooth_0', NULL, DATE '2026-03-31', NULL, 'completed'"
        )
        con.execute(
            "CREATE TABLE work.intermediate.int_day_period AS SELECT 'month' AS grain, DATE '2026-03-07' AS day, "
            "DATE '2026-03-01' AS period_start, DATE '2026-04-01' AS period_end, true AS is_complete"
        )
        yield con.execute(model.compiled_code).df().set_index("process")


@pytest.mark.parametrize("process", RUNS["process"].unique())
def test_quantiles_and_their_limits_are_those_of_lifelines(durations: pd.DataFrame, process: str) -> None:
    runs = RUNS[RUNS["process"] == process]
    curve = KaplanMeierFitter().fit(runs["elapsed_seconds"], runs["reported_status"] == "completed")
    survived = curve.survival_function_["KM_estimate"]
    bands = curve.confidence_interval_[(survived > 0) & (survived < 1)]

    def first(values: pd.Series, share: float) -> float:
        # lifelines compares as it is, so that a half may be a little more than 0.5.
        reached = values[values <= 1 - share + 1e-9]
        return reached.index[0] if len(reached) else np.nan

    for name, share in SHARES.items():
        said = [durations.loc[process, f"elapsed_{name}{limit}_seconds"] for limit in ("", "_low", "_high")]
        expected = [first(values, share) for values in (survived, bands.iloc[:, 0], bands.iloc[:, 1])]
        assert said == pytest.approx(expected, nan_ok=True), name


@pytest.mark.parametrize("process", ["smooth_2", "smooth_3", "smooth_5"])
def test_quantiles_and_their_limits_are_those_of_statsmodels(durations: pd.DataFrame, process: str) -> None:
    runs = RUNS[RUNS["process"] == process]
    curve = SurvfuncRight(runs["elapsed_seconds"], (runs["reported_status"] == "completed").astype(int))

    for name, share in list(SHARES.items())[:2]:
        limits = curve.quantile_ci(share, method="cloglog")
        said = [durations.loc[process, f"elapsed_{name}{limit}_seconds"] for limit in ("", "_low", "_high")]
        assert said == pytest.approx(
            [curve.quantile(share), *(np.nan if limit == np.inf else limit for limit in limits)], nan_ok=True
        )


def test_naive_figures_are_of_what_completed_and_every_run_is_counted(durations: pd.DataFrame) -> None:
    for process, runs in RUNS.groupby("process"):
        completed = runs.loc[runs["reported_status"] == "completed", "elapsed_seconds"]
        naive = [durations.loc[process, f"naive_{name}_seconds"] for name in SHARES]
        counts = durations.loc[process, ["runs", "completed", "open_runs", "cancelled", "uncommitted"]].tolist()
        statuses = [sum(runs["reported_status"] == status) for status in ("completed", "in_progress", "cancelled")]

        assert naive == pytest.approx(completed.quantile(list(SHARES.values())).tolist(), nan_ok=True)
        assert counts == [len(runs), *statuses, 1 if process == "smooth_0" else 0]
