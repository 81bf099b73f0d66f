"""Elapsed working time by three Python packages: runs a CPU second and the answers, as JSON.

Runs in the environment of ``peers.txt``, so it imports nothing of this project. It reads the questions as JSON from
standard input: ``{"zone", "holidays", "spans": {name: [[started_s, ended_s], …]}}``.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Set
from datetime import UTC, date, datetime
from datetime import time as time_of_day
from importlib.metadata import version

import businesstimedelta
import pytz
from business_duration import businessDuration
from pm4py.util.business_hours import BusinessHours

OPENS, CLOSES = time_of_day(9), time_of_day(17)
DAY_S = 86_400
LONGEST_S = 3.0  # for each measurement: the slowest does some dozens of one-year runs in it

Elapsed = Callable[[datetime, datetime], float]


class WorkCalendar:
    """The holidays in the form that pm4py asks."""

    def __init__(self, holidays: Set[date]) -> None:
        self.holidays = holidays

    def is_working_day(self, day: date) -> bool:
        return day not in self.holidays


def peers(zone: str, holidays: Set[date]) -> Iterator[tuple[str, str, str, Elapsed]]:
    """Yield package, what it is asked, the clock that it is given, and the question."""
    for clock in ("zone", "utc"):
        tz = pytz.timezone(zone) if clock == "zone" else pytz.utc
        hours = businesstimedelta.WorkDayRule(OPENS, CLOSES, [0, 1, 2, 3, 4], tz=tz)
        rules = businesstimedelta.Rules([hours, businesstimedelta.HolidayRule(holidays, tz=tz)])
        rule, asked = (rules, "hours and holidays") if clock == "zone" else (hours, "hours only")
        yield "businesstimedelta", asked, clock, lambda a, b, rule=rule: rule.difference(a, b).timedelta.total_seconds()
    for asked, days in (("hours and holidays", holidays), ("hours only", None)):
        yield (
            "business-duration",
            asked,
            "local",
            lambda a, b, days=days: businessDuration(a, b, OPENS, CLOSES, holidaylist=days, unit="sec"),
        )
    slots = [(day * DAY_S + 9 * 3600, day * DAY_S + 17 * 3600) for day in range(5)]
    for asked, calendar in (("hours and holidays", WorkCalendar(holidays)), ("hours only", None)):
        yield (
            "pm4py",
            asked,
            "local",
            lambda a, b, calendar=calendar: BusinessHours(
                a, b, business_hour_slots=slots, work_calendar=calendar
            ).get_seconds(),
        )


def main() -> None:
    """Answer every question with every package, for a few seconds each."""
    asked = json.load(sys.stdin)
    zone, holidays = asked["zone"], {date.fromisoformat(day) for day in asked["holidays"]}
    measured = []
    for package, what, clock, elapsed in peers(zone, holidays):
        for name, spans in asked["spans"].items():
            given = [tuple(_told(second, zone, clock) for second in span) for span in spans]
            answers = []
            begun = time.process_time()
            for start, end in given:
                answers.append(elapsed(start, end))
                if time.process_time() - begun > LONGEST_S:
                    break
            rate = len(answers) / (time.process_time() - begun)
            # Without the holidays, or by another clock, the answers are to other questions.
            measured.append(
                {
                    "package": package,
                    "version": version(package),
                    "asked": what + (" in UTC" if clock == "utc" else ""),
                    "spans": name,
                    "rate": rate,
                    "answers": answers if what == "hours and holidays" else [],
                }
            )
    json.dump(measured, sys.stdout)


def _told(second: int, zone: str, clock: str) -> datetime:
    instant = datetime.fromtimestamp(second, UTC)
    if clock == "utc":
        return instant.astimezone(pytz.utc)
    local = instant.astimezone(pytz.timezone(zone))
    return local if clock == "zone" else local.replace(tzinfo=None)


if __name__ == "__main__":
    main()
