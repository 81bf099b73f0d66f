"""A home of any size: one files source with N node runs over 18 months, and the catalogue that judges them.

``python -m tests.benchmark.synthesize HOME --runs 1000000``. The rows are a pure function of seed and number.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from .measure import measured

AS_OF = datetime(2026, 6, 30, 22, tzinfo=UTC)  # midnight in Amsterdam
BEGIN = datetime(2025, 1, 1, tzinfo=UTC)
TIGHTENED_ON = "2026-01-01"

PROCESSES, NODES = 10, 6
MOST_VISITS = 7  # six nodes and one of them again

# Orders a piece: 40 MB of columns at a time, whatever the total.
ORDERS_PER_PIECE = 200_000

CALENDARS = """\
calendars:
  office:
    time_zone: Europe/Amsterdam
    hours: {mon-thu: ["09:00-12:30", "13:15-17:30"], fri: ["09:00-16:00"]}
    holidays: {country: NL}
    exceptions: {2025-12-24: ["09:00-12:00"]}
    horizon: {from: 2020-01-01, to: 2031-01-01}
  bureau:
    time_zone: Asia/Shanghai
    hours: {mon-fri: ["09:00-18:00"]}
    holidays: [2025-01-01, 2025-01-28, 2025-01-29, 2025-01-30, 2025-05-01, 2025-10-01, 2025-10-02, 2026-02-17]
    horizon: {from: 2020-01-01, to: 2031-01-01}
  nights:
    time_zone: America/New_York
    hours: {sun-thu: ["22:00-06:00"]}
    holidays: {country: US}
    horizon: {from: 2020-01-01, to: 2031-01-01}
  shop:
    time_zone: Australia/Sydney
    hours: {mon-sat: ["08:00-20:00"]}
    closures: [{from: "2025-09-10 14:00", to: "2025-09-10 16:30"}]
    horizon: {from: 2020-01-01, to: 2031-01-01}
"""
CALENDAR_NAMES = ("24x7", "office", "bureau", "nights", "shop")
# Working hours of the 168 of a week, so that limits in working time suit durations by the clock.
WORKED_SHARE = (1.0, 38 / 168, 45 / 168, 40 / 168, 72 / 168)

ORGANISATION = """\
name: Synthetic
business_time_zone: Europe/Amsterdam
currency: EUR
"""

SOURCES = """\
sources:
  synthetic:
    kind: files
    connection: source
    time_zone: UTC
    entities:
      steps:
        shape: runs
        from: runs.{suffix}
        key: [order_no, step]
        columns:
          work_order_id: order_no
          process: process
          node: node
          started_at: started
          ended_at: ended
          status: state
          segment: customer_class
        statuses: {{completed: [DONE], in_progress: [OPEN], cancelled: [VOID]}}
"""


def median_hours(process: int, node: int) -> float:
    """Return how long the node usually takes, by the clock: from an hour to four days."""
    return 1.0 + 95.0 * ((process * 7 + node * 5) % 11) / 10.0


def write_catalogue(folder: Path, suffix: str) -> None:
    """Write the catalogue files: 10 processes of 6 nodes, tightened once, stricter for one segment."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "organisation.yml").write_text(ORGANISATION, encoding="utf-8")
    (folder / "calendars.yml").write_text(CALENDARS, encoding="utf-8")
    (folder / "sources.yml").write_text(SOURCES.format(suffix=suffix), encoding="utf-8")
    (folder / "processes.yml").write_text(processes_file(), encoding="utf-8")
    commitments = [
        "commitment_id,process,node,segment,calendar,commitment_limit,tolerance_limit,target_rate,valid_from,valid_to"
    ]
    for process in range(PROCESSES):
        calendar = CALENDAR_NAMES[process % len(CALENDAR_NAMES)]
        share = WORKED_SHARE[process % len(CALENDAR_NAMES)]
        usual = [median_hours(process, node) for node in range(1, NODES + 1)]
        # Durations are lognormal with sigma 1, so 2.5 medians are kept by about 80 %.
        for node, hours in [("", 0.75 * sum(usual)), *((f"n{node + 1}", usual[node]) for node in range(NODES))]:
            for segment, strictness in (("", 1.0), ("business", 0.8)):
                for version, factor in (("loose", 1.0), ("tight", 0.85)):
                    minutes = int(60 * hours * 2.5 * share * strictness * factor)
                    valid = f",{TIGHTENED_ON}" if version == "loose" else f"{TIGHTENED_ON},"
                    name = "-".join(part for part in (f"p{process}", node, segment, version) if part)
                    commitments.append(
                        f"{name},p{process},{node},{segment},{calendar},{minutes}m,{minutes * 3 // 2}m,0.9,{valid}"
                    )
    (folder / "commitments.csv").write_text("\n".join(commitments) + "\n", encoding="utf-8")


def processes_file() -> str:
    """Return processes.yml: 10 processes of 6 nodes."""
    processes = ["processes:"]
    for process in range(PROCESSES):
        processes += [
            f"  p{process}:",
            f"    name: Process {process}",
            f"    department: Department {process % 4}",
            "    position: Manager",
            "    nodes:",
            *(
                f"      - {{node: n{node}, department: Department {(process + node) % 7}, position: Clerk}}"
                for node in range(1, NODES + 1)
            ),
        ]
    return "\n".join(processes) + "\n"


def pieces(runs: int, seed: int) -> Iterator[pa.Table]:
    """Yield ``runs`` node runs, whole work orders together but for the last one."""
    random = np.random.default_rng(seed)
    first_order = 0
    while runs > 0:
        # Four runs an order on average: a bit more than needed, cut below.
        orders = min(ORDERS_PER_PIECE, runs // 3 + 10)
        table = _piece(random, first_order, orders)
        first_order += orders
        yield table.slice(0, runs)
        runs -= min(runs, table.num_rows)


def _piece(random: np.random.Generator, first_order: int, orders: int) -> pa.Table:
    begin, as_of = int(BEGIN.timestamp()), int(AS_OF.timestamp())
    process = random.integers(0, PROCESSES, orders)
    is_business = random.random(orders) < 0.3
    # The square root makes business grow.
    opened = begin + (np.sqrt(random.random(orders)) * (as_of - begin)).astype(np.int64)

    # An order goes through the first nodes and then to the last one; some come back to the second.
    length = random.integers(3, NODES + 1, orders)
    comes_back = random.random(orders) < 0.05
    step = np.broadcast_to(np.arange(MOST_VISITS), (orders, MOST_VISITS))
    node = step + 1 - (comes_back[:, None] & (step >= 2))
    visits = length + comes_back
    node = np.where(step == visits[:, None] - 1, NODES, node)

    usual = np.array([[median_hours(p, n) for n in range(1, NODES + 1)] for p in range(PROCESSES)]) * 3600
    median = usual[process[:, None], np.minimum(node, NODES) - 1]
    took = (median * random.lognormal(0.0, 1.0, node.shape)).astype(np.int64)
    # A third are handed on at once.
    waited = np.where(random.random(node.shape) < 0.33, 0, random.exponential(3600, node.shape)).astype(np.int64)
    ended = opened[:, None] + np.cumsum(took + waited, axis=1) - waited
    started = ended - took

    # What is cancelled or forgotten at a step has no further steps.
    last = visits - 1
    is_cancelled = random.random(orders) < 0.04
    is_forgotten = ~is_cancelled & (random.random(orders) < 0.005)
    stops = np.where(is_cancelled | is_forgotten, (random.random(orders) * visits).astype(np.int64), last)
    exists = (step <= stops[:, None]) & (started < as_of)
    is_last = step == stops[:, None]
    is_open = (ended >= as_of) | (is_forgotten[:, None] & is_last)
    status = np.where(is_open, 1, np.where(is_cancelled[:, None] & is_last, 2, 0))

    row, column = np.nonzero(exists)
    return pa.table(
        {
            "order_no": _numbered("W", first_order + row),
            "step": pa.array((column + 1).astype(np.int32)),
            "process": _words([f"p{p}" for p in range(PROCESSES)], process[row]),
            "node": _words([f"n{n}" for n in range(1, NODES + 1)], node[row, column] - 1),
            "started": pa.array(started[row, column], pa.timestamp("s")).cast(pa.timestamp("us", "UTC")),
            "ended": pa.array(ended[row, column], pa.timestamp("s"), mask=is_open[row, column]).cast(
                pa.timestamp("us", "UTC")
            ),
            "state": _words(["DONE", "OPEN", "VOID"], status[row, column]),
            "customer_class": _words(["private", "business"], is_business[row].astype(np.int64)),
        }
    )


def _words(words: list[str], number: np.ndarray) -> pa.Array:
    return pa.array(words).take(pa.array(number))


def _numbered(prefix: str, number: np.ndarray) -> pa.Array:
    # numpy's own way to text takes ten times as long.
    digits = pa.array(number + 1_000_000_000).cast(pa.string())
    return pc.binary_join_element_wise(prefix, digits, "")


def write_source(path: Path, runs: int, seed: int) -> None:
    """Write the source's file, Parquet or CSV by its name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    tables = pieces(runs, seed)
    first = next(tables)
    if path.suffix == ".csv":
        with pa_csv.CSVWriter(path, first.schema) as csv_writer:
            csv_writer.write(first)
            for table in tables:
                csv_writer.write(table)
    else:
        with pq.ParquetWriter(path, first.schema, compression="zstd") as parquet_writer:
            parquet_writer.write_table(first)
            for table in tables:
                parquet_writer.write_table(table)


def synthesize(home: Path, runs: int, *, suffix: str = "parquet", seed: int = 1) -> None:
    """Make a home with a catalogue and ``runs`` node runs waiting in ``HOME/source``."""
    write_catalogue(home / "catalogue", suffix)
    write_source(home / "source" / f"runs.{suffix}", runs, seed)


def main() -> None:
    """Make a home as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("home", type=Path)
    parser.add_argument("--runs", type=int, default=1_000_000)
    parser.add_argument("--format", choices=["parquet", "csv"], default="parquet")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with measured(f"synthesize {options.runs:,} runs"):
        synthesize(options.home, options.runs, suffix=options.format, seed=options.seed)
    print(f"as of: {AS_OF.isoformat()}")


if __name__ == "__main__":
    main()
