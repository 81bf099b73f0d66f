"""``python -m tests.benchmark.working_time``: the models beside SQL by hand, the look-up beside three packages.

``--runs`` says how many node runs the first two compute; ``--peers`` names the Python that has the packages.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

import numpy as np

from .compare import differences
from .lookups import LookUp, spans

FIGURES = re.compile(r"^(\w[\w ]*):.*?([\d.]+) s wall\s+([\d.]+) s cpu\s+([\d.]+) MiB", re.MULTILINE)
PEERS = Path(__file__).parents[3] / ".venv-benchmark" / "bin" / "python"
PEERS_MODULE = Path(__file__).with_name("peers.py")
# Enough for the quickest package; the slowest does as many as it can in a few seconds.
SAMPLE = {"10 days": (10, 10_000), "1 year": (365, 2_000)}
COPIED_TO = 10_000_000
LENGTHS = {"1 day": 1, "10 days": 10, "1 year": 365, "3 years": 1095}
LONG_AND_SHORT = 1_000_000

Part = tuple[float, float, float]


def child(*arguments: str) -> dict[str, Part]:
    """Run a module of the benchmark; wall seconds, CPU seconds and peak MiB of each part that it measured."""
    command = [sys.executable, "-m", *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=3600)
    parts: dict[str, Part] = defaultdict(lambda: (0.0, 0.0, 0.0))
    for name, *figures in FIGURES.findall(done.stdout):
        before, (wall, cpu, peak) = parts[name], map(float, figures)
        parts[name] = (before[0] + wall, before[1] + cpu, max(before[2], peak))
    return parts


def against_hand_written(runs: int, home: Path) -> None:
    """Print what the models and the hand-written SQL take for so many node runs, and how often they differ."""
    child("tests.benchmark.working_time.home", str(home), "--runs", str(runs))
    for stage in ("land", "gate"):
        child("tests.benchmark.stages", stage, str(home))
    models = child("tests.benchmark.working_time.models", str(home))
    by_hand = child("tests.benchmark.working_time.hand_written", str(home))
    differing = differences(home)
    print(f"\n{runs:,} node runs ({differing['runs']:,} with process runs), 20 calendars, a fifth paused\n")
    print("| part | models: CPU s | wall s | peak MiB | by hand: CPU s | wall s | peak MiB | models / by hand (CPU) |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for sides in (models, by_hand):
        wall, cpu, peak = zip(sides["spans"], sides["working time"], strict=True)
        sides["both"] = (sum(wall), sum(cpu), max(peak))
    names = {"spans": "runs as they stood", "working time": "working time, deadlines, states", "both": "both"}
    for part, name in names.items():
        cells = [f"{cpu:.1f} | {wall:.1f} | {peak:.0f}" for wall, cpu, peak in (models[part], by_hand[part])]
        print(f"| {name} | {' | '.join(cells)} | {models[part][1] / by_hand[part][1]:.1f} |")
    wall, cpu, peak = models["wide"]
    print(f"| fct_run, once more and in full width | {cpu:.1f} | {wall:.1f} | {peak:.0f} | | | | |")
    print(f"\nDifferences: {', '.join(f'{name} {count:,}' for name, count in differing.items() if name != 'runs')}")


def against_peers(look_up: LookUp, python: Path) -> None:
    """Print runs a CPU second of each package and of the look-up, and how many answers differ."""
    asked = {name: spans(days, count) for name, (days, count) in SAMPLE.items()}
    question = {
        "zone": "Europe/Amsterdam",
        "holidays": [day.isoformat() for day in look_up.holidays],
        "spans": {name: np.stack(span, axis=1).tolist() for name, span in asked.items()},
    }
    done = subprocess.run([python, PEERS_MODULE], input=json.dumps(question), capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{python} cannot run the packages:\n{done.stderr}")
    ours = {name: look_up.measure(*span, COPIED_TO // len(span[0])) for name, span in asked.items()}
    answers = {name: look_up.answers(*span) for name, span in asked.items()}
    print(f"\nElapsed alone, one office calendar; the sample copied to {COPIED_TO:,} runs for the look-up\n")
    print("| runs of | by | asked for | runs a CPU second | look-up / it | differing answers |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name, rate in ours.items():
        print(f"| {name} | look-up | hours and holidays | {rate:,.0f} | | |")
    for one in json.loads(done.stdout):
        compared = np.array(one["answers"])
        differing = int((np.abs(compared - answers[one["spans"]][: len(compared)]) > 0.5).sum())
        print(
            f"| {one['spans']} | {one['package']} {one['version']} | {one['asked']} | {one['rate']:,.0f} "
            f"| {ours[one['spans']] / one['rate']:,.0f} "
            f"| {f'{differing:,} of {len(compared):,}' if len(compared) else 'not the same question'} |"
        )


def by_length(look_up: LookUp) -> None:
    """Print runs a CPU second of short and of long runs."""
    rates = {name: look_up.measure(*spans(days, LONG_AND_SHORT)) for name, days in LENGTHS.items()}
    print(f"\n{LONG_AND_SHORT:,} runs of each length, elapsed alone\n")
    print("| runs of | runs a CPU second | cost of a run, 1 day = 1 |\n| --- | --- | --- |")
    for name, rate in rates.items():
        print(f"| {name} | {rate:,.0f} | {rates['1 day'] / rate:.2f} |")


def main() -> None:
    """Measure as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, action="append")
    parser.add_argument("--peers", type=Path, default=PEERS)
    options = parser.parse_args()
    for runs in options.runs or [1_000_000, 10_000_000]:
        with tempfile.TemporaryDirectory() as folder:
            against_hand_written(runs, Path(folder) / "home")
    with tempfile.TemporaryDirectory() as folder:
        look_up = LookUp(Path(folder) / "home")
        if options.peers.exists():
            against_peers(look_up, options.peers)
        else:
            print(f"\nThe packages are not installed in {options.peers}: make .venv-benchmark/.ready")
        by_length(look_up)


if __name__ == "__main__":
    main()
