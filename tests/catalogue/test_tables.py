"""The catalogue as tables: what the models find of organisation, owners, calendars and days."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pyarrow.compute as pc
import pytest

from pipelines.catalogue.tables import business_days, catalogue_tables

from .conftest import Read, calendar, commitments

HOUR_US = 3_600_000_000


def us(year: int, month: int, day: int, hour: int = 0) -> int:
    return int(datetime(year, month, day, hour, tzinfo=UTC).timestamp()) * 1_000_000


def test_the_small_tables_say_what_the_files_say(read: Read) -> None:
    tables = catalogue_tables(read())

    assert tables["process"].to_pylist() == [{"process": "claims", "process_name": "claims", "process_order": 1}]
    assert [(row["node"], row["node_order"], row["is_final"]) for row in tables["node"].to_pylist()] == [
        ("register", 1, False),
        ("pay", 2, True),
    ]
    assert tables["source"].to_pylist() == [
        {"source_system": "crm", "kind": "files", "time_zone": "Asia/Shanghai", "expected_every_us": 24 * HOUR_US}
    ]
    assert tables["entity"].to_pylist() == [{"source_system": "crm", "entity": "jobs", "shape": "runs"}]
    assert [row["commitment_limit_us"] for row in tables["commitment"].to_pylist()] == [48 * HOUR_US, 4 * HOUR_US]
    assert tables["organisation"].to_pylist()[0]["by_segment"]
    assert not tables["organisation"].to_pylist()[0]["by_location"]


def test_owners_tile_time_with_open_ends(read: Read) -> None:
    owners = "[{department: A}, {department: B, valid_from: 2026-04-01}]"
    files = {
        "processes.yml": f"processes:\n  claims:\n    department: C\n    nodes: [{{node: pay, owners: {owners}}}]\n"
    }

    rows = catalogue_tables(read(files))["owner"].to_pylist()

    moved = us(2026, 3, 31, 16)
    assert [(r["node"], r["department"], r["valid_from_us"], r["valid_to_us"]) for r in rows] == [
        (None, "C", None, None),
        ("pay", "A", None, moved),
        ("pay", "B", moved, None),
    ]


def test_calendars_are_laid_out_and_24x7_has_no_intervals_and_no_horizon(read: Read) -> None:
    text = "time_zone: UTC\nhours: {mon: 09:00-17:00}\nhorizon: {from: 2026-03-01, to: 2026-03-15}"

    tables = catalogue_tables(read(calendar(text)))

    assert tables["calendar"].to_pylist() == [
        {
            "calendar": "24x7",
            "time_zone": "Asia/Shanghai",
            "horizon_from_us": None,
            "horizon_to_us": None,
            "description": "around the clock",
        },
        {
            "calendar": "office",
            "time_zone": "UTC",
            "horizon_from_us": us(2026, 3, 1),
            "horizon_to_us": us(2026, 3, 15),
            "description": "mon 09:00-17:00",
        },
    ]
    assert [tuple(row.values()) for row in tables["calendar_interval"].to_pylist()] == [
        ("office", us(2026, 3, 2, 9), us(2026, 3, 2, 17), 0),
        ("office", us(2026, 3, 9, 9), us(2026, 3, 9, 17), 8 * HOUR_US),
    ]


def test_a_limit_is_taken_apart(read: Read) -> None:
    rows = commitments("a,claims,,,,24x7,3wd,1wd 9:30,,", "b,claims,pay,,,office,promised+8h,4h,,")

    found = [
        tuple(row[f"{name}_limit{part}"] for part in ("", "_kind", "_us", "_days", "_clock"))
        for row in catalogue_tables(read(rows))["commitment"].to_pylist()
        for name in ("commitment", "tolerance")
    ]

    assert found == [
        ("3wd", "working_days", None, 3, ""),
        ("1wd 9:30", "working_days", None, 1, "09:30"),
        ("promised+8h", "promised", 8 * HOUR_US, None, None),
        ("4h", "time", 4 * HOUR_US, None, None),
    ]


def test_working_days_are_those_of_calendars_that_a_limit_counts_them_on(read: Read) -> None:
    text = (
        "time_zone: UTC\nhours: {mon-tue: ['09:00-17:00', '22:00-02:00']}\nhorizon: {from: 2026-03-02, to: 2026-03-04}"
    )

    table = catalogue_tables(read(calendar(text) | commitments("a,claims,,,,office,1wd 16:00,5h,,")))["working_day"]
    none = catalogue_tables(read())["working_day"]

    assert none.num_rows == 0
    assert none.schema == table.schema
    # The last night shift closes beyond the horizon: nobody knows whether the next day is a holiday.
    monday, tuesday, night = us(2026, 3, 2), us(2026, 3, 3), us(2026, 3, 3, 2)
    assert [tuple(row.values()) for row in table.to_pylist()] == [
        ("office", "", 0, date(2026, 3, 2), monday, night, 12 * HOUR_US),
        ("office", "", 1, date(2026, 3, 3), night, None, None),
        ("office", "16:00", 0, date(2026, 3, 2), monday, us(2026, 3, 2, 16), 7 * HOUR_US),
        ("office", "16:00", 1, date(2026, 3, 3), night, tuesday + 16 * HOUR_US, 19 * HOUR_US),
    ]


def test_every_day_is_a_working_day_of_24x7_and_ends_at_midnight(read: Read) -> None:
    table = catalogue_tables(read(commitments("a,claims,,,,24x7,1wd,2wd 16:00,,")))["working_day"]

    rows = table.filter(pc.equal(table["day"], date(2026, 3, 2))).to_pylist()

    midnight = us(2026, 3, 1, 16)
    closing, four_pm = midnight + 24 * HOUR_US, midnight + 16 * HOUR_US
    assert [(r["clock"], r["from_us"], r["due_us"], r["due_worked_us"]) for r in rows] == [
        ("", midnight, closing, closing),
        ("16:00", midnight, four_pm, four_pm),
    ]
    assert rows[0]["working_day"] == rows[1]["working_day"] == (date(2026, 3, 2) - date(1900, 1, 1)).days


def test_each_version_of_a_calendar_is_there_with_its_hours_in_a_line(read: Read) -> None:
    text = """
time_zone: UTC
versions:
  - {hours: {mon: 09:00-17:00}, holidays: {country: NL}}
  - {valid_from: 2026-03-04, time_zone: Europe/Amsterdam, hours: {tue: 08:00-12:00}}
"""
    tables = catalogue_tables(read(calendar(text)))

    moved = us(2026, 3, 3, 23)
    assert [tuple(row.values()) for row in tables["calendar_version"].to_pylist()] == [
        ("24x7", 1, None, None, "Asia/Shanghai", "around the clock"),
        ("office", 1, None, moved, "UTC", "mon 09:00-17:00; holidays of NL"),
        ("office", 2, moved, None, "Europe/Amsterdam", "tue 08:00-12:00"),
    ]
    assert tables["calendar"].to_pylist()[1]["description"] == "tue 08:00-12:00"


def test_zone_changes_are_those_that_a_calendar_lives_through(read: Read) -> None:
    text = "time_zone: Europe/Amsterdam\nhours: {mon: 09:00-17:00}\nhorizon: {from: 2026-01-01, to: 2027-01-01}"

    rows = catalogue_tables(read(calendar(text)))["zone_change"].to_pylist()

    assert [tuple(row.values()) for row in rows if row["time_zone"] == "Europe/Amsterdam"] == [
        ("Europe/Amsterdam", us(2026, 3, 29, 1), HOUR_US, 2 * HOUR_US),
        ("Europe/Amsterdam", us(2026, 10, 25, 1), 2 * HOUR_US, HOUR_US),
    ]
    # Of the business time zone, in which 24x7 runs, all since 1970.
    assert {row["change_us"] for row in rows if row["time_zone"] == "Asia/Shanghai"} >= {us(1986, 5, 3, 18)}


def test_before_its_first_version_a_calendar_is_beyond_its_horizon(read: Read) -> None:
    text = "time_zone: UTC\nversions: [{valid_from: '2020-05-05 12:00', hours: {mon: 09:00-17:00}}]"

    office = catalogue_tables(read(calendar(text)))["calendar"].to_pylist()[1]

    assert office["horizon_from_us"] == us(2020, 5, 5, 12)


def test_a_business_day_has_a_row_for_each_utc_day_that_it_touches() -> None:
    def rows(zone: str, day: date) -> list[tuple[int, int, int]]:
        table = business_days(zone)
        found = table.filter(pc.equal(table["day"], day)).to_pylist()
        return [(row["slot_day"], row["from_us"], row["to_us"]) for row in found]

    number = us(2026, 3, 29) // (24 * HOUR_US)
    assert rows("UTC", date(2026, 3, 29)) == [(number, us(2026, 3, 29), us(2026, 3, 30))]
    # Clocks go forward: 23 hours, from 23:00 UTC of the day before to 22:00 UTC.
    assert rows("Europe/Amsterdam", date(2026, 3, 29)) == [
        (number - 1, us(2026, 3, 28, 23), us(2026, 3, 29, 22)),
        (number, us(2026, 3, 28, 23), us(2026, 3, 29, 22)),
    ]


@pytest.mark.parametrize("zone", ["Pacific/Apia", "Asia/Shanghai", "America/Sao_Paulo"])
def test_business_days_tile_time_even_where_a_date_was_skipped(zone: str) -> None:
    days = business_days(zone).group_by(["day", "from_us", "to_us"]).aggregate([]).sort_by("day").to_pydict()

    assert days["from_us"][1:] == days["to_us"][:-1]
    assert (date(2011, 12, 30) in days["day"]) == (zone != "Pacific/Apia")


def test_thousands_of_commitments_become_tables(read: Read) -> None:
    rows = [f"c{n},claims,,s{n},,24x7,4h,4h,," for n in range(3000)]

    assert catalogue_tables(read(commitments(*rows)))["commitment"].num_rows == 3000
