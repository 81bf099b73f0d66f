"""The instant at which states are judged: read from what people write, in the business time zone."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

from pipelines.errors import UserError
from pipelines.zones import midnight_us

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Nothing was measured before; business_day is laid out to 2100.
FIRST, LAST = datetime(1970, 1, 2, tzinfo=UTC), datetime(2100, 12, 30, tzinfo=UTC)

DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
REMEDY = "write an instant with its offset (2026-03-20T00:00:00+08:00) or a date (2026-03-19: the end of that day)"


def read_as_of(text: str, business_time_zone: str, option: str = "--as-of") -> datetime:
    """ISO 8601 with offset, or a date: the midnight that ends that day in the business time zone; always UTC."""
    written = text.strip()
    try:
        if DATE.fullmatch(written):
            instant = start_of_day(date.fromisoformat(written) + timedelta(days=1), business_time_zone)
        else:
            instant = datetime.fromisoformat(written)
    except (ValueError, OverflowError):
        raise UserError(f"{option} {text!r} is no time: {REMEDY}.") from None
    if instant.tzinfo is None:
        raise UserError(f"{option} {text!r} has no offset, so it could be any of several instants: {REMEDY}.")
    if not FIRST <= instant <= LAST:
        raise UserError(f"{option} {text!r} lies outside {FIRST:%Y-%m-%d} to {LAST:%Y-%m-%d}: {REMEDY}.")
    return instant.astimezone(UTC)


def start_of_day(day: date, zone: str) -> datetime:
    """The instant at which a local day begins."""
    return EPOCH + timedelta(microseconds=int(midnight_us(zone, day)))
