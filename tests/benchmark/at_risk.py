"""How true the probabilities of ``at_risk_run`` are: ``python -m tests.benchmark.at_risk [--sample HOME]``.

The models as they are build the marts as of a date; what became of the runs that were open then is read from a later
build. Brier scores and calibration go to ``docs/at_risk.md``, beside two baselines that use nothing of the models.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import pandas as pd

from pipelines.home import Home
from pipelines.replay import replay

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "at_risk.md"
DATA = ROOT.parent / "shared" / "data"

# Limits are ours, about where one run in four breaks them; the logs know none but Olist's promised dates.
LOGS = {
    "organisation.yml": "{name: Real logs, business_time_zone: UTC, currency: EUR}\n",
    "calendars.yml": "calendars: {}\n",
    "processes.yml": """\
processes:
  bpic2020_domestic: {name: Domestic declaration, nodes: [{node: Payment Handled}]}
  bpic2020_rfp: {name: Request for payment, nodes: [{node: Payment Handled}]}
  olist:
    name: Marketplace order
    nodes: [{node: approve payment}, {node: hand over to carrier}, {node: deliver to customer}]
""",
    "commitments.csv": """\
commitment_id,process,node,calendar,commitment_limit,tolerance_limit,target_rate
D,bpic2020_domestic,,24x7,12d,20d,0.9
R,bpic2020_rfp,,24x7,12d,20d,0.9
O,olist,,24x7,15d,25d,0.9
O1,olist,approve payment,24x7,1d,2d,0.9
O2,olist,hand over to carrier,24x7,4d,8d,0.9
O3,olist,deliver to customer,24x7,12d,20d,0.9
""",
    "sources.yml": f"""\
sources:
  bpi:
    kind: files
    connection: {DATA}/raw
    time_zone: Europe/Amsterdam
    entities:
      declarations:
        shape: events
        from: bpic2020_DomesticDeclarations.xes.gz
        columns:
          {{work_order_id: case:concept:name, process: {{value: bpic2020_domestic}}, activity: concept:name,
           at: time:timestamp}}
        events: {{mode: completions}}
      payments:
        shape: events
        from: bpic2020_RequestForPayment.xes.gz
        columns:
          {{work_order_id: case:concept:name, process: {{value: bpic2020_rfp}}, activity: concept:name,
           at: time:timestamp}}
        events: {{mode: completions}}
  olist:
    kind: files
    connection: {DATA}/raw
    time_zone: America/Sao_Paulo
    entities:
      orders:
        shape: milestones
        from: olist_orders_dataset.csv.gz
        key: [order_id]
        columns: {{work_order_id: order_id, process: {{value: olist}}, status: order_status}}
        statuses: {{cancelled: [canceled, unavailable]}}
        milestones:
          - {{node: approve payment, from: order_purchase_timestamp, to: order_approved_at}}
          - {{node: hand over to carrier, from: order_approved_at, to: order_delivered_carrier_date}}
          - {{node: deliver to customer, from: order_delivered_carrier_date, to: order_delivered_customer_date}}
""",
}
LOG_DATES = [date(2017 + month // 12, month % 12 + 1, 8) for month in range(6, 23)]
SAMPLE_DATES = [date(2026, month, 8) for month in range(2, 11)]

# Runs that were open and not late at the date, with what the models said and what the baselines say; and what was to
# be seen of them later. One that was cancelled within its limit neither kept nor broke its commitment.
JUDGED = """
    WITH
    decided AS (
        SELECT scope, process, node, elapsed_seconds / commitment_limit_seconds AS used,
            NOT (reported_status = 'completed' AND is_commitment_kept) AS is_missed
        FROM past.marts.fct_run
        WHERE state IS NOT NULL AND commitment_limit_seconds > 0 AND commitment_due_at < as_of
            AND (reported_status = 'completed' OR commitment_overrun_seconds > 0)
    ),
    so_far AS (
        SELECT scope, process, node, avg(is_missed::INT) AS so_far FROM decided GROUP BY ALL
    ),
    -- Of the runs that lasted until the middle of a tenth of their limit, the share that broke it.
    tenth AS (SELECT unnest(range(10)) AS tenth),
    time_left AS (
        SELECT scope, process, tenth, avg(is_missed::INT) AS time_left
        FROM decided JOIN tenth ON used > (tenth + 0.5) / 10
        GROUP BY ALL
    )
    SELECT risk.scope, risk.process, risk.node, risk.work_order_id, risk.run_id,
        risk.breach_probability AS predicted, so_far.so_far, time_left.time_left,
        NOT (later.reported_status = 'completed' AND later.is_commitment_kept) AS is_missed
    FROM past.marts.at_risk_run AS risk
    JOIN later.marts.fct_run AS later USING (run_id)
    LEFT JOIN so_far
        ON risk.scope = so_far.scope AND risk.process = so_far.process AND risk.node IS NOT DISTINCT FROM so_far.node
    LEFT JOIN time_left
        ON risk.scope = time_left.scope AND risk.process = time_left.process
        AND time_left.tenth = floor(10 * least(risk.elapsed_seconds / risk.commitment_limit_seconds, 0.99))
    WHERE NOT risk.is_already_late AND later.state IS NOT NULL
        AND (later.reported_status = 'completed' OR later.commitment_overrun_seconds > 0)
"""
METHODS = ("predicted", "so_far", "time_left")


@dataclass(frozen=True)
class Score:
    """Mean squared errors over the same runs; the lead is how much less ours is, with a 95 % interval."""

    runs: int
    misses: int
    brier: dict[str, float]
    lead: dict[str, tuple[float, float, float]]

    @property
    def verdict(self) -> str:
        """What may be claimed."""
        beaten = [name for name, (_, low, _) in self.lead.items() if low > 0]
        if len(beaten) == len(self.lead):
            return "better than both"
        worse = [name for name, (_, _, high) in self.lead.items() if high < 0]
        words = {"so_far": "the share so far", "time_left": "time left"}
        if worse:
            return f"worse than {' and '.join(words[name] for name in worse)}"
        open_ = [words[name] for name in self.lead if name not in beaten]
        return f"not proved better than {' and '.join(open_)}"


def judged(home: Home, dates: Iterable[date]) -> pd.DataFrame:
    """Every open run of each date that was not late, with three probabilities and its outcome: a row a run and date."""
    frames = []
    with tempfile.TemporaryDirectory() as folder:
        for day in dates:
            past = Path(folder) / f"{day}.duckdb"
            replay(home, day.isoformat(), past)
            with duckdb.connect() as con:
                con.execute(f"ATTACH '{past}' AS past (READ_ONLY)")
                con.execute(f"ATTACH '{home.published / 'warehouse.duckdb'}' AS later (READ_ONLY)")
                frames.append(con.execute(JUDGED).df().assign(day=day))
            past.unlink()
    return pd.concat(frames, ignore_index=True)


def score(rows: pd.DataFrame) -> Score:
    """Brier scores of the rows that have all three probabilities; runs of one work order are not independent."""
    rows = rows.dropna(subset=list(METHODS))
    errors = {name: (rows[name] - rows["is_missed"]) ** 2 for name in METHODS}
    lead = {}
    for name in METHODS[1:]:
        gain = errors[name] - errors["predicted"]
        by_order = (gain - gain.mean()).groupby([rows["process"], rows["work_order_id"]]).sum()
        half = 1.96 * (by_order**2).sum() ** 0.5 / len(gain)
        lead[name] = (gain.mean(), gain.mean() - half, gain.mean() + half)
    return Score(
        len(rows), int(rows["is_missed"].sum()), {name: float(error.mean()) for name, error in errors.items()}, lead
    )


def calibration(rows: pd.DataFrame) -> pd.DataFrame:
    """Ten bins of the predicted probability: runs, mean predicted, share missed."""
    rows = rows.dropna(subset=["predicted"])
    tenth = (rows["predicted"] * 10).clip(upper=9).astype(int)
    return rows.groupby(tenth).agg(
        runs=("predicted", "size"), predicted=("predicted", "mean"), observed=("is_missed", "mean")
    )


@contextmanager
def built_logs() -> Iterator[Home]:
    """A published home of the three logs, whole."""
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder) / "logs")
        home.catalogue.mkdir(parents=True)
        for name, text in LOGS.items():
            (home.catalogue / name).write_text(text, encoding="utf-8")
        command = Path(sys.executable).parent / "commitments"
        subprocess.run([command, "--home", home.root, "run", "--as-of", "2019-02-01"], check=True)
        yield home


def _said(name: str, rows: pd.DataFrame) -> str:
    """One part of the page."""
    lines = [
        f"## {name}",
        "",
        "| process | scope | runs | missed | ours | share so far | time left | |",
        "| --- | --- | --: | --: | --: | --: | --: | --- |",
    ]
    for (process, scope), part in [*rows.groupby(["process", "scope"]), (("all", ""), rows)]:
        result = score(part)
        if not result.runs:
            continue
        brier = " | ".join(f"{result.brier[method]:.4f}" for method in METHODS)
        lines.append(f"| {process} | {scope} | {result.runs:,} | {result.misses:,} | {brier} | {result.verdict} |")
    unknown = int(rows["predicted"].isna().sum())
    lines += [
        "",
        f"{unknown:,} of {len(rows):,} had no probability, for lack of runs like them.",
        "",
        "| said | runs | said, mean | missed |",
        "| --- | --: | --: | --: |",
    ]
    for tenth, bin_ in calibration(rows).iterrows():
        lines.append(
            f"| {tenth / 10:.1f} to {tenth / 10 + 0.1:.1f} | {bin_['runs']:,.0f} "
            f"| {bin_['predicted']:.3f} | {bin_['observed']:.3f} |"
        )
    return "\n".join(lines) + "\n"


PAGE = """\
# How true the probabilities of `at_risk_run` are

Made by `python -m tests.benchmark.at_risk`. The marts were built as of several dates, each time by the models as they
are; the runs that were open then, and not late yet, were looked up in a later build.

*Brier* is the mean of (probability − outcome)²: lower is better, and always saying 50 % scores 0.25. Beside ours, over
the same runs: the *share so far*, of misses in the same process and node; and *time left* only, the share of misses
among the process's runs that had used as many tenths of their limit. "Better" is said where the 95 % interval of the
difference leaves no doubt, the runs of a work order taken together. What was cancelled within its limit is left out,
as in `due`.

What limits it: the past year is taken for the future. Where things get worse at once, as at Olist in December 2017,
too little is said, most of all of node runs, which have little but their age to go by.

"""


def main(sample: Path | None) -> None:
    """Write the page."""
    parts = []
    if sample:
        rows = judged(Home(sample.resolve()), SAMPLE_DATES)
        parts.append(_said(f"The sample organisation, {len(SAMPLE_DATES)} dates from {SAMPLE_DATES[0]}", rows))
    with built_logs() as home:
        rows = judged(home, LOG_DATES)
    parts.append(_said(f"Real logs, {len(LOG_DATES)} dates from {LOG_DATES[0]}", rows))
    DOCUMENT.write_text(PAGE + "\n".join(parts), encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sample", type=Path, help="a built home of the sample organisation")
    main(parser.parse_args().sample)
