"""The instant at which states are judged, as people write it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from pipelines.as_of import read_as_of
from pipelines.errors import UserError


@pytest.mark.parametrize(
    ("written", "zone", "instant"),
    [
        ("2026-03-19", "Asia/Shanghai", "2026-03-19T16:00:00+00:00"),
        ("2026-03-20T00:00:00+08:00", "Europe/Amsterdam", "2026-03-19T16:00:00+00:00"),
        ("2026-03-19T16:00Z", "Asia/Shanghai", "2026-03-19T16:00:00+00:00"),
        # The days on which the clocks change have 23 and 25 hours.
        ("2026-03-28", "Europe/Amsterdam", "2026-03-28T23:00:00+00:00"),
        ("2026-03-29", "Europe/Amsterdam", "2026-03-29T22:00:00+00:00"),
        # Midnight is skipped: the day begins at one.
        ("2018-11-03", "America/Sao_Paulo", "2018-11-04T03:00:00+00:00"),
    ],
)
def test_a_date_is_the_end_of_that_day_and_an_instant_is_itself(written: str, zone: str, instant: str) -> None:
    assert read_as_of(written, zone) == datetime.fromisoformat(instant)
    assert read_as_of(written, zone).tzinfo is UTC


@pytest.mark.parametrize("written", ["yesterday", "2026-02-30", "2026-03-20T00:00:00", "1950-01-01", "2101-01-01", ""])
def test_anything_else_is_refused_with_what_to_write_instead(written: str) -> None:
    with pytest.raises(UserError, match="2026-03-20T00:00:00"):
        read_as_of(written, "UTC")
