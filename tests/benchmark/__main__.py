"""``make benchmark``: every stage of the daily run at 1 M and 10 M runs, and two yardsticks in the same run.

Each stage has a process of its own, so that its peak memory is its own. ``--runs`` says how many.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from .stages import STAGES

# Lines that are set in are parts of one that is not.
FIGURES = re.compile(r"^\S.*?([\d.]+) s wall\s+([\d.]+) s cpu\s+([\d.]+) MiB", re.MULTILINE)
PANDAS_AT_MOST = 1_000_000  # beyond, pandas does not fit in the memory that we allow ourselves


def measured_child(*arguments: str) -> tuple[float, float, float]:
    """Run a module of the benchmark; wall seconds, CPU seconds and peak MiB of all that it measured."""
    done = subprocess.run(
        [sys.executable, "-m", *arguments], stdout=subprocess.PIPE, text=True, check=True, timeout=3600
    )
    for said in re.findall(r"^  \S.* s$", done.stdout, re.MULTILINE):
        print(said.strip(), flush=True)
    parts = [[float(figure) for figure in part] for part in FIGURES.findall(done.stdout)]
    if not parts:
        raise SystemExit(f"{arguments}: no figures in {done.stdout!r}")
    wall, cpu, peaks = zip(*parts, strict=True)
    return sum(wall), sum(cpu), max(peaks)


def line(name: str, runs: int, wall: float, cpu: float, peak: float) -> None:
    """Print one row of the table."""
    print(f"| {name} | {wall:.1f} | {cpu:.1f} | {peak:.0f} | {runs / wall:,.0f} |", flush=True)


def benchmark(runs: int, home: str) -> None:
    """Print the table and the ratios for so many node runs."""
    print(f"\n{runs:,} node runs\n")
    measured_child("tests.benchmark.synthesize", home, "--runs", str(runs), "--format", "csv")
    figures = {name: measured_child("tests.benchmark.stages", name, home) for name in STAGES}
    print("\n| stage | wall s | CPU s | peak MiB | runs a second |\n| --- | --- | --- | --- | --- |")
    for name, figure in figures.items():
        line(name, runs, *figure)
    whole = [sum(figure[0] for figure in figures.values()), sum(figure[1] for figure in figures.values())]
    line("all", runs, *whole, max(figure[2] for figure in figures.values()))
    again = {name: measured_child("tests.benchmark.stages", name, home) for name in STAGES}
    line(
        "again, nothing new",
        runs,
        *(sum(f[i] for f in again.values()) for i in (0, 1)),
        max(f[2] for f in again.values()),
    )
    by_hand = measured_child("tests.benchmark.hand_written", home)
    line("hand-written SQL", runs, *by_hand)
    ratios = [f"dbt / hand-written SQL: {figures['build'][1] / by_hand[1]:.1f} (CPU)"]
    if runs <= PANDAS_AT_MOST:
        pandas = measured_child("tests.benchmark.pandas_reference", home)
        line("pandas, whole columns", runs, *pandas)
        ratios.append(f"pandas / hand-written SQL: {pandas[1] / by_hand[1]:.1f} (CPU)")
        ratios.append(f"pandas / dbt: {pandas[1] / figures['build'][1]:.2f} (CPU)")
    print("\n" + "\n".join(ratios), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, action="append")
    for wanted in parser.parse_args().runs or [1_000_000, 10_000_000]:
        with tempfile.TemporaryDirectory() as folder:
            benchmark(wanted, str(Path(folder) / "home"))
