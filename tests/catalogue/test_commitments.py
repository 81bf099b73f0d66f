"""commitments.csv: lengths of time, dates, ids, and commitments that contradict each other."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from pipelines.catalogue.limits import Limit, limit_of

from .conftest import HEADER, Mistakes, Read, commitments

HOUR_US = 3_600_000_000
AT = "catalogue/commitments.csv:"


@pytest.mark.parametrize(
    ("written", "hours"),
    [
        ("4h", 4),
        ("90m", 1.5),
        ("1h30m", 1.5),
        ("1h 30m", 1.5),
        ("3600s", 1),
        ("PT4H", 4),
        ("PT1H30M", 1.5),
        ("P1DT12H", 36),
        ("2d", 48),
        ("1d12h", 36),
        ("1.5h", 1.5),
        ("0.5H", 0.5),
    ],
)
def test_a_limit_is_a_length_of_time(read: Read, written: str, hours: float) -> None:
    (commitment,) = read(commitments(f"a,claims,,,,24x7,{written},9d,,")).commitments

    assert limit_of(commitment.commitment_limit).us == hours * HOUR_US
    assert commitment.commitment_limit == written


@pytest.mark.parametrize(
    ("written", "limit"),
    [
        ("3wd", Limit("working_days", days=3, clock="")),
        ("3 WD", Limit("working_days", days=3, clock="")),
        ("1wd 16:00", Limit("working_days", days=1, clock="16:00")),
        ("1wd 9:30", Limit("working_days", days=1, clock="09:30")),
        ("1wd 16:00:30", Limit("working_days", days=1, clock="16:00:30")),
        ("2wd 00:00", Limit("working_days", days=2, clock="00:00")),
        ("2wd 24:00", Limit("working_days", days=2, clock="24:00")),
        ("promised", Limit("promised", us=0)),
        ("Promised", Limit("promised", us=0)),
        ("promised+8h", Limit("promised", us=8 * HOUR_US)),
        ("promised + 1h 30m", Limit("promised", us=HOUR_US * 3 // 2)),
        ("promised+2d", Limit("promised", us=48 * HOUR_US, has_days=True)),
    ],
)
def test_a_limit_may_count_working_days_or_follow_the_promise(read: Read, written: str, limit: Limit) -> None:
    (commitment,) = read(commitments(f"a,claims,,,,24x7,{written},{written},,")).commitments

    assert limit_of(commitment.commitment_limit) == limit
    assert commitment.commitment_limit == written


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("four hours", "is not a length of time; write it like 4h"),
        ("4", "has no unit; write 4h"),
        ("-4h", "is not a length of time"),
        ("30m1h", "is not a length of time"),
        ("P", "is not a length of time"),
        ("PT", "is not a length of time"),
        ("1mo", "is not a length of time"),
        ("0wd", "the day of the start does not count; write 1wd"),
        ("1.5wd", "is not a number of working days; write 3wd"),
        ("3wd4h", "is not a number of working days; write 3wd"),
        ("2 working days", "is not a number of working days; write 3wd"),
        ("99999wd", "is longer than 100 years; write 3wd"),
        (
            "1wd 16",
            "is not a number of working days; write 3wd for the end of the third working day after, or 1wd 16:00",
        ),
        ("1wd 24:01", "has a time that no day has; write it from 00:00 to 24:00, e.g. 1wd 16:00"),
        ("1wd 16:60", "has a time that no day has"),
        ("1wd 16:00:60", "has a time that no day has"),
        ("promised-8h", "is not a limit by the promise; write promised, or promised+8h"),
        ("promised+", "is not a limit by the promise"),
        ("promised at noon", "is not a limit by the promise"),
        ("promised+8", "adds to the promise what has no unit; write 4h"),
        ("promised+1wd", "adds to the promise what is not a length of time; write it like 4h"),
        ("9000000h", "is longer than 100 years"),
        ("0.0000001s", "is finer than a microsecond"),
    ],
)
def test_what_is_no_limit_is_refused_with_a_remedy(mistakes: Mistakes, written: str, words: str) -> None:
    (only,) = mistakes(commitments(f"a,claims,,,,24x7,{written},9d,,"))

    assert only.startswith(f"{AT}2: commitment_limit '{written}' ")
    assert words in only


def test_days_are_for_24x7_only_and_elsewhere_h_and_wd_are_offered(mistakes: Mistakes) -> None:
    assert mistakes(commitments("a,claims,,,,office,2d,60h,,")) == [
        f"{AT}2: commitment_limit '2d' counts days, and a day of calendar 'office' is not 24 hours; write working "
        "hours with h (at 24 a day: 48h), or working days with wd (2wd)"
    ]


def test_a_tolerance_may_equal_the_commitment_but_not_be_below_it_or_empty(mistakes: Mistakes) -> None:
    found = mistakes(
        commitments("a,claims,,,,24x7,4h,240m,,", "b,claims,pay,,,24x7,4h,239m,,", "c,claims,register,,,24x7,4h,,,")
    )

    assert [line.split(";")[0].split(":", 2)[1:] for line in found] == [
        ["3", " tolerance_limit '239m' is below commitment_limit"],
        ["4", " `tolerance_limit` is empty: the time that is still tolerated, e.g. 8h"],
    ]


@pytest.mark.parametrize(
    ("commitment", "tolerance", "is_below"),
    [
        ("3wd", "2wd", True),
        ("3wd", "3wd", False),
        ("1wd 16:00", "1wd 9:30", True),
        ("1wd 16:00", "1wd 16:00:00", False),
        ("1wd 16:00", "2wd 09:00", False),
        ("promised+8h", "promised", True),
        ("promised", "promised+1s", False),
        # What these are depends on the run: its tolerance is at least its commitment.
        ("3wd", "3wd 12:00", False),
        ("2wd 16:00", "1wd", False),
        ("3wd", "4h", False),
        ("promised+8h", "1wd", False),
    ],
)
def test_tolerances_are_compared_with_commitments_of_their_kind_only(
    mistakes: Mistakes, commitment: str, tolerance: str, is_below: bool
) -> None:
    found = mistakes(commitments(f"a,claims,,,,office,{commitment},{tolerance},,"))

    assert [line.split("; ")[0] for line in found] == (
        [f"{AT}2: tolerance_limit '{tolerance}' is below commitment_limit"] if is_below else []
    )


def test_what_is_added_to_the_promise_counts_working_hours_too(mistakes: Mistakes) -> None:
    assert mistakes(commitments("a,claims,,,,office,promised+1d,promised+36h,,")) == [
        f"{AT}2: commitment_limit 'promised+1d' counts days, and a day of calendar 'office' is not 24 hours; write "
        "working hours with h (at 24 a day: promised+24h)"
    ]


def test_dates_are_midnights_of_the_business_time_zone_and_instants_are_instants(read: Read) -> None:
    (commitment,) = read(commitments("a,claims,,,,24x7,4h,4h,2026-01-01,2026-06-01T12:00:00+02:00")).commitments

    assert commitment.valid_from_us == datetime(2025, 12, 31, 16, tzinfo=UTC).timestamp() * 1e6
    assert commitment.valid_to_us == datetime(2026, 6, 1, 10, tzinfo=UTC).timestamp() * 1e6


@pytest.mark.parametrize(
    ("validity", "words"),
    [
        ("2026-13-01,", "valid_from '2026-13-01' is no date of the calendar"),
        ("2026-02-29,", "valid_from '2026-02-29' is no date of the calendar"),
        ("01.02.2026,", "valid_from '01.02.2026' is not a date or an instant"),
        ("2026-01-01 10:00,", "valid_from '2026-01-01 10:00' has a time without offset"),
        ("2026-01-01T25:00Z,", "valid_from '2026-01-01T25:00Z' has a time that no clock shows"),
        ("2026-01-02,2026-01-02", "valid_to '2026-01-02' is not after valid_from"),
    ],
)
def test_what_is_no_date_is_refused_with_a_remedy(mistakes: Mistakes, validity: str, words: str) -> None:
    (only,) = mistakes(commitments(f"a,claims,,,,24x7,4h,4h,{validity}"))

    assert words in only
    assert ";" in only


@pytest.mark.parametrize(
    ("rate", "words"), [("90%", "0.9"), ("0;9", "number"), ("1.1", "at most 1"), ("nan", "number")]
)
def test_a_target_rate_is_a_share(mistakes: Mistakes, rate: str, words: str) -> None:
    text = f"process,calendar,commitment_limit,tolerance_limit,target_rate\nclaims,24x7,4h,4h,{rate}\n"

    (only,) = mistakes({"commitments.csv": text})

    assert words in only


def test_columns_with_defaults_may_be_left_out_and_ids_are_derived(read: Read) -> None:
    text = (
        "process,node,segment,calendar,commitment_limit,tolerance_limit,valid_from\n"
        "claims,,,24x7,4h,4h,\nclaims,pay,gold,24x7,4h,4h,2026-01-01\n"
    )

    found = read({"commitments.csv": text}).commitments

    assert [commitment.commitment_id for commitment in found] == ["claims", "claims/pay[segment=gold]@2026-01-01"]
    assert found[0].location is None


def test_columns_without_defaults_are_asked_for_once(mistakes: Mistakes) -> None:
    text = "process,calender,commitment_limit\nclaims,24x7,4h\nclaims,24x7,4h\n"

    assert [line.split(":", 2)[1:] for line in mistakes({"commitments.csv": text})][:3] == [
        ["1", " the column `calendar` is missing: a calendar of calendars.yml, or 24x7"],
        ["1", " the column `tolerance_limit` is missing: the time that is still tolerated, e.g. 8h; repeat the "
         "commitment_limit where nothing beyond it is"],
        ["1", " unknown column 'calender'; did you mean 'calendar'?"],
    ]  # fmt: skip


def test_an_id_is_given_once(mistakes: Mistakes) -> None:
    assert mistakes(commitments("a,claims,,,,24x7,4h,4h,,", "a,claims,pay,,,24x7,4h,4h,,")) == [
        f"{AT}3: commitment_id 'a' is also in line 2; give each row its own"
    ]


def test_rows_are_numbered_by_the_line_in_which_they_begin(mistakes: Mistakes) -> None:
    found = mistakes(commitments('"a\nb",claims,,,,24x7,4h,4h,,', "", ",,,,,,,,,", "c,claims,pay,,,24x7,x,4h,,"))

    assert [line.split(":")[1] for line in found] == ["6"]


def test_a_row_with_too_few_or_too_many_cells_is_a_mistake(mistakes: Mistakes) -> None:
    assert mistakes(commitments("a,claims,,,,24x7,4h,4h,")) == [
        f"{AT}2: this row has 9 cells, the header has 10; add or remove commas, and put a value that contains one in "
        "double quotes"
    ]


def test_an_open_quote_and_other_separators_are_mistakes(mistakes: Mistakes) -> None:
    assert "check the double quotes" in mistakes(commitments('"a,claims,,,,24x7,4h,4h,,'))[0]
    assert "columns must be separated by commas" in mistakes({"commitments.csv": HEADER.replace(",", ";")})[0]


def test_a_file_as_excel_saves_it_is_read(read: Read) -> None:
    text = b"\xef\xbb\xbf" + "\r\n".join((HEADER, "ä,claims,,,,24x7,4h,4h,,", "")).encode()

    assert read({"commitments.csv": text}).commitments[0].commitment_id == "ä"


# ------------------------------------------------------------------ overlaps


def test_of_two_with_the_same_qualifiers_the_earlier_is_to_be_closed(mistakes: Mistakes) -> None:
    found = mistakes(commitments("new,claims,,gold,,24x7,4h,4h,2026-01-01,", "old,claims,,gold,,24x7,8h,8h,,"))

    assert found == [
        f"{AT}3: old and new (line 2) are equally specific, and both hold from 2026-01-01 for the same runs; close old "
        "(line 3) with valid_to 2026-01-01"
    ]


def test_of_two_that_begin_together_one_is_to_go(mistakes: Mistakes) -> None:
    found = mistakes(commitments("a,claims,,,,24x7,4h,4h,,", "b,claims,,,,24x7,8h,8h,,"))

    assert found == [
        f"{AT}3: b and a (line 2) are equally specific, and both hold at all times for the same runs; remove one, or "
        "close a (line 2) with valid_to and begin the other there"
    ]


def test_two_that_meet_in_some_runs_are_settled_by_a_row_to_copy(mistakes: Mistakes, read: Read) -> None:
    rows = ["gold,claims,,gold,,24x7,4h,5h,2026-01-01,", 'north,claims,,,"north, upper",office,8h,9h,,2026-06-01']
    (only,) = mistakes(commitments(*rows))

    message, row = only.split("with the limits you mean: ")
    assert message.startswith(
        f"{AT}3: north and gold (line 2) are equally specific, and both hold from 2026-01-01 to 2026"
    )
    assert row == 'gold+north,claims,,gold,"north, upper",24x7,4h,5h,2026-01-01,2026-06-01'
    assert len(read(commitments(*rows, row)).commitments) == 3


def test_a_more_specific_one_settles_only_the_time_that_it_holds(mistakes: Mistakes) -> None:
    rows = ["g,claims,,gold,,24x7,4h,4h,2026-01-01,2026-12-01", "n,claims,,,north,24x7,8h,8h,,"]
    first = "b1,claims,,gold,north,24x7,4h,4h,,2026-03-01"
    second = "b2,claims,,gold,north,24x7,4h,4h,2026-03-01,2026-12-01"

    (only,) = mistakes(commitments(*rows, first))

    assert only.endswith("g+n,claims,,gold,north,24x7,4h,4h,2026-03-01,2026-12-01")
    assert mistakes(commitments(*rows, first, second)) == []


@pytest.mark.parametrize(
    "rows",
    [
        ("a,claims,,gold,,24x7,4h,4h,,", "b,claims,,silver,,24x7,4h,4h,,"),
        ("a,claims,,gold,,24x7,4h,4h,,", "b,claims,,,,24x7,4h,4h,,"),
        ("a,claims,,gold,,24x7,4h,4h,,", "b,claims,,silver,north,24x7,4h,4h,,", "c,claims,,gold,north,24x7,4h,4h,,"),
        ("a,claims,,,,24x7,4h,4h,,2026-01-01", "b,claims,,,,24x7,4h,4h,2026-01-01,"),
        ("a,claims,,,,24x7,4h,4h,,2026-01-01", "b,claims,,,,24x7,4h,4h,2025-12-31T16:00:00Z,"),
        ("a,claims,,,,24x7,4h,4h,,", "b,claims,pay,,,24x7,4h,4h,,"),
        ("a,claims,pay,,,24x7,4h,4h,,", "b,claims,register,,,24x7,4h,4h,,"),
    ],
    ids=["other values", "more specific", "disjoint", "one after the other", "by the instant", "scope", "nodes"],
)
def test_commitments_that_never_meet_as_equals_are_right(mistakes: Mistakes, rows: tuple[str, ...]) -> None:
    assert mistakes(commitments(*rows)) == []


def test_an_overlap_is_found_although_other_cells_of_the_row_are_wrong(mistakes: Mistakes) -> None:
    found = mistakes(commitments("a,claims,,,,24x7,4h,4h,,", "b,claims,,,,nowhere,x,4h,,"))

    assert [line.split(" ")[1] for line in found] == ["b", "calendar", "commitment_limit"]


def test_thousands_of_commitments_are_checked_in_no_time(mistakes: Mistakes) -> None:
    segments = [f"s{n},claims,,s{n},,24x7,4h,4h,," for n in range(70)]
    locations = [f"l{n},claims,,,l{n},24x7,4h,4h,," for n in range(70)]
    settled = [f"b{n}-{m},claims,,s{n},l{m},24x7,4h,4h,," for n in range(70) for m in range(70)]

    begin = time.monotonic()
    assert mistakes(commitments(*segments, *locations, *settled)) == []
    assert len(mistakes(commitments(*segments, *locations, *settled[:-3]))) == 3
    # Half a second each when measured.
    assert time.monotonic() - begin < 10
