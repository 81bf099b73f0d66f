"""service_credits.csv: what a month's rate costs: bands of rates that tile 0 to 1, for a commitment or a process."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from pydantic import Field, model_validator

from pipelines.catalogue.base import Model, Number, Text
from pipelines.catalogue.commitments import MOST_MONEY, check_header, known_cells
from pipelines.catalogue.reading import File, suggest

COLUMNS = ("commitment_id", "process", "rate_from", "rate_to", "credit_rate", "credit_amount")
REQUIRED_COLUMNS = ("rate_from", "rate_to")


class ServiceCredit(Model):
    """A band of rates, ``rate_to`` exclusive but for 1, and the credit of a month whose rate falls in it.

    Of a commitment, or of all process runs of a process; a share of what the customer pays, or an amount.
    """

    commitment_id: Text | None = None
    process: Text | None = None
    rate_from: Number = Field(ge=0, le=1, description="the lowest rate of the band, e.g. 0.9")
    rate_to: Number = Field(ge=0, le=1, description="the rate at which the next band begins; 1 for the last")
    credit_rate: Number | None = Field(None, ge=0, le=1)
    credit_amount: Number | None = Field(None, ge=0, le=MOST_MONEY)
    line: int = Field(0, alias="(line)")

    @property
    def subject(self) -> tuple[str | None, str | None]:
        """Whose rates the band is one of."""
        return self.commitment_id, self.process

    @model_validator(mode="after")
    def _one_of_each(self) -> ServiceCredit:
        if (self.commitment_id is None) == (self.process is None):
            raise ValueError("needs a commitment_id or a process, and not both")
        if (self.credit_rate is None) == (self.credit_amount is None):
            raise ValueError("needs a credit_rate or a credit_amount, and not both; write 0 for a band without credit")
        if self.rate_to <= self.rate_from:
            raise ValueError("has a rate_to that is not above its rate_from; make it the higher one")
        return self


def read_service_credits(
    file: File, commitment_ids: Iterable[str], processes: Iterable[str] | None
) -> tuple[ServiceCredit, ...]:
    """Return the bands, after noting what is wrong; without the file there are none.

    ``processes`` are those that are declared; None: not to be known.
    """
    if not file.path.exists():
        return ()
    table = file.load_csv(f"it needs the header {','.join(COLUMNS)}")
    if table is None:
        return ()
    header, rows = table
    check_header(header, file, COLUMNS, REQUIRED_COLUMNS, ServiceCredit)
    found = [file.read(ServiceCredit, known_cells(row, COLUMNS).having(line=file.line(row))) for row in rows]
    bands = tuple(band for band in found if band is not None)
    known = {"commitment_id": set(commitment_ids), "process": None if processes is None else set(processes)}
    for column, names in known.items():
        for row in rows:
            if names is not None and row.get(column) and row[column] not in names:
                file.mistake(
                    row[column], f"{column} {file.shown(row[column])} is unknown; {suggest(row[column], names)}"
                )
    if len(bands) == len(rows):
        _check_tiling(file, bands)
    return bands


def _check_tiling(file: File, bands: Iterable[ServiceCredit]) -> None:
    by_subject: dict[tuple[str | None, str | None], list[ServiceCredit]] = {}
    for band in bands:
        by_subject.setdefault(band.subject, []).append(band)
    for (commitment_id, process), found in by_subject.items():
        of = commitment_id or process
        ordered = sorted(found, key=lambda band: (band.rate_from, band.rate_to))
        if ordered[0].rate_from > 0:
            file.mistake(
                (ordered[0].line,), f"the bands of {of} leave out 0 to {ordered[0].rate_from:g}; add a band for it"
            )
        for one, following in pairwise(ordered):
            if one.rate_to < following.rate_from:
                gap = f"{one.rate_to:g} to {following.rate_from:g}"
                file.mistake((following.line,), f"the bands of {of} leave out {gap}; add a band, or make one longer")
            elif one.rate_to > following.rate_from:
                both = f"{following.rate_from:g} to {min(one.rate_to, following.rate_to):g}"
                file.mistake(
                    (following.line,), f"the bands of {of} have {both} twice, also in line {one.line}; shorten one"
                )
        last = max(ordered, key=lambda band: band.rate_to)
        if last.rate_to < 1:
            file.mistake((last.line,), f"the bands of {of} leave out {last.rate_to:g} to 1; add a band for it")
