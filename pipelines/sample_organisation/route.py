"""Walks all work orders of a process through its nodes at once, a column of instants at a time."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from pipelines.sample_organisation.staff_hours import NEVER, StaffHours

# Room for the steps of one work order in the number that identifies a step for ever.
STEPS = 16


@dataclass
class Route:
    """Where each work order is now, and every step that it took."""

    now: np.ndarray
    cancelled_at_step: np.ndarray
    stuck_at_step: np.ndarray
    given_up_after: np.ndarray
    grain: int = 1
    going: np.ndarray = field(init=False)
    _steps: list[pd.DataFrame] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self.now = self._cut(self.now)
        self.going = np.ones(len(self.now), dtype=bool)

    def visit(
        self,
        node: str,
        seconds: np.ndarray,
        hours: StaffHours,
        where: np.ndarray | None = None,
        unless: tuple[np.ndarray, StaffHours] | None = None,
    ) -> np.ndarray:
        """Pass through ``node``; ``unless`` gives those work orders that other staff handle. Returns who was there."""
        step = len(self._steps)
        here = self.going if where is None else self.going & where
        # A cancelled step ends part of the way; one that is stuck never ends.
        ends_early = here & (self.cancelled_at_step == step)
        effort = np.where(ends_early, seconds * self.given_up_after, seconds).astype(np.int64)
        done = hours.after(self.now, effort)
        if unless is not None:
            done = np.where(unless[0], unless[1].after(self.now, effort), done)
        done = np.where(here & (self.stuck_at_step == step), NEVER, self._cut(done))
        self._steps.append(
            pd.DataFrame(
                {
                    "order": np.flatnonzero(here),
                    "step": step,
                    "node": node,
                    "started": self.now[here],
                    "ended": done[here],
                    "is_cancelled": ends_early[here],
                }
            )
        )
        self.now = np.where(here, done, self.now)
        self.going = self.going & ~ends_early & (self.now < NEVER)
        return here

    def wait(self, seconds: np.ndarray, hours: StaffHours, where: np.ndarray | None = None) -> None:
        """Lie between two nodes."""
        here = self.going if where is None else self.going & where
        later = self._cut(hours.after(self.now, seconds))
        self.now = np.where(here, later, self.now)
        self.going = self.going & (self.now < NEVER)

    def steps(self, process_number: int, ordinal: np.ndarray) -> pd.DataFrame:
        """Every step, with ``row``: a number that identifies it for ever."""
        steps = pd.concat(self._steps, ignore_index=True)
        order = steps["order"].to_numpy()
        steps.insert(0, "row", (process_number * 10**8 + ordinal[order]) * STEPS + steps["step"].to_numpy())
        return steps

    def _cut(self, instants: np.ndarray) -> np.ndarray:
        return np.where(instants >= NEVER, NEVER, instants // self.grain * self.grain)


def at_step(uniform: np.ndarray, share_by_step: dict[int, float]) -> np.ndarray:
    """The step at which something befalls a work order, or -1."""
    edges = np.cumsum(list(share_by_step.values()))
    steps = np.array([*share_by_step, -1])
    return steps[np.searchsorted(edges, uniform, side="right")]
