"""A short history (three months) of the sample organisation; the stories need the whole one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest

from pipelines.sample_organisation.world import World, first_day, simulate

SINCE = dt.date(2026, 8, 1)
# The end of a Tuesday at the operator: all systems have something of the day.
TODAY = dt.datetime(2026, 10, 20, 12, 30, tzinfo=dt.UTC)
TOMORROW = TODAY + dt.timedelta(days=1)
WHOLE_HISTORY_UNTIL = dt.datetime(2026, 11, 23, 4, 0, tzinfo=dt.UTC)


@pytest.fixture(scope="session")
def world() -> Callable[..., World]:
    """Plays the short history; each distinct one is played once."""
    played: dict[tuple, World] = {}

    def play(at: dt.datetime = TODAY, seed: int = 7, since: dt.date = SINCE) -> World:
        key = (seed, since, at)
        if key not in played:
            played[key] = simulate(seed, since, at)
        return played[key]

    return play


@pytest.fixture(scope="session")
def whole_history() -> World:
    """Eighteen months, as `make run` has them."""
    return simulate(7, first_day(WHOLE_HISTORY_UNTIL), WHOLE_HISTORY_UNTIL)
