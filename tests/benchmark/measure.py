"""What a stage of the benchmark took: wall seconds, CPU seconds, peak memory."""

from __future__ import annotations

import re
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def measured(name: str) -> Iterator[None]:
    """Print the cost of what is done inside; peak memory is the process's so far."""
    wall, cpu = time.perf_counter(), _cpu_seconds()
    yield
    wall, cpu = time.perf_counter() - wall, _cpu_seconds() - cpu
    print(f"{name:<32} {wall:8.2f} s wall {cpu:8.2f} s cpu {peak_mebibytes():8.0f} MiB peak", flush=True)


def peak_mebibytes() -> float:
    """Return the most memory that this process has had resident."""
    # What getrusage says begins with what the parent had when it started this one.
    if (status := Path("/proc/self/status")).exists():
        found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text())
        if found:
            return int(found[1]) / 1024
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Linux counts kibibytes, macOS bytes.
    return most / (1024 if sys.platform != "darwin" else 1024 * 1024)


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
