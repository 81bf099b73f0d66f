"""Dates, instants and lengths of time as people write them in the catalogue."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Any
from zoneinfo import available_timezones

from pydantic import AfterValidator, BeforeValidator, ValidationInfo

from pipelines.catalogue.base import Text, as_text
from pipelines.catalogue.reading import File, suggest
from pipelines.zones import DAY_US, SECOND_US, day_number, instant_us, is_zone, midnight_us, to_utc

DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
INSTANT = re.compile(r"(\d{4}-\d{2}-\d{2})[ T](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?) ?(Z|[+-]\d{2}:?\d{2})?")

UNITS_US = {"d": DAY_US, "h": 3600 * SECOND_US, "m": 60 * SECOND_US, "s": SECOND_US}
_COUNT = r"(?:(\d+(?:\.\d+)?){unit})?"
LENGTH = re.compile(r"\s*".join(_COUNT.format(unit=unit) for unit in UNITS_US))
ISO_LENGTH = re.compile(
    "P" + _COUNT.format(unit="D") + "(?:T(?=.)" + "".join(_COUNT.format(unit=u) for u in "HMS") + ")?"
)
NUMBER = re.compile(r"\d+(?:\.\d+)?")

# A limit beyond it is a slip of the keyboard, and its sum with an instant would not fit into 64 bits.
LONGEST_US = 100 * 366 * DAY_US

LENGTHS = "write it like 4h, 90m, 1h30m, 45s or PT4H"


def date_of(text: str) -> date:
    """Return a date written as 2026-01-31."""
    if not DATE.fullmatch(text):
        raise ValueError("is not a date; write it as year-month-day, e.g. 2026-01-31")
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError("is no date of the calendar; write it as year-month-day, e.g. 2026-01-31") from None


@lru_cache(maxsize=100_000)
def instant_of(text: str, zone: str, is_local_time_allowed: bool = False) -> int:
    """Return a date (its midnight in ``zone``) or an instant as microseconds since 1970 UTC."""
    if DATE.fullmatch(text):
        return midnight_us(zone, date_of(text))
    parts = INSTANT.fullmatch(text)
    if parts is None:
        raise ValueError(
            "is not a date or an instant; write it as 2026-01-31 or "
            + ("2026-01-31 09:00" if is_local_time_allowed else "2026-01-31T09:00:00+01:00")
        )
    day, time, offset = parts.groups()
    day = date_of(day)
    try:
        instant = datetime.fromisoformat(f"{day}T{time}{offset or ''}")
    except ValueError:
        raise ValueError("has a time that no clock shows; hours go from 00 to 23, minutes and seconds to 59") from None
    if offset:
        return instant_us(instant)
    if not is_local_time_allowed:
        raise ValueError("has a time without offset; add it, e.g. 2026-01-31T09:00:00+01:00, or write the date alone")
    seconds = (instant.hour * 60 + instant.minute) * 60 + instant.second
    local_us = day_number(day) * DAY_US + seconds * SECOND_US + instant.microsecond
    return int(to_utc(zone, local_us))


@lru_cache(maxsize=10_000)
def length_of(text: str) -> tuple[int, bool]:
    """Return a length of time in microseconds, and whether it was written with days."""
    if NUMBER.fullmatch(text):
        raise ValueError("has no unit; write 4h for hours, 90m for minutes or 45s for seconds")
    parts = ISO_LENGTH.fullmatch(text.upper()) if text[:1] in "Pp" else LENGTH.fullmatch(text.lower())
    if parts is None or not any(parts.groups()):
        raise ValueError(f"is not a length of time; {LENGTHS}")
    total = sum(Decimal(count) * unit for count, unit in zip(parts.groups(), UNITS_US.values(), strict=True) if count)
    if total != int(total):
        raise ValueError(f"is finer than a microsecond; {LENGTHS}")
    if total > LONGEST_US:
        raise ValueError(f"is longer than 100 years; {LENGTHS}")
    return int(total), bool(parts[1])


def zone_of(name: str) -> str:
    """Return the name of a time zone, if it is one."""
    if is_zone(name):
        return name
    zones = available_timezones()
    cities = [zone for zone in zones if zone.lower().endswith("/" + name.lower().replace(" ", "_"))]
    remedy = f"did you mean '{min(cities)}'?" if cities else suggest(name, zones)
    if remedy.startswith("known"):
        remedy = "write it as in the tz database, e.g. Europe/Amsterdam"
    raise ValueError(f"is not a time zone; {remedy}")


def _instant(value: Any, info: ValidationInfo) -> Any:
    value = as_text(value)
    if not isinstance(value, str):
        return value
    return instant_of(value.strip(), info.context.zone if isinstance(info.context, File) else "UTC")


def _length(value: Any) -> Any:
    text = as_text(value)
    return length_of(text.strip())[0] if isinstance(text, str) else value


ZoneName = Annotated[Text, AfterValidator(zone_of)]
# Dates are midnights in the business time zone.
Instant = Annotated[int, BeforeValidator(_instant)]
LengthUs = Annotated[int, BeforeValidator(_length)]
