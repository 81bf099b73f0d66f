"""A home for working time: the runs of ``synthesize`` with pauses, promises, every kind of limit and 20 calendars.

``python -m tests.benchmark.working_time.home HOME --runs 1000000``. The same seed gives the same home.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tests.benchmark.measure import measured
from tests.benchmark.synthesize import (
    AS_OF,
    NODES,
    ORGANISATION,
    PROCESSES,
    TIGHTENED_ON,
    median_hours,
    pieces,
    processes_file,
)

AS_OF_S = int(AS_OF.timestamp())

# Hours a week, so that limits in working time suit durations by the clock; then the calendar as it is written.
CALENDARS: dict[str, tuple[float, str]] = {
    "24x7": (168, ""),
    "office_nl": (
        38.0,
        'time_zone: Europe/Amsterdam, hours: {mon-thu: ["09:00-12:30", "13:15-17:30"], fri: '
        '["09:00-16:00"]}, holidays: {country: NL}, exceptions: {2025-12-24: ["09:00-12:00"]}',
    ),
    "nights_nl": (40.0, 'time_zone: Europe/Amsterdam, hours: {sun-thu: ["22:00-06:00"]}, holidays: {country: NL}'),
    "shop_nl": (
        72.0,
        'time_zone: Europe/Amsterdam, hours: {mon-sat: ["08:00-20:00"]}, '
        'closures: [{from: "2025-09-10 14:00", to: "2025-09-10 16:30"}]',
    ),
    "office_uk": (
        40.0,
        'time_zone: Europe/London, hours: {mon-fri: ["09:00-13:00", "14:00-18:00"]}, '
        "holidays: {country: GB, subdivision: ENG}",
    ),
    "desk_uk": (98.0, 'time_zone: Europe/London, hours: {mon-sun: ["07:00-21:00"]}, holidays: {country: GB}'),
    "office_us": (
        40.0,
        'time_zone: America/New_York, hours: {mon-fri: ["08:00-12:00", "13:00-17:00"]}, holidays: {country: US}',
    ),
    "nights_us": (40.0, 'time_zone: America/New_York, hours: {sun-thu: ["22:00-06:00"]}, holidays: {country: US}'),
    "care_us": (
        80.0,
        'time_zone: America/Los_Angeles, hours: {mon-fri: ["06:00-22:00"]}, holidays: {country: US, subdivision: CA}',
    ),
    "weekend_us": (32.0, 'time_zone: America/Los_Angeles, hours: {fri: ["18:00-02:00"], sat-sun: ["08:00-20:00"]}'),
    "office_br": (
        44.0,
        'time_zone: America/Sao_Paulo, hours: {mon-fri: ["08:00-12:00", "13:00-17:00"], '
        'sat: ["08:00-12:00"]}, holidays: {country: BR}',
    ),
    "office_cn": (45.0, 'time_zone: Asia/Shanghai, hours: {mon-fri: ["09:00-18:00"]}, holidays: {country: CN}'),
    "plant_cn": (
        120.0,
        'time_zone: Asia/Shanghai, hours: {mon-fri: ["06:00-14:00", "14:00-22:00", "22:00-06:00"]}, '
        "holidays: {country: CN}",
    ),
    "office_jp": (
        37.5,
        'time_zone: Asia/Tokyo, hours: {mon-fri: ["09:00-12:00", "13:00-17:30"]}, holidays: {country: JP}',
    ),
    "office_in": (
        48.0,
        'time_zone: Asia/Kolkata, hours: {mon-sat: ["09:30-13:30", "14:00-18:00"]}, holidays: {country: IN}',
    ),
    "office_np": (
        40.0,
        'time_zone: Asia/Kathmandu, hours: {sun-fri: ["10:00-16:45"]}, holidays: [2025-10-02, 2025-10-03]',
    ),
    "shop_au": (
        72.0,
        'time_zone: Australia/Sydney, hours: {mon-sat: ["08:00-20:00"]}, holidays: {country: AU, subdivision: NSW}',
    ),
    "island_au": (35.0, 'time_zone: Australia/Lord_Howe, hours: {mon-fri: ["09:00-16:00"]}'),
    "office_eg": (40.0, 'time_zone: Africa/Cairo, hours: {sun-thu: ["08:00-16:00"]}, holidays: {country: EG}'),
    # Changed on a Wednesday: shorter days from then on.
    "changed_nl": (
        40.0,
        "time_zone: Europe/Amsterdam, holidays: {country: NL}, versions: [{valid_from: 2020-01-01, "
        'hours: {mon-fri: ["08:00-17:00"]}}, {valid_from: 2026-03-04, hours: {mon-fri: ["09:00-16:00"]}}]',
    ),
}
HORIZON = "horizon: {from: 2020-01-01, to: 2031-01-01}"

SOURCES = """\
sources:
  synthetic:
    kind: files
    connection: source
    time_zone: UTC
    entities:
      steps:
        shape: runs
        from: runs.parquet
        key: [order_no, step]
        columns:
          work_order_id: order_no
          process: process
          node: node
          started_at: started
          ended_at: ended
          status: state
          segment: customer_class
          promised_at: promised
        statuses: {completed: [DONE], in_progress: [OPEN], cancelled: [VOID]}
      waits:
        shape: pauses
        from: pauses.parquet
        key: [order_no, step, pause_no]
        columns:
          work_order_id: order_no
          process: process
          node: node
          started_at: paused
          ended_at: resumed
"""


def limits(process: int, node: int, hours: float, share: float) -> tuple[str, str]:
    """Return commitment and tolerance limit: half of the nodes have a time, the others one of the other kinds."""
    minutes = int(60 * hours * share)
    days = max(1, round(hours / 24 * 5 / 7))
    kinds = [(f"{minutes}m", f"{minutes * 3 // 2}m")] * 5 + [
        (f"{days}wd", f"{days + 2}wd"),
        (f"{days}wd 16:00", f"{days + 1}wd 16:00"),
        ("promised", f"promised+{max(1, minutes // 120)}h"),
        (f"promised+{max(1, minutes // 240)}h", f"promised+{max(2, minutes // 60)}h"),
        (f"{days}wd", f"{days}wd"),
    ]
    return kinds[(process + 3 * node) % len(kinds)]


def write_catalogue(folder: Path) -> None:
    """Write the catalogue: ``synthesize``'s processes, other calendars, limits of all kinds, tightened once."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "organisation.yml").write_text(ORGANISATION, encoding="utf-8")
    (folder / "processes.yml").write_text(processes_file(), encoding="utf-8")
    (folder / "sources.yml").write_text(SOURCES, encoding="utf-8")
    calendars = [f"  {name}: {{{written}, {HORIZON}}}" for name, (_, written) in CALENDARS.items() if written]
    (folder / "calendars.yml").write_text("calendars:\n" + "\n".join(calendars) + "\n", encoding="utf-8")
    lines = [
        "commitment_id,process,node,segment,calendar,commitment_limit,tolerance_limit,target_rate,valid_from,valid_to"
    ]
    names = list(CALENDARS)
    for process in range(PROCESSES):
        usual = [median_hours(process, node) for node in range(1, NODES + 1)]
        for node, hours in enumerate([0.75 * sum(usual), *usual]):
            calendar = names[(7 * process + node) % len(names)]
            share = CALENDARS[calendar][0] / 168
            for segment, strictness in (("", 1.0), ("business", 0.8)):
                for version, factor in (("loose", 1.0), ("tight", 0.85)):
                    commitment, tolerance = limits(process, node, hours * 2.5 * strictness * factor, share)
                    valid = f",{TIGHTENED_ON}" if version == "loose" else f"{TIGHTENED_ON},"
                    name = "-".join(part for part in (f"p{process}", f"n{node}", segment, version) if part)
                    lines.append(
                        f"{name},p{process},{f'n{node}' if node else ''},{segment},{calendar},"
                        f"{commitment},{tolerance},0.9,{valid}"
                    )
    (folder / "commitments.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def runs_and_pauses(runs: int, seed: int) -> Iterator[tuple[pa.Table, pa.Table]]:
    """Yield ``synthesize``'s node runs with a promise each, and the pauses of a fifth of them."""
    random = np.random.default_rng([seed, 1])
    usual_s = 3600 * np.array([[median_hours(p, n) for n in range(1, NODES + 1)] for p in range(PROCESSES)])
    for table in pieces(runs, seed):
        started = _seconds(table["started"])
        usual = usual_s[_number(table["process"]), _number(table["node"]) - 1]
        promised = started + (2.5 * usual * random.lognormal(0.0, 0.5, len(started))).astype(np.int64)
        # Some are promised for before the work began, a few not at all.
        promised = np.where(random.random(len(started)) < 0.01, started - 3600, promised)
        is_unpromised = random.random(len(started)) < 0.03
        yield (
            table.append_column("promised", _instants(promised, is_unpromised)),
            _pauses(random, table, started),
        )


def _pauses(random: np.random.Generator, table: pa.Table, started: np.ndarray) -> pa.Table:
    """One to three pauses a run: some overlap, begin before it, end after it, stay open, or are the whole order's."""
    runs = np.flatnonzero(random.random(len(started)) < 0.2)
    row = np.repeat(runs, random.integers(1, 4, len(runs)))
    is_last = np.diff(row, append=-1) != 0
    number = np.arange(len(row)) - np.searchsorted(row, row)
    is_running = table["ended"].is_null().to_numpy()[row]
    ended = _seconds(pc.fill_null(table["ended"], AS_OF))[row]
    took = ended - started[row]
    is_open = is_running & is_last & (random.random(len(row)) < 0.4)
    # An open one begins within the run that it holds up.
    begin = np.where(is_open, random.random(len(row)), random.uniform(-0.05, 1.0, len(row)))
    paused = np.minimum(started[row] + (begin * took).astype(np.int64), AS_OF_S - 120)
    resumed = np.minimum(paused + 60 + random.exponential(0.15 * took + 600).astype(np.int64), AS_OF_S - 1)
    is_whole_order = random.random(len(row)) < 0.15
    taken = table.select(["order_no", "step", "process", "node"]).take(pa.array(row))
    return pa.table(
        {
            "order_no": taken["order_no"],
            "step": taken["step"],
            "pause_no": pa.array(number.astype(np.int32)),
            "process": taken["process"],
            "node": pc.if_else(pa.array(is_whole_order), pa.scalar(None, pa.string()), taken["node"]),
            "paused": _instants(paused),
            "resumed": _instants(resumed, is_open),
        }
    )


def _number(words: pa.ChunkedArray) -> np.ndarray:
    return pc.utf8_slice_codeunits(words, 1).cast(pa.int64()).to_numpy()


def _seconds(instants: pa.ChunkedArray) -> np.ndarray:
    return instants.cast(pa.int64()).to_numpy() // 1_000_000


def _instants(seconds: np.ndarray, is_null: np.ndarray | None = None) -> pa.Array:
    return pa.array(seconds, pa.timestamp("s"), mask=is_null).cast(pa.timestamp("us", "UTC"))


def make_home(home: Path, runs: int, seed: int = 1) -> None:
    """Make a home with a catalogue and ``runs`` node runs and their pauses waiting in ``HOME/source``."""
    write_catalogue(home / "catalogue")
    (home / "source").mkdir(parents=True, exist_ok=True)
    tables = runs_and_pauses(runs, seed)
    first = next(tables)
    writers = [
        pq.ParquetWriter(home / "source" / f"{name}.parquet", table.schema, compression="zstd")
        for name, table in zip(("runs", "pauses"), first, strict=True)
    ]
    for pair in (first, *tables):
        for writer, table in zip(writers, pair, strict=True):
            writer.write_table(table)
    for writer in writers:
        writer.close()


def main() -> None:
    """Make a home as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("home", type=Path)
    parser.add_argument("--runs", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with measured(f"synthesize {options.runs:,} runs"):
        make_home(options.home, options.runs, options.seed)


if __name__ == "__main__":
    main()
