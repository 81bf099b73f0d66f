"""A function of the user's that yields Arrow: called in a process of its own, which cannot take ours with it."""

from __future__ import annotations

import json
import logging
import os
import select
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from typing import IO, TYPE_CHECKING, Any

import pyarrow as pa

from pipelines.home import Home
from pipelines.sources import python_child
from pipelines.sources.cursors import begin, followed, since
from pipelines.sources.pulled import Progress, Pulled, SourceError

if TYPE_CHECKING:
    from pipelines.catalogue.sources import Entity, Source
    from pipelines.landing import Batch

# Functions ask slow systems, and say nothing before the first rows are there.
SECONDS_OF_SILENCE = 600.0
SHOWN_CHARACTERS = 500
LOGGED_CHARACTERS = 20_000

log = logging.getLogger(__name__)


def pull(
    source: Source,
    entity: Entity,
    history: Sequence[Batch],
    home: Home,
    full_refresh: bool = False,
    progress: Progress | None = None,
) -> Pulled:
    """Bring what the function yields: all of it, or what changed since its cursor stood where it stood last."""
    function = source.connection.get_secret_value().strip()
    pulled, known_ties = begin(entity, history, function, full_refresh)
    pulled.batches = followed(source, entity, pulled, known_ties, _called(source, entity, home, pulled), progress)
    return pulled


def _called(source: Source, entity: Entity, home: Home, pulled: Pulled) -> Iterator[pa.RecordBatch]:
    from pipelines.catalogue.sources import shown

    asked = {
        "home": str(home.root),
        "function": pulled.origin,
        "entity": entity.name,
        "since": None if pulled.cursor_from is None else since(source, entity, pulled.cursor_from),
        "settings": shown(source.settings),
    }
    with tempfile.TemporaryFile() as printed:
        process = subprocess.Popen(
            [sys.executable, "-P", python_child.__file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=printed,
            cwd=home.root,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        conversation = _Conversation(source, entity, process.stdout)
        try:
            # Settings may be secret: neither the arguments nor the environment of a process is.
            with process.stdin as stdin:
                stdin.write(json.dumps(asked).encode())
            yield from conversation.batches()
        except (BrokenPipeError, EOFError):
            process.stdout.close()
            status = process.wait()
            raise conversation.error(
                f"{pulled.origin} ended without a word (exit status {status}): run it by hand, or see what it printed "
                "in the log of the run."
            ) from None
        finally:
            process.kill()
            process.wait()
            process.stdout.close()
            conversation.log_printed(printed)


class _Conversation:
    """What the process says, message by message."""

    def __init__(self, source: Source, entity: Entity, answers: IO[bytes]) -> None:
        self._source, self._entity, self._answers = source, entity, answers
        self._secrets = source.secrets()
        # What a function of the user's says of its rows may be of the people in them.
        self._is_of_people = bool(entity.drop or entity.hash)
        self._silence = source.timeout.total_seconds() if source.timeout else SECONDS_OF_SILENCE

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The rows, to the end that the process announces."""
        while True:
            kind, size = self._read(1), int.from_bytes(self._read(8), "big")
            content = self._read(size)
            if kind == python_child.END:
                return
            if kind == python_child.PROBLEM:
                explained = json.loads(content)
                if explained["traceback"] and not self._is_of_people:
                    log.error("%s.%s: %s", self._source.name, self._entity.name, self._clean(explained["traceback"]))
                words = " ".join(self._clean(explained["words"]).split())
                if self._is_of_people:
                    words = f"{words.partition(':')[0]}: run the function by hand to see what it says"
                raise self.error(
                    f"{words[:SHOWN_CHARACTERS].rstrip('.')}. Nothing of this pull has landed: mend it, then run again."
                )
            with pa.ipc.open_stream(content) as stream:
                yield from stream

    def log_printed(self, printed: IO[bytes]) -> None:
        """Keep what the function printed for whoever looks for it."""
        if self._is_of_people:
            return
        size = printed.seek(0, os.SEEK_END)
        printed.seek(max(0, size - LOGGED_CHARACTERS))
        text = self._clean(printed.read().decode("utf-8", "replace")).strip()
        if text:
            log.warning("%s.%s printed: %s", self._source.name, self._entity.name, text)

    def error(self, words: str) -> SourceError:
        """What is wrong, with the name of the entity."""
        return SourceError(self._source.name, self._entity.name, words)

    def _clean(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text

    def _read(self, size: int) -> bytes:
        pieces: list[Any] = []
        while size:
            # Past Python's buffer: what waits there would not be seen by select.
            if not select.select([self._answers], [], [], self._silence)[0]:
                raise self.error(
                    f"the function yielded nothing for {self._silence:g} s and was stopped: see what it waits for, or "
                    f"raise `timeout` of {self._source.name} in sources.yml."
                )
            piece = os.read(self._answers.fileno(), min(size, 1024 * 1024))
            if not piece:
                raise EOFError
            pieces.append(piece)
            size -= len(piece)
        return b"".join(pieces)
