"""service_credits.csv: bands that tile 0 to 1, and what of it is wrong."""

from __future__ import annotations

import pytest

from pipelines.catalogue.tables import catalogue_tables

from .conftest import Mistakes, Read

AT = "catalogue/service_credits.csv:"
COLUMNS = "commitment_id,process,rate_from,rate_to,credit_rate,credit_amount"


def credits(*rows: str) -> dict[str, str]:
    """Return a service_credits.csv of these rows, whose first one is in line 2."""
    return {"service_credits.csv": "\n".join((COLUMNS, *rows)) + "\n"}


def test_bands_of_commitments_and_processes_land_in_the_order_of_the_file(read: Read) -> None:
    catalogue = read(credits("pay,,0.9,1,0,", "pay,,0,0.9,0.25,", ",claims,0,1,,500"))

    table = catalogue_tables(catalogue)["service_credit"]
    assert table.column_names == COLUMNS.split(",")
    assert [tuple(row.values()) for row in table.to_pylist()] == [
        ("pay", None, 0.9, 1, 0, None),
        ("pay", None, 0, 0.9, 0.25, None),
        (None, "claims", 0, 1, None, 500),
    ]


def test_without_the_file_there_are_no_credits(read: Read) -> None:
    assert catalogue_tables(read())["service_credit"].num_rows == 0


def test_a_band_is_another_catalogue_and_the_line_it_stands_in_is_not(read: Read) -> None:
    one = read(credits("pay,,0,1,0.1,")).hash

    assert read(credits("", "pay,,0,1,0.1,")).hash == one
    assert read(credits("pay,,0,1,0.2,")).hash != one


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        (["pay,,0,0.8,0.2,", "pay,,0.9,1,0,"], "3: the bands of pay leave out 0.8 to 0.9; add a band"),
        (["pay,,0.1,1,0.2,"], "2: the bands of pay leave out 0 to 0.1; add a band"),
        (["pay,,0,0.9,0.2,"], "2: the bands of pay leave out 0.9 to 1; add a band"),
        (["pay,,0,0.9,0.2,", "pay,,0.8,1,0,"], "3: the bands of pay have 0.8 to 0.9 twice, also in line 2; shorten"),
        ([",claims,0,0.5,0.2,", "pay,,0.5,1,0,"], "2: the bands of claims leave out 0.5 to 1; add a band"),
        (["pai,,0,1,0.2,"], "2: commitment_id 'pai' is unknown; did you mean 'pay'?"),
        ([",clams,0,1,0.2,"], "2: process 'clams' is unknown; did you mean 'claims'?"),
        (["pay,claims,0,1,0.2,"], "2: needs a commitment_id or a process, and not both"),
        ([",,0,1,0.2,"], "2: needs a commitment_id or a process, and not both"),
        (["pay,,0,1,0.2,5"], "2: needs a credit_rate or a credit_amount, and not both"),
        (["pay,,0,1,,"], "2: needs a credit_rate or a credit_amount, and not both"),
        (["pay,,1,0,0.2,"], "2: has a rate_to that is not above its rate_from"),
        (["pay,,0,100,0.2,"], "2: rate_to '100' must be at most 1"),
        (["pay,,,1,0.2,"], "2: `rate_from` is empty: the lowest rate of the band"),
        (["pay,,0,1,10%,"], "2: credit_rate '10%' must be a number; write a share of 90% as 0.9"),
    ],
)
def test_what_is_wrong_with_bands_is_named_with_line_and_remedy(
    mistakes: Mistakes, rows: list[str], found: str
) -> None:
    said = mistakes(credits(*rows))

    assert any(line.startswith(AT + found) for line in said), said


def test_a_column_that_nobody_knows_is_named_and_one_that_is_missing(mistakes: Mistakes) -> None:
    said = mistakes({"service_credits.csv": "commitment,rate_from,credit_rate\npay,0,1\n"})

    assert f"{AT}1: unknown column 'commitment'; did you mean 'commitment_id'?" in said
    assert any(line.startswith(f"{AT}1: the column `rate_to` is missing") for line in said)


def test_a_penalty_may_have_a_cap_which_is_no_negative_amount(read: Read, mistakes: Mistakes) -> None:
    header = "process,calendar,commitment_limit,tolerance_limit,penalty_per_hour,penalty_cap"
    (commitment,) = read({"commitments.csv": f"{header}\nclaims,24x7,4h,8h,10,500\n"}).commitments

    assert commitment.penalty_cap == 500
    assert any(
        "penalty_cap '-1' must be at least 0" in line
        for line in mistakes({"commitments.csv": f"{header}\nclaims,24x7,4h,8h,10,-1\n"})
    )
