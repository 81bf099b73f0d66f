"""What every model of the catalogue shares: frozen, and no key that nobody declared."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, StringConstraints, model_validator


class Model(BaseModel):
    """A part of the catalogue.

    Files are read by alias only (see ``reading.validate``), code builds models by field name, so that a field such as
    ``Source.name``, which a file gives as the key above, cannot be written into the file by mistake.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", validate_by_name=True, validate_by_alias=True)

    @model_validator(mode="before")
    @classmethod
    def _an_empty_value_is_an_absent_one(cls, data: Any) -> Any:
        if not isinstance(data, dict) or None not in data.values():
            return data
        known = known_keys(cls)
        return {key: value for key, value in data.items() if value is not None or key not in known}


def known_keys(model: type[BaseModel]) -> set[str]:
    """Return the keys that a file may write for ``model``; those that the reader itself fills in are in brackets."""
    return {field.alias or name for name, field in model.model_fields.items()}


def as_text(value: Any) -> Any:
    """Return a plain scalar as the text that was written: ``001`` and ``NO`` are words here, not numbers."""
    return getattr(value, "written", value)


def one_or_more(value: Any) -> Any:
    """Let a single value stand for a list of one."""
    return value if isinstance(value, list | tuple) else (value,)


Text = Annotated[str, BeforeValidator(as_text), StringConstraints(strip_whitespace=True, min_length=1)]
AnyText = Annotated[str, BeforeValidator(as_text)]
Texts = Annotated[tuple[Text, ...], BeforeValidator(one_or_more)]
