"""commitments.csv: how long a process or node may take, for whom, on which calendar, from when to when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from pipelines.catalogue.base import Model, Number, Text
from pipelines.catalogue.limits import limit_of
from pipelines.catalogue.reading import File, Written, WrittenDict, suggest
from pipelines.catalogue.times import Instant

QUALIFIERS = ("segment", "service_level", "location", "priority")
ROUND_THE_CLOCK = "24x7"

# More is a slip of the keyboard, and sums of it would not fit into what adds them up exactly.
MOST_MONEY = 10**12

# In the order of the contract: what a file is asked to have, and how a row that is proposed is written.
COLUMNS = (
    "commitment_id",
    "process",
    "node",
    *QUALIFIERS,
    "calendar",
    "commitment_limit",
    "tolerance_limit",
    "target_rate",
    "penalty_per_breach",
    "penalty_per_hour",
    "penalty_cap",
    "valid_from",
    "valid_to",
)
REQUIRED_COLUMNS = ("process", "calendar", "commitment_limit", "tolerance_limit")


def _is_limit(text: str) -> str:
    limit_of(text)
    return text


LimitText = Annotated[Text, AfterValidator(_is_limit)]


def derived_id(row: dict[str, Any]) -> str:
    """Return the commitment_id of a row that gives none: what it applies to, and from when on."""
    text = str(row.get("process", ""))
    if row.get("node"):
        text += f"/{row['node']}"
    filled = [f"{qualifier}={row[qualifier]}" for qualifier in QUALIFIERS if row.get(qualifier)]
    if filled:
        text += f"[{','.join(filled)}]"
    return text + (f"@{row['valid_from']}" if row.get("valid_from") else "")


class Commitment(Model):
    """A row of commitments.csv; a qualifier that is null stands for any, an open end of the validity is null."""

    commitment_id: Text
    process: Text = Field(description="a process of processes.yml")
    node: Text | None = None
    segment: Text | None = None
    service_level: Text | None = None
    location: Text | None = None
    priority: Text | None = None
    calendar: Text = Field(description="a calendar of calendars.yml, or 24x7")
    commitment_limit: LimitText = Field(description="the time within which it is to be done, e.g. 4h")
    tolerance_limit: LimitText = Field(
        description="the time that is still tolerated, e.g. 8h; repeat the commitment_limit where nothing beyond it is"
    )
    target_rate: Number | None = Field(None, ge=0, le=1)
    penalty_per_breach: Number | None = Field(None, ge=0, le=MOST_MONEY)
    penalty_per_hour: Number | None = Field(None, ge=0, le=MOST_MONEY)
    penalty_cap: Number | None = Field(None, ge=0, le=MOST_MONEY)
    valid_from_us: Instant | None = Field(None, alias="valid_from")
    valid_to_us: Instant | None = Field(None, alias="valid_to")
    line: int = Field(0, alias="(line)")

    @field_validator("tolerance_limit")
    @classmethod
    def _tolerance_is_not_below_commitment(cls, tolerance: str, info: ValidationInfo) -> str:
        commitment = info.data.get("commitment_limit")
        if commitment is not None and limit_of(tolerance).is_below(limit_of(commitment)):
            raise ValueError("is below commitment_limit; make it as long or longer, or the commitment shorter")
        return tolerance

    @field_validator("valid_to_us")
    @classmethod
    def _validity_ends_after_it_begins(cls, valid_to_us: int | None, info: ValidationInfo) -> int | None:
        valid_from_us = info.data.get("valid_from_us")
        if valid_to_us is not None and valid_from_us is not None and valid_to_us <= valid_from_us:
            raise ValueError(
                "is not after valid_from, so the commitment would never hold; it is the first day without it"
            )
        return valid_to_us


@dataclass(frozen=True)
class Commitments:
    """The rows of the file: those that are right as commitments, and all as they are written."""

    right: tuple[Commitment, ...] = ()
    rows: tuple[WrittenDict, ...] = ()
    header: tuple[str, ...] = COLUMNS


def read_commitments(file: File) -> Commitments:
    """Return the commitments, after noting what is wrong with rows that are none."""
    table = file.load_csv(f"it needs a row a commitment under the header {','.join(COLUMNS)}")
    if table is None:
        return Commitments()
    header, rows = table
    check_header(header, file, COLUMNS, REQUIRED_COLUMNS, Commitment)
    for row in rows:
        row.setdefault("commitment_id", derived_id(row))
    if not rows and not file.mistakes:
        file.warn((), "there is no commitment, so every run is uncommitted; add a row for each promise")
    _note_repeated_ids(rows, file)
    found = [file.read(Commitment, known_cells(row, COLUMNS).having(line=file.line(row))) for row in rows]
    right = tuple(commitment for commitment in found if commitment is not None)
    return Commitments(right, tuple(rows), tuple(column for column in header if column in COLUMNS))


def check_header(
    header: list[str], file: File, columns: Sequence[str], required: Sequence[str], model: type[Model]
) -> None:
    """Note columns that nobody knows, that are there twice or that are missing."""
    place = ("header",)
    for index, column in enumerate(header):
        if column in header[:index]:
            file.mistake(place, f"the column '{column}' is there twice; remove one")
        elif not column:
            file.mistake(place, f"column {index + 1} has no name; name it, or remove it")
        elif column not in columns:
            file.mistake(place, f"unknown column '{column}'; {suggest(column, columns)}")
    for column in required:
        if column not in header:
            file.mistake(place, f"the column `{column}` is missing: {model.model_fields[column].description}")
            file.columns_missing.add(column)


def known_cells(row: WrittenDict, columns: Sequence[str]) -> WrittenDict:
    """Return the cells of a row without those of columns that nobody knows, which the header's check has noted."""
    cells = WrittenDict({column: cell for column, cell in row.items() if column in columns})
    cells.place = row.place
    return cells


def _note_repeated_ids(rows: list[WrittenDict], file: File) -> None:
    first: dict[str, WrittenDict] = {}
    for row in rows:
        before = first.setdefault(row["commitment_id"], row)
        given = [each["commitment_id"] for each in (row, before) if isinstance(each["commitment_id"], Written)]
        # Two derived ones are equal only where the commitments overlap, which is noted as that.
        if before is not row and given:
            file.mistake(
                row, f"commitment_id {file.shown(given[0])} is also in line {file.line(before)}; give each row its own"
            )
