"""The smallest SQL by hand that computes states and monthly achievement: the yardstick for the dbt models.

``python -m tests.benchmark.hand_written HOME`` reads the accepted rows and makes two tables.

It takes what it knows of this data for granted, as the models may not: one version of each row, one qualifier, hours on
the quarter, nothing outside a horizon. It keeps no other measure, no other grain, no dimension and no state interval.
"""

from __future__ import annotations

import argparse
from datetime import datetime, timedelta
from pathlib import Path

import duckdb

from pipelines.zones import instant_us

from .measure import measured
from .staged import accepted_runs, catalogue_frames
from .synthesize import AS_OF, BEGIN

SLOT_US = 900_000_000
LONGEST_LIMIT = timedelta(days=90)

SPAN = """
    create temp table span as
    with

    node_span as (
        select
            run_id,
            work_order_id,
            process,
            node,
            segment,
            started_us,
            case when ended_us < $as_of then ended_us end as ended_us,
            case when ended_us < $as_of then reported_status else 'in_progress' end as status
        from read_parquet($runs)
        where started_us < $as_of
    ),

    process_span as (
        select
            md5(work_order_id || '/' || process) as run_id,
            'process' as scope,
            process,
            '' as node,
            arg_min(segment, started_us) as segment,
            min(started_us) as started_us,
            max(ended_us) as ended_us,
            case
                when bool_or(ended_us is null) then 'in_progress'
                when bool_or(is_final and status = 'completed') then 'completed'
                when arg_max(status, (started_us, ended_us, node_order)) = 'cancelled' then 'cancelled'
                else 'in_progress'
            end as status
        from node_span
        left join node using (process, node)
        group by work_order_id, process
    )

    select run_id, 'node' as scope, process, node, segment, started_us, ended_us, status from node_span
    union all by name
    select * replace (case when status = 'in_progress' then null else ended_us end as ended_us) from process_span
"""

# All hours of these calendars begin and end on the quarter, so a quarter of an hour is worked or it is not.
SLOT = """
    create temp table slot as
    with

    quarter as (
        select calendar, unnest(range($begin // $slot, $end // $slot)) as slot
        from (select distinct calendar from calendar_interval)
    )

    select
        quarter.calendar,
        quarter.slot,
        before_us + least(slot * $slot, to_us) - from_us as worked_us,
        (slot * $slot < to_us)::bigint as is_working,
        case when is_working = 1 then worked_us // $slot end as worked_slot
    from quarter
    asof join calendar_interval
        on quarter.calendar = calendar_interval.calendar and slot * $slot >= from_us
"""

# The most specific commitment in force at the start: the segment's, else everybody's.
RUN = """
    create temp table run as
    with

    committed as (
        select
            span.*,
            coalesce(specific.calendar, general.calendar) as calendar,
            coalesce(specific.commitment_limit_us, general.commitment_limit_us) as commitment_limit_us,
            coalesce(specific.tolerance_limit_us, general.tolerance_limit_us) as tolerance_limit_us
        from span
        left join commitment as specific
            on span.process = specific.process and span.node = specific.node and span.segment = specific.segment
            and span.started_us >= specific.valid_from_us and span.started_us < specific.valid_to_us
        left join commitment as general
            on span.process = general.process and span.node = general.node and general.segment = ''
            and span.started_us >= general.valid_from_us and span.started_us < general.valid_to_us
    ),

    measured as (
        select
            committed.*,
            first.worked_us + first.is_working * (started_us - first.slot * $slot) as worked_at_start_us,
            last.worked_us + last.is_working * (coalesce(ended_us, $as_of) - last.slot * $slot) as worked_at_end_us
        from committed
        left join slot as first
            on committed.calendar = first.calendar and committed.started_us // $slot = first.slot
        left join slot as last
            on committed.calendar = last.calendar and coalesce(committed.ended_us, $as_of) // $slot = last.slot
    )

    select
        measured.* exclude (worked_at_end_us),
        worked_at_end_us - worked_at_start_us as elapsed_us,
        worked_at_start_us + commitment_limit_us as target_us,
        due.slot * $slot + target_us - due.worked_us as commitment_due_us,
        case
            when measured.calendar is null then null
            when status = 'cancelled' then 'cancelled'
            when elapsed_us > tolerance_limit_us then status || '_warning'
            when elapsed_us > commitment_limit_us then status || '_acceptable'
            else status || '_normal'
        end as state
    from measured
    -- The quarter of an hour whose end reaches the target, not the one that begins with it: due at closing time.
    left join slot as due
        on measured.calendar = due.calendar
        and (worked_at_start_us + commitment_limit_us - 1) // $slot = due.worked_slot
"""

# Months begin on the hour, so the hour of an instant tells its month.
MONTHS = """
    create temp table month_hour as
    select unnest(range(from_us // 3600000000, to_us // 3600000000)) as hour, row_number() over (order by from_us) as n
    from month;

    create temp table month_end as
    select row_number() over (order by month.from_us) as n, month.month, least(month.to_us, $as_of) as end_us
    from month;

    create temp table month_end_worked as
    select month_end.n, month_end.end_us, slot.calendar, slot.worked_us
    from month_end
    join slot on month_end.end_us = slot.slot * $slot
    union all
    select n, end_us, '', null
    from month_end;
"""

ACHIEVEMENT = """
    create temp table achievement_by_month as
    with

    present as (
        select
            scope,
            process,
            node,
            status,
            -- An inner join to the month ends is quick; uncommitted runs have a row there too.
            coalesce(calendar, '') as calendar,
            commitment_limit_us,
            tolerance_limit_us,
            worked_at_start_us,
            ended_us,
            state,
            unnest(range(entered.n, coalesce(gone.n, (select max(n) from month_end)) + 1)) as n
        from run
        join month_hour as entered on run.started_us // 3600000000 = entered.hour
        left join month_hour as gone on run.ended_us // 3600000000 = gone.hour
    ),

    standing as (
        select
            scope,
            process,
            node,
            n,
            case
                when calendar = '' then null
                when ended_us < end_us then state
                when worked_us - worked_at_start_us > tolerance_limit_us then 'in_progress_warning'
                when worked_us - worked_at_start_us > commitment_limit_us then 'in_progress_acceptable'
                else 'in_progress_normal'
            end as state,
            count(*) as runs
        from present
        join month_end_worked using (n, calendar)
        group by all
    ),

    stock as (
        select
            scope,
            process,
            node,
            n,
            sum(runs) as runs,
            sum(runs) filter (state = 'completed_normal') as completed_normal,
            sum(runs) filter (state = 'completed_acceptable') as completed_acceptable,
            sum(runs) filter (state = 'completed_warning') as completed_warning,
            sum(runs) filter (state = 'in_progress_normal') as in_progress_normal,
            sum(runs) filter (state = 'in_progress_acceptable') as in_progress_acceptable,
            sum(runs) filter (state = 'in_progress_warning') as in_progress_warning,
            sum(runs) filter (state = 'cancelled') as cancelled,
            sum(runs) filter (state is null) as uncommitted
        from standing
        group by all
    ),

    flow as (
        select scope, process, node, n, count(*) as due, count(*) filter (state = 'completed_normal') as kept
        from run
        join month_hour on commitment_due_us // 3600000000 = month_hour.hour
        where commitment_due_us < $as_of and (status = 'completed' or elapsed_us > commitment_limit_us)
        group by all
    )

    select
        scope,
        process,
        node,
        month,
        coalesce(columns(* exclude (scope, process, node, n, month, end_us)), 0)::bigint,
        kept / nullif(due, 0) as achievement_rate
    from stock
    full join flow using (scope, process, node, n)
    join month_end using (n)
"""


STAGES = {"spans": SPAN, "slots": SLOT, "states": RUN, "months": MONTHS, "achievement": ACHIEVEMENT}


def compute(database: duckdb.DuckDBPyConnection, home: Path, as_of: datetime = AS_OF) -> None:
    """Make temporary tables ``run`` and ``achievement_by_month`` of a home's accepted rows."""
    values = {
        "as_of": instant_us(as_of),
        "runs": accepted_runs(home),
        "slot": SLOT_US,
        "begin": instant_us(BEGIN),
        "end": instant_us(as_of + LONGEST_LIMIT),
    }
    database.execute("set enable_progress_bar = false")
    database.execute("set preserve_insertion_order = false")
    for name, frame in catalogue_frames(home).items():
        database.register(f"{name}_frame", frame)
        database.execute(f"create temp table {name} as from {name}_frame")
    for name, sql in STAGES.items():
        with measured(f"  hand-written {name}"):
            for statement in duckdb.extract_statements(sql):
                database.execute(statement, {key: values[key] for key in statement.named_parameters})


def store(database: duckdb.DuckDBPyConnection) -> None:
    """Keep what was computed in the database's file."""
    columns = "run_id, scope, process, node, started_us, ended_us, elapsed_us, commitment_due_us, state"
    database.execute(f"create table run_state as select {columns} from run")
    database.execute("create table achievement as from achievement_by_month")


def main() -> None:
    """Compute as the command line says; storing is measured apart, as it is not part of the question."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("home", type=Path)
    parser.add_argument("--into", type=Path, help="default: HOME/benchmark/hand_written.duckdb")
    parser.add_argument("--memory", help="DuckDB's memory limit, for example 8GB")
    options = parser.parse_args()
    into: Path = options.into or options.home / "benchmark" / "hand_written.duckdb"
    into.parent.mkdir(parents=True, exist_ok=True)
    into.unlink(missing_ok=True)
    with duckdb.connect(into) as database:
        if options.memory:
            database.execute(f"set memory_limit = '{options.memory}'")
        with measured("hand-written SQL"):
            compute(database, options.home)
        with measured("hand-written SQL, stored"):
            store(database)


if __name__ == "__main__":
    main()
