"""What is wrong with a file, in words: which one, where in it, and what to do."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from pipelines.sources.pulled import SourceError

AGAIN = "Deliver the file again; nothing of it has landed"


class Broken(Exception):
    """What is wrong with a file; ``said_clearly`` adds which one."""

    def __init__(self, message: str, line: int | None = None, remedy: str = AGAIN, place: str = "line") -> None:
        """Name the line where there is one, or another ``place`` of that number."""
        super().__init__(message)
        self.message, self.line, self.remedy, self.place = message, line, remedy, place


@contextmanager
def said_clearly(source: str, entity: str, where: str) -> Iterator[None]:
    """Turn whatever goes wrong with the file or folder ``where`` into a message for people."""
    try:
        yield
    except Broken as broken:
        place = f"{where}: {broken.place} {broken.line}: " if broken.line else f"{where} "
        end = "" if broken.message.endswith("?") else "."
        raise SourceError(source, entity, f"{place}{broken.message}{end} {broken.remedy}.") from None
    except PermissionError as problem:
        raise SourceError(
            source,
            entity,
            f"{problem.filename or where} may not be read by this user: give it the right to (chmod, chown, or the "
            "share's settings), then run again.",
        ) from None
    except (EOFError, gzip.BadGzipFile, zlib.error) as problem:
        raise SourceError(source, entity, f"{where} is no whole gzip file ({problem}): is it cut? {AGAIN}.") from None
    except FileNotFoundError:
        raise SourceError(source, entity, f"{where} is gone while it was to be read. {AGAIN}.") from None
    except UnicodeError as problem:
        raise SourceError(source, entity, f"{where} holds text that is no valid UTF-8 ({problem}). {AGAIN}.") from None
    except OSError as problem:
        words = problem.strerror or str(problem)
        raise SourceError(source, entity, f"{where} cannot be read ({words}). {AGAIN}.") from None


def first_line(problem: Exception) -> str:
    """Return what a library says, without its details."""
    return (str(problem).splitlines() or [type(problem).__name__])[0][:200]
