"""Probabilities of open runs, judged on a real log by what became of them."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest
from benchmark.at_risk import DATA, built_logs, calibration, judged, score

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not DATA.is_dir(), reason=f"the real logs are missing: no folder {DATA}"),
    pytest.mark.xdist_group("real_logs"),
]


@pytest.fixture(scope="module")
def domestic() -> pd.DataFrame:
    """Open domestic declarations of three dates in 2018, with what was said of them and what became of them."""
    with built_logs() as home:
        rows = judged(home, [date(2018, 4, 8), date(2018, 6, 8), date(2018, 10, 8)])
    return rows[rows["process"] == "bpic2020_domestic"]


def test_domestic_declarations_are_foretold_better_than_by_both_baselines(domestic: pd.DataFrame) -> None:
    result = score(domestic)

    assert result.runs > 400
    assert result.verdict == "better than both", result


def test_what_is_said_to_be_likelier_happens_more_often(domestic: pd.DataFrame) -> None:
    bins = calibration(domestic)
    bins = bins[bins["runs"] >= 30]

    assert len(bins) >= 4
    assert bins["observed"].corr(bins["predicted"]) > 0.9
