"""What every row of shape feedback must be."""

from __future__ import annotations

from quality_checks.validation import Rule, at_most, not_null, null

NAMES = (
    "key_present",
    "deletion_readable",
    "work_order_present",
    "times_readable",
    "time_present",
    "kind_mapped",
    "numbers_readable",
    "rating_on_scale",
    "expectation_has_length",
    "unit_known",
    "start_not_in_far_future",
)


def rules(latest_us: int) -> list[Rule]:
    """The suite; nobody says anything after ``latest_us``."""
    return [
        not_null("key_present", "key_hash"),
        null("deletion_readable", "unreadable_deletion"),
        not_null("work_order_present", "work_order_id"),
        null("times_readable", "unreadable_times"),
        not_null("time_present", "at_us"),
        not_null("kind_mapped", "kind"),
        null("numbers_readable", "unreadable_numbers"),
        null("rating_on_scale", "off_scale"),
        null("expectation_has_length", "expects_nothing"),
        null("unit_known", "unknown_unit"),
        at_most("start_not_in_far_future", "at_us", latest_us),
    ]
