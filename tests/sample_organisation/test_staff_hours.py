"""Staff work exactly when the catalogue's clocks run, though neither reads the other."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pytest

from pipelines.calendars import lay_out
from pipelines.catalogue import Catalogue, read_catalogue
from pipelines.home import Home
from pipelines.sample_organisation.staff_hours import DAY, NEVER, StaffHours, staff

PROJECT = Path(__file__).parents[2]
FIRST, LAST = dt.date(2025, 4, 1), dt.date(2027, 11, 30)


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    environment = {"CRM_DATABASE_URL": "postgresql://reader@/crm", "TICKETING_DATABASE_URL": "sqlite:///tickets.db"}
    return read_catalogue(Home(PROJECT / "data"), environment)


@pytest.mark.parametrize(
    ("calendar", "hours"),
    [
        ("office", "office"),
        ("shop", "shop"),
        ("field_crews", "field"),
        ("night_window", "night"),
        ("vendor_stockholm", "stockholm"),
    ],
)
def test_staff_hours_are_those_of_the_catalogue(calendar: str, hours: str, catalogue: Catalogue) -> None:
    of_staff: StaffHours = getattr(staff(FIRST, LAST), hours)
    begin_us, end_us = lay_out(catalogue.calendars[calendar])
    inside = (begin_us // 1_000_000 >= of_staff.begin[0]) & (end_us // 1_000_000 <= of_staff.end[-1])

    np.testing.assert_array_equal(of_staff.begin, begin_us[inside] // 1_000_000)
    np.testing.assert_array_equal(of_staff.end, end_us[inside] // 1_000_000)


def test_the_sample_catalogue_has_neither_mistakes_nor_warnings(catalogue: Catalogue) -> None:
    assert catalogue.warnings == []


def test_work_is_done_inside_working_hours() -> None:
    nine_to_five = StaffHours.of([(9 * 3600, 17 * 3600), (DAY + 9 * 3600, DAY + 17 * 3600)])
    begun = np.array([8 * 3600, 16 * 3600, 18 * 3600, DAY + 16 * 3600])

    done = nine_to_five.after(begun, np.array([3600, 2 * 3600, 60, 2 * 3600]))

    # Begun before opening; carried over night; begun in the evening; never done, for there is no third day.
    assert done.tolist() == [10 * 3600, DAY + 10 * 3600, DAY + 9 * 3600 + 60, int(NEVER)]
    assert nine_to_five.worked(np.array([0, 9 * 3600 + 60, 20 * 3600])).tolist() == [0, 60, 8 * 3600]
