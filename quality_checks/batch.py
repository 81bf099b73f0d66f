"""What every batch must be as a whole: a frame of one row, with what SQL and the manifest say about it."""

from __future__ import annotations

from quality_checks.validation import Rule, not_below, null

NAMES = ("columns_as_declared", "volume", "last_line", "types_as_before")


def rules() -> list[Rule]:
    """The suite."""
    return [
        null("columns_as_declared", "missing_columns"),
        not_below("volume", "rows_of_usual", "least_rows"),
        null("last_line", "cut_file"),
        null("types_as_before", "retyped_columns"),
    ]
