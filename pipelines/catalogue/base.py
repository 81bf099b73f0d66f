"""What every model of the catalogue shares: frozen, text as it was written, and no key that nobody declared."""

from __future__ import annotations

import math
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, StringConstraints, ValidationInfo, model_validator

from pipelines.catalogue.reading import File, WrittenDict, kind


class Model(BaseModel):
    """A part of the catalogue.

    Files are read by alias only (see ``File.read``), code builds models by field name, so that what is not a key of
    the file (its alias is in brackets) cannot be written into it by mistake.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", validate_by_name=True, validate_by_alias=True)

    # Keys that a file may write although they are no field, because a validator turns them into one.
    also_written: ClassVar[frozenset[str]] = frozenset()
    # Keys that the contract knows and this version does not, each with what to do meanwhile.
    not_yet: ClassVar[dict[str, str]] = {}

    @model_validator(mode="before")
    @classmethod
    def _from_file(cls, data: Any, info: ValidationInfo) -> Any:
        if not isinstance(data, WrittenDict) or not isinstance(info.context, File):
            return data
        file = info.context
        fields = cls.as_written(file.known(data, cls.keys(), cls.not_yet), file)
        for name, field in cls.model_fields.items():
            key = field.alias or name
            if field.is_required() and key not in fields and key not in file.columns_missing:
                of = f" in {file.label(data)}" if file.label(data) else ""
                # A row of CSV has all cells, so one can only be empty.
                is_row = any(isinstance(step, int) for step in data.place[:1])
                lack = "empty" if is_row or key in data else "missing"
                file.mistake(data, f"`{key}` is {lack}{of}: {field.description}")
        return fields

    @classmethod
    def as_written(cls, data: WrittenDict, file: File) -> WrittenDict:
        """Turn what people write into fields; a place for short forms, and for rules that need to see all keys."""
        return data

    @classmethod
    def keys(cls) -> frozenset[str]:
        """Return the keys that a file may write."""
        keys = {field.alias or name for name, field in cls.model_fields.items()}
        return frozenset(key for key in keys if not key.startswith("(")) | cls.also_written


def as_text(value: Any) -> Any:
    """Return a plain scalar as the text that was written: ``001`` and ``NO`` are words here, not numbers."""
    return str(value) if isinstance(value, str) else getattr(value, "written", value)


def one_or_more(value: Any) -> Any:
    """Let a single value stand for a list of one."""
    return value if isinstance(value, list | tuple | dict) else (value,)


def a_number(value: Any, what: str = "a number") -> Any:
    """Refuse what Python would take for a number: true, infinity; and help with what other programs write."""
    text = as_text(value)
    if isinstance(text, list | dict | None):
        raise ValueError(f"must be {what}, not {kind(text)}")
    if isinstance(text, str):
        try:
            is_number = math.isfinite(float(text))
        except ValueError:
            is_number = False
        if not is_number:
            helps = {"%": "; write a share of 90% as 0.9", ",": "; write it with a point, not with a comma"}
            remedy = next((help for sign, help in helps.items() if sign in text), "")
            raise ValueError(f"must be {what}{remedy}")
    return value


def a_whole_number(value: Any) -> Any:
    """As ``a_number``; pydantic refuses fractions."""
    return a_number(value, "a whole number")


Text = Annotated[str, BeforeValidator(as_text), StringConstraints(strip_whitespace=True, min_length=1)]
AnyText = Annotated[str, BeforeValidator(as_text)]
Texts = Annotated[tuple[Text, ...], BeforeValidator(one_or_more)]
Number = Annotated[float, BeforeValidator(a_number)]
Whole = Annotated[int, BeforeValidator(a_whole_number)]
