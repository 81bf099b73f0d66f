"""Working time by look-up over laid-out intervals, as the warehouse does it, for tests in numpy."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pipelines.calendars import worked_before
from pipelines.zones import BEGINNING_US, Instants


class Clock:
    """A calendar's working intervals with the working time before each; all times are microseconds."""

    def __init__(self, from_us: Instants, to_us: Instants) -> None:
        # An empty interval before everything, so that every instant has one that began before it.
        self.from_us, self.to_us = np.append(BEGINNING_US, from_us), np.append(BEGINNING_US, to_us)
        self.before_us = worked_before(self.from_us, self.to_us)
        self.after_us = self.before_us + (self.to_us - self.from_us)

    def worked_until(self, instants: npt.ArrayLike) -> Instants:
        """Return the working time from the beginning of the calendar up to each instant: B(x) of design.md."""
        instants = np.asarray(instants, dtype=np.int64)
        row = np.searchsorted(self.from_us, instants, side="right") - 1
        return self.before_us[row] + np.minimum(instants, self.to_us[row]) - self.from_us[row]

    def elapsed(self, start: npt.ArrayLike, end: npt.ArrayLike) -> Instants:
        """Return the working time between instants."""
        return self.worked_until(end) - self.worked_until(start)

    def deadline(self, start: npt.ArrayLike, limit: npt.ArrayLike) -> Instants:
        """Return the earliest instant at which ``limit`` has been worked since ``start``; -1: beyond the calendar."""
        start, limit = np.asarray(start, dtype=np.int64), np.asarray(limit, dtype=np.int64)
        target = self.worked_until(start) + limit
        # The first interval that reaches the target, not the next one that begins with it: due at closing time.
        row = np.searchsorted(self.after_us, target, side="left")
        inside = np.minimum(row, len(self.after_us) - 1)
        due = self.from_us[inside] + target - self.before_us[inside]
        return np.where(limit == 0, start, np.where(row < len(self.after_us), due, -1))
