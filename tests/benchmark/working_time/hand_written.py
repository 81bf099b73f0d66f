"""The smallest SQL by hand for working time, deadlines and states with pauses and all kinds of limit: the yardstick.

``python -m tests.benchmark.working_time.hand_written HOME`` reads the accepted rows and lays the catalogue out; it
makes one table ``run_state``. It takes what it knows of this data for granted, as the models may not: one version of
each row, one qualifier, hours on the quarter, nothing outside a horizon, the nodes of an order one after the other.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import duckdb

from pipelines.catalogue import read_catalogue
from pipelines.catalogue.tables import catalogue_tables
from pipelines.home import Home
from pipelines.zones import BEGINNING_US, END_US, instant_us
from tests.benchmark.measure import measured
from tests.benchmark.synthesize import AS_OF, BEGIN

from .models import connect

SLOT_US = 900_000_000
# From the earliest promise to the latest deadline: nine months hold the longest limit and all its pauses.
BEGIN_US, LAST_US = instant_us(BEGIN) - 86_400_000_000, instant_us(AS_OF) + 270 * 86_400_000_000

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
            promised_us,
            started_us,
            case when ended_us < $as_of then ended_us end as ended_us,
            case when ended_us < $as_of then reported_status else 'in_progress' end as status
        from read_parquet($runs)
        where started_us < $as_of
    ),

    process_span as (
        select
            md5('process|' || length(process) || '|' || process || '|' || work_order_id) as run_id,
            work_order_id,
            process,
            '' as node,
            arg_min(segment, started_us) as segment,
            arg_min(promised_us, started_us) as promised_us,
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

    select row_number() over () as run, *
    from (
        select * from node_span
        union all by name
        select * replace (case when status = 'in_progress' then null else ended_us end as ended_us) from process_span
    )
"""

# What is worked of each quarter of an hour, and the working day that a run starting in it counts from.
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
        before_us + least(slot * $slot, to_us) - calendar_interval.from_us as worked_us,
        (slot * $slot < to_us)::bigint as is_working,
        case when is_working = 1 then worked_us // $slot end as worked_slot,
        working_day
    from quarter
    asof join calendar_interval
        on quarter.calendar = calendar_interval.calendar and slot * $slot >= calendar_interval.from_us
    asof left join (from working_day where clock = '') as day
        on quarter.calendar = day.calendar and slot * $slot >= day.from_us
"""

# The pieces of each run in which its clock stands still, none over another. An order is at one node at a time, so what
# stops that node stops the order.
PAUSE = """
    create temp table pause as
    with

    node_pause as (
        select
            run,
            process,
            work_order_id,
            greatest(span.started_us, pause.started_us) as from_us,
            least(coalesce(span.ended_us, $as_of), coalesce(pause.ended_us, $as_of)) as to_us
        from read_parquet($pauses) as pause
        join span using (process, work_order_id)
        where span.node <> '' and coalesce(pause.node, span.node) = span.node
    ),

    process_pause as (
        select span.run, from_us, to_us
        from node_pause
        join span using (process, work_order_id)
        where span.node = '' and from_us < to_us
        union all
        select
            run,
            greatest(span.started_us, pause.started_us),
            least(coalesce(span.ended_us, $as_of), coalesce(pause.ended_us, $as_of))
        from read_parquet($pauses) as pause
        join span using (process, work_order_id)
        where span.node = '' and pause.node is null
    )

    select
        run,
        greatest(from_us, coalesce(max(to_us) over before, 0)) as still_from_us,
        to_us as still_to_us
    from (select run, from_us, to_us from node_pause union all from process_pause)
    where from_us < to_us
    window before as (partition by run order by from_us, to_us rows between unbounded preceding and 1 preceding)
    qualify still_from_us < still_to_us
"""

# The most specific commitment in force at the start: the segment's, else everybody's; its limits as working time.
RUN = """
    create temp table run as
    with

    committed as (
        select span.*, coalesce(specific.number, general.number) as number
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
            run,
            run_id,
            status,
            started_us,
            committed.ended_us is null as is_open,
            commitment.*,
            first.working_day,
            first.worked_us + first.is_working * (started_us - first.slot * $slot) as worked_at_start_us,
            last.worked_us + last.is_working * (coalesce(ended_us, $as_of) - last.slot * $slot) as worked_at_end_us,
            promise.worked_us + promise.is_working * (promised_us - promise.slot * $slot) as worked_at_promise_us
        from committed
        join commitment using (number)
        left join slot as first
            on commitment.calendar = first.calendar and started_us // $slot = first.slot
        left join slot as last
            on commitment.calendar = last.calendar and coalesce(ended_us, $as_of) // $slot = last.slot
        left join slot as promise
            on commitment.calendar = promise.calendar
            and case when commitment_limit_kind = 'promised' then promised_us // $slot end = promise.slot
    )

    select
        run,
        run_id,
        status,
        measured.calendar,
        started_us,
        is_open,
        worked_at_start_us,
        worked_at_end_us - worked_at_start_us as worked_us,
        case commitment_limit_kind
            when 'time' then commitment_limit_us
            -- greatest() would make a limit of a promise that is not there.
            when 'promised' then worked_at_promise_us - worked_at_start_us
                + greatest(commitment_limit_us, worked_at_start_us - worked_at_promise_us)
            else greatest(0, commitment_day.due_worked_us - worked_at_start_us)
        end as c_us,
        case tolerance_limit_kind
            when 'time' then tolerance_limit_us
            when 'promised' then worked_at_promise_us - worked_at_start_us
                + greatest(tolerance_limit_us, c_us + worked_at_start_us - worked_at_promise_us)
            else greatest(c_us, tolerance_day.due_worked_us - worked_at_start_us)
        end as t_us
    from measured
    left join working_day as commitment_day
        on measured.calendar = commitment_day.calendar and commitment_limit_clock = commitment_day.clock
        and measured.working_day + commitment_limit_days = commitment_day.working_day
    left join working_day as tolerance_day
        on measured.calendar = tolerance_day.calendar and tolerance_limit_clock = tolerance_day.clock
        and measured.working_day + tolerance_limit_days = tolerance_day.working_day
"""

# What each paused run loses, and by how much a limit moves: past the pauses that begin before it, or as it is reached.
PAUSED = """
    create temp table paused as
    with

    costing as (
        select
            run,
            c_us,
            t_us,
            still_from_us,
            is_open and still_to_us = $as_of as is_open,
            first.worked_us + first.is_working * (still_from_us - first.slot * $slot) as from_worked_us,
            last.worked_us + last.is_working * (still_to_us - last.slot * $slot) - from_worked_us as cost_us,
            from_worked_us - worked_at_start_us as since_start_us
        from pause
        join run using (run)
        -- Outer joins keep their order: beyond some millions of pauses another one is chosen, at seven times the cost.
        left join slot as first on run.calendar = first.calendar and still_from_us // $slot = first.slot
        left join slot as last on run.calendar = last.calendar and still_to_us // $slot = last.slot
    ),

    placed as (
        select
            *,
            since_start_us - coalesce(sum(cost_us) over (
                partition by run order by still_from_us rows between unbounded preceding and 1 preceding
            ), 0) as elapsed_us
        from costing
    )

    select
        run,
        sum(cost_us)::bigint as paused_us,
        {}
    from placed
    group by run
""".format(
    ",\n        ".join(
        f"case when not bool_or(is_open and elapsed_us {sign} {limit}_us) then\n"
        f"            coalesce(sum(cost_us) filter (elapsed_us {sign} {limit}_us), 0)::bigint end as {limit}_{name}_us"
        for limit in ("c", "t")
        for name, sign in (("due", "<"), ("left", "<="))
    )
)

STATE = """
    create table run_state as
    with

    target as (
        select
            run.*,
            coalesce(paused_us, 0) as paused_us,
            worked_us - coalesce(paused_us, 0) as elapsed_us,
            {}
        from run
        left join paused using (run)
    )

    select
        run_id,
        case when c_us is not null then elapsed_us end as elapsed_us,
        case when c_us is not null then paused_us end as paused_us,
        case when c_us = 0 then started_us else c_due.slot * $slot + c_due_us - c_due.worked_us end
            as commitment_due_us,
        case when t_us = 0 then started_us else t_due.slot * $slot + t_due_us - t_due.worked_us end
            as tolerance_due_us,
        c_left.slot * $slot + c_left_us - c_left.worked_us as commitment_left_us,
        t_left.slot * $slot + t_left_us - t_left.worked_us as tolerance_left_us,
        case
            when c_us is null then null
            when status = 'cancelled' then 'cancelled'
            when elapsed_us > t_us then status || '_warning'
            when elapsed_us > c_us then status || '_acceptable'
            else status || '_normal'
        end as state
    from target
    {}
""".format(
    ",\n            ".join(
        f"worked_at_start_us + {limit}_us + case when paused.run is null then 0 else {limit}_{name}_us end"
        f" as {limit}_{name}_us"
        for limit in ("c", "t")
        for name in ("due", "left")
    ),
    # Due is the end of the quarter that reaches the target, left the beginning of the one that exceeds it.
    "\n    ".join(
        f"left join slot as {limit}_{name}\n"
        f"        on target.calendar = {limit}_{name}.calendar"
        f" and ({limit}_{name}_us - {early}) // $slot = {limit}_{name}.worked_slot"
        for limit in ("c", "t")
        for name, early in (("due", 1), ("left", 0))
    ),
)

STAGES = {"spans": SPAN, "slots": SLOT, "pauses": PAUSE, "runs": RUN, "paused": PAUSED, "states": STATE}


def compute(database: duckdb.DuckDBPyConnection, home: Path) -> None:
    """Make the table ``run_state`` of a home's accepted rows."""
    values = {
        "as_of": instant_us(AS_OF),
        "runs": str(home / "accepted" / "runs" / "synthetic" / "*" / "*.parquet"),
        "pauses": str(home / "accepted" / "pauses" / "synthetic" / "*" / "*.parquet"),
        "slot": SLOT_US,
        "begin": BEGIN_US,
        "end": LAST_US,
    }
    for name, table in catalogue_tables(read_catalogue(Home(home), {})).items():
        database.register(f"{name}_landed", table)
    database.execute("create type calendar as enum (select calendar from calendar_landed)")
    for name in ("node", "calendar_interval", "working_day"):
        numbered = "* replace (calendar::calendar as calendar)" if name != "node" else "*"
        database.execute(f"create temp table {name} as select {numbered} from {name}_landed")
    database.execute(
        f"""
        create or replace temp table commitment as
        select
            row_number() over () as number,
            * replace (
                calendar::calendar as calendar,
                coalesce(node, '') as node,
                coalesce(segment, '') as segment,
                coalesce(valid_from_us, {BEGINNING_US}) as valid_from_us,
                coalesce(valid_to_us, {END_US}) as valid_to_us
            )
        from commitment_landed
        """
    )
    # Round the clock is one long interval here, so that there is one arithmetic.
    database.execute(f"insert into calendar_interval values ('24x7', 0, {END_US}, 0)")
    for name, sql in STAGES.items():
        part = "spans" if name == "spans" else "working time"
        with measured(f"{part}: {name}"):
            for statement in duckdb.extract_statements(sql):
                database.execute(statement, {key: values[key] for key in statement.named_parameters})


def main() -> None:
    """Compute as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("home", type=Path)
    home = parser.parse_args().home
    with connect(home / "benchmark" / "by_hand") as database:
        compute(database, home)


if __name__ == "__main__":
    main()
