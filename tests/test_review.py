"""The statistics of the review, held to scipy and statsmodels, and its rows done again by hand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import duckdb
import pytest
from scipy.stats import binom
from statsmodels.stats.proportion import proportion_confint

from pipelines import warehouse
from pipelines.home import Home

RAISE_AT, MEND_BELOW = 0.9, 0.1
WINDOW = "DATE '2026-01-01' AS window_start, DATE '2026-04-01' AS window_end, 0 AS window_from_us, 1 AS window_to_us"


@pytest.fixture(scope="module")
def sql(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The models' SQL."""
    home = Home(tmp_path_factory.mktemp("compiled"))
    models = warehouse.compiled(home, {"as_of_us": 0}, ["int_commitment_reviewed", "int_limit_proposed"])
    return {model.name: model.compiled_code for model in models}


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    """A database with the schemas of a build, and a window."""
    with duckdb.connect() as con:
        for database in ("work", "warehouse"):
            con.execute(f"ATTACH ':memory:' AS {database}")
        for schema in ("work.staging", "work.intermediate", "warehouse.marts"):
            con.execute(f"CREATE SCHEMA {schema}")
        con.execute(f"CREATE TABLE work.intermediate.int_review_window AS SELECT {WINDOW}")
        yield con


def test_a_proposed_limit_holds_with_95_percent_confidence_and_is_at_most_one_run_too_long(
    con: duckdb.DuckDBPyConnection, sql: dict[str, str]
) -> None:
    targets, sizes = (0.5, 0.8, 0.9, 0.95, 0.975, 0.99), (*range(30, 120), 250, 435, 973, 2000)
    con.execute(
        f"""
        CREATE TABLE work.intermediate.int_commitment_reviewed AS
        SELECT n || ' at ' || p AS commitment_id, 'raise' AS recommendation, n AS due, p AS target_rate,
            0.9 AS raise_at, 'time' AS commitment_limit_kind, 10000000000 AS commitment_limit_us,
            'time' AS tolerance_limit_kind, 20000000000 AS tolerance_limit_us
        FROM unnest({list(sizes)}) AS sizes (n), unnest({list(targets)}::DOUBLE[]) AS targets (p)
        """
    )
    con.execute(
        """
        CREATE TABLE work.intermediate.int_reviewed_run AS
        SELECT commitment_id, 'completed' AS reported_status, unnest(range(1, due + 1))::DOUBLE AS elapsed_seconds
        FROM work.intermediate.int_commitment_reviewed
        """
    )
    con.execute(
        """
        CREATE TABLE warehouse.marts.fct_run AS
        SELECT *, 'any' AS state, DATE '2026-03-01' AS commitment_due_on,
            TIMESTAMPTZ '2026-03-01 00:00:00+00' AS commitment_due_at, TIMESTAMPTZ '2026-05-01 00:00:00+00' AS as_of
        FROM work.intermediate.int_reviewed_run
        """
    )

    # The k-th shortest of n took k seconds.
    proposed = con.execute(f"SELECT commitment_id, limit_seconds FROM ({sql['int_limit_proposed']})").fetchall()

    ranks = dict(proposed)
    for n in sizes:
        for p in targets:
            rank = ranks.get(f"{n} at {p}", n + 1)
            exact = int(binom.isf(0.05, n, p)) + 1
            assert exact <= rank <= exact + 1
            assert binom.sf(rank - 1, n, p) <= 0.05


def test_as_many_runs_as_are_needed_take_the_interval_off_the_threshold_and_one_less_does_not(
    con: duckdb.DuckDBPyConnection, sql: dict[str, str]
) -> None:
    con.execute(
        """
        CREATE TABLE work.staging.stg_commitment AS
        SELECT kept || ' of ' || due AS commitment_id, kept, due, NULL::DOUBLE AS target_rate,
            NULL::BIGINT AS valid_from_us, NULL::BIGINT AS valid_to_us
        FROM range(30, 150, 7) AS due (due), range(0, 151) AS kept (kept) WHERE kept <= due
        """
    )
    con.execute(
        f"""
        CREATE TABLE work.staging.stg_organisation AS
        SELECT 30 AS minimum_runs, {RAISE_AT}::DOUBLE AS raise_at, {MEND_BELOW}::DOUBLE AS mend_below
        """
    )
    con.execute(
        """
        CREATE TABLE work.intermediate.int_reviewed_run AS
        SELECT commitment_id, unnest(range(due)) < kept AS is_kept FROM work.staging.stg_commitment
        """
    )
    con.execute(
        """
        CREATE TABLE warehouse.marts.fct_run (commitment_id VARCHAR, state VARCHAR, reported_status VARCHAR,
            is_within_tolerance BOOLEAN, tolerance_overrun_seconds DOUBLE, tolerance_due_at TIMESTAMPTZ,
            as_of TIMESTAMPTZ)
        """
    )

    reviewed = con.execute(
        f"""
        SELECT kept, due, recommendation, runs_needed, rate_low, rate_high
        FROM ({sql["int_commitment_reviewed"].replace("commitment.*", "commitment.* EXCLUDE (kept, due)")})
        """
    ).fetchall()

    assert {recommendation for _, _, recommendation, *_ in reviewed} == {"uncertain", "mend", "keep", "raise"}
    for kept, due, recommendation, needed, low, high in reviewed:
        assert (low, high) == pytest.approx(proportion_confint(kept, due, method="wilson"), abs=1e-12)
        assert (recommendation == "uncertain") == _is_open(kept / due, due)
        if recommendation == "uncertain" and kept / due not in (RAISE_AT, MEND_BELOW):
            assert not _is_open(kept / due, due + needed)
            assert _is_open(kept / due, due + needed - 1)
        else:
            assert needed is None


def _is_open(rate: float, due: int) -> bool:
    low, high = proportion_confint(rate * due, due, method="wilson")
    return any(low <= threshold <= high for threshold in (RAISE_AT, MEND_BELOW))


@pytest.mark.xdist_group("built")
def test_a_review_is_what_the_runs_that_fell_due_in_the_window_say(built_once: Home) -> None:
    with duckdb.connect(str(built_once.published / "warehouse.duckdb"), read_only=True) as con:
        # December to February in Shanghai, done again from the facts alone.
        by_hand = con.execute(
            """
            SELECT commitment.commitment_id,
                count(*) FILTER (WHERE is_due), count(*) FILTER (WHERE is_due AND is_commitment_kept),
                count(*) FILTER (WHERE is_tolerance_due),
                count(*) FILTER (WHERE is_tolerance_due AND is_within_tolerance)
            FROM marts.dim_commitment AS commitment LEFT JOIN (
                SELECT commitment_id, is_commitment_kept, is_within_tolerance,
                    commitment_due_at >= '2025-11-30 16:00:00+00' AND commitment_due_at < '2026-02-28 16:00:00+00'
                    AND (reported_status = 'completed' OR elapsed_seconds > commitment_limit_seconds) AS is_due,
                    tolerance_due_at >= '2025-11-30 16:00:00+00' AND tolerance_due_at < '2026-02-28 16:00:00+00'
                    AND (reported_status = 'completed' OR elapsed_seconds > tolerance_limit_seconds) AS is_tolerance_due
                FROM marts.fct_run
            ) USING (commitment_id) GROUP BY ALL ORDER BY 1
            """
        ).fetchall()
        reviewed: list[tuple[Any, ...]] = con.execute(
            """
            SELECT commitment_id, due, kept, tolerance_due, tolerated FROM marts.commitment_review
            WHERE window_start = '2025-12-01' AND window_end = '2026-03-01' AND recommendation = 'not_enough_data'
            ORDER BY 1
            """
        ).fetchall()
        curve = con.execute(
            "SELECT commitment_id, due, kept FROM marts.limit_curve WHERE limit_kind = 'commitment' ORDER BY 1"
        ).fetchall()

    assert reviewed == by_hand
    # C2's payment is open and past both limits: due, and not kept.
    assert ("K4", 2, 0, 2, 0) in reviewed
    assert curve == [row[:3] for row in by_hand if row[1]]
