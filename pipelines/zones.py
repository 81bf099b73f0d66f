"""The one place of zone rules: local wall time to UTC and back, from the IANA rules that Python reads.

A wall time that the clocks skip is the instant of the change; one that happens twice is its first occurrence. So the
way from local time to UTC never turns back, and neighbouring intervals stay neighbours.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Instants = npt.NDArray[np.int64]

SECOND_US = 1_000_000
DAY_US = 86_400 * SECOND_US

# Source systems deliver birthdays and the year 9999 too, but no run starts outside these years.
FIRST_DAY = date(1900, 1, 1)
LAST_DAY = date(2100, 12, 31)

# Before and after everything; far enough from the ends of int64 that an offset can be added.
BEGINNING_US = -(2**62)
END_US = 2**62


@dataclass(frozen=True)
class ZoneTable:
    """The offsets of a zone in force one after the other, the first without a beginning.

    ``change_utc_us[k]`` is the instant from which ``offset_us[k]`` holds; ``local_from_us[k]`` is the same moment on
    the clocks that were about to be changed, from which on a wall time is read with offset k.
    """

    zone: str
    change_utc_us: Instants
    offset_us: Instants
    local_from_us: Instants


def is_zone(name: str) -> bool:
    """Say whether ``name`` is a zone of the tz database."""
    # These exist on many machines beside the real zones: the machine's own zone, and zones that count leap seconds.
    if name in ("localtime", "posixrules", "Factory") or name.startswith(("posix/", "right/")):
        return False
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown; no name at all; a folder such as "Europe"
        return False
    return True


@cache
def offsets(zone: str) -> ZoneTable:
    """Return every change of offset of ``zone`` from 1900 to 2101."""
    rules = ZoneInfo(zone)

    def offset_at(second: int) -> int:
        offset = datetime.fromtimestamp(second, rules).utcoffset()
        assert offset is not None
        return offset.days * 86_400 + offset.seconds

    first = day_number(FIRST_DAY) - 1
    # Python shows offsets, not changes. No zone has changed twice within a day, so one look a day misses none.
    days = range(first * 86_400, (day_number(LAST_DAY) + 3) * 86_400, 86_400)
    daily = [offset_at(second) for second in days]
    changes, values = [BEGINNING_US], [daily[0]]
    for index in np.flatnonzero(np.diff(daily)):
        before, after = days[index], days[index + 1]
        while after - before > 1:
            middle = (before + after) // 2
            if offset_at(middle) == daily[index]:
                before = middle
            else:
                after = middle
        changes.append(after * SECOND_US)
        values.append(offset_at(after))
    change_utc_us = np.array(changes, dtype=np.int64)
    offset_us = np.array(values, dtype=np.int64) * SECOND_US
    local_from_us = change_utc_us.copy()
    local_from_us[1:] += offset_us[:-1]
    return ZoneTable(zone, change_utc_us, offset_us, local_from_us)


def to_utc(zone: str, local_us: npt.ArrayLike) -> Instants:
    """Return the UTC instants of wall times.

    A wall time is given as microseconds, as if the clock had counted them from 1970-01-01 00:00 on.
    """
    table = offsets(zone)
    local = np.asarray(local_us, dtype=np.int64)
    row = np.searchsorted(table.local_from_us, local, side="right") - 1
    # Without the maximum a skipped wall time would land before the change that skips it.
    return np.maximum(local - table.offset_us[row], table.change_utc_us[row])


def to_local(zone: str, utc_us: npt.ArrayLike) -> Instants:
    """Return the wall times that the clocks of ``zone`` show at UTC instants, in the form that ``to_utc`` takes."""
    table = offsets(zone)
    utc = np.asarray(utc_us, dtype=np.int64)
    return utc + table.offset_us[np.searchsorted(table.change_utc_us, utc, side="right") - 1]


def midnight_us(zone: str, day: date) -> int:
    """Return the instant at which ``day`` begins in ``zone``."""
    return int(to_utc(zone, day_number(day) * DAY_US))


def day_number(day: date) -> int:
    """Return the number of days from 1970-01-01 to ``day``."""
    return day.toordinal() - _EPOCH_ORDINAL


def local_day_table(zone: str) -> pa.Table:
    """Return the rows with which SQL turns wall times of 1900 to 2100 into UTC.

    Join on ``local_day = floor(local_us / day)`` and ``local_from_us <= local_us < local_to_us``; the instant is
    ``greatest(local_us - offset_us, not_before_us)``. A day has one row, and one more for each change within it.
    """
    table = offsets(zone)
    start_us, end_us = day_number(FIRST_DAY) * DAY_US, (day_number(LAST_DAY) + 1) * DAY_US
    inside = table.local_from_us[(table.local_from_us > start_us) & (table.local_from_us < end_us)]
    local_from = np.union1d(np.arange(start_us, end_us, DAY_US, dtype=np.int64), inside)
    row = np.searchsorted(table.local_from_us, local_from, side="right") - 1
    return pa.table(
        {
            "local_day": local_from // DAY_US,
            "local_from_us": local_from,
            "local_to_us": np.append(local_from[1:], end_us),
            "offset_us": table.offset_us[row],
            "not_before_us": table.change_utc_us[row],
        }
    )


def instant_us(instant: datetime) -> int:
    """Return an aware datetime as microseconds since 1970 UTC, without the rounding of a float."""
    since = instant.astimezone(UTC) - _EPOCH
    return (since.days * 86_400 + since.seconds) * SECOND_US + since.microseconds


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_ORDINAL = _EPOCH.toordinal()
