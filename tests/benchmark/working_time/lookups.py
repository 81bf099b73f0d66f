"""Elapsed working time alone, by the look-up of the warehouse: how many runs a CPU second on one office calendar.

The peers answer the same questions: ``sample`` writes the runs, ``measure`` repeats them up to the number asked for.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.catalogue import read_catalogue
from pipelines.catalogue.tables import catalogue_tables
from pipelines.home import Home
from pipelines.zones import SECOND_US
from tests.benchmark.synthesize import ORGANISATION, SOURCES

from .models import compiled, compiled_sql, connect, make, read_by

# What each peer can express: the same hours from Monday to Friday, and the holidays of one country.
CALENDARS = """\
calendars:
  office:
    time_zone: Europe/Amsterdam
    hours: {mon-fri: ["09:00-17:00"]}
    holidays: {country: NL}
    horizon: {from: 2020-01-01, to: 2031-01-01}
"""
FIRST_START = datetime(2022, 1, 3, tzinfo=UTC)
DAY_S = 86_400

# The look-ups of int_run_elapsed: the piece of the calendar that holds the start, and the one that holds the end.
ELAPSED = """
    create or replace temp table elapsed as
    select
        run.nth,
        {{ worked('run.calendar', 'run.ended_us', 'at_end') }}
        - {{ worked('run.calendar', 'run.started_us', 'at_start') }} as elapsed_us
    from run
    left join {{ ref('int_calendar_slot') }} as at_start
        on
            run.calendar = at_start.calendar
            and {{ slot('run.started_us', day_us()) }} = at_start.slot
            and run.started_us >= at_start.from_us
            and run.started_us < at_start.to_us
    left join {{ ref('int_calendar_slot') }} as at_end
        on
            run.calendar = at_end.calendar
            and {{ slot('run.ended_us', day_us()) }} = at_end.slot
            and run.ended_us >= at_end.from_us
            and run.ended_us < at_end.to_us
"""


def spans(days: float, runs: int) -> tuple[np.ndarray, np.ndarray]:
    """Return starts and ends, in seconds since 1970, of runs of about ``days`` days: a tenth more or less."""
    random = np.random.default_rng(int(days))
    started = int(FIRST_START.timestamp()) + random.integers(0, 365 * DAY_S, runs)
    return started, started + (days * DAY_S * random.uniform(0.9, 1.1, runs)).astype(np.int64)


class LookUp:
    """The calendar's pieces as the warehouse makes them, in a database of its own in ``folder``."""

    def __init__(self, folder: Path) -> None:
        """Lay the calendar out and make the model that the look-up joins."""
        (folder / "catalogue").mkdir(parents=True)
        for name, text in (
            ("organisation.yml", ORGANISATION),
            ("calendars.yml", CALENDARS),
            ("sources.yml", SOURCES.format(suffix="parquet")),
            ("processes.yml", "processes:\n  p: {name: P, department: D, position: C, nodes: [{node: n}]}\n"),
            ("commitments.csv", "process,calendar,commitment_limit,tolerance_limit\np,office,8h,8h\n"),
        ):
            (folder / "catalogue" / name).write_text(text, encoding="utf-8")
        catalogue = read_catalogue(Home(folder), {})
        self.holidays = sorted(catalogue.calendars["office"].versions[0].holidays)
        for name, table in catalogue_tables(catalogue).items():
            pq.write_table(table, folder / f"{name}.parquet")
        self.database = connect(folder / "warehouse")
        for model in read_by(compiled({"catalogue_path": str(folder)}), ["int_calendar_slot"]):
            make(self.database, model)
        self.sql = compiled_sql(ELAPSED)
        # One thread, as the peers have: seconds of one core on either side, whatever else the machine does.
        self.database.execute("set threads = 1")

    def measure(self, started_s: np.ndarray, ended_s: np.ndarray, copies: int = 1) -> float:
        """Return runs a CPU second for so many copies of the spans: the best of five."""
        self._runs(started_s, ended_s, copies)
        return copies * len(started_s) / min(self._seconds() for _ in range(5))

    def answers(self, started_s: np.ndarray, ended_s: np.ndarray) -> np.ndarray:
        """Return the elapsed seconds of each span."""
        self._runs(started_s, ended_s, 1)
        self._seconds()
        elapsed = self.database.sql("select elapsed_us from elapsed order by nth").fetchnumpy()["elapsed_us"]
        return np.asarray(elapsed) // SECOND_US

    def _runs(self, started_s: np.ndarray, ended_s: np.ndarray, copies: int) -> None:
        span = pa.table({"nth": np.arange(len(started_s)), "started": started_s, "ended": ended_s})
        self.database.register("span", span)
        self.database.execute(
            """
            create or replace temp table run as
            select nth, 'office' as calendar, started * 1000000 as started_us, ended * 1000000 as ended_us
            from range(?) as copy(n) cross join span
            """,
            [copies],
        )

    def _seconds(self) -> float:
        begun = time.process_time()
        self.database.execute(self.sql)
        return time.process_time() - begun
