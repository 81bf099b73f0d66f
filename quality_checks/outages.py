"""What every row of shape outages must be."""

from __future__ import annotations

from quality_checks.validation import Rule, at_most, not_below, not_null, null

NAMES = (
    "key_present",
    "deletion_readable",
    "service_mapped",
    "times_readable",
    "start_present",
    "end_not_before_start",
    "planned_readable",
    "start_not_in_far_future",
)


def rules(latest_us: int) -> list[Rule]:
    """The suite; no outage starts after ``latest_us``."""
    return [
        not_null("key_present", "key_hash"),
        null("deletion_readable", "unreadable_deletion"),
        not_null("service_mapped", "process"),
        null("times_readable", "unreadable_times"),
        not_null("start_present", "started_us"),
        not_below("end_not_before_start", "ended_us", "started_us"),
        null("planned_readable", "unreadable_planned"),
        at_most("start_not_in_far_future", "started_us", latest_us),
    ]
