"""organisation.yml: who measures, in which time zone the days are cut, and when a commitment is up for review."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, SecretStr

from pipelines.catalogue.base import Model, Text

Dimension = Literal["segment", "service_level", "location", "priority", "source_system"]


class Review(Model):
    """When achievement calls for another commitment: at or above ``raise_at`` a tighter one, below ``mend_below`` help."""

    raise_at: float = Field(0.90, ge=0, le=1)
    mend_below: float = Field(0.10, ge=0, le=1)
    minimum_runs: int = Field(30, ge=1)


class Organisation(Model):
    """The organisation whose commitments are measured."""

    name: Text
    business_time_zone: Text
    currency: Annotated[Text, Field(pattern=r"^[A-Z]{3}$")]
    review: Review = Review()
    day_grain_days: int = Field(400, ge=1, le=40_000)
    achievement_dimensions: tuple[Dimension, ...] = ("segment", "service_level", "source_system")
    publish: dict[str, SecretStr] = {}
