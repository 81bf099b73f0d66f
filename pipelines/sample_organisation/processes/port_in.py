"""Porting a number in: the process that could promise more than it does."""

from __future__ import annotations

import numpy as np

from pipelines.sample_organisation.chance import draw, hour_of_day, lasting
from pipelines.sample_organisation.processes import Span, Work, described, ordinal
from pipelines.sample_organisation.route import Route, at_step
from pipelines.sample_organisation.staff_hours import day_of_month, midnight, month_of_year, weekday

NUMBER = 5
_ORDERS_A_DAY = 4.9
_BY_WEEKDAY = np.array([0.85, 0.8, 0.8, 0.85, 1.05, 1.4, 1.25])

IDENTITY, REQUEST, REQUEST_AGAIN, ACTIVATE = range(4)


def port_in(span: Span) -> Work:
    """Customers who bring their number along."""
    # The two shopping festivals of the year: 18 June and 11 November.
    month, day = month_of_year(span.days), day_of_month(span.days)
    is_festival = ((month == 6) & (day >= 16) & (day <= 20)) | ((month == 11) & (day >= 9) & (day <= 13))
    expected = _ORDERS_A_DAY * np.where(is_festival, 2.5, 1.0) * _BY_WEEKDAY[weekday(span.days)]
    draws = draw(span.seed, "port_in", span.days, expected, 9, 6)
    u, z = draws.uniform, draws.normal
    opened = midnight(draws.period) + hour_of_day(u[:, 0], {0: 0, 10: 3, 12: 4, 14: 3, 18: 5, 21: 0})
    orders = described("NP", draws, opened, who=1, what=2, where=3)

    staff = span.staff
    route = Route(
        now=opened,
        cancelled_at_step=at_step(u[:, 5], {IDENTITY: 0.01, REQUEST: 0.02}),
        stuck_at_step=at_step(u[:, 6], {REQUEST: 0.001}),
        given_up_after=u[:, 7],
    )
    route.visit("identity_check", lasting(z[:, 0], 0.23, 0.6), staff.shop)
    route.visit("port_request", lasting(z[:, 1], 11.5, 0.5), staff.always)
    # The other operator rejects some: a wrong name, an unpaid bill.
    route.visit("port_request", lasting(z[:, 2], 9.0, 0.5), staff.always, where=u[:, 8] < 0.05)
    route.visit("activate", lasting(z[:, 3], 0.3, 0.65), staff.always)
    return Work(orders, route.steps(NUMBER, ordinal(draws)))
