"""What the sample organisation is there to show, judged by its own catalogue and a reference of a few lines."""

from __future__ import annotations

import csv
import datetime as dt
import re
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from pipelines.sample_organisation import voice
from pipelines.sample_organisation.staff_hours import NEVER
from pipelines.sample_organisation.systems import field_service
from pipelines.sample_organisation.world import World

COMMITMENTS = Path(__file__).parents[2] / "data" / "catalogue" / "commitments.csv"
QUALIFIERS = ("segment", "service_level", "location", "priority")
FINAL = {
    "commission_settlement": "pay",
    "broadband_installation": "activate",
    "fault_repair": "verify",
    "billing_complaint": "reply",
    "number_port_in": "activate",
}


@pytest.fixture(scope="module")
def runs(whole_history: World) -> pd.DataFrame:
    """Every run of both scopes with its elapsed time and limits (mistakes in the systems aside)."""
    parts = []
    for process, work in whole_history.work.items():
        steps = work.steps.join(work.orders, on="order").assign(process=process, scope="node")
        steps = steps[steps["started"] < whole_history.now].sort_values("row")
        passages = steps.groupby("order").first().assign(scope="process", node="")
        last = steps.groupby("order").last()
        is_over = last["is_cancelled"] | ((last["node"] == FINAL[process]) & (last["ended"] <= whole_history.now))
        passages["ended"] = last["ended"].where(is_over, NEVER)
        passages["is_cancelled"] = last["is_cancelled"]
        # The log of complaints tells when something was done: while it is under way, nobody knows what.
        if process == "billing_complaint":
            steps = steps[steps["ended"] <= whole_history.now]
        parts += [steps, passages]
    runs = pd.concat(parts, ignore_index=True).assign(specificity=-1, commitment="")
    with COMMITMENTS.open() as lines:
        for commitment in csv.DictReader(lines):
            # Working days and promises are the warehouse's to count.
            if re.fullmatch(r"[\ddhm]+", commitment["commitment_limit"]):
                _commit(runs, commitment, whole_history)
    runs = runs[runs["commitment"] != ""]
    is_open, e = runs["ended"] > whole_history.now, runs["elapsed"]
    runs["status"] = np.select([is_open, runs["is_cancelled"]], ["in_progress", "cancelled"], "completed")
    runs["level"] = np.select([e <= runs["limit"], e <= runs["tolerance"]], ["normal", "acceptable"], "warning")
    runs["is_due"] = (runs["status"] == "completed") | (e > runs["limit"])
    runs["is_kept"] = (runs["status"] == "completed") & (e <= runs["limit"])
    return runs


def test_all_seven_states_occur_in_both_scopes(runs: pd.DataFrame) -> None:
    state = np.where(runs["status"] == "cancelled", "cancelled", runs["status"] + "_" + runs["level"])

    assert (
        runs.groupby("scope")
        .apply(lambda of_scope: len(set(state[of_scope.index.map(runs.index.get_loc)])))
        .eq(7)
        .all()
    )


def test_billing_complaints_break_their_promises(runs: pd.DataFrame) -> None:
    assert _achievement(runs, process="billing_complaint", node="investigate") < 0.08
    assert _achievement(runs, process="billing_complaint", node="") < 0.40


def test_the_most_urgent_faults_of_gold_customers_are_too_rare_to_judge(runs: pd.DataFrame) -> None:
    last_three_months = runs[runs["started"] >= _instant("2026-08-01")]

    assert 0 < (last_three_months["is_due"] & (last_three_months["commitment"] == "fault-gold-p1")).sum() < 30


def test_number_port_in_could_promise_more(runs: pd.DataFrame) -> None:
    for node in ("", "identity_check", "port_request", "activate"):
        assert _achievement(runs, process="number_port_in", node=node) >= 0.97


def test_installations_are_late_more_often_once_the_commitment_is_tightened(runs: pd.DataFrame) -> None:
    before = _achievement(runs, commitment="broadband-install-2025")
    quarter_after = runs[runs["started"] < _instant("2026-07-01")]
    last_two_months = runs[runs["started"] >= _instant("2026-10-01")]

    assert before > 0.88
    assert _achievement(quarter_after, commitment="broadband-install-2026") < before - 0.05
    assert _achievement(last_two_months, commitment="broadband-install-2026") > 0.84  # the crews catch up


def test_triage_is_faster_since_the_reorganisation(runs: pd.DataFrame) -> None:
    reorganised = _instant("2026-07-01")
    before = _achievement(runs[runs["started"] < reorganised], node="triage")
    after = _achievement(runs[runs["started"] >= reorganised], node="triage")

    assert after > before + 0.03


def test_everything_else_is_kept_as_often_as_one_would_believe(runs: pd.DataFrame) -> None:
    others = runs[~runs["process"].isin(["billing_complaint", "number_port_in"]) & (runs["scope"] == "node")]
    rates = others.groupby("commitment").apply(
        lambda of: of["is_kept"].sum() / of["is_due"].sum(), include_groups=False
    )

    assert rates.between(0.78, 0.98).all(), rates[~rates.between(0.78, 0.98)]
    assert rates.between(0.80, 0.95).mean() > 0.85


def test_customers_of_a_broken_promise_rate_it_worse_and_complain_more(whole_history: World) -> None:
    orders = whole_history.work["broadband_installation"].orders
    ended = whole_history.work["broadband_installation"].steps.groupby("order")["ended"].max()
    orders = orders.assign(is_broken=ended > field_service.promised(orders)).set_index("order_no")
    said = voice.answers(whole_history).join(orders, on="order_no", how="inner")
    ratings = said[(said["question"] == "rating") & said["answer"].isin(list("12345"))]
    stars = ratings["answer"].astype(int).groupby(ratings["is_broken"]).mean()
    complaints = said[said["question"] == "complaint"].groupby("is_broken").size() / orders.groupby("is_broken").size()

    assert stars[False] > stars[True] + 1
    assert complaints[True] > 5 * complaints[False]


def _commit(runs: pd.DataFrame, commitment: dict[str, str], world: World) -> None:
    hours = {
        "office": world.staff.office,
        "shop": world.staff.shop,
        "field_crews": world.staff.field,
        "night_window": world.staff.night,
        "vendor_stockholm": world.staff.stockholm,
        "24x7": world.staff.always,
    }[commitment["calendar"]]
    given = {name: commitment[name] for name in QUALIFIERS if commitment[name]}
    applies = (runs["process"] == commitment["process"]) & (runs["node"] == commitment["node"])
    applies &= runs["specificity"] < len(given)
    for name, value in given.items():
        applies &= runs[name] == value
    if commitment["valid_from"]:
        applies &= runs["started"] >= _instant(commitment["valid_from"])
    if commitment["valid_to"]:
        applies &= runs["started"] < _instant(commitment["valid_to"])
    until = np.minimum(runs.loc[applies, "ended"], world.now)
    runs.loc[applies, "elapsed"] = hours.worked(until) - hours.worked(runs.loc[applies, "started"])
    runs.loc[applies, "limit"] = _seconds(commitment["commitment_limit"])
    runs.loc[applies, "tolerance"] = _seconds(commitment["tolerance_limit"])
    runs.loc[applies, "commitment"] = commitment["commitment_id"]
    runs.loc[applies, "specificity"] = len(given)


def _achievement(runs: pd.DataFrame, **where: str) -> float:
    for name, value in where.items():
        runs = runs[runs[name] == value]
    assert runs["is_due"].sum() >= 30
    return runs["is_kept"].sum() / runs["is_due"].sum()


def _seconds(limit: str) -> int:
    units = {"d": 86_400, "h": 3600, "m": 60}
    return sum(int(count) * units[unit] for count, unit in re.findall(r"(\d+)([dhm])", limit))


def _instant(day: str) -> int:
    return int(dt.datetime.fromisoformat(day).replace(tzinfo=ZoneInfo("Asia/Shanghai")).timestamp())
