"""commitments.csv: how long a process or node may take, for whom, on which calendar, from when to when."""

from __future__ import annotations

from pydantic import Field

from pipelines.catalogue.base import Model, Text

QUALIFIERS = ("segment", "service_level", "location", "priority")
ROUND_THE_CLOCK = "24x7"


class Commitment(Model):
    """A row of commitments.csv; a qualifier that is null stands for any, an open end of the validity is null."""

    commitment_id: Text
    process: Text
    node: Text | None = None
    segment: Text | None = None
    service_level: Text | None = None
    location: Text | None = None
    priority: Text | None = None
    calendar: Text
    commitment_limit: Text
    tolerance_limit: Text
    commitment_limit_us: int
    tolerance_limit_us: int
    target_rate: float | None = Field(None, ge=0, le=1)
    penalty_per_breach: float | None = Field(None, ge=0)
    penalty_per_hour: float | None = Field(None, ge=0)
    valid_from_us: int | None = Field(None, alias="valid_from")
    valid_to_us: int | None = Field(None, alias="valid_to")
    line: int = Field(0, alias="(line)")
