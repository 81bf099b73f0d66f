"""What is said of open runs and of misses: our SQL says what lifelines, scipy and statsmodels say of the same rows."""

from __future__ import annotations

import duckdb
import numpy as np
import pandas as pd
import pytest
from lifelines import KaplanMeierFitter
from scipy.stats import norm
from sql_engine import compiled
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import confint_proportions_2indep, proportions_ztest

DIMENSIONS = ["node", "department", "segment", "service_level", "location", "priority", "weekday", "hour", "load"]


def build(*names: str, **tables: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that the real SQL of the models, each made of these and those before it, has for the last."""
    models = {model.name: model for model in compiled("int_survival", "driver_of_misses")}
    with duckdb.connect() as con:
        con.execute("ATTACH ':memory:' AS work; ATTACH ':memory:' AS warehouse")
        con.execute("CREATE SCHEMA work.intermediate; CREATE SCHEMA work.staging; CREATE SCHEMA warehouse.marts")
        for table, rows in tables.items():
            con.register("given", rows)
            con.execute(f"CREATE TABLE {models[table].relation_name} AS FROM given")
            con.unregister("given")
        for name in names:
            con.execute(f"CREATE TABLE {models[name].relation_name} AS {models[name].compiled_code}")
        return con.table(models[names[-1]].relation_name).df()


def survival(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the curves of all kinds that are open among these runs."""
    return build("int_like_run_count", "int_survival", int_like_run=runs)


def like_runs(bins: np.ndarray, ended: np.ndarray, **kind: object) -> pd.DataFrame:
    """Runs of one kind, and one that is open now."""
    kind = {
        **{"scope": "node", "process": "p", "node": "n", "segment": "a", "service_level": "b", "priority": "c"},
        **{"load": "low", "stay": 0},
        **kind,
    }
    runs = pd.DataFrame(
        {"bin": bins, "is_ended": ended, "is_open": False, "is_latest": True, "is_recent": True, **kind}
    )
    asked = pd.DataFrame({"bin": [0], "is_ended": [False], "is_open": [True], "is_recent": [False], **kind})
    return pd.concat([runs, asked]).assign(is_latest=True)


def test_survival_is_that_of_lifelines_where_all_runs_are_alike() -> None:
    random = np.random.default_rng(20261127)
    bins = np.minimum(random.lognormal(4, 0.7, 500).astype(int), 512)
    ended = (random.random(500) < 0.7) & (bins < 512)

    curve = survival(like_runs(bins, ended)).set_index("bin").sort_index()

    said = KaplanMeierFitter().fit(bins, ended).survival_function_at_times(np.arange(513))
    assert curve["survival"].to_numpy() == pytest.approx(said.to_numpy(), abs=1e-9)
    assert curve["survival_before"].to_numpy()[1:] == pytest.approx(said.to_numpy()[:-1], abs=1e-9)
    # From 30 on: the first mark at which half of those that were still there are gone.
    assert curve.loc[30, "half_bin"] == next(bin_ for bin_ in range(30, 513) if said[bin_] <= said[30] / 2)
    assert pd.isna(curve.loc[512, "half_bin"])
    # Those that were still there at the limit, and of which it is known what became.
    assert curve.loc[64, "like_runs"] == sum((bins >= 64) & (ended | (bins > 64)))


def test_a_kind_counts_by_its_size_beside_twenty_runs_of_the_coarser() -> None:
    # At bin 10 end 60 of 90 silver runs, and 2 of 10 gold ones.
    silver = like_runs(np.array([10] * 60 + [20] * 30), np.full(90, True), segment="silver")
    gold = like_runs(np.array([10] * 2 + [20] * 8), np.full(10, True), segment="gold")

    curves = survival(pd.concat([silver, gold])).set_index(["segment", "bin"])["survival"]

    all_ = 62 / 100
    for segment, ended, runs in (("silver", 60, 90), ("gold", 2, 10)):
        of_segment = (ended + 20 * all_) / (runs + 20)
        # All had one load: by load it is the same runs once more.
        of_load = (ended + 20 * of_segment) / (runs + 20)
        assert curves[segment, 10] == pytest.approx(1 - of_load)
        assert curves[segment, 9] == pytest.approx(1)


def test_a_node_without_runs_of_its_own_that_ended_is_not_known() -> None:
    others = like_runs(np.arange(20, 60), np.full(40, True), node="old")
    new = like_runs(np.arange(1, 4), np.full(3, False), node="new")

    curves = survival(pd.concat([others, new])).set_index(["node", "bin"])

    assert not curves.loc[("new", 2), "is_known"]
    assert curves.loc[("old", 2), "is_known"]
    # Of forty that ended one by one, nine are left.
    assert not curves.loc[("old", 51), "is_known"]


def test_of_process_runs_only_those_count_that_stayed_at_the_node_as_long() -> None:
    moved_on = like_runs(np.full(50, 30), np.full(50, True), scope="process", stay=0)
    stayed = like_runs(np.full(40, 90), np.full(40, True), scope="process", stay=2)

    curves = survival(pd.concat([moved_on, stayed])).set_index(["stay", "bin"])

    assert curves.loc[(0, 30), "like_runs"] == 90
    assert curves.loc[(2, 30), "like_runs"] == 40
    assert curves.loc[(2, 64), "survival"] > curves.loc[(0, 64), "survival"]


@pytest.fixture(scope="module")
def drivers() -> pd.DataFrame:
    """Drivers of three made-up processes, one of which has none."""
    random = np.random.default_rng(7)
    names = ["node", "department", "segment", "service_level", "location", "priority", "weekday", "hour", "load"]
    runs = pd.DataFrame(
        {name: random.choice(list("abcdefg"[: number + 2]), 15000) for number, name in enumerate(names)}
    )
    runs["process"] = random.choice(["p", "q", "none"], 15000)
    runs["scope"] = random.choice(["process", "node"], 15000)
    runs["hand_overs"] = random.choice(["0", "1", "2", "3 or more"], 15000, p=[0.7, 0.25, 0.045, 0.005])
    rate = 0.1 + 0.08 * (runs["segment"] == "a") + 0.08 * (runs["load"] == "b") + 0.1 * (runs["hand_overs"] == "2")
    rate = rate + 0.05 * ((runs["node"] == "a") & (runs["process"] == "q"))
    runs["is_kept"] = random.random(15000) >= rate.where(runs["process"] != "none", 0.1)
    return build(
        "driver_of_misses",
        int_run_circumstance=runs,
        int_review_window=pd.DataFrame({"window_start": ["2026-01-01"], "window_end": ["2026-04-01"]}),
        dim_process=pd.DataFrame({"process": ["p"], "process_name": ["Process"]}),
        dim_node=pd.DataFrame({"process": ["p"], "node": ["a"], "node_name": ["Node"]}),
    )


def test_intervals_of_differences_are_newcombes(drivers: pd.DataFrame) -> None:
    for row in drivers.itertuples():
        low, high = confint_proportions_2indep(
            row.misses, row.runs, row.misses_elsewhere, row.runs_elsewhere, method="newcomb", compare="diff"
        )
        assert (row.difference_low, row.difference_high) == pytest.approx((low, high), abs=1e-9)


def test_p_values_are_those_of_two_proportions_where_enough_is_expected(drivers: pd.DataFrame) -> None:
    for row in drivers.itertuples():
        whole = (row.misses + row.misses_elsewhere) / (row.runs + row.runs_elsewhere)
        if min(row.runs, row.runs_elsewhere) * min(whole, 1 - whole) < 5:
            assert np.isnan(row.p_value)
            assert not row.is_notable
        else:
            counts, sizes = [row.misses, row.misses_elsewhere], [row.runs, row.runs_elsewhere]
            assert row.p_value == pytest.approx(proportions_ztest(counts, sizes)[1], rel=2e-7)
    assert drivers["p_value"].isna().any()


def test_looking_at_many_is_corrected_for_as_by_benjamini_and_hochberg(drivers: pd.DataFrame) -> None:
    tested = drivers.dropna(subset=["p_value"])
    for _, rows in tested.groupby("process"):
        is_notable, q_values, _, _ = multipletests(rows["p_value"], alpha=0.05, method="fdr_bh")
        assert rows["q_value"].to_numpy() == pytest.approx(q_values, rel=1e-9)
        assert rows["is_notable"].tolist() == is_notable.tolist()
    # Without the correction some more would have been.
    assert ((tested["p_value"] <= 0.05) & ~tested["is_notable"]).any()


def test_what_was_put_in_is_found_where_it_was_put_in(drivers: pd.DataFrame) -> None:
    found = drivers[drivers["is_notable"] & (drivers["extra_misses"] > 0)]

    assert {("segment", "a"), ("load", "b")} <= set(zip(found["dimension"], found["value"], strict=True))
    assert set(found["process"]) == {"p", "q"}
    assert (
        drivers.loc[(drivers["process"] == "p") & (drivers["dimension"] == "node"), "value_name"].tolist().count("Node")
    )


def test_the_tail_of_the_normal_distribution_is_scipys_to_the_far_end() -> None:
    # 500 of 500 against 0 of 500 … 250 of 500: from no difference to one that a double can hardly hold.
    frames = []
    for misses in range(0, 260, 10):
        for value, kept in (("x", 500 - misses), ("y", 250)):
            frames.append(pd.DataFrame({"process": f"p{misses}", "segment": value, "is_kept": np.arange(500) < kept}))
    runs = pd.concat(frames).assign(scope="process")
    for name in (
        "node",
        "department",
        "service_level",
        "location",
        "priority",
        "weekday",
        "hour",
        "load",
        "hand_overs",
    ):
        runs[name] = "z"

    rows = build(
        "driver_of_misses",
        int_run_circumstance=runs,
        int_review_window=pd.DataFrame({"window_start": ["2026-01-01"], "window_end": ["2026-04-01"]}),
        dim_process=pd.DataFrame({"process": ["p"], "process_name": ["Process"]}),
        dim_node=pd.DataFrame({"process": ["p"], "node": ["a"], "node_name": ["Node"]}),
    )

    for row in rows[rows["value"] == "x"].itertuples():
        whole = (row.misses + row.misses_elsewhere) / 1000
        z = row.difference / np.sqrt(whole * (1 - whole) * 2 / 500)
        assert row.p_value == pytest.approx(2 * norm.sf(abs(z)), rel=2e-7)
    assert rows["p_value"].min() < 1e-70
