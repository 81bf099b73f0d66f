"""What every row of shape pauses must be."""

from __future__ import annotations

from quality_checks.validation import Rule, at_most, not_below, not_null, null

NAMES = (
    "key_present",
    "deletion_readable",
    "work_order_present",
    "process_present",
    "times_readable",
    "start_present",
    "end_not_before_start",
    "start_not_in_far_future",
)


def rules(latest_us: int) -> list[Rule]:
    """The suite; no pause starts after ``latest_us``."""
    return [
        not_null("key_present", "key_hash"),
        null("deletion_readable", "unreadable_deletion"),
        not_null("work_order_present", "work_order_id"),
        not_null("process_present", "process"),
        null("times_readable", "unreadable_times"),
        not_null("start_present", "started_us"),
        not_below("end_not_before_start", "ended_us", "started_us"),
        at_most("start_not_in_far_future", "started_us", latest_us),
    ]
