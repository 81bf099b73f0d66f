"""Installation of broadband: the shop registers, dispatch schedules, a crew installs, the network activates."""

from __future__ import annotations

import numpy as np

from pipelines.sample_organisation.chance import choose, draw, hour_of_day, lasting
from pipelines.sample_organisation.processes import Span, Work, day_number, described, ordinal
from pipelines.sample_organisation.route import Route, at_step
from pipelines.sample_organisation.staff_hours import midnight, month_of_year, weekday

NUMBER = 2
_ORDERS_A_DAY = 9.4
# Students move in September; nobody moves at Spring Festival.
_BY_MONTH = np.array([0.95, 0.6, 1.0, 1.0, 1.0, 1.05, 1.05, 1.1, 1.5, 0.95, 1.0, 0.9])
_BY_WEEKDAY = np.array([0.9, 0.85, 0.85, 0.9, 1.05, 1.3, 1.15])
# The commitment was tightened on 1 April; the crews needed until October to follow.
_TIGHTENED, _CAUGHT_UP, _PACE_THEN = day_number("2026-04-01"), day_number("2026-10-01"), 0.82

REGISTER, SCHEDULE, INSTALL, SCHEDULE_AGAIN, INSTALL_AGAIN, ACTIVATE = range(6)


def broadband(span: Span) -> Work:
    """Orders of new connections."""
    expected = _ORDERS_A_DAY * _BY_MONTH[month_of_year(span.days) - 1] * _BY_WEEKDAY[weekday(span.days)]
    draws = draw(span.seed, "broadband", span.days, expected, 10, 10)
    u, z = draws.uniform, draws.normal
    opened = midnight(draws.period) + hour_of_day(u[:, 0], {0: 0, 10: 2, 12: 3, 14: 2, 17: 4, 20: 2, 21: 0})
    orders = described("BB", draws, opened, who=1, what=2, where=3)
    orders["service_level"] = choose(u[:, 4], {"standard": 80, "express": 20})

    staff = span.staff
    is_express = (orders["service_level"] == "express").to_numpy()
    crowded = np.where(month_of_year(draws.period) == 9, 1.12, 1.0)
    pace = np.interp(draws.period, [_TIGHTENED, _CAUGHT_UP], [1.0, _PACE_THEN])
    pace = pace * crowded * np.where(is_express, 0.55, 1.0)
    far = np.where(orders["location"].isin(["Airport", "Hillside"]), 1.15, 1.0)
    route = Route(
        now=opened,
        cancelled_at_step=at_step(u[:, 5], {REGISTER: 0.005, SCHEDULE: 0.02, INSTALL: 0.03}),
        stuck_at_step=at_step(u[:, 6], {SCHEDULE: 0.0006, INSTALL: 0.0012, ACTIVATE: 0.0004}),
        given_up_after=u[:, 7],
        # The crews' export knows minutes only.
        grain=60,
    )
    is_in_vain = u[:, 8] < 0.07
    # Some customers have no time this week: the appointment is kept open, and the node with it.
    is_postponed = u[:, 9] < 0.07
    install = lasting(z[:, 2], 11.3, 0.43, pace * far)
    install = np.where(is_postponed, lasting(z[:, 6], 34.0, 0.12, np.where(is_express, 0.55, 1.0)), install)
    route.visit("register", lasting(z[:, 0], 0.40, 0.6), staff.shop)
    route.visit("schedule", lasting(z[:, 1], 3.2, 0.6, np.where(is_express, 0.7, 1.0)), staff.office)
    route.visit("install", install, staff.field)
    route.visit("schedule", lasting(z[:, 3], 2.5, 0.6), staff.office, where=is_in_vain)
    route.visit("install", lasting(z[:, 4], 9.5, 0.43, pace * far), staff.field, where=is_in_vain)
    route.visit("activate", lasting(z[:, 5], 0.22, 0.8), staff.always)
    return Work(orders, route.steps(NUMBER, ordinal(draws)))
