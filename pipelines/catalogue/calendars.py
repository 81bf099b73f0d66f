"""calendars.yml: when the clock of a commitment runs."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any

from pydantic import Field

from pipelines.catalogue.base import Model, as_text
from pipelines.catalogue.commitments import ROUND_THE_CLOCK
from pipelines.catalogue.reading import File, Place, WrittenDict, WrittenList, kind, suggest
from pipelines.catalogue.times import date_of, instant_of, zone_of
from pipelines.zones import midnight_us, to_local

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
WINDOW = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?\s*[-–]\s*(\d{1,2}):(\d{2})(?::(\d{2}))?")
DAY_S, LATEST_END_S = 86_400, 2 * 86_400

VERSION_KEYS = ("time_zone", "hours", "holidays", "exceptions", "closures", "horizon")
WINDOWS = 'write windows as ["09:00-12:30", "13:15-17:30"]'

DEFAULT_YEARS_BACK, DEFAULT_YEARS_AHEAD = 10, 5
# Zone rules are read for these years only.
FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(2100, 12, 31)

# Seconds after local midnight; the end comes after the start and is at most 48:00, the end of the next day.
Window = tuple[int, int]


class CalendarVersion(Model):
    """The hours of a calendar while they hold: days 0 (Monday) to 6, exceptions instead of hours, holidays resolved."""

    valid_from_us: int | None = None
    valid_to_us: int | None = None
    time_zone: str
    hours: dict[int, tuple[Window, ...]] = Field(default_factory=dict)
    holidays: frozenset[date] = frozenset()
    exceptions: dict[date, tuple[Window, ...]] = Field(default_factory=dict)
    closures: tuple[tuple[int, int], ...] = ()
    description: str = ""


class Calendar(Model):
    """Working hours in a time zone, known between two local midnights: ``horizon_from`` and ``horizon_to``."""

    name: str
    time_zone: str
    horizon_from: date
    horizon_to: date
    versions: tuple[CalendarVersion, ...] = Field(min_length=1)
    description: str = ""


def read_calendars(file: File, today: date) -> dict[str, Calendar]:
    """Return the calendars that could be read by name; what is wrong with the others is noted.

    A file that is missing is noted by the cross-checks: only they know whether a calendar is needed.
    """
    content = file.load_yaml("it needs the calendars that commitments.csv names, each with time_zone and hours")
    if content is None:
        return {}
    content = file.known(content, ("calendars",))
    calendars = {}
    for name, data in file.pairs(content.get("calendars"), ("calendars",), "calendar").items():
        place = ("calendars", name)
        if name == ROUND_THE_CLOCK:
            file.mistake(place, f"'{name}' is there without being written; remove it, or give your hours another name")
        elif data is None:
            file.mistake(place, f"{file.label(place)} is empty; give it hours, or remove it")
        else:
            before = len(file.mistakes)
            calendar = _Reader(file, name, today).calendar(file.pairs(data, place, "key"))
            if calendar is not None and len(file.mistakes) == before:
                calendars[name] = calendar
    return calendars


class _Reader:
    """Reads one calendar; each method takes what is written at a place and notes what is wrong with it."""

    def __init__(self, file: File, name: str, today: date) -> None:
        self.file = file
        self.name = name
        self.today = today
        # Where the file says when the horizon begins.
        self.stated_from: Place | None = None
        # Years of which the holidays library knows nothing, or not all, by the place of the country and what to say.
        self.unknown_years: dict[tuple[Place, str], list[tuple[int | None, set[int]]]] = {}

    def calendar(self, written: WrittenDict) -> Calendar | None:
        written = self.file.known(written, (*VERSION_KEYS, "versions"))
        shared = {key: value for key, value in written.items() if key != "versions"}
        layers = self._layers(written)
        zone = self._zone(written["time_zone"] if "time_zone" in written else (layers or [{}])[0].get("time_zone"))
        horizon = self._horizon(written.place, [shared, *layers])
        if horizon is None or zone is None:
            # To find the other mistakes any will do.
            horizon = horizon or _default_horizon(self.today)
        found = [(layer, self._version({**shared, **layer}, written.place, horizon)) for layer in layers]
        versions = self._one_after_the_other([(layer, version) for layer, version in found if version is not None])
        if zone is None or not versions:
            return None
        self._check_beginning(versions[0], horizon, zone, written.place)
        self._say_unknown_years(versions, horizon)
        return Calendar(
            name=self.name,
            time_zone=zone,
            horizon_from=horizon[0],
            horizon_to=horizon[1],
            versions=tuple(versions),
            description=versions[-1].description,
        )

    # ------------------------------------------------------------------ versions

    def _layers(self, written: WrittenDict) -> list[dict[str, Any]]:
        """Return what each version says; what stands beside `versions` holds for all that do not say otherwise."""
        if "versions" not in written:
            return [{}]
        place = (*written.place, "versions")
        layers = []
        for index, version in enumerate(self._list(written["versions"], place, "versions, each with valid_from")):
            at = (*place, index)
            if isinstance(version, WrittenDict):
                layers.append({"(place)": at, **self.file.known(version, (*VERSION_KEYS, "valid_from"))})
            else:
                self.file.mistake(
                    at, f"{self.file.label(at)} must be `key: value` pairs with valid_from, not {kind(version)}"
                )
        if written["versions"] == []:
            self.file.mistake(
                place, f"{self.file.label(place)} is empty; add a version, or write the hours without versions"
            )
        return layers

    def _version(self, written: dict[str, Any], place: Place, horizon: tuple[date, date]) -> CalendarVersion | None:
        place = written.get("(place)", place)
        zone = self._zone(written.get("time_zone"))
        if zone is None:
            zone, is_known = self.file.zone, False
        else:
            is_known = True
        valid_from_us = self._try(
            lambda text: instant_of(text, zone, True), written.get("valid_from"), (*place, "valid_from")
        )
        version = CalendarVersion(
            valid_from_us=valid_from_us,
            time_zone=zone,
            hours=self._hours(written.get("hours"), (*place, "hours")),
            holidays=self._holidays(written.get("holidays"), (*place, "holidays"), horizon, valid_from_us),
            exceptions=self._exceptions(written.get("exceptions"), (*place, "exceptions")),
            closures=self._closures(written.get("closures"), (*place, "closures"), zone),
        )
        version = version.model_copy(update={"description": _described(version, written.get("holidays"))})
        return version if is_known else None

    def _one_after_the_other(self, found: list[tuple[dict[str, Any], CalendarVersion]]) -> list[CalendarVersion]:
        """Return the versions in order, each ending where the next begins."""
        first: dict[int | None, Place] = {}
        for layer, version in found:
            # Without `versions` there is only one.
            place = layer.get("(place)", ())
            if version.valid_from_us is None and "valid_from" in layer:
                # Its valid_from could not be read, and has been noted.
                continue
            before = first.setdefault(version.valid_from_us, place)
            if before == place:
                continue
            label, other = self.file.label(place), f"{self.file.label(before)} (line {self.file.line(before)})"
            if version.valid_from_us is None:
                self.file.mistake(
                    place, f"{label} has no valid_from, and neither has {other}; only the first may begin without one"
                )
            else:
                self.file.mistake(
                    (*place, "valid_from"),
                    f"{label}.valid_from {self.file.shown((*place, 'valid_from'))} is also when {other} begins; give "
                    "each its own, or remove one",
                )
        # An open beginning comes first.
        ordered = sorted(
            (version for _, version in found),
            key=lambda version: (version.valid_from_us is not None, version.valid_from_us or 0),
        )
        ends = [*(version.valid_from_us for version in ordered), None][1:]
        return [version.model_copy(update={"valid_to_us": end}) for version, end in zip(ordered, ends, strict=True)]

    def _check_beginning(self, first: CalendarVersion, horizon: tuple[date, date], zone: str, place: Place) -> None:
        """Note hours that begin only after the horizon does, if that was stated, or after all of it."""
        if first.valid_from_us is None:
            return
        begins = _shown_instant(first.valid_from_us, first.time_zone)
        if first.valid_from_us >= midnight_us(zone, horizon[1]):
            self.file.mistake(
                place,
                f"{self.name} begins to hold at {begins}, after its horizon ends at {horizon[1]}; move one of the two",
            )
        elif self.stated_from is not None and first.valid_from_us > max(
            midnight_us(each, horizon[0]) for each in (zone, first.time_zone)
        ):
            self.file.mistake(
                self.stated_from,
                f"the horizon of {self.name} begins at {horizon[0]}, but its first version holds from {begins} on; let "
                "the horizon begin then, or leave valid_from out of the first version",
            )

    def _horizon(self, place: Place, layers: list[dict[str, Any]]) -> tuple[date, date] | None:
        """Return the horizon: of the calendar, or from the first of a version to the last of one."""
        starts, ends = [], []
        for written in (layer["horizon"] for layer in layers if "horizon" in layer):
            place = written.place if isinstance(written, WrittenDict) else (*place, "horizon")
            pairs = self.file.known(self.file.pairs(written, place, "from, to"), ("from", "to"))
            for key, found in (("from", starts), ("to", ends)):
                if key in pairs:
                    found.append(self._try(_day_with_zone_rules, pairs[key], (*place, key)))
                    if key == "from":
                        self.stated_from = (*place, key)
        if None in starts or None in ends:
            return None
        default = _default_horizon(self.today)
        horizon = min(starts, default=default[0]), max(ends, default=default[1])
        if horizon[0] >= horizon[1]:
            self.file.mistake(
                place, f"{self.file.label(place)} ends at {horizon[1]}, not after its beginning {horizon[0]}"
            )
            return None
        return horizon

    # ------------------------------------------------------------------ what a version says

    def _zone(self, written: Any) -> str | None:
        if written is None:
            return self.file.zone
        return self._try(zone_of, written, getattr(written, "place", ("calendars", self.name, "time_zone")))

    def _hours(self, written: Any, place: Place) -> dict[int, tuple[Window, ...]]:
        hours: dict[int, tuple[Window, ...]] = {}
        for key, windows in self.file.pairs(written, place, "mon-fri").items():
            at = (*self._place(written, place), key)
            found = self._windows(windows, at, is_empty_allowed=True)
            for day in self._days(key, at):
                if day in hours:
                    self.file.mistake(
                        at, f"{self.file.label(at[:-1])} gives {DAYS[day]} twice; put its windows into one list"
                    )
                hours[day] = found
        return {day: windows for day, windows in sorted(hours.items()) if windows}

    def _days(self, key: str, place: Place) -> list[int]:
        """Return the numbers of the days that ``mon``, ``mon-thu`` or ``sat, sun`` names."""
        found: list[int] = []
        for part in key.lower().split(","):
            ends = [end.strip()[:3] if end.strip() in _DAY_NAMES else "" for end in part.split("-")]
            if not 1 <= len(ends) <= 2 or any(end not in DAYS for end in ends):
                self.file.mistake(
                    place, f"'{self.file.key(place)}' is no day; write {', '.join(DAYS)} or a span such as mon-fri"
                )
                return []
            first, last = DAYS.index(ends[0]), DAYS.index(ends[-1])
            found += [day % 7 for day in range(first, last + 1 + (7 if last < first else 0))]
        return found

    def _windows(self, written: Any, place: Place, is_empty_allowed: bool = False) -> tuple[Window, ...]:
        if written is None and not is_empty_allowed:
            self.file.mistake(place, f"{self.file.label(place)} is empty; {WINDOWS}, or [] where it is closed")
        if isinstance(written, WrittenDict):
            self.file.mistake(place, f"{self.file.label(place)} must be a list; {WINDOWS}")
        windows = []
        for index, window in enumerate(self.file.items(written)):
            at = getattr(window, "place", (*place, index))
            windows.append(self._try(_window, window, at))
        return tuple(sorted(window for window in windows if window is not None))

    def _exceptions(self, written: Any, place: Place) -> dict[date, tuple[Window, ...]]:
        exceptions = {}
        for key, windows in self.file.pairs(written, place, "2026-12-24").items():
            at = (*self._place(written, place), key)
            try:
                day = date_of(key)
            except ValueError as error:
                self.file.mistake(at, f"{self.file.label(at[:-1])} '{self.file.key(at)}' {error}")
                continue
            exceptions[day] = self._windows(windows, at)
        return exceptions

    def _closures(self, written: Any, place: Place, zone: str) -> tuple[tuple[int, int], ...]:
        closures = []
        for index, closure in enumerate(self._list(written, place, "{from: …, to: …}")):
            at = (*self._place(written, place), index)
            pairs = self.file.known(self.file.pairs(closure, at, "from, to"), ("from", "to"))
            for key in ("from", "to"):
                if key not in pairs and isinstance(closure, WrittenDict):
                    self.file.mistake(
                        at, f"`{key}` is missing in {self.file.label(at)}: when it is closed, e.g. 2026-03-03 10:00"
                    )
            ends = [
                self._try(lambda text: instant_of(text, zone, True), pairs.get(key), (*at, key))
                for key in ("from", "to")
            ]
            if None in ends:
                continue
            if ends[0] >= ends[1]:
                self.file.mistake(
                    (*at, "to"),
                    f"{self.file.label(at)} ends at {self.file.shown((*at, 'to'))}, not after its beginning "
                    f"{self.file.shown((*at, 'from'))}",
                )
            closures.append((ends[0], ends[1]))
        return tuple(closures)

    def _holidays(
        self, written: Any, place: Place, horizon: tuple[date, date], valid_from_us: int | None
    ) -> frozenset[date]:
        if not isinstance(written, WrittenDict):
            return frozenset(self._dates(written, place))
        place = written.place
        written = self.file.known(written, ("country", "subdivision", "add", "remove"))
        found: set[date] = set()
        removed = self._dates(written.get("remove"), (*place, "remove"))
        added = self._dates(written.get("add"), (*place, "add"))
        if "country" in written:
            years = range(horizon[0].year, date.fromordinal(horizon[1].toordinal() - 1).year + 1)
            found, unknown = self._country_holidays(written, place, years)
            for what, of_years in unknown.items():
                # Who gave dates for a year has looked it up.
                of_years = of_years - {day.year for day in (*removed, *added)}
                self.unknown_years.setdefault(((*place, "country"), what), []).append((valid_from_us, of_years))
        elif "subdivision" in written:
            self.file.mistake(
                place, f"{self.file.label(place)} has a subdivision and no country; add the country, e.g. DE"
            )
        for day in removed:
            if day not in found and "country" in written and horizon[0] <= day < horizon[1]:
                self.file.warn(
                    (*place, "remove"), f"{self.file.label(place)}.remove: {day} is no holiday here, so nothing changes"
                )
        return frozenset((found - set(removed)) | set(added))

    def _country_holidays(
        self, written: WrittenDict, place: Place, years: range
    ) -> tuple[set[date], dict[str, set[int]]]:
        """Return the holidays of a country, and what is not known of which years."""
        # Only those who name a country need it.
        import holidays

        code = str(as_text(written["country"]))
        at = (*place, "country")
        if code not in _countries().values():
            remedy = _country_remedy(code)
            self.file.mistake(
                at, f"{self.file.label(at)} {self.file.shown(at)} is no country of the holidays library; {remedy}"
            )
            return set(), {}
        library = getattr(holidays, code)
        subdivision = written.get("subdivision")
        at = (*place, "subdivision")
        if subdivision is not None:
            subdivision = str(as_text(subdivision))
            known = {*library.subdivisions, *(getattr(library, "subdivisions_aliases", None) or {})}
            if subdivision not in known:
                remedy = suggest(subdivision, known) if known else f"{code} has none, remove it"
                self.file.mistake(
                    at, f"{self.file.label(at)} {self.file.shown(at)} is no subdivision of {code}; {remedy}"
                )
                return set(), {}
        days: set[date] = set()
        unknown: dict[str, set[int]] = {}
        for year in years:
            of_year, doubts = _holidays_of(code, subdivision, year)
            days |= of_year
            for doubt in doubts:
                unknown.setdefault(doubt, set()).add(year)
        known = f"it knows {library.start_year} to {library.end_year}"
        lacking = f"has no holidays of {code} in YEARS ({known}); add them under `add`, or update the library"
        unknown[lacking] = set(years) - {day.year for day in days}
        return {day for day in days if day.year in years}, unknown

    def _say_unknown_years(self, versions: list[CalendarVersion], horizon: tuple[date, date]) -> None:
        """Warn of years without known holidays in which the version that asks for them holds."""
        held: dict[int | None, range] = {}
        for version in versions:
            begin, end = (midnight_us(version.time_zone, day) for day in horizon)
            from_us = begin if version.valid_from_us is None else max(begin, version.valid_from_us)
            to_us = end if version.valid_to_us is None else min(end, version.valid_to_us)
            first, last = (_local(instant, version.time_zone) for instant in (from_us, to_us - 1))
            held[version.valid_from_us] = range(first.year, last.year + 1)
        for (place, what), of_versions in self.unknown_years.items():
            years = {
                year for valid_from_us, each in of_versions for year in each if year in held.get(valid_from_us, ())
            }
            if years:
                self.file.warn(place, f"{self.name}: the holidays library {what.replace('YEARS', _spans(years))}")

    def _dates(self, written: Any, place: Place) -> list[date]:
        values = self._list(written, place, "dates, e.g. [2026-05-04]")
        days = [self._try(date_of, day, getattr(day, "place", (*place, i))) for i, day in enumerate(values)]
        return [day for day in days if day is not None]

    # ------------------------------------------------------------------ small helps

    def _list(self, written: Any, place: Place, what: str) -> list[Any]:
        if written is None or isinstance(written, WrittenList):
            return written or []
        self.file.mistake(place, f"{self.file.label(place)} must be a list of {what}, not {kind(written)}")
        return []

    def _place(self, written: Any, place: Place) -> Place:
        """Return where a value stands: beside `versions` it is shared, so not where the version is."""
        return written.place if isinstance(written, WrittenDict | WrittenList) else place

    def _try(self, parse: Callable[[str], Any], written: Any, place: Place) -> Any:
        """Return what ``parse`` makes of a value, or None after noting why it cannot."""
        if written is None:
            return None
        text = as_text(written)
        try:
            if not isinstance(text, str):
                raise ValueError(f"must be text, not {kind(written)}")
            return parse(text.strip())
        except ValueError as error:
            place = getattr(written, "place", place)
            label = self.file.label(place)
            self.file.mistake(
                place, f"{label} {self.file.shown(place)} {error}" if isinstance(text, str) else f"{label} {error}"
            )
            return None


_DAY_NAMES = {*DAYS, "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"}


def _window(text: str) -> Window:
    parts = WINDOW.fullmatch(text)
    if parts is None:
        raise ValueError("is no window of time; write it as 09:00-17:30")
    numbers = [int(part or 0) for part in parts.groups()]
    if any(number > 59 for number in (*numbers[1:3], *numbers[4:6])):
        raise ValueError("has minutes or seconds beyond 59")
    start, end = (hour * 3600 + minute * 60 + second for hour, minute, second in (numbers[:3], numbers[3:]))
    if start >= DAY_S:
        raise ValueError("begins at 24:00 or later; give it to the day on which it begins")
    if end > LATEST_END_S:
        raise ValueError("ends after 48:00, the end of the next day; divide it among the days")
    return start, end if end > start else end + DAY_S


def _day_with_zone_rules(text: str) -> date:
    day = date_of(text)
    if not FIRST_DAY <= day <= LAST_DAY:
        raise ValueError(f"is beyond the years for which zone rules are kept; stay between {FIRST_DAY} and {LAST_DAY}")
    return day


def _default_horizon(today: date) -> tuple[date, date]:
    return date(today.year - DEFAULT_YEARS_BACK, 1, 1), date(today.year + DEFAULT_YEARS_AHEAD, 1, 1)


@cache
def _holidays_of(code: str, subdivision: str | None, year: int) -> tuple[frozenset[date], frozenset[str]]:
    """Return the holidays of a year, days observed instead of them included, and what the library doubts of it."""
    import holidays

    library = getattr(holidays, code)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        # In its own words, not those of the machine's language: the labels below are in them.
        days = library(subdiv=subdivision, years=year, language=library.default_language)
    doubts = {
        f"says of {code} in YEARS: {str(warning.message).rstrip('.')}; put what differs under `add` and `remove`"
        for warning in caught
    }
    labels = (getattr(library, name, None) or "" for name in ("estimated_label", "observed_estimated_label"))
    estimated = {label.replace("%s", "").strip() for label in labels if label}
    if any(label in name for name in days.values() for label in estimated):
        doubts.add(f"only estimates some holidays of {code} in YEARS; put what is announced under `add` and `remove`")
    return frozenset(days), frozenset(doubts)


def _spans(years: Iterable[int]) -> str:
    """Return years as people write them: 1985 to 1990, 2040."""
    spans: list[list[int]] = []
    for year in sorted(years):
        if spans and spans[-1][1] == year - 1:
            spans[-1][1] = year
        else:
            spans.append([year, year])
    return ", ".join(f"{first}" if first == last else f"{first} to {last}" for first, last in spans)


def _local(instant_us: int, zone: str) -> datetime:
    return datetime(1970, 1, 1) + timedelta(microseconds=int(to_local(zone, instant_us)))


def _shown_instant(instant_us: int, zone: str) -> str:
    """Return an instant as the clocks of a zone show it; a midnight as its date."""
    return _local(instant_us, zone).isoformat(sep=" ").removesuffix(" 00:00:00")


@cache
def _countries() -> dict[str, str]:
    """Return the codes of the countries that the holidays library knows, by their names."""
    from holidays.registry import COUNTRIES

    return {name: names[1] for name, names in COUNTRIES.items()}


def _country_remedy(code: str) -> str:
    name = code.lower().replace(" ", "_")
    if name in _countries():
        return f"write '{_countries()[name]}'"
    if code.upper() in _countries().values():
        return f"write '{code.upper()}'"
    return "write its ISO code of two capitals, e.g. NL, or list the dates"


def _described(version: CalendarVersion, holidays: Any) -> str:
    """Return the hours in a line that people can check."""
    parts: list[str] = []
    spans: list[list[int]] = []
    for day, windows in version.hours.items():
        if spans and spans[-1][-1] == day - 1 and version.hours[spans[-1][-1]] == windows:
            spans[-1].append(day)
        else:
            spans.append([day])
    for days in spans:
        name = DAYS[days[0]] if len(days) == 1 else f"{DAYS[days[0]]}-{DAYS[days[-1]]}"
        parts.append(f"{name} {', '.join(_clock(windows) for windows in version.hours[days[0]])}")
    if isinstance(holidays, dict) and holidays.get("country") is not None:
        place = "-".join(
            str(as_text(holidays[key])) for key in ("country", "subdivision") if holidays.get(key) is not None
        )
        parts.append(f"holidays of {place}")
    elif version.holidays:
        parts.append(f"{len(version.holidays)} holidays")
    return "; ".join(parts) or "no working hours"


def _clock(window: Iterable[int]) -> str:
    """Return a window as it is written; an end on the next day is beyond 24:00."""
    texts = []
    for second in window:
        hour, rest = divmod(second, 3600)
        texts.append(f"{hour:02d}:{rest // 60:02d}" + (f":{rest % 60:02d}" if rest % 60 else ""))
    return "-".join(texts)
