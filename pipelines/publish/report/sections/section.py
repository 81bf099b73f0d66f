"""What a section of the report is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipelines.publish.report.facts import Facts, Row

Column = tuple[str, str, str]
"""Of a sheet: the column of the query, its heading, and how it is written: text, count, rate, hours, amount, number,
date, day or moment."""


@dataclass(frozen=True)
class Sheet:
    """A sheet of the workbook: the rows of one query, whole."""

    name: str
    columns: Sequence[Column]
    query: str


@dataclass(frozen=True)
class Section:
    """A section: queries of schema ``marts`` by name, and what the template is given as ``shown``."""

    name: str
    title: str
    queries: Mapping[str, str]
    view: Callable[[Facts, Mapping[str, list[Row]]], Mapping[str, Any] | None]
    """None where there is nothing to show: then the section is left out."""
    sheets: Sequence[Sheet] = ()
