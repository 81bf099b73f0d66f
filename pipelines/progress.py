"""What a run tells people while it works: on stderr, lively in a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import threading
import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import Progress as Bars
from rich.progress import SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

SECONDS_BETWEEN_LINES = 5.0


class Progress:
    """Says nothing. Every method may be called from any thread."""

    def __enter__(self) -> Self:
        """Begin to tell."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Leave the terminal as it was."""

    def stage(self, name: str) -> None:
        """A stage begins, and the one before it ends."""

    def begin(self, what: str) -> None:
        """Something within the stage begins, beside others."""

    def rows(self, what: str, rows: int) -> None:
        """So many rows of it so far."""

    def step(self, what: str, done: int, total: int) -> None:
        """The stage is at ``what``, with so many done."""

    def end(self, what: str, result: str) -> None:
        """It ended like this."""


class Lines(Progress):
    """A line for what begins and ends, and now and then one for what takes long."""

    def __init__(self) -> None:
        """Nothing is shown before a stage begins."""
        self._lock = threading.Lock()
        self._stage: tuple[str, float] | None = None
        self._shown: dict[str, float] = {}

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """The last stage ends, if nothing went wrong in it."""
        if kind is None:
            self._end_of_stage()

    def stage(self, name: str) -> None:
        """``name ...``, after how long the one before took."""
        self._end_of_stage()
        self._stage = (name, time.monotonic())
        self._say(f"{name} ...")

    def begin(self, what: str) -> None:
        """``what ...``."""
        self._shown[what] = time.monotonic()
        self._say(f"  {what} ...")

    def rows(self, what: str, rows: int) -> None:
        """``what: rows so far``, not too often."""
        if self._is_due(what):
            self._say(f"  {what}: {rows:,} rows so far")

    def step(self, what: str, done: int, total: int) -> None:
        """``done of total: what``, not too often."""
        if self._is_due("(step)"):
            self._say(f"  {done} of {total}: {what}")

    def end(self, what: str, result: str) -> None:
        """``what: result``."""
        self._say(f"  {what}: {result}")

    def _end_of_stage(self) -> None:
        if self._stage is not None:
            name, since = self._stage
            self._stage = None
            self._say(f"{name}: done in {time.monotonic() - since:.1f} s")

    def _is_due(self, what: str) -> bool:
        now = time.monotonic()
        if now - self._shown.setdefault(what, now) < SECONDS_BETWEEN_LINES:
            return False
        self._shown[what] = now
        return True

    def _say(self, line: str) -> None:
        with self._lock:
            print(line, file=sys.stderr, flush=True)


class Live(Progress):
    """Spinners for what is under way, a line for what ended."""

    def __init__(self, console: Console) -> None:
        """Draw on ``console``."""
        self._bars = Bars(
            SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), console=console, transient=True
        )
        self._tasks: dict[str, TaskID] = {}
        self._stage: tuple[str, float] | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        """Begin to draw."""
        self._bars.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Take the spinners away."""
        if kind is None:
            self._end_of_stage()
        self._bars.stop()

    def stage(self, name: str) -> None:
        """A spinner for the stage."""
        self._end_of_stage()
        self._stage = (name, time.monotonic())
        self._task("(stage)", f"[bold]{name}[/]")

    def begin(self, what: str) -> None:
        """A spinner of its own."""
        self._task(what, f"  {what}")

    def rows(self, what: str, rows: int) -> None:
        """Count up in its spinner."""
        self._task(what, f"  {what}  [cyan]{rows:,}[/] rows")

    def step(self, what: str, done: int, total: int) -> None:
        """Show in the stage's spinner where it is."""
        if self._stage is not None:
            self._task("(stage)", f"[bold]{self._stage[0]}[/]  {done} of {total}: {what}")

    def end(self, what: str, result: str) -> None:
        """Its spinner becomes a line."""
        self._drop(what)
        self._bars.console.print(f"  {what}: {result}", highlight=False, markup=False)

    def _end_of_stage(self) -> None:
        if self._stage is not None:
            name, since = self._stage
            self._stage = None
            self._drop("(stage)")
            self._bars.console.print(f"[green]✓[/] {name} [dim]{time.monotonic() - since:.1f} s[/]", highlight=False)

    def _task(self, what: str, text: str) -> None:
        with self._lock:
            if what in self._tasks:
                self._bars.update(self._tasks[what], description=text)
            else:
                self._tasks[what] = self._bars.add_task(text, total=None)

    def _drop(self, what: str) -> None:
        with self._lock:
            task = self._tasks.pop(what, None)
            if task is not None:
                self._bars.remove_task(task)


def shown(quiet: bool = False) -> Progress:
    """What fits where stderr goes."""
    if quiet:
        return Progress()
    console = Console(stderr=True)
    return Live(console) if console.is_terminal else Lines()
