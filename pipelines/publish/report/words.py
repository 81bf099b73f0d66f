"""How the report says things to its reader, in the reader's language: never a rounding that changes what is said."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_datetime
from babel.numbers import format_decimal
from markupsafe import Markup, escape

from pipelines.publish.report.labels import translations

NONE = "–"

# Ordinary words are shorter; what is longer may break, so that one id does not widen a table.
LONG_WORD = 24
PIECE = 12
# No page is read for the ten-thousandth character of a name.
LONGEST = 200


class Words:
    """The words of one language, with the times of one zone."""

    def __init__(self, language: str, zone: ZoneInfo) -> None:
        self.language = language
        self.zone = zone
        self.translations = translations(language)
        self._locale = Locale.parse(language, sep="-")

    def say(self, text: str, **values: Any) -> str:
        """A text of ours in the reader's language; ``%(name)s`` stands for a value."""
        said = self.translations.gettext(text)
        return said % values if values else said

    def counted(self, number: int, one: str, many: str) -> str:
        """1 run, 2 runs: ``%(n)s`` stands for the number."""
        return self.translations.ngettext(one, many, number) % {"n": self.count(number)}

    def number(self, value: float | None, digits: int = 1) -> str:
        """1,234.5"""
        if value is None:
            return NONE
        return format_decimal(value, format="#,##0" + ("." + "0" * digits if digits else ""), locale=self._locale)

    def count(self, value: int | None) -> str:
        """12,345"""
        return self.number(value, 0)

    def rate(self, value: float | None) -> str:
        """93.4%; what is not all never reads 100%, what is not none never 0%."""
        if value is None:
            return NONE
        if value in (0, 1):
            return f"{value:.0%}"
        if value >= 0.9995:
            return f">{self.number(99.9)}%"
        if value < 0.0005:
            return f"<{self.number(0.1)}%"
        return f"{self.number(value * 100)}%"

    def target(self, value: float | None) -> str:
        """95% or 97.5%"""
        return NONE if value is None else f"{format_decimal(round(value * 100, 1), '0.#', self._locale)}%"

    def points(self, value: float | None) -> str:
        """+2.1 or −0.4: a difference of two rates in percentage points."""
        if value is None:
            return NONE
        if value == 0:
            return "±0"
        sign = "+" if value > 0 else "−"
        if abs(value) < 0.0005:
            return f"{sign}<{self.number(0.1)}"
        return f"{sign}{self.number(abs(value) * 100)}"

    def duration(self, seconds: float | None) -> str:
        """45 s, 12 min, 3 h 20 min, 140 h: working time has no days."""
        if seconds is None:
            return NONE
        if seconds < 60:
            return self.say("%(seconds)s s", seconds=f"{seconds:.0f}" if seconds >= 1 or seconds == 0 else "<1")
        minutes = int(seconds // 60)
        if minutes < 60:
            return self.say("%(minutes)s min", minutes=minutes)
        if minutes < 48 * 60 and minutes % 60:
            return self.say("%(hours)s h %(minutes)s min", hours=minutes // 60, minutes=f"{minutes % 60:02d}")
        return self.say("%(hours)s h", hours=self.count(minutes // 60))

    def age(self, seconds: float | None) -> str:
        """How long ago, in wall-clock time, which does have days."""
        if seconds is None:
            return NONE
        hours = seconds / 3600
        if hours < 1:
            return self.say("%(minutes)s min", minutes=max(0, int(seconds // 60)))
        if hours < 48:
            return self.say("%(hours)s h", hours=int(hours))
        return self.counted(int(hours // 24), "%(n)s day", "%(n)s days")

    def moment(self, value: datetime | None) -> str:
        """23 Nov 2026, 09:30, in the business time zone."""
        if value is None:
            return NONE
        return format_datetime(value.astimezone(self.zone), self.say("d MMM y, HH:mm"), locale=self._locale)

    def day(self, value: date | None) -> str:
        """23 Nov 2026"""
        return NONE if value is None else format_date(value, self.say("d MMM y"), self._locale)

    def month(self, value: date) -> str:
        """November 2026"""
        return format_date(value, self.say("MMMM y"), self._locale)

    def short_month(self, value: date) -> str:
        """Nov"""
        return format_date(value, self.say("MMM"), self._locale)


def web_link(value: str | None) -> str | None:
    """A link that a reader may follow; a source could deliver `javascript:` as well."""
    if not value:
        return None
    try:
        parts = urlsplit(value.strip())
    except ValueError:
        return None
    return value.strip() if parts.scheme in ("http", "https") and parts.netloc else None


def short(value: str) -> str:
    """A text cut where it has no end; the workbook has it whole."""
    value = str(value)
    return value if len(value) <= LONGEST else value[:LONGEST] + "…"


def breakable(value: str) -> Markup:
    """Escaped and shortened text whose very long words may break."""
    return Markup(" ").join(
        Markup("<wbr>").join(escape(word[at : at + PIECE]) for at in range(0, len(word), PIECE))
        if len(word) > LONG_WORD
        else escape(word)
        for word in short(value).split(" ")
    )
