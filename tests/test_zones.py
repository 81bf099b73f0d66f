"""Local wall time to UTC: what the clocks skip, what they show twice, and zones that do it their own way."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference import EPOCH, instant_of, microseconds

from pipelines.zones import (
    DAY_US,
    day_number,
    instant_us,
    is_zone,
    local_day_table,
    midnight_us,
    offsets,
    to_local,
    to_utc,
)

# Each changes its clocks in a way of its own: by half an hour, at midnight, off Sundays, over a day, for Ramadan,
# backwards in winter, by 45 minutes, not at all, and by minutes and seconds long ago.
CURIOUS_ZONES = [
    "Africa/Casablanca",
    "Africa/Monrovia",
    "America/New_York",
    "America/Sao_Paulo",
    "Asia/Kathmandu",
    "Asia/Shanghai",
    "Asia/Tehran",
    "Australia/Lord_Howe",
    "Europe/Amsterdam",
    "Europe/Dublin",
    "Pacific/Apia",
    "Pacific/Chatham",
    "UTC",
]


def wall(text: str) -> int:
    return microseconds(datetime.fromisoformat(text).replace(tzinfo=UTC))


def utc(zone: str, text: str) -> str:
    instant = EPOCH + timedelta(microseconds=int(to_utc(zone, wall(text))))
    return instant.strftime("%Y-%m-%d %H:%M")


@pytest.mark.parametrize(
    ("zone", "local", "instant"),
    [
        # Ordinary times, summer and winter.
        ("Europe/Amsterdam", "2026-01-15 09:00", "2026-01-15 08:00"),
        ("Europe/Amsterdam", "2026-07-15 09:00", "2026-07-15 07:00"),
        ("Asia/Shanghai", "2026-07-15 00:00", "2026-07-14 16:00"),
        # 02:00 to 03:00 is skipped: all of it is the instant of the change.
        ("Europe/Amsterdam", "2026-03-29 01:59", "2026-03-29 00:59"),
        ("Europe/Amsterdam", "2026-03-29 02:00", "2026-03-29 01:00"),
        ("Europe/Amsterdam", "2026-03-29 02:59", "2026-03-29 01:00"),
        ("Europe/Amsterdam", "2026-03-29 03:00", "2026-03-29 01:00"),
        ("Europe/Amsterdam", "2026-03-29 03:01", "2026-03-29 01:01"),
        # 02:00 to 03:00 happens twice: the first is meant; 03:00 itself happens once.
        ("Europe/Amsterdam", "2026-10-25 01:59", "2026-10-24 23:59"),
        ("Europe/Amsterdam", "2026-10-25 02:00", "2026-10-25 00:00"),
        ("Europe/Amsterdam", "2026-10-25 02:59", "2026-10-25 00:59"),
        ("Europe/Amsterdam", "2026-10-25 03:00", "2026-10-25 02:00"),
        # Half an hour, south of the equator.
        ("Australia/Lord_Howe", "2026-10-04 02:15", "2026-10-03 15:30"),
        ("Australia/Lord_Howe", "2026-04-05 01:45", "2026-04-04 14:45"),
        ("Australia/Lord_Howe", "2026-04-05 02:00", "2026-04-04 15:30"),
        # Midnight itself is skipped: the day begins at one.
        ("America/Sao_Paulo", "2015-10-18 00:00", "2015-10-18 03:00"),
        ("America/Sao_Paulo", "2015-10-18 01:00", "2015-10-18 03:00"),
        # The hour before midnight happens twice.
        ("America/Sao_Paulo", "2016-02-20 23:30", "2016-02-21 01:30"),
        ("America/Sao_Paulo", "2016-02-21 00:00", "2016-02-21 03:00"),
        # Midnight on a weekday, by the Persian calendar; no change since 2022.
        ("Asia/Tehran", "2021-03-22 00:30", "2021-03-21 20:30"),
        ("Asia/Tehran", "2026-03-22 00:30", "2026-03-21 21:00"),
        # Samoa crossed the date line: 30 December 2011 never was.
        ("Pacific/Apia", "2011-12-29 23:59", "2011-12-30 09:59"),
        ("Pacific/Apia", "2011-12-30 12:00", "2011-12-30 10:00"),
        ("Pacific/Apia", "2011-12-31 00:00", "2011-12-30 10:00"),
        # Summer time all year, but not in Ramadan.
        ("Africa/Casablanca", "2026-02-15 02:30", "2026-02-15 01:30"),
        ("Africa/Casablanca", "2026-03-01 12:00", "2026-03-01 12:00"),
        ("Africa/Casablanca", "2026-03-22 02:30", "2026-03-22 02:00"),
        # Irish law calls winter the exception; the clocks agree with London.
        ("Europe/Dublin", "2026-03-29 01:30", "2026-03-29 01:00"),
        ("Europe/Dublin", "2026-10-25 01:30", "2026-10-25 00:30"),
        # Rules do not end with the last change that somebody listed.
        ("Europe/Amsterdam", "2099-07-15 09:00", "2099-07-15 07:00"),
    ],
)
def test_a_wall_time_has_one_instant(zone: str, local: str, instant: str) -> None:
    assert utc(zone, local) == instant


@pytest.mark.parametrize("zone", CURIOUS_ZONES)
def test_around_every_change_the_instants_are_those_of_the_reference_and_never_turn_back(zone: str) -> None:
    table = offsets(zone)
    steps = np.arange(-90, 91, 15) * 60_000_000
    local = np.unique((table.local_from_us[1:, None] + steps).ravel())
    instants = to_utc(zone, local)

    assert (np.diff(instants) >= 0).all()
    sample = slice(None, None, 1 + len(local) // 500)
    for one_local, instant in zip(local[sample], instants[sample], strict=True):
        naive = (EPOCH + timedelta(microseconds=int(one_local))).replace(tzinfo=None)
        assert instant == microseconds(instant_of(naive, ZoneInfo(zone))), naive


@given(
    zone=st.sampled_from(CURIOUS_ZONES),
    local=st.datetimes(datetime(1900, 1, 2), datetime(2100, 12, 30)),
)
def test_any_wall_time_is_read_as_the_reference_reads_it(zone: str, local: datetime) -> None:
    expected = microseconds(instant_of(local, ZoneInfo(zone)))

    assert to_utc(zone, microseconds(local.replace(tzinfo=UTC))) == expected


@given(
    zone=st.sampled_from(CURIOUS_ZONES),
    instant=st.datetimes(datetime(1900, 1, 2), datetime(2100, 12, 30), timezones=st.just(UTC)),
)
def test_the_clocks_show_what_python_says_they_show(zone: str, instant: datetime) -> None:
    shown = instant.astimezone(ZoneInfo(zone)).replace(tzinfo=UTC)

    assert to_local(zone, microseconds(instant)) == microseconds(shown)


def test_changes_of_every_zone_come_in_the_order_of_its_clocks() -> None:
    """The look-up by wall time rests on it; a sample, as reading 600 zones takes half a minute."""
    for zone in sorted(available_timezones())[::40]:
        assert (np.diff(offsets(zone).local_from_us) > 0).all(), zone


def test_sql_reads_wall_times_from_the_table_as_python_does() -> None:
    zone = "Australia/Lord_Howe"
    day_table = local_day_table(zone)
    changes = offsets(zone).local_from_us[1:]
    local = np.unique(np.concatenate([changes + minutes * 60_000_000 for minutes in range(-60, 61, 5)]))

    with duckdb.connect() as database:
        database.register("day_table", day_table)
        database.register("wall", pa.table({"local_us": local}))
        read, instants = (
            database.execute(
                """
            select local_us, greatest(local_us - offset_us, not_before_us)
            from wall
            join day_table
                on local_day = local_us // ?
                and local_from_us <= local_us and local_us < local_to_us
            order by local_us
            """,
                [DAY_US],
            )
            .fetchnumpy()
            .values()
        )

    assert read.tolist() == local.tolist()
    assert instants.tolist() == to_utc(zone, local).tolist()


def test_the_day_table_covers_every_moment_of_two_centuries_once() -> None:
    table = local_day_table("America/New_York")
    starts, ends = table["local_from_us"].to_numpy(), table["local_to_us"].to_numpy()

    assert starts[0] == day_number(date(1900, 1, 1)) * DAY_US
    assert ends[-1] == day_number(date(2101, 1, 1)) * DAY_US
    assert (starts[1:] == ends[:-1]).all()
    assert (table["local_day"].to_numpy() == starts // DAY_US).all()


def test_a_day_begins_at_its_midnight_or_where_the_clocks_jump_past_it() -> None:
    assert midnight_us("Asia/Shanghai", date(2026, 7, 15)) == wall("2026-07-14 16:00")
    assert midnight_us("America/Sao_Paulo", date(2015, 10, 18)) == wall("2015-10-18 03:00")
    assert midnight_us("Pacific/Apia", date(2011, 12, 30)) == midnight_us("Pacific/Apia", date(2011, 12, 31))


def test_instants_keep_their_microseconds() -> None:
    assert instant_us(datetime(2026, 3, 4, 5, 6, 7, 890123, UTC)) % 1_000_000 == 890123
    assert instant_us(datetime(1969, 12, 31, 23, 59, 59, 999999, UTC)) == -1


@pytest.mark.parametrize("name", ["UTC", "Europe/Amsterdam", "Asia/Shanghai", "Australia/Lord_Howe"])
def test_zones_of_the_tz_database_are_known(name: str) -> None:
    assert is_zone(name)


@pytest.mark.parametrize(
    "name",
    ["", "Europe", "Europe/Atlantis", "../etc/passwd", "/etc/localtime", "localtime", "right/UTC", "a\0b", "+02:00"],
)
def test_other_names_are_no_zones(name: str) -> None:
    assert not is_zone(name)
