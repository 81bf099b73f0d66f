"""One run at a time in a home: a lock that the system takes back when its holder dies, however it dies."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from pipelines.errors import UserError
from pipelines.home import Home


@contextmanager
def exclusive(home: Home) -> Iterator[None]:
    """Hold the home for this process, or say who has it."""
    path = home.root / ".lock"
    try:
        file = path.open("a+", encoding="utf-8")
    except OSError as problem:
        raise UserError(f"{path}: cannot be written ({problem.strerror}); this user needs the right to.") from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "another process"
            raise UserError(
                f"{home.root}: another run is under way ({holder}); wait for it to end, then run again."
            ) from None
        file.truncate(0)
        file.write(f"process {os.getpid()}, since {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC")
        file.flush()
        yield
