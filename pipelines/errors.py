"""What can go wrong: the family of errors that a user can cause and mend, and the two other ways a run ends."""

from pathlib import Path


class UserError(Exception):
    """Something outside the code is wrong; the message says what, where and the remedy, without a traceback."""


class UnexpectedError(Exception):
    """A fault of this project, not of the user; the log has the traceback."""

    def __init__(self, problem: str, log: Path) -> None:
        """One line for people, the rest in ``log``."""
        super().__init__(f"Something went wrong that should not: {problem} (see {log})")


class Stopped(BaseException):
    """Whoever started the run asked it to stop."""
