"""One module a process: what happened to its work orders, whoever records it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pandas as pd

from pipelines.sample_organisation.chance import Draws, choose
from pipelines.sample_organisation.staff_hours import Staff, months_of

DISTRICTS = {"Harbour": 5, "Old Town": 4, "University": 3, "Riverside": 3, "Airport": 2, "Hillside": 2}
SEGMENTS = {"gold": 12, "silver": 28, "standard": 60}

_EPOCH = dt.date(1970, 1, 1)
# Numbers of work orders count from here; any day before the first history will do.
_FIRST_NUMBERED_DAY = (dt.date(2020, 1, 1) - _EPOCH).days
_MOST_IN_A_DAY = 2000


@dataclass(frozen=True)
class Span:
    """The local days (since 1970) over which work orders are opened, whole months, and everybody's hours."""

    seed: int
    days: np.ndarray
    staff: Staff

    @property
    def months(self) -> np.ndarray:
        """Months since 1970."""
        return np.unique(months_of(self.days))


@dataclass(frozen=True)
class Work:
    """A process's work orders, and each step of them (`order` is the row of the work order)."""

    orders: pd.DataFrame
    steps: pd.DataFrame


def day_number(date: str) -> int:
    """Days since 1970 of an ISO date."""
    return (dt.date.fromisoformat(date) - _EPOCH).days


def ordinal(draws: Draws) -> np.ndarray:
    """A number for each work order that stays its own for ever."""
    return (draws.period - _FIRST_NUMBERED_DAY) * _MOST_IN_A_DAY + draws.number


def order_numbers(prefix: str, draws: Draws) -> np.ndarray:
    """The numbers that people use, such as `FR-260311-007`."""
    days = pd.Series(draws.period.astype("datetime64[D]")).dt.strftime("%y%m%d")
    return (prefix + "-" + days + "-" + pd.Series(draws.number + 1).astype(str).str.zfill(3)).to_numpy(dtype=object)


def customers(uniform: np.ndarray) -> np.ndarray:
    """Customer numbers; some come more than once."""
    return np.array([f"C{number:06d}" for number in (100_000 + uniform * 240_000).astype(int).tolist()], dtype=object)


def people(desk: str, size: int, identity: np.ndarray) -> np.ndarray:
    """Who did it: a number at a desk, never a name."""
    return np.array([f"{desk}-{number % size + 1:02d}" for number in identity.tolist()], dtype=object)


def described(prefix: str, draws: Draws, opened: np.ndarray, who: int, what: int, where: int) -> pd.DataFrame:
    """The columns that every process's work orders have, from the uniform numbers with these indexes."""
    return pd.DataFrame(
        {
            "order_no": order_numbers(prefix, draws),
            "opened": opened,
            "segment": choose(draws.uniform[:, what], SEGMENTS),
            "service_level": "",
            "priority": "",
            "location": choose(draws.uniform[:, where], DISTRICTS),
            "customer": customers(draws.uniform[:, who]),
        }
    )
