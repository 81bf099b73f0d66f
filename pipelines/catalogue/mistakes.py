"""The one way to say what is wrong in a catalogue: file, line, value and remedy, all mistakes at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pipelines.errors import UserError


@dataclass(frozen=True, order=True)
class Mistake:
    """What is wrong at a line of a catalogue file, with the value and the remedy; ``file`` is relative to the home."""

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


class CatalogueError(UserError):
    """The catalogue has mistakes; nothing runs before they are mended."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = sorted(set(mistakes))
        super().__init__("\n".join(str(mistake) for mistake in self.mistakes))
