"""organisation.yml: who measures, in which time zone the days are cut, and when a commitment is up for review."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import unquote, urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, model_validator

from pipelines.catalogue.base import Model, Number, Text, Whole, as_text, one_or_more
from pipelines.catalogue.reading import File
from pipelines.catalogue.times import ZoneName

Dimension = Literal["segment", "service_level", "location", "priority", "source_system"]
Outlet = Literal["postgresql"]
Language = Literal["en", "zh-CN"]


def _currency(code: str) -> str:
    if not (len(code) == 3 and code.isascii() and code.isalpha() and code.isupper()):
        raise ValueError("is no currency; write its ISO code of three capitals, e.g. EUR")
    return code


def _address(address: SecretStr) -> SecretStr:
    parts = urlsplit(address.get_secret_value())
    if parts.scheme.partition("+")[0] not in ("postgresql", "postgres"):
        raise ValueError(
            "is no address of a PostgreSQL database; it looks like postgresql://user:password@host/database"
        )
    return address


class Review(Model):
    """When achievement calls for a change: from ``raise_at`` on a tighter commitment, below ``mend_below`` mending.

    Judged by what fell due in the last ``months`` complete months, and only from ``minimum_runs`` due on.
    """

    raise_at: Number = Field(0.90, ge=0, le=1)
    mend_below: Number = Field(0.10, ge=0, le=1)
    minimum_runs: Whole = Field(30, ge=1)
    months: Whole = Field(3, ge=1, le=120)

    @model_validator(mode="after")
    def _a_commitment_is_raised_or_mended(self) -> Review:
        if self.mend_below > self.raise_at:
            raise ValueError("has mend_below above raise_at; make it the lower one")
        return self


class Organisation(Model):
    """The organisation whose commitments are measured."""

    name: Text = Field(description="what the report calls the organisation")
    business_time_zone: ZoneName = Field(description="days and months are cut in it, e.g. Europe/Amsterdam")
    currency: Annotated[Text, AfterValidator(_currency)] = Field(description="of penalties, e.g. EUR")
    language: Language = Field("en", description="of the report: en or zh-CN")
    review: Review = Review()
    # Longer than any organisation has run: a slip of the keyboard.
    day_grain_days: Whole = Field(400, ge=1, le=40_000)
    achievement_dimensions: Annotated[tuple[Dimension, ...], BeforeValidator(one_or_more)] = (
        "segment",
        "service_level",
        "source_system",
    )
    publish: dict[Outlet, Annotated[SecretStr, BeforeValidator(as_text), AfterValidator(_address)]] = Field(
        default_factory=dict
    )

    def secrets(self) -> list[str]:
        """Return what must appear in no message, log or table, the longest first."""
        found = set()
        for address in self.publish.values():
            whole = address.get_secret_value()
            password = urlsplit(whole).password or ""
            found |= {whole, password, unquote(password)}
        return sorted((secret for secret in found if len(secret) > 2), key=len, reverse=True)


def read_organisation(file: File) -> Organisation | None:
    """Return what the file says, or None after noting what is wrong with it."""
    content = file.load_yaml("it needs name, business_time_zone and currency")
    if content is None:
        return None
    organisation = file.read(Organisation, content)
    return organisation


def business_time_zone(file: File, organisation: Organisation | None) -> str:
    """Return the business time zone; where it is not known, any zone will do to find the mistakes of other files."""
    return "UTC" if organisation is None else organisation.business_time_zone
