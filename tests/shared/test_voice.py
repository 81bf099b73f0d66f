"""Olist's orders and reviews: what was promised, what was done, and what customers say of either.

The promise is a day, so an order that came on that day is in time: of all orders fewer are late by day than by instant.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pandas as pd
import pytest
import tiny

from pipelines.home import Home

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
ZONE = "America/Sao_Paulo"
LIMIT = pd.Timedelta(days=12)
DAY_S = 86_400

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not DATA.is_dir(), reason=f"the real logs are missing: no folder {DATA}"),
    pytest.mark.xdist_group("olist_voice"),
]

CATALOGUE = {
    "organisation.yml": f"{{name: Olist, business_time_zone: {ZONE}, currency: BRL}}\n",
    "calendars.yml": "calendars: {}\n",
    "processes.yml": "processes:\n  order: {name: Marketplace order, nodes: [{node: deliver}]}\n",
    "commitments.csv": "commitment_id,process,calendar,commitment_limit,tolerance_limit,target_rate\n"
    "D1,order,24x7,12d,30d,0.9\n",
    "indicators.yml": "indicators:\n  stars: {kind: satisfaction, process: order, target: 0.8}\n",
    "sources.yml": f"""\
sources:
  olist:
    kind: files
    connection: {DATA}/raw/olist_sample_csv
    time_zone: {ZONE}
    entities:
      orders:
        shape: runs
        from: olist_orders_dataset.csv
        key: [order_id]
        columns:
          work_order_id: order_id
          process: {{value: order}}
          started_at: order_purchase_timestamp
          ended_at: {{sql: "case when order_status = 'delivered' then order_delivered_customer_date end"}}
          status: order_status
          promised_at: {{sql: "left(order_estimated_delivery_date, 10)"}}
        statuses:
          completed: [delivered]
          in_progress: [approved, created, invoiced, processing, shipped]
          cancelled: [canceled, unavailable]
      reviews:
        shape: feedback
        from: olist_order_reviews_dataset.csv
        key: [review_id, order_id]
        drop: [review_comment_title, review_comment_message]
        columns:
          work_order_id: order_id
          at: review_answer_timestamp
          kind: {{value: rating}}
          value: review_score
          scale: {{value: "5"}}
""",
}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """The published warehouse of the sample of 4,000 orders."""
    home = Home(tmp_path_factory.mktemp("olist"))
    home.catalogue.mkdir(parents=True)
    for name, text in CATALOGUE.items():
        (home.catalogue / name).write_text(text, encoding="utf-8")
    # Later than the landing, which is when a cancelled order without an end is taken to have ended.
    done = tiny.commitments(home, "run", "--as-of", (datetime.now(UTC) + timedelta(days=1)).isoformat())
    assert done.returncode == 0, done.stdout + done.stderr
    with duckdb.connect(str(home.published / "warehouse.duckdb"), read_only=True) as con:
        con.execute("SET TimeZone = 'UTC'")
        yield con


@pytest.fixture(scope="module")
def orders(built: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """The orders of the files, read by pandas: promise, end and satisfaction of each that counts."""
    folder = DATA / "raw" / "olist_sample_csv"
    found = pd.read_csv(folder / "olist_orders_dataset.csv").set_index("order_id")
    reviews = pd.read_csv(folder / "olist_order_reviews_dataset.csv")
    found["satisfaction"] = ((reviews["review_score"] - 1) / 4).groupby(reviews["order_id"]).mean()

    def instant(column: str) -> pd.Series:
        return pd.to_datetime(found[column]).dt.tz_localize(ZONE, nonexistent="shift_forward", ambiguous=True)

    found["started"] = instant("order_purchase_timestamp")
    is_delivered = found["order_status"] == "delivered"
    found["ended"] = instant("order_delivered_customer_date").where(is_delivered)
    day = pd.to_datetime(found["order_estimated_delivery_date"]).dt.normalize()
    found["promised_on"] = day
    found["promised"] = (day + pd.Timedelta(days=1)).dt.tz_localize(ZONE, nonexistent="shift_forward")
    as_of = pd.Timestamp(built.execute("SELECT as_of FROM marts.publication").fetchone()[0])
    return found.assign(until=found["ended"].fillna(as_of))


def test_every_order_and_review_comes_through_the_gate_and_counts_once(built: duckdb.DuckDBPyConnection) -> None:
    [(quarantined,)] = built.execute("SELECT count(*) FROM marts.quarantine").fetchall()
    [(ratings,)] = built.execute(
        "SELECT sum(denominator) FROM marts.service_indicator_by_period WHERE grain = 'year' AND segment = '(all)'"
    ).fetchall()
    reviews = pd.read_csv(DATA / "raw" / "olist_sample_csv" / "olist_order_reviews_dataset.csv")

    assert quarantined == 0
    assert ratings == len(reviews.drop_duplicates(["review_id", "order_id"]))


def test_broken_promises_are_those_that_pandas_finds_and_their_customers_are_half_as_satisfied(
    built: duckdb.DuckDBPyConnection, orders: pd.DataFrame
) -> None:
    promised = orders[~orders["order_status"].isin(["canceled", "unavailable"])]
    promised = promised.assign(
        is_broken=promised["until"] >= promised["promised"],
        late=(promised["until"] - promised["promised"]).dt.total_seconds(),
    )
    by_month = promised.groupby(promised["promised_on"].dt.to_period("M"))
    expected = {
        str(month): (
            len(of),
            int(of["is_broken"].sum()),
            *(
                value
                for broken in (False, True)
                for value in (
                    of.loc[of["is_broken"] == broken, "satisfaction"].mean(),
                    int(of.loc[of["is_broken"] == broken, "satisfaction"].count()),
                )
            ),
            of.loc[of["is_broken"], "late"].median(),
        )
        for month, of in by_month
    }
    found = {
        month: values
        for month, *values in built.execute(
            """SELECT strftime(period_start, '%Y-%m'), n, concerned, satisfaction_kept, ratings_kept,
                satisfaction_broken, ratings_broken, median_seconds
            FROM marts.service_gap_by_period WHERE grain = 'month' AND gap = 4 AND n > 0"""
        ).fetchall()
    }

    assert found.keys() == expected.keys()
    for month, values in expected.items():
        nothing = [None if pd.isna(value) else value for value in values]
        assert found[month] == [value if value is None else pytest.approx(value, abs=1e-3) for value in nothing]
    of_all = promised.groupby("is_broken")["satisfaction"].agg(["mean", "count"])
    assert of_all.loc[True, "count"] > 200
    assert of_all.loc[True, "mean"] < 0.55 * of_all.loc[False, "mean"]


def test_what_is_done_later_than_committed_is_what_pandas_finds(
    built: duckdb.DuckDBPyConnection, orders: pd.DataFrame
) -> None:
    over = (orders["until"] - orders["started"] - LIMIT).dt.total_seconds()
    due_on = (orders["started"] + LIMIT).dt.tz_localize(None).dt.to_period("Q")
    # One that was cancelled, nobody knows when, is taken to have ended when it landed: long after its limit.
    expected = {
        str(quarter): (len(of), int((of > 0).sum()), of[of > 0].median(), (of > 0).mean())
        for quarter, of in over.groupby(due_on)
    }
    found = {
        quarter: tuple(values)
        for quarter, *values in built.execute(
            """SELECT year(period_start) || 'Q' || quarter(period_start), n, concerned, median_seconds, share
            FROM marts.service_gap_by_period WHERE grain = 'quarter' AND gap = 3 AND n > 0"""
        ).fetchall()
    }

    assert found.keys() == expected.keys()
    for quarter, values in expected.items():
        assert found[quarter] == pytest.approx(values, abs=DAY_S), quarter


def test_nobody_was_asked_what_they_expect_and_the_row_says_so(built: duckdb.DuckDBPyConnection) -> None:
    found = built.execute("SELECT DISTINCT status, n, share FROM marts.service_gap_by_period WHERE gap = 1").fetchall()

    assert found == [("no source delivers expectations", 0, None)]
