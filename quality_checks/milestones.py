"""What every row of shape milestones must be: each step is judged, and one bad step spoils the row."""

from __future__ import annotations

from quality_checks.validation import Rule, at_most, not_below, not_null, null

NAMES = (
    "key_present",
    "deletion_readable",
    "work_order_present",
    "process_present",
    "times_readable",
    "step_has_start",
    "end_not_before_start",
    "start_not_in_far_future",
)


def rules(latest_us: int, steps: int) -> list[Rule]:
    """The suite for so many steps; none begins after ``latest_us``."""
    each = range(steps)
    return [
        not_null("key_present", "key_hash"),
        null("deletion_readable", "unreadable_deletion"),
        not_null("work_order_present", "work_order_id"),
        not_null("process_present", "process"),
        null("times_readable", "unreadable_times"),
        *(not_null("step_has_start", f"start_if_ended_{i}_us") for i in each),
        *(not_below("end_not_before_start", f"to_{i}_us", f"from_{i}_us") for i in each),
        *(at_most("start_not_in_far_future", f"from_{i}_us", latest_us) for i in each),
    ]
