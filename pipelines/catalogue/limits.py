"""The limits of a commitment as people write them: a length of time, working days, or what the customer was told."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from pipelines.catalogue.times import length_of

LimitKind = Literal["time", "working_days", "promised"]

WORKING_DAYS = re.compile(r"(\d+)\s*wd(?:\s+(\d{1,2}):(\d{2})(?::(\d{2}))?)?", re.IGNORECASE)
SEEMS_WORKING_DAYS = re.compile(r"\d\s*wd|\b(?:working|business) days?\b", re.IGNORECASE)
PROMISED = re.compile(r"promised(?:\s*\+\s*(\S.*))?", re.IGNORECASE)

# As for lengths of time: more than 100 years is a slip of the keyboard.
MOST_WORKING_DAYS = 36_600

DAY_S = 86_400

AS_WORKING_DAYS = "write 3wd for the end of the third working day after, or 1wd 16:00 for a time on the next"
AS_PROMISED = "write promised, or promised+8h for working time after it"


@dataclass(frozen=True)
class Limit:
    """A limit taken apart: what it does not have is None.

    ``us`` is the working time allowed, or what is added to the promise; ``days`` how many working days, of which the
    last ends at ``clock``: '' for its closing time, else HH:MM or HH:MM:SS.
    """

    kind: LimitKind
    us: int | None = None
    days: int | None = None
    clock: str | None = None
    # Days of 24 hours, which only a clock that never stops has.
    has_days: bool = False

    def is_below(self, other: Limit) -> bool:
        """Say whether this one surely falls before ``other``; kinds that differ depend on the run."""
        if self.kind != other.kind:
            return False
        if self.kind == "working_days":
            # A closing time may be any time, even after midnight.
            return bool(self.clock) == bool(other.clock) and self._days_and_clock < other._days_and_clock
        return (self.us or 0) < (other.us or 0)

    @property
    def _days_and_clock(self) -> tuple[int, int]:
        return self.days or 0, clock_seconds(self.clock or "")


@lru_cache(maxsize=10_000)
def limit_of(text: str) -> Limit:
    """Return a limit taken apart."""
    if text.lower().startswith("promised"):
        return _promised(text)
    if SEEMS_WORKING_DAYS.search(text):
        return _working_days(text)
    length_us, has_days = length_of(text)
    return Limit("time", us=length_us, has_days=has_days)


def clock_seconds(clock: str) -> int:
    """Return the seconds from midnight to a time of day written as HH:MM or HH:MM:SS; none for a closing time."""
    parts = [int(part) for part in clock.split(":")] if clock else []
    return sum(part * unit for part, unit in zip(parts, (3600, 60, 1), strict=False))


def _promised(text: str) -> Limit:
    parts = PROMISED.fullmatch(text)
    if parts is None:
        raise ValueError(f"is not a limit by the promise; {AS_PROMISED}")
    if parts[1] is None:
        return Limit("promised", us=0)
    try:
        added_us, has_days = length_of(parts[1])
    except ValueError as error:
        raise ValueError(f"adds to the promise what {error}") from None
    return Limit("promised", us=added_us, has_days=has_days)


def _working_days(text: str) -> Limit:
    parts = WORKING_DAYS.fullmatch(text)
    if parts is None:
        raise ValueError(f"is not a number of working days; {AS_WORKING_DAYS}")
    days, hour, minute, second = parts.groups()
    if int(days) == 0:
        raise ValueError(
            "ends before it begins: the day of the start does not count; write 1wd for the end of the next working "
            "day, or a length such as 4h for one that may end on the same day"
        )
    if int(days) > MOST_WORKING_DAYS:
        raise ValueError(f"is longer than 100 years; {AS_WORKING_DAYS}")
    if hour is None:
        return Limit("working_days", days=int(days), clock="")
    clock = f"{int(hour):02d}:{minute}" + (f":{second}" if second else "")
    if int(minute) > 59 or int(second or 0) > 59 or clock_seconds(clock) > DAY_S:
        raise ValueError("has a time that no day has; write it from 00:00 to 24:00, e.g. 1wd 16:00")
    return Limit("working_days", days=int(days), clock=clock)
