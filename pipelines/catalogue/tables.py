"""The catalogue as tables: what lands of it, and what the models read. Instants are microseconds since 1970 UTC."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import pyarrow as pa

from pipelines.calendars import (
    Intervals,
    at_clock,
    every_day,
    horizon,
    lay_out,
    worked_before,
    worked_until,
    working_days,
)
from pipelines.catalogue.alerts import FILTERS, OF_RUNS
from pipelines.catalogue.calendars import Calendar
from pipelines.catalogue.commitments import ROUND_THE_CLOCK, Commitment
from pipelines.catalogue.limits import clock_seconds, limit_of
from pipelines.catalogue.processes import Owner
from pipelines.catalogue.whole import Catalogue
from pipelines.zones import BEGINNING_US, DAY_US, Instants, day_number, offsets

# The days that a run may start, end or fall due on.
# As far as a time may lie that the gate lets in.
FIRST_BUSINESS_DAY, LAST_BUSINESS_DAY = date(1900, 1, 1), date(2100, 12, 31)

MICROSECOND = timedelta(microseconds=1)

TEXT, INSTANT, RATE = pa.string(), pa.int64(), pa.float64()

NEVER_STOPS = "around the clock"

LIMITS = ("commitment", "tolerance")

SCHEMAS = {
    "organisation": pa.schema(
        {
            "name": TEXT,
            "business_time_zone": TEXT,
            "currency": TEXT,
            "language": TEXT,
            "raise_at": RATE,
            "mend_below": RATE,
            "minimum_runs": pa.int32(),
            "review_months": pa.int32(),
            "day_grain_days": pa.int32(),
            "by_segment": pa.bool_(),
            "by_service_level": pa.bool_(),
            "by_location": pa.bool_(),
            "by_priority": pa.bool_(),
            "by_source_system": pa.bool_(),
        }
    ),
    "process": pa.schema({"process": TEXT, "process_name": TEXT, "process_order": pa.int32()}),
    "node": pa.schema(
        {"process": TEXT, "node": TEXT, "node_name": TEXT, "node_order": pa.int32(), "is_final": pa.bool_()}
    ),
    "owner": pa.schema(
        {
            "process": TEXT,
            "node": TEXT,
            "department": TEXT,
            "position": TEXT,
            "valid_from_us": INSTANT,
            "valid_to_us": INSTANT,
        }
    ),
    "commitment": pa.schema(
        {
            "commitment_id": TEXT,
            "process": TEXT,
            "node": TEXT,
            "segment": TEXT,
            "service_level": TEXT,
            "location": TEXT,
            "priority": TEXT,
            "calendar": TEXT,
            **{
                f"{name}_limit{part}": kind
                for name in LIMITS
                for part, kind in (
                    ("", TEXT),
                    ("_kind", TEXT),
                    ("_us", INSTANT),
                    ("_days", pa.int32()),
                    ("_clock", TEXT),
                )
            },
            "target_rate": RATE,
            "penalty_per_breach": RATE,
            "penalty_per_hour": RATE,
            "penalty_cap": RATE,
            "valid_from_us": INSTANT,
            "valid_to_us": INSTANT,
        }
    ),
    "service_credit": pa.schema(
        {
            "commitment_id": TEXT,
            "process": TEXT,
            "rate_from": RATE,
            "rate_to": RATE,
            "credit_rate": RATE,
            "credit_amount": RATE,
        }
    ),
    "calendar": pa.schema(
        {
            "calendar": TEXT,
            "time_zone": TEXT,
            "horizon_from_us": INSTANT,
            "horizon_to_us": INSTANT,
            "description": TEXT,
        }
    ),
    "calendar_version": pa.schema(
        {
            "calendar": TEXT,
            "version": pa.int32(),
            "valid_from_us": INSTANT,
            "valid_to_us": INSTANT,
            "time_zone": TEXT,
            "description": TEXT,
        }
    ),
    "source": pa.schema({"source_system": TEXT, "kind": TEXT, "time_zone": TEXT, "expected_every_us": INSTANT}),
    "alert_rule": pa.schema(
        {
            "rule": TEXT,
            "rule_order": pa.int32(),
            "alert_trigger": TEXT,
            "lead_us": INSTANT,
            "scope": TEXT,
            **dict.fromkeys(FILTERS, TEXT),
        }
    ),
    "entity": pa.schema({"source_system": TEXT, "entity": TEXT, "shape": TEXT}),
    "indicator": pa.schema(
        {
            "indicator": TEXT,
            "indicator_name": TEXT,
            "indicator_order": pa.int32(),
            "kind": TEXT,
            "process": TEXT,
            "node": TEXT,
            "measure": TEXT,
            "within_us": INSTANT,
            "is_by_segment": pa.bool_(),
            "calendar": TEXT,
            "target": RATE,
            "unit": TEXT,
            "is_higher_better": pa.bool_(),
            "valid_from_us": INSTANT,
            "valid_to_us": INSTANT,
        }
    ),
}


def catalogue_tables(catalogue: Catalogue) -> dict[str, pa.Table]:
    """Return what lands of a catalogue, a table a name."""
    zone = catalogue.organisation.business_time_zone
    rows = {
        "organisation": [_organisation(catalogue)],
        "process": [
            (process.process, process.name, order)
            for order, process in enumerate(catalogue.processes.values(), start=1)
        ],
        "node": [
            (process.process, node.node, node.name, order, node.final)
            for process in catalogue.processes.values()
            for order, node in enumerate(process.nodes, start=1)
        ],
        "owner": list(_owners(catalogue)),
        "commitment": [_commitment(commitment) for commitment in catalogue.commitments],
        "service_credit": [
            tuple(getattr(band, column) for column in SCHEMAS["service_credit"].names)
            for band in catalogue.service_credits
        ],
        "calendar": [
            (ROUND_THE_CLOCK, zone, None, None, NEVER_STOPS),
            *(_calendar(calendar) for calendar in catalogue.calendars.values()),
        ],
        "calendar_version": [
            (ROUND_THE_CLOCK, 1, None, None, zone, NEVER_STOPS),
            *(
                (name, order, version.valid_from_us, version.valid_to_us, version.time_zone, version.description)
                for name, calendar in catalogue.calendars.items()
                for order, version in enumerate(calendar.versions, start=1)
            ),
        ],
        "source": [
            (source.name, source.kind, source.time_zone, source.expected_every // MICROSECOND)
            for source in catalogue.sources.values()
        ],
        "entity": [
            (source.name, entity.name, entity.shape)
            for source in catalogue.sources.values()
            for entity in source.entities.values()
        ],
        "indicator": list(_indicators(catalogue)),
        "alert_rule": [
            (rule.rule, order, trigger, rule.lead_us, rule.scope, *selection)
            for order, rule in enumerate(catalogue.alerts.rules.values(), start=1)
            for trigger in rule.on
            if trigger in OF_RUNS
            for selection in rule.selections()
        ],
    }
    tables = {name: _table(rows[name], schema) for name, schema in SCHEMAS.items()}
    intervals = {name: lay_out(calendar) for name, calendar in catalogue.calendars.items()}
    tables["business_day"] = business_days(zone)
    tables["calendar_interval"] = _calendar_intervals(intervals)
    tables["working_day"] = _working_days(catalogue, intervals)
    tables["zone_change"] = _zone_changes(catalogue)
    return tables


def business_days(zone: str) -> pa.Table:
    """Return each day of the business time zone, once for each UTC day that it touches: models join on ``slot_day``."""
    every = every_day(zone, FIRST_BUSINESS_DAY, LAST_BUSINESS_DAY)
    from_us, to_us = every.from_us, every.closes_us
    first, last = from_us // DAY_US, (to_us - 1) // DAY_US
    touched = last - first + 1
    row = np.repeat(np.arange(len(from_us)), touched)
    # Counts 0, 1, … anew for each day.
    nth = np.arange(len(row)) - np.repeat(np.cumsum(touched) - touched, touched)
    return pa.table(
        {
            "day": _as_dates(every.day[row]),
            "slot_day": first[row] + nth,
            "from_us": from_us[row],
            "to_us": to_us[row],
        }
    )


def _organisation(catalogue: Catalogue) -> tuple[object, ...]:
    organisation = catalogue.organisation
    dimensions = ("segment", "service_level", "location", "priority", "source_system")
    return (
        organisation.name,
        organisation.business_time_zone,
        organisation.currency,
        organisation.language,
        organisation.review.raise_at,
        organisation.review.mend_below,
        organisation.review.minimum_runs,
        organisation.review.months,
        organisation.day_grain_days,
        *(dimension in organisation.achievement_dimensions for dimension in dimensions),
    )


def _owners(catalogue: Catalogue) -> Iterable[tuple[object, ...]]:
    for process in catalogue.processes.values():
        yield from _one_after_the_other(process.process, None, process.owners)
        for node in process.nodes:
            yield from _one_after_the_other(process.process, node.node, node.owners)


def _indicators(catalogue: Catalogue) -> Iterable[tuple[object, ...]]:
    for order, indicator in enumerate(catalogue.indicators.values(), start=1):
        for version, following in pairwise([*indicator.versions, None]):
            assert version is not None
            yield (
                *(indicator.indicator, indicator.name, order, version.kind, version.process, version.node),
                *(version.measure, version.within_us, version.by_segment, version.calendar, version.target),
                *(version.unit, version.is_higher_better, version.valid_from_us),
                following.valid_from_us if following else None,
            )


def _one_after_the_other(process: str, node: str | None, owners: Sequence[Owner]) -> Iterable[tuple[object, ...]]:
    for owner, following in pairwise([*owners, None]):
        assert owner is not None
        valid_to_us = following.valid_from_us if following else None
        yield process, node, owner.department, owner.position, owner.valid_from_us, valid_to_us


def _commitment(commitment: Commitment) -> tuple[object, ...]:
    row: dict[str, object] = {}
    for name in LIMITS:
        limit = limit_of(getattr(commitment, f"{name}_limit"))
        row |= {f"{name}_limit_{part}": getattr(limit, part) for part in ("kind", "us", "days", "clock")}
    return tuple(
        row[column] if column in row else getattr(commitment, column) for column in SCHEMAS["commitment"].names
    )


def _calendar(calendar: Calendar) -> tuple[object, ...]:
    from_us, to_us = horizon(calendar)
    first_us = calendar.versions[0].valid_from_us
    # Before its first version nothing is known of a calendar: that is beyond the horizon, not a time without work.
    from_us = max(from_us, BEGINNING_US if first_us is None else first_us)
    return calendar.name, calendar.time_zone, from_us, to_us, calendar.description


def _calendar_intervals(intervals: Mapping[str, Intervals]) -> pa.Table:
    schema = pa.schema({"calendar": TEXT, "from_us": INSTANT, "to_us": INSTANT, "before_us": INSTANT})
    pieces = [schema.empty_table()]
    for name, (from_us, to_us) in intervals.items():
        columns = [_same(name, from_us), from_us, to_us, worked_before(from_us, to_us)]
        pieces.append(pa.table(columns, schema=schema))
    return pa.concat_tables(pieces).combine_chunks()


def _working_days(catalogue: Catalogue, intervals: Mapping[str, Intervals]) -> pa.Table:
    """Return the days that limits in working days count, and when each ends for every time of day that one names."""
    clocks: dict[str, set[str]] = {}
    for commitment in catalogue.commitments:
        for limit in (limit_of(commitment.commitment_limit), limit_of(commitment.tolerance_limit)):
            if limit.clock is not None:
                # The closing time is always there: by it a run finds the day on which it starts.
                clocks.setdefault(commitment.calendar, {""}).add(limit.clock)
    schema = pa.schema(
        {
            "calendar": TEXT,
            "clock": TEXT,
            "working_day": pa.int32(),
            "day": pa.date32(),
            "from_us": INSTANT,
            "due_us": INSTANT,
            "due_worked_us": INSTANT,
        }
    )
    pieces = [schema.empty_table()]
    for name in sorted(clocks):
        if name == ROUND_THE_CLOCK:
            days = every_day(catalogue.organisation.business_time_zone, FIRST_BUSINESS_DAY, LAST_BUSINESS_DAY)
            last_us = int(days.closes_us[-1])
        else:
            days, last_us = working_days(catalogue.calendars[name]), horizon(catalogue.calendars[name])[1]
        for clock in sorted(clocks[name]):
            due_us = at_clock(days, clock_seconds(clock)) if clock else days.closes_us
            worked_us = due_us if name == ROUND_THE_CLOCK else worked_until(intervals[name], due_us)
            # Beyond the horizon nobody knows what is worked, nor when a last shift closes.
            is_beyond = due_us > last_us
            columns = [
                _same(name, due_us),
                _same(clock, due_us),
                pa.array(np.arange(len(due_us)), pa.int32()),
                _as_dates(days.day),
                days.from_us,
                pa.array(due_us, INSTANT, mask=is_beyond),
                pa.array(worked_us, INSTANT, mask=is_beyond),
            ]
            pieces.append(pa.table(columns, schema=schema))
    return pa.concat_tables(pieces).combine_chunks()


def _zone_changes(catalogue: Catalogue) -> pa.Table:
    """Return the changes of the clocks that a run may live through, by zone."""
    always = FIRST_BUSINESS_DAY, LAST_BUSINESS_DAY + timedelta(days=1)
    lived = {catalogue.organisation.business_time_zone: [always]}
    for calendar in catalogue.calendars.values():
        for version in calendar.versions:
            lived.setdefault(version.time_zone, []).append((calendar.horizon_from, calendar.horizon_to))
    schema = pa.schema(
        {"time_zone": TEXT, "change_us": INSTANT, "offset_before_us": INSTANT, "offset_after_us": INSTANT}
    )
    pieces = [schema.empty_table()]
    for zone in sorted(lived):
        first = max(always[0], min(begin for begin, _ in lived[zone]))
        last = min(always[1], max(end for _, end in lived[zone]))
        table = offsets(zone)
        change_us, before_us, after_us = table.change_utc_us[1:], table.offset_us[:-1], table.offset_us[1:]
        # The horizon of another zone may begin a day earlier or later.
        is_lived = (change_us >= (day_number(first) - 1) * DAY_US) & (change_us < (day_number(last) + 1) * DAY_US)
        columns = [_same(zone, change_us[is_lived]), *(side[is_lived] for side in (change_us, before_us, after_us))]
        pieces.append(pa.table(columns, schema=schema))
    return pa.concat_tables(pieces).combine_chunks()


def _same(text: str, beside: Instants) -> pa.Array:
    return pa.array([text] * len(beside), TEXT)


def _as_dates(days: Instants) -> pa.Array:
    return pa.array(days.astype(np.int32), pa.int32()).cast(pa.date32())


def _table(rows: Sequence[Sequence[object]], schema: pa.Schema) -> pa.Table:
    columns = [[row[index] for row in rows] for index in range(len(schema))]
    return pa.table(
        [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)], schema=schema
    )
