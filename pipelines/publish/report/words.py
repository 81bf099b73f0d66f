"""How the report writes numbers: never a rounding that changes what is said."""

from __future__ import annotations

from datetime import date, datetime
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from markupsafe import Markup, escape

NONE = "–"

# Ordinary words are shorter; what is longer may break, so that one id does not widen a table.
LONG_WORD = 24
PIECE = 12


def count(value: int | None) -> str:
    """12,345"""
    return NONE if value is None else f"{value:,}"


def rate(value: float | None) -> str:
    """93.4%; what is not all never reads 100%, what is not none never 0%."""
    if value is None:
        return NONE
    if value in (0, 1):
        return f"{value:.0%}"
    if value >= 0.9995:
        return ">99.9%"
    if value < 0.0005:
        return "<0.1%"
    return f"{value:.1%}"


def target(value: float | None) -> str:
    """95% or 97.5%"""
    return NONE if value is None else f"{round(value * 100, 1):g}%"


def points(value: float | None) -> str:
    """+2.1 or −0.4: a difference of two rates in percentage points."""
    if value is None:
        return NONE
    if value == 0:
        return "±0"
    sign = "+" if value > 0 else "−"
    if abs(value) < 0.0005:
        return f"{sign}<0.1"
    return f"{sign}{abs(value) * 100:.1f}"


def duration(seconds: float | None) -> str:
    """45 s, 12 min, 3 h 20 min, 140 h: working time has no days."""
    if seconds is None:
        return NONE
    if seconds < 60:
        return f"{seconds:.0f} s" if seconds >= 1 or seconds == 0 else "<1 s"
    minutes = int(seconds // 60)
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h {minutes % 60:02d} min" if minutes % 60 else f"{minutes // 60} h"
    return f"{minutes // 60:,} h"


def age(seconds: float) -> str:
    """How long ago, in wall-clock time, which does have days."""
    hours = seconds / 3600
    if hours < 1:
        return f"{max(0, int(seconds // 60))} min"
    return f"{int(hours)} h" if hours < 48 else f"{int(hours // 24)} days"


def moment(value: datetime | None, zone: ZoneInfo) -> str:
    """23 Nov 2026, 09:30, in the business time zone."""
    if value is None:
        return NONE
    local = value.astimezone(zone)
    return f"{local.day} {local:%b %Y, %H:%M}"


def month(value: date) -> str:
    """November 2026"""
    return f"{value:%B %Y}"


def plural(number: int, one: str, many: str | None = None) -> str:
    """1 run, 2 runs"""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def web_link(value: str | None) -> str | None:
    """A link that a reader may follow; a source could deliver `javascript:` as well."""
    if not value:
        return None
    try:
        parts = urlsplit(value.strip())
    except ValueError:
        return None
    return value.strip() if parts.scheme in ("http", "https") and parts.netloc else None


def breakable(value: str) -> Markup:
    """Escaped text whose very long words may break."""
    return Markup(" ").join(
        Markup("<wbr>").join(escape(word[at : at + PIECE]) for at in range(0, len(word), PIECE))
        if len(word) > LONG_WORD
        else escape(word)
        for word in str(value).split(" ")
    )
