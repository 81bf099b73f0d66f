"""One module a source system: what it records of the work, in its own words, form and time zone."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from pipelines.sample_organisation.staff_hours import HOME_OFFSET
from pipelines.sample_organisation.world import World


def seen(world: World, process: str, nodes: Sequence[str], view: int) -> pd.DataFrame:
    """The steps of ``process`` at ``nodes`` that had begun by ``view``, with their order's columns, oldest first."""
    work = world.work[process]
    steps = work.steps[work.steps["node"].isin(nodes)]
    rows = steps.join(work.orders, on="order").sort_values(["started", "row"], ignore_index=True)
    # The future is needed to decide which rows of a month are blemished, so it is hidden by the caller.
    return rows.assign(is_seen=rows["started"] <= view, is_ended=rows["ended"] <= view)


def hourly(world: World) -> int:
    """When an hourly export last ran."""
    return world.now // 3600 * 3600


def local_text(instants: np.ndarray, pattern: str) -> np.ndarray:
    """Local wall time of the operator as text."""
    return pd.Series(local_stamps(instants)).dt.strftime(pattern).to_numpy(dtype=object)


def local_stamps(instants: np.ndarray) -> np.ndarray:
    """Local wall time of the operator."""
    return (np.asarray(instants, dtype=np.int64) + HOME_OFFSET).astype("datetime64[s]")


def local_month(instants: np.ndarray) -> np.ndarray:
    """The local month, such as 2026-11."""
    return local_stamps(instants).astype("datetime64[M]").astype(str).astype(object)


def put(folder: Path, files: dict[str, bytes], pattern: str) -> None:
    """Make ``folder`` hold exactly these files of ``pattern``, each swapped in whole and only where it changed."""
    folder.mkdir(parents=True, exist_ok=True)
    for gone in set(folder.glob(pattern)) - {folder / name for name in files}:
        gone.unlink()
    for name, content in files.items():
        path = folder / name
        if path.exists() and path.read_bytes() == content:
            continue
        swap_in(path, content)


def swap_in(path: Path, content: bytes) -> None:
    """A reader sees the old file or the new one, never half of either."""
    unfinished = path.with_name(f".{path.name}.unfinished")
    unfinished.write_bytes(content)
    os.replace(unfinished, path)
