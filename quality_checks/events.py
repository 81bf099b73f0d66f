"""What every row of shape events must be."""

from __future__ import annotations

from quality_checks.validation import Rule, at_most, not_null, null

NAMES = (
    "key_present",
    "deletion_readable",
    "work_order_present",
    "process_present",
    "activity_present",
    "times_readable",
    "start_present",
    "start_not_in_far_future",
)


def rules(latest_us: int) -> list[Rule]:
    """The suite; no event happens after ``latest_us``."""
    return [
        not_null("key_present", "key_hash"),
        null("deletion_readable", "unreadable_deletion"),
        not_null("work_order_present", "work_order_id"),
        not_null("process_present", "process"),
        not_null("activity_present", "activity"),
        null("times_readable", "unreadable_times"),
        not_null("start_present", "at_us"),
        at_most("start_not_in_far_future", "at_us", latest_us),
    ]
