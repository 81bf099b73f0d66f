"""Where the time of a real process goes: the loan applications of BPIC 2012, against a plain sweep of the same runs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import duckdb
import pytest
import tiny

from pipelines.home import Home

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not DATA.is_dir(), reason=f"the real logs are missing: no folder {DATA}"),
    pytest.mark.xdist_group("real_logs"),
]

# The log begins in October 2011 and ends in mid-March 2012: the window is December to February.
AS_OF = "2012-03-01T00:00:00Z"
CATALOGUE = {
    "organisation.yml": "{name: Bank, business_time_zone: UTC, currency: EUR}\n",
    "calendars.yml": "calendars: {}\n",
    "processes.yml": "processes:\n  loan: {name: Loan application, nodes: [{node: none of the log's}]}\n",
    "commitments.csv": "commitment_id,process,node,calendar,commitment_limit,tolerance_limit,target_rate\n",
    "sources.yml": f"""\
sources:
  bank:
    kind: files
    connection: {DATA}/raw
    time_zone: Europe/Amsterdam
    entities:
      loans:
        shape: events
        from: bpic2012.xes.gz
        columns:
          {{work_order_id: case:concept:name, process: {{value: loan}}, activity: concept:name,
           lifecycle: lifecycle:transition, at: time:timestamp}}
        events: {{mode: lifecycle, ends: [A_ACTIVATED, A_DECLINED], cancels: [A_CANCELLED]}}
""",
}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """The published warehouse of the log."""
    home = Home(tmp_path_factory.mktemp("loans"))
    home.catalogue.mkdir(parents=True)
    for name, text in CATALOGUE.items():
        (home.catalogue / name).write_text(text, encoding="utf-8")
    done = tiny.commitments(home, "run", "--as-of", AS_OF)
    assert done.returncode == 0, done.stdout + done.stderr
    with duckdb.connect(home.published / "warehouse.duckdb", read_only=True) as con:
        yield con


def test_calling_after_the_offer_holds_two_thirds_of_the_time_and_next_to_none_of_it_is_work(
    built: duckdb.DuckDBPyConnection,
) -> None:
    [worst] = built.execute(
        "SELECT node, is_working_time, time_share, work_share, rework_share "
        "FROM marts.bottleneck_by_node WHERE bottleneck_rank = 1"
    ).fetchall()

    assert worst[:2] == ("W_Nabellen offertes", False)
    assert 0.6 < worst[2] < 0.7
    assert worst[3] < 0.01
    assert worst[4] > 0.45


def test_every_node_holds_the_time_that_a_plain_sweep_of_the_same_runs_finds(built: duckdb.DuckDBPyConnection) -> None:
    ended = {
        case: (started, ended)
        for case, started, ended in built.execute(
            "SELECT work_order_id, epoch(started_at), epoch(ended_at) FROM marts.fct_run "
            "WHERE scope = 'process' AND ended_on >= DATE '2011-12-01' AND ended_on < DATE '2012-03-01'"
        ).fetchall()
    }
    runs = defaultdict(list)
    for case, node, started, stopped in built.execute(
        "SELECT case_id, node, epoch(coalesce(started_at, ended_at)) AS started, epoch(ended_at) "
        f"FROM read_parquet('{DATA}/parquet/bpic2012_node_runs.parquet') ORDER BY started, ended_at"
    ).fetchall():
        if case in ended and started <= ended[case][1]:
            runs[case].append((started, min(stopped or ended[case][1], ended[case][1]), node))

    held: dict[str, float] = defaultdict(float)
    for case, (begun, over) in ended.items():
        edges = sorted({begun, over, *(edge for run in runs[case] for edge in run[:2])})
        for a, b in pairwise(edges):
            working = [node for start, end, node in runs[case] if start <= a and end >= b]
            waited_for = [node for start, _, node in runs[case] if start >= b] or [runs[case][-1][2]]
            for node in working or waited_for[:1]:
                held[node] += (b - a) / len(working or waited_for[:1])
    ours = dict(
        built.execute(
            "SELECT node, work_seconds + waiting_seconds + paused_seconds FROM marts.bottleneck_by_node"
        ).fetchall()
    )

    assert sum(ours.values()) == pytest.approx(sum(held.values()), rel=1e-9)
    # Of events at one instant any may be the one that was waited for.
    steps = [node for node in ours if node.startswith("W_")]
    assert [ours[node] for node in steps] == pytest.approx([held[node] for node in steps], rel=0.01)
