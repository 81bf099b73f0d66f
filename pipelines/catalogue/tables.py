"""The catalogue as tables: what lands of it, and what the models read. Instants are microseconds since 1970 UTC."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import pyarrow as pa

from pipelines.calendars import horizon, lay_out, worked_before
from pipelines.catalogue.calendars import Calendar
from pipelines.catalogue.commitments import ROUND_THE_CLOCK
from pipelines.catalogue.processes import Owner
from pipelines.catalogue.whole import Catalogue
from pipelines.zones import BEGINNING_US, DAY_US, day_number, to_utc

# The days that a run may start, end or fall due on.
FIRST_BUSINESS_DAY, LAST_BUSINESS_DAY = date(1970, 1, 1), date(2100, 12, 31)

MICROSECOND = timedelta(microseconds=1)

TEXT, INSTANT, RATE = pa.string(), pa.int64(), pa.float64()

SCHEMAS = {
    "organisation": pa.schema(
        {
            "name": TEXT,
            "business_time_zone": TEXT,
            "currency": TEXT,
            "raise_at": RATE,
            "mend_below": RATE,
            "minimum_runs": pa.int32(),
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
            "commitment_limit": TEXT,
            "tolerance_limit": TEXT,
            "commitment_limit_us": INSTANT,
            "tolerance_limit_us": INSTANT,
            "target_rate": RATE,
            "penalty_per_breach": RATE,
            "penalty_per_hour": RATE,
            "valid_from_us": INSTANT,
            "valid_to_us": INSTANT,
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
    "source": pa.schema({"source_system": TEXT, "kind": TEXT, "time_zone": TEXT, "expected_every_us": INSTANT}),
    "entity": pa.schema({"source_system": TEXT, "entity": TEXT, "shape": TEXT}),
}


def catalogue_tables(catalogue: Catalogue) -> dict[str, pa.Table]:
    """Return what lands of a catalogue, a table a name."""
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
        "commitment": [
            tuple(getattr(commitment, column) for column in SCHEMAS["commitment"].names)
            for commitment in catalogue.commitments
        ],
        "calendar": [
            (ROUND_THE_CLOCK, catalogue.organisation.business_time_zone, None, None, "around the clock"),
            *(_calendar(calendar) for calendar in catalogue.calendars.values()),
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
    }
    tables = {name: _table(rows[name], schema) for name, schema in SCHEMAS.items()}
    tables["business_day"] = business_days(catalogue.organisation.business_time_zone)
    tables["calendar_interval"] = _calendar_intervals(catalogue)
    return tables


def business_days(zone: str) -> pa.Table:
    """Return each day of the business time zone, once for each UTC day that it touches: models join on ``slot_day``."""
    days = np.arange(day_number(FIRST_BUSINESS_DAY), day_number(LAST_BUSINESS_DAY) + 2, dtype=np.int64)
    midnight = to_utc(zone, days * DAY_US)
    days, from_us, to_us = days[:-1], midnight[:-1], midnight[1:]
    # A date that a zone skipped as it crossed the date line has no instants.
    is_day = from_us < to_us
    days, from_us, to_us = days[is_day], from_us[is_day], to_us[is_day]
    first, last = from_us // DAY_US, (to_us - 1) // DAY_US
    touched = last - first + 1
    row = np.repeat(np.arange(len(days)), touched)
    # Counts 0, 1, … anew for each day.
    nth = np.arange(len(row)) - np.repeat(np.cumsum(touched) - touched, touched)
    return pa.table(
        {
            "day": pa.array(days[row].astype(np.int32), pa.int32()).cast(pa.date32()),
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
        organisation.review.raise_at,
        organisation.review.mend_below,
        organisation.review.minimum_runs,
        organisation.day_grain_days,
        *(dimension in organisation.achievement_dimensions for dimension in dimensions),
    )


def _owners(catalogue: Catalogue) -> Iterable[tuple[object, ...]]:
    for process in catalogue.processes.values():
        yield from _one_after_the_other(process.process, None, process.owners)
        for node in process.nodes:
            yield from _one_after_the_other(process.process, node.node, node.owners)


def _one_after_the_other(process: str, node: str | None, owners: Sequence[Owner]) -> Iterable[tuple[object, ...]]:
    for owner, following in pairwise([*owners, None]):
        assert owner is not None
        valid_to_us = following.valid_from_us if following else None
        yield process, node, owner.department, owner.position, owner.valid_from_us, valid_to_us


def _calendar(calendar: Calendar) -> tuple[object, ...]:
    from_us, to_us = horizon(calendar)
    first_us = calendar.versions[0].valid_from_us
    # Before its first version nothing is known of a calendar: that is beyond the horizon, not a time without work.
    from_us = max(from_us, BEGINNING_US if first_us is None else first_us)
    return calendar.name, calendar.time_zone, from_us, to_us, calendar.description


def _calendar_intervals(catalogue: Catalogue) -> pa.Table:
    schema = pa.schema({"calendar": TEXT, "from_us": INSTANT, "to_us": INSTANT, "before_us": INSTANT})
    pieces = [schema.empty_table()]
    for calendar in catalogue.calendars.values():
        from_us, to_us = lay_out(calendar)
        columns = [pa.array([calendar.name] * len(from_us), TEXT), from_us, to_us, worked_before(from_us, to_us)]
        pieces.append(pa.table(columns, schema=schema))
    return pa.concat_tables(pieces).combine_chunks()


def _table(rows: Sequence[Sequence[object]], schema: pa.Schema) -> pa.Table:
    columns = [[row[index] for row in rows] for index in range(len(schema))]
    return pa.table(
        [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)], schema=schema
    )
