"""Repair of faults: ticket statuses, each lasting until the next; by day, by night and by a vendor in Stockholm."""

from __future__ import annotations

import numpy as np

from pipelines.sample_organisation.chance import choose, draw, hour_of_day, lasting
from pipelines.sample_organisation.processes import Span, Work, day_number, described, ordinal
from pipelines.sample_organisation.route import Route, at_step
from pipelines.sample_organisation.staff_hours import day_of_month, midnight, month_of_year, weekday

NUMBER = 3
_FAULTS_A_DAY = 8.6
_BY_MONTH = np.array([0.9, 0.85, 0.9, 0.95, 1.0, 1.15, 1.3, 1.3, 1.05, 0.9, 0.85, 0.85])
_BY_WEEKDAY = np.array([1.15, 1.05, 1.0, 1.0, 1.05, 0.9, 0.85])
# The department was reorganised: one desk for triage and verification, and it answers faster.
_REORGANISED = day_number("2026-07-01")

TRIAGE, DIAGNOSE, VENDOR, REPAIR, NIGHT_WORKS, VERIFY, REPAIR_AGAIN, VERIFY_AGAIN, REOPENED, VERIFY_REOPENED = range(10)


def fault(span: Span) -> Work:
    """Tickets of broken lines."""
    expected = _FAULTS_A_DAY * _BY_MONTH[month_of_year(span.days) - 1] * _BY_WEEKDAY[weekday(span.days)]
    draws = draw(span.seed, "fault", span.days, np.where(_is_typhoon(span.days), 4 * expected, expected), 14, 16)
    u, z = draws.uniform, draws.normal
    seconds = hour_of_day(u[:, 0], {0: 1.5, 6: 3, 9: 5, 12: 4, 18: 6, 22: 3})
    opened = midnight(draws.period) + seconds
    orders = described("FR", draws, opened, who=1, what=2, where=3)
    orders["priority"] = choose(u[:, 4], {"P1": 8, "P2": 27, "P3": 65})

    staff = span.staff
    is_urgent = (orders["priority"] == "P1").to_numpy()
    is_gold = (orders["segment"] == "gold").to_numpy()
    by_night = np.where(seconds < 7 * 3600, 1.5, 1.0)
    in_storm = np.where(_is_typhoon(draws.period), 1.7, 1.0)
    first_line = by_night * in_storm * np.where(draws.period >= _REORGANISED, 0.72, 1.0)
    half = np.where(is_urgent, 0.5, 1.0)
    # Urgent and gold faults go to the crews on duty, day and night; they travel at once.
    on_duty = is_urgent | is_gold
    repair = in_storm * np.select([is_urgent & is_gold, is_urgent, is_gold], [0.31, 0.4, 0.8], 1.0)
    route = Route(
        now=opened,
        cancelled_at_step=at_step(u[:, 5], {TRIAGE: 0.015, DIAGNOSE: 0.015, REPAIR: 0.015}),
        stuck_at_step=at_step(u[:, 6], {VENDOR: 0.004, REPAIR: 0.0012, VERIFY: 0.0008}),
        given_up_after=u[:, 7],
    )
    duty = (on_duty, staff.always)
    urgent = (is_urgent, staff.always)
    fails, comes_back = u[:, 8] < 0.06, u[:, 9] < 0.03
    # Some wait for a spare part.
    waits = (u[:, 12] < 0.06) & ~is_urgent
    by_crew = np.where(
        waits, lasting(z[:, 11], 30.0, 0.12, np.where(is_gold, 0.7, 1.0)), lasting(z[:, 3], 7.2, 0.5, repair)
    )
    route.visit("triage", lasting(z[:, 0], 0.2, 0.7, half * first_line), staff.always)
    route.visit("diagnose", lasting(z[:, 1], 1.75, 0.65, half * in_storm), staff.always)
    route.visit("vendor", lasting(z[:, 2], 8.0, 0.75), staff.stockholm, where=(u[:, 10] < 0.08) & ~is_urgent)
    route.visit("repair", by_crew, staff.field, unless=duty)
    route.visit("night_works", lasting(z[:, 4], 3.4, 0.5), staff.night, where=(u[:, 11] < 0.09) & ~is_urgent)
    route.visit("verify", lasting(z[:, 5], 1.5, 0.65, half), staff.shop, unless=urgent)
    route.visit("repair", lasting(z[:, 6], 6.0, 0.5, repair), staff.field, where=fails, unless=duty)
    route.visit("verify", lasting(z[:, 7], 1.2, 0.65, half), staff.shop, where=fails, unless=urgent)
    orders["closed"] = route.now
    # Some are closed too early: the customer calls again days later, and the ticket is opened once more.
    route.wait(lasting(z[:, 8], 40.0, 0.6), staff.shop, where=comes_back)
    route.visit("repair", lasting(z[:, 9], 7.0, 0.5, repair), staff.field, where=comes_back, unless=duty)
    route.visit("verify", lasting(z[:, 10], 1.5, 0.65, half), staff.shop, where=comes_back, unless=urgent)
    return Work(orders, route.steps(NUMBER, ordinal(draws)))


def _is_typhoon(days: np.ndarray) -> np.ndarray:
    return (month_of_year(days) == 8) & np.isin(day_of_month(days), (11, 12, 13))
