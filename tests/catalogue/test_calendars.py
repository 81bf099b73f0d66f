"""calendars.yml: hours, holidays, exceptions, closures, versions, horizon."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from pipelines.calendars import lay_out

from .conftest import Mistakes, Read, calendar, commitments

AT = "catalogue/calendars.yml:"
NINE_TO_FIVE = (9 * 3600, 17 * 3600)


def us(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> int:
    return int(datetime(year, month, day, hour, minute, tzinfo=UTC).timestamp()) * 1_000_000


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("09:00-17:00", (32400, 61200)),
        ("9:00 - 17:00", (32400, 61200)),
        ("22:00-06:00", (79200, 108000)),
        ("00:00-24:00", (0, 86400)),
        ("00:00-00:00", (0, 86400)),
        ("08:00-08:00", (28800, 115200)),
        ("22:00-30:00", (79200, 108000)),
        ("00:00-48:00", (0, 172800)),
        ("09:00:30-17:00", (32430, 61200)),
    ],
)
def test_a_window_ends_after_it_begins_if_need_be_on_the_next_day(
    read: Read, written: str, seconds: tuple[int, int]
) -> None:
    (version,) = read(calendar(f"hours: {{mon: ['{written}']}}")).calendars["office"].versions

    assert version.hours == {0: (seconds,)}


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("09:00-48:01", "ends after 48:00"),
        ("24:00-25:00", "begins at 24:00 or later"),
        ("09:60-10:00", "has minutes or seconds beyond 59"),
        ("nine to five", "is no window of time; write it as 09:00-17:30"),
        ("9-17", "is no window of time"),
    ],
)
def test_what_is_no_window_is_refused_with_a_remedy(mistakes: Mistakes, written: str, words: str) -> None:
    (only,) = mistakes(calendar(f"hours: {{mon: ['{written}']}}"))

    assert only.startswith(f"{AT}3: office.hours.mon[1] '{written}' {words}")


@pytest.mark.parametrize(
    ("days", "numbers"),
    [("mon", {0}), ("mon-thu", {0, 1, 2, 3}), ("sat,sun", {5, 6}), ("Friday", {4}), ("sat-mon", {5, 6, 0})],
)
def test_days_are_named_alone_or_in_spans(read: Read, days: str, numbers: set[int]) -> None:
    (version,) = read(calendar(f"hours: {{'{days}': 09:00-17:00}}")).calendars["office"].versions

    assert version.hours == dict.fromkeys(numbers, (NINE_TO_FIVE,))


def test_a_day_is_given_once(mistakes: Mistakes) -> None:
    assert mistakes(calendar("hours: {mon-fri: ['09:00-12:00'], wed: ['13:00-17:00'], someday: []}")) == [
        f"{AT}3: 'someday' is no day; write mon, tue, wed, thu, fri, sat, sun or a span such as mon-fri",
        f"{AT}3: office.hours gives wed twice; put its windows into one list",
    ]


@pytest.mark.parametrize("holidays", ["[2026-05-04, '2026-05-05']", "{add: [2026-05-04, '2026-05-05']}"])
def test_holidays_may_be_a_plain_list(read: Read, holidays: str) -> None:
    (version,) = read(calendar(f"hours: {{mon: 09:00-17:00}}\nholidays: {holidays}")).calendars["office"].versions

    assert version.holidays == {date(2026, 5, 4), date(2026, 5, 5)}


def test_holidays_of_a_country_are_those_of_the_horizon_with_some_added_and_removed(read: Read) -> None:
    text = """
hours: {mon-fri: 09:00-17:00}
holidays: {country: NO, add: [2026-05-04], remove: [2026-05-01]}
horizon: {from: 2026-01-01, to: 2027-01-01}
"""
    (version,) = read(calendar(text)).calendars["office"].versions

    assert {date(2026, 5, 4), date(2026, 5, 17), date(2026, 12, 25)} <= version.holidays
    assert date(2026, 5, 1) not in version.holidays
    assert {day.year for day in version.holidays} == {2026}


def test_a_subdivision_has_its_own_holidays(read: Read) -> None:
    def days(place: str) -> frozenset[date]:
        text = f"hours: {{mon: 09:00-17:00}}\nholidays: {{{place}}}\nhorizon: {{from: 2026-01-01, to: 2027-01-01}}"
        return read(calendar(text)).calendars["office"].versions[0].holidays

    assert days("country: DE, subdivision: BY") - days("country: DE") >= {date(2026, 1, 6)}


@pytest.mark.parametrize(
    ("holidays", "words"),
    [
        ("{country: XX}", "office.holidays.country 'XX' is no country of the holidays library; write its ISO code"),
        ("{country: netherlands}", "is no country of the holidays library; write 'NL'"),
        ("{country: DE, subdivision: ZZ}", "office.holidays.subdivision 'ZZ' is no subdivision of DE; known: "),
        ("{subdivision: BY}", "has a subdivision and no country"),
        ("{country: DE, ad: [2026-01-01]}", "unknown key 'ad' of office.holidays; did you mean 'add'?"),
        ("[2026-02-30]", "office.holidays[1] '2026-02-30' is no date of the calendar"),
        ("2026-02-03", "office.holidays must be a list of dates, e.g. [2026-05-04], not a single value"),
    ],
)
def test_what_are_no_holidays_is_refused_with_a_remedy(mistakes: Mistakes, holidays: str, words: str) -> None:
    (only,) = mistakes(calendar(f"hours: {{mon: 09:00-17:00}}\nholidays: {holidays}"))

    assert only.startswith(f"{AT}4: ")
    assert words in only


def test_years_that_the_library_does_not_know_are_a_warning(read: Read) -> None:
    text = "hours: {mon: 09:00-17:00}\nholidays: {country: DE}\nhorizon: {from: 2090-01-01, to: 2100-12-31}"
    known = read(calendar(text))
    text = "hours: {mon: 09:00-17:00}\nholidays: {country: DE}\nhorizon: {from: 1985-01-01, to: 2031-01-01}"
    unknown = read(calendar(text))

    assert known.warnings == []
    assert [str(warning) for warning in unknown.warnings] == [
        f"{AT}4: office: the holidays library has no holidays of DE in 1985 to 1990 (it knows 1991 to 2100); add them "
        "under `add`, or update the library"
    ]


def test_years_that_the_library_does_not_know_matter_only_while_a_version_holds(read: Read) -> None:
    def said(*versions: str) -> list[str]:
        text = "horizon: {from: 2000-01-01, to: 2031-01-01}\nversions:\n" + "\n".join(f"  - {{{v}}}" for v in versions)
        return [str(warning).split(" in ")[1].split(";")[0] for warning in read(calendar(text)).warnings]

    hours, ceylon = "hours: {mon: 09:00-17:00}", "holidays: {country: LK}"
    assert said(f"{hours}, {ceylon}") == ["2000 to 2002, 2027 to 2030 (it knows 2003 to 2026)"]
    assert said(f"{hours}, {ceylon}", f"valid_from: 2027-01-01, {hours}") == ["2000 to 2002 (it knows 2003 to 2026)"]
    assert said(hours, f"valid_from: 2028-12-31, {hours}, {ceylon}") == ["2028 to 2030 (it knows 2003 to 2026)"]


def test_years_for_which_somebody_added_holidays_are_known(read: Read) -> None:
    text = """
hours: {mon: 09:00-17:00}
holidays: {country: LK, add: [2027-02-04, 2028-02-04, 2029-02-04]}
horizon: {from: 2020-01-01, to: 2031-01-01}
"""
    assert "has no holidays of LK in 2030 (" in str(read(calendar(text)).warnings[0])


def test_years_that_the_library_only_estimates_or_doubts_are_a_warning(read: Read) -> None:
    def said(country: str) -> list[str]:
        horizon = "horizon: {from: 2029-01-01, to: 2037-01-01}"
        catalogue = read(calendar(f"hours: {{mon: 09:00-17:00}}\nholidays: {{country: {country}}}\n{horizon}"))
        return [str(warning).split("library ")[1] for warning in catalogue.warnings]

    assert said("TR") == [
        "only estimates some holidays of TR in 2033 to 2036; put what is announced under `add` and `remove`"
    ]
    assert (
        "says of IN in 2036: Requested Holidays are available only from 2001 to 2035; put what differs" in said("IN")[1]
    )
    assert said("NL") == []


def test_days_observed_instead_of_a_holiday_are_holidays(read: Read) -> None:
    text = "hours: {mon: 09:00-17:00}\nholidays: {country: US}\nhorizon: {from: 2021-01-01, to: 2022-01-01}"
    (version,) = read(calendar(text)).calendars["office"].versions

    # Independence Day was a Sunday; New Year's Day of 2022 a Saturday.
    assert {date(2021, 7, 4), date(2021, 7, 5), date(2021, 12, 31)} <= version.holidays


def test_exceptions_and_closures_are_read(read: Read) -> None:
    text = """
time_zone: Europe/Amsterdam
hours: {mon-fri: 09:00-17:00}
exceptions: {2026-12-24: ["09:00-12:00"], "2026-12-31": []}
closures: [{from: "2026-03-03 10:00", to: "2026-03-03T11:30:00Z"}, {from: 2026-03-04, to: 2026-03-05}]
"""
    (version,) = read(calendar(text)).calendars["office"].versions

    assert version.exceptions == {date(2026, 12, 24): ((32400, 43200),), date(2026, 12, 31): ()}
    assert version.closures == (
        (us(2026, 3, 3, 9), us(2026, 3, 3, 11, 30)),
        (us(2026, 3, 3, 23), us(2026, 3, 4, 23)),
    )


def test_wrong_exceptions_and_closures_are_all_named(mistakes: Mistakes) -> None:
    text = """
hours: {mon-fri: 09:00-17:00}
exceptions:
  2026-12-24:
  24.12.2026: []
closures:
  - {from: 2026-03-03 10:00, to: 2026-03-03 09:00}
  - {from: noon, to: 2026-03-03}
  - {from: 2026-03-03}
"""
    assert [line.split(";")[0].removeprefix(AT) for line in mistakes(calendar(text))] == [
        "5: office.exceptions.2026-12-24 is empty",
        "6: office.exceptions '24.12.2026' is not a date",
        "8: office.closures[1] ends at '2026-03-03 09:00', not after its beginning '2026-03-03 10:00'",
        "9: office.closures[2].from 'noon' is not a date or an instant",
        "10: `to` is missing in office.closures[3]: when it is closed, e.g. 2026-03-03 10:00",
    ]


def test_the_horizon_defaults_to_ten_years_back_and_five_ahead(read: Read) -> None:
    office = read().calendars["office"]

    assert (office.horizon_from, office.horizon_to) == (date(2016, 1, 1), date(2031, 1, 1))


def test_a_horizon_must_end_after_it_begins_within_the_years_of_zone_rules(mistakes: Mistakes) -> None:
    reversed_, early = (
        mistakes(calendar(f"hours: {{}}\nhorizon: {{from: {begin}, to: 2026-01-01}}"))
        for begin in ("2027-01-01", "1800-01-01")
    )

    assert "ends at 2026-01-01, not after its beginning 2027-01-01" in reversed_[0]
    assert "stay between 1900-01-01 and 2100-12-31" in early[0]


def test_a_horizon_that_ends_within_a_year_is_a_warning(read: Read) -> None:
    catalogue = read(calendar("hours: {mon: 09:00-17:00}\nhorizon: {to: 2027-01-31}"))

    assert "the horizon of office ends at 2027-01-31" in str(catalogue.warnings[0])


def test_no_hours_at_all_are_allowed_with_a_warning(read: Read) -> None:
    catalogue = read(calendar("hours: {}"))

    assert catalogue.calendars["office"].versions[0].hours == {}
    assert [str(warning) for warning in catalogue.warnings] == [
        f"{AT}2: office has no working time from 2016-01-01 to 2031-01-01, so no run on it is ever late; give it "
        "`hours`, or see to its holidays, exceptions and closures"
    ]


def test_hours_of_which_nothing_is_left_are_a_warning_too_where_a_commitment_counts_on_them(read: Read) -> None:
    shut = "hours: {mon: 09:00-17:00}\nclosures: [{from: 2016-01-01, to: 2031-01-01}]"
    only_by_exception = "hours: {}\nexceptions: {2026-03-03: ['09:00-12:00']}"

    assert "office has no working time" in str(read(calendar(shut)).warnings[0])
    assert read(calendar(only_by_exception)).warnings == []
    assert read(calendar(shut) | commitments("a,claims,,,,24x7,4h,4h,,")).warnings == []


def test_versions_follow_each_other_from_their_instants_and_share_what_stands_beside_them(read: Read) -> None:
    text = """
time_zone: Europe/Amsterdam
holidays: [2026-05-04]
versions:
  - {valid_from: "2026-03-04T12:00:00+01:00", hours: {mon: 10:00-16:00}, holidays: []}
  - {hours: {mon: 09:00-17:00}}
"""
    office = read(calendar(text)).calendars["office"]
    old, new = office.versions

    assert (old.valid_from_us, old.valid_to_us) == (None, us(2026, 3, 4, 11))
    assert (new.valid_from_us, new.valid_to_us) == (us(2026, 3, 4, 11), None)
    assert (old.holidays, new.holidays) == ({date(2026, 5, 4)}, frozenset())
    assert office.time_zone == old.time_zone == new.time_zone == "Europe/Amsterdam"


def test_versions_begin_at_instants_of_their_own(mistakes: Mistakes) -> None:
    text = """
time_zone: Europe/Amsterdam
versions:
  - {hours: {}}
  - {valid_from: 2026-03-04, hours: {}}
  - {hours: {}}
  - {valid_from: "2026-03-03T23:00:00Z", hours: {}}
"""
    assert mistakes(calendar(text)) == [
        f"{AT}7: office.versions[3] has no valid_from, and neither has office.versions[1] (line 5); only the first may "
        "begin without one",
        f"{AT}8: office.versions[4].valid_from '2026-03-03T23:00:00Z' is also when office.versions[2] (line 6) begins; "
        "give each its own, or remove one",
    ]
    assert "is empty; add a version" in mistakes(calendar("versions: []"))[0]


def test_a_valid_from_that_cannot_be_read_is_only_that(mistakes: Mistakes) -> None:
    (only,) = mistakes(calendar("versions: [{hours: {}}, {valid_from: 4.3.2026, hours: {}}]"))
    wrong = mistakes(calendar("versions:\n  - {valid_from: 2026-02-30, hours: {mon: 9-17}, hors: {}}"))

    assert "office.versions[2].valid_from '4.3.2026' is not a date or an instant" in only
    assert [line.split(":")[1] for line in wrong] == ["4", "4", "4"]


def test_a_first_version_may_not_begin_after_a_stated_horizon(mistakes: Mistakes) -> None:
    def of(valid_from: str, begin: str = "2024-01-01") -> list[str]:
        return mistakes(
            calendar(
                f"time_zone: Europe/Amsterdam\nhorizon: {{from: {begin}}}\n"
                f"versions: [{{valid_from: {valid_from}, hours: {{mon: 09:00-17:00}}}}]"
            )
        )

    assert of("2024-05-01") == [
        f"{AT}4: the horizon of office begins at 2024-01-01, but its first version holds from 2024-05-01 on; let the "
        "horizon begin then, or leave valid_from out of the first version"
    ]
    assert "holds from 2024-01-01 09:00:00 on" in of("2024-01-01 09:00")[0]
    assert of("2024-01-01") == of("2023-12-31") == of("'2023-12-31T23:00:00Z'") == []
    assert "office begins to hold at 2031-02-01, after its horizon ends at 2031-01-01" in of("2031-02-01")[0]


def test_unknown_zones_are_refused_wherever_they_stand(mistakes: Mistakes) -> None:
    shared = mistakes(calendar("time_zone: Mars/Olympus\nhours: {}"))
    of_version = mistakes(calendar("versions:\n  - {hours: {}}\n  - {valid_from: 2026-01-01, time_zone: Amsterdam}"))

    assert shared == [
        f"{AT}3: office.time_zone 'Mars/Olympus' is not a time zone; write it as in the tz database, e.g. "
        "Europe/Amsterdam"
    ]
    assert of_version == [
        f"{AT}5: office.versions[2].time_zone 'Amsterdam' is not a time zone; did you mean 'Europe/Amsterdam'?"
    ]


@pytest.mark.parametrize("valid_from", ["2026-03-04", "2026-03-04 00:00", '"2026-03-03T23:00:00Z"'])
def test_hours_that_change_on_a_wednesday_count_until_then_and_from_then_on(read: Read, valid_from: str) -> None:
    text = f"""
time_zone: Europe/Amsterdam
horizon: {{from: 2026-03-02, to: 2026-03-09}}
versions:
  - {{hours: {{mon-fri: ["08:00-20:00"]}}}}
  - {{valid_from: {valid_from}, hours: {{mon-fri: ["09:00-17:00"]}}}}
"""
    office = read(calendar(text)).calendars["office"]

    assert [version.valid_to_us for version in office.versions] == [us(2026, 3, 3, 23), None]
    assert [side.tolist() for side in lay_out(office)] == [
        [us(2026, 3, 2, 7), us(2026, 3, 3, 7), us(2026, 3, 4, 8), us(2026, 3, 5, 8), us(2026, 3, 6, 8)],
        [us(2026, 3, 2, 19), us(2026, 3, 3, 19), us(2026, 3, 4, 16), us(2026, 3, 5, 16), us(2026, 3, 6, 16)],
    ]


def test_a_version_that_moves_to_another_zone_begins_by_the_clocks_there(read: Read) -> None:
    text = """
horizon: {from: 2026-03-02, to: 2026-03-09}
versions:
  - {time_zone: Europe/Amsterdam, hours: {mon-fri: ["09:00-17:00"]}}
  - {valid_from: 2026-03-04, time_zone: America/New_York, hours: {mon-fri: ["00:00-08:00"]}}
"""
    office = read(calendar(text)).calendars["office"]

    # Midnight of Wednesday in New York is 06:00 in Amsterdam, three hours before its old opening.
    assert [version.valid_to_us for version in office.versions] == [us(2026, 3, 4, 5), None]
    assert [side.tolist()[:4] for side in lay_out(office)] == [
        [us(2026, 3, 2, 8), us(2026, 3, 3, 8), us(2026, 3, 4, 5), us(2026, 3, 5, 5)],
        [us(2026, 3, 2, 16), us(2026, 3, 3, 16), us(2026, 3, 4, 13), us(2026, 3, 5, 13)],
    ]


def test_24x7_is_not_to_be_written(mistakes: Mistakes) -> None:
    (only,) = mistakes({"calendars.yml": "calendars:\n  24x7: {hours: {}}\n"} | commitments("a,claims,,,,24x7,4h,4h,,"))

    assert only.startswith(f"{AT}2: '24x7' is there without being written")


def test_a_calendar_that_is_wrong_is_not_reported_as_unknown_too(mistakes: Mistakes) -> None:
    assert len(mistakes(calendar("hours: {mon: 9-17}"))) == 1
