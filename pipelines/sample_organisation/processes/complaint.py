"""Billing complaints: the process that breaks its promises. Two people investigate what twelve should."""

from __future__ import annotations

import numpy as np

from pipelines.sample_organisation.chance import draw, hour_of_day, lasting
from pipelines.sample_organisation.processes import Span, Work, day_number, described, ordinal
from pipelines.sample_organisation.route import Route, at_step
from pipelines.sample_organisation.staff_hours import day_of_month, midnight, weekday

NUMBER = 4
_COMPLAINTS_A_DAY = 3.6
_BY_WEEKDAY = np.array([1.3, 1.15, 1.05, 1.0, 1.0, 0.8, 0.7])

RECEIVE, INVESTIGATE, DECIDE, CORRECT, REPLY, AGAIN, INVESTIGATE_AGAIN, DECIDE_AGAIN, REPLY_AGAIN = range(9)


def complaint(span: Span) -> Work:
    """Complaints about bills."""
    # Bills go out on the fifth.
    after_bills = np.where((day_of_month(span.days) >= 5) & (day_of_month(span.days) <= 9), 2.2, 0.85)
    expected = _COMPLAINTS_A_DAY * after_bills * _BY_WEEKDAY[weekday(span.days)]
    draws = draw(span.seed, "complaint", span.days, expected, 10, 12)
    u, z = draws.uniform, draws.normal
    opened = midnight(draws.period) + hour_of_day(u[:, 0], {0: 0.3, 8: 4, 12: 3, 18: 5, 22: 1})
    orders = described("BC", draws, opened, who=1, what=2, where=3)

    staff = span.staff
    # It has been getting worse, slowly.
    worse = np.interp(draws.period, [day_number("2025-06-01"), day_number("2026-12-01")], [0.92, 1.12])
    pace = worse * np.where(orders["segment"] == "gold", 0.8, 1.0)
    route = Route(
        now=opened,
        cancelled_at_step=at_step(u[:, 5], {INVESTIGATE: 0.05}),
        stuck_at_step=at_step(u[:, 6], {INVESTIGATE: 0.004, DECIDE: 0.001}),
        given_up_after=u[:, 7],
    )
    is_wrong, comes_back = u[:, 8] < 0.55, u[:, 9] < 0.1
    route.visit("receive", np.ones(len(draws), dtype=np.int64), staff.always)
    route.visit("investigate", lasting(z[:, 1], 35.0, 0.48, pace), staff.office)
    route.visit("decide", lasting(z[:, 2], 4.6, 0.55), staff.office)
    route.visit("correct", lasting(z[:, 3], 3.6, 0.5), staff.office, where=is_wrong)
    route.visit("reply", lasting(z[:, 4], 1.9, 0.6), staff.office)
    route.visit("receive", lasting(z[:, 5], 30.0, 0.6), staff.shop, where=comes_back)
    route.visit("investigate", lasting(z[:, 6], 28.0, 0.48, pace), staff.office, where=comes_back)
    route.visit("decide", lasting(z[:, 7], 4.0, 0.55), staff.office, where=comes_back)
    route.visit("reply", lasting(z[:, 8], 1.9, 0.6), staff.office, where=comes_back)
    return Work(orders, route.steps(NUMBER, ordinal(draws)))
