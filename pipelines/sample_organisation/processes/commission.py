"""Settlement of dealers' commissions: three cycles a month, each dealer in one of them.

It passes through three systems under one number: CRM collects, the workflow engine calculates, checks and settles
disputes, the finance department approves and pays.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from pipelines.sample_organisation.chance import choose, draw, lasting
from pipelines.sample_organisation.processes import SEGMENTS, Span, Work
from pipelines.sample_organisation.route import Route, at_step
from pipelines.sample_organisation.staff_hours import midnight, month_of_year, months_of

NUMBER = 1
_DEALERS = 222
_CYCLE_DAYS = (1, 11, 21)
_FIRST_NUMBERED_MONTH = 600  # January 2020

COLLECT, CALCULATE, CHECK, DISPUTE, CHECK_AGAIN, APPROVE, PAY = range(7)


def commission(span: Span) -> Work:
    """A statement a dealer and month."""
    dealer = draw(span.seed, "dealers", np.array([0]), np.array([_DEALERS]), 3, 1, exactly=True)
    dealer_segment = choose(dealer.uniform[:, 0], SEGMENTS)
    dealer_district = choose(dealer.uniform[:, 1], {"Harbour": 4, "Old Town": 4, "University": 2, "Riverside": 2})
    dealer_size = lasting(dealer.normal[:, 0], 1.0, 0.8) / 3600
    cycle = dealer.number % len(_CYCLE_DAYS)

    draws = draw(span.seed, "commission", span.months, np.full(len(span.months), _DEALERS), 6, 12, exactly=True)
    who = draws.number
    first_of_month = draws.period.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    day = first_of_month + np.array(_CYCLE_DAYS)[cycle[who]] - 1
    # Jobs of a cycle begin at eight, one dealer after another.
    opened = midnight(day) + 8 * 3600 + (draws.uniform[:, 0] * 5400).astype(np.int64)
    segment = dealer_segment[who]
    month_name = pd.Series(draws.period.astype("datetime64[M]")).dt.strftime("%y%m")
    orders = pd.DataFrame(
        {
            "order_no": ("DS-" + month_name + "-" + pd.Series(who + 1).astype(str).str.zfill(4)).to_numpy(dtype=object),
            "opened": opened,
            "segment": segment,
            "service_level": "",
            "priority": "",
            "location": dealer_district[who],
            "customer": ("D" + pd.Series(who + 1).astype(str).str.zfill(4)).to_numpy(dtype=object),
            "amount": np.round(8000 * dealer_size[who] * (0.7 + 0.6 * draws.uniform[:, 1]), 2),
        }
    )

    z, office = draws.normal, span.staff.office
    # Year-end campaigns are settled in January and February, by the same people.
    busy = np.where(np.isin(month_of_year(day), (1, 2)), 1.25, 1.0)
    pace = busy * np.where(segment == "gold", 0.8, 1.0)
    route = Route(
        now=opened,
        cancelled_at_step=at_step(draws.uniform[:, 2], {CHECK: 0.012, DISPUTE: 0.008, PAY: 0.006}),
        stuck_at_step=at_step(draws.uniform[:, 3], {CHECK: 0.0015, DISPUTE: 0.004}),
        given_up_after=draws.uniform[:, 4],
    )
    is_disputed = draws.uniform[:, 5] < np.where(segment == "gold", 0.40, 0.31)
    is_checked_again = is_disputed & (z[:, 11] < 0.4)
    brief = lasting(z[:, 7], 0.4, 0.7)
    route.visit("collect", lasting(z[:, 0], 7.5, 0.43, busy), office)
    route.wait(brief, office)
    route.visit("calculate", lasting(z[:, 1], 3.8, 0.5, busy), office)
    route.wait(brief, office)
    route.visit("check", lasting(z[:, 2], 8.3, 0.6, pace), office)
    route.wait(lasting(z[:, 8], 0.6, 0.7), office)
    route.visit("dispute", lasting(z[:, 3], 21.0, 0.65, pace), office, where=is_disputed)
    route.visit("check", lasting(z[:, 4], 5.0, 0.5, pace), office, where=is_checked_again)
    route.wait(lasting(z[:, 9], 0.8, 0.7), office)
    route.visit("approve", lasting(z[:, 5], 3.5, 0.5, busy), office)
    route.visit("pay", lasting(z[:, 6], 7.5, 0.5), office)
    ordinal = (months_of(first_of_month) - _FIRST_NUMBERED_MONTH) * 1000 + who
    return Work(orders, route.steps(NUMBER, ordinal))
