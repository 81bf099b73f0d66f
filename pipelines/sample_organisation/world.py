"""What happened, whoever recorded it: every work order of every process, past and to come."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np

from pipelines.sample_organisation.processes import Span, Work
from pipelines.sample_organisation.processes.broadband import broadband
from pipelines.sample_organisation.processes.commission import commission
from pipelines.sample_organisation.processes.complaint import complaint
from pipelines.sample_organisation.processes.fault import fault
from pipelines.sample_organisation.processes.port_in import port_in
from pipelines.sample_organisation.staff_hours import HOME_ZONE, Staff, staff

_MONTHS = 18
_LONGEST_IN_DAYS = 500

_PROCESSES: dict[str, Callable[[Span], Work]] = {
    "commission_settlement": commission,
    "broadband_installation": broadband,
    "fault_repair": fault,
    "billing_complaint": complaint,
    "number_port_in": port_in,
}


@dataclass(frozen=True)
class World:
    """The operator from ``since`` on; what is after ``now`` (UTC seconds) has not happened yet: systems hide it."""

    seed: int
    since: dt.date
    now: int
    staff: Staff
    work: dict[str, Work]


def first_day(at: dt.datetime) -> dt.date:
    """Where a new history begins: the first of the month eighteen months ago."""
    local = at.astimezone(ZoneInfo(HOME_ZONE)).date()
    months = local.year * 12 + local.month - 1 - _MONTHS
    return dt.date(months // 12, months % 12 + 1, 1)


def simulate(seed: int, since: dt.date, at: dt.datetime) -> World:
    """Play everything from ``since`` to the end of the month of ``at``."""
    local = at.astimezone(ZoneInfo(HOME_ZONE)).date()
    # Whole months: which rows of a month are blemished depends on all of them.
    until = (local.replace(day=28) + dt.timedelta(days=4)).replace(day=1)
    hours = staff(since - dt.timedelta(days=7), until + dt.timedelta(days=_LONGEST_IN_DAYS))
    epoch = dt.date(1970, 1, 1)
    span = Span(seed, np.arange((since - epoch).days, (until - epoch).days, dtype=np.int64), hours)
    return World(seed, since, int(at.timestamp()), hours, {name: play(span) for name, play in _PROCESSES.items()})
