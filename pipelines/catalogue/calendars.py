"""calendars.yml: when the clock of a commitment runs."""

from __future__ import annotations

from datetime import date

from pipelines.catalogue.base import Model

# Seconds after local midnight; the end may be up to 48:00, the next day.
Window = tuple[int, int]


class CalendarVersion(Model):
    """The hours of a calendar while they hold: days 0 (Monday) to 6, exceptions instead of hours, holidays resolved."""

    valid_from_us: int | None = None
    valid_to_us: int | None = None
    time_zone: str
    hours: dict[int, tuple[Window, ...]] = {}
    holidays: frozenset[date] = frozenset()
    exceptions: dict[date, tuple[Window, ...]] = {}
    closures: tuple[tuple[int, int], ...] = ()


class Calendar(Model):
    """Working hours in a time zone, known between two local midnights: ``horizon_from`` and ``horizon_to``."""

    name: str
    time_zone: str
    horizon_from: date
    horizon_to: date
    versions: tuple[CalendarVersion, ...]
    description: str = ""
