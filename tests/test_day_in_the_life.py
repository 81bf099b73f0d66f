"""Days of inserts, corrections, deletions, late rows and outages end in the marts of one load of what is there then.

A life of thirty days takes a minute of a core; COMMITMENTS_DAYS and COMMITMENTS_SEEDS ask for others.
"""

from __future__ import annotations

import csv
import json
import os
import random
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.catalogue import read_catalogue
from pipelines.home import Home
from pipelines.run import Daily, run

DAYS = int(os.environ.get("COMMITMENTS_DAYS", "30"))
SEEDS = [int(seed) for seed in os.environ.get("COMMITMENTS_SEEDS", "1,2,3").split(",")]

FIRST_DAY = datetime(2025, 3, 24)
NODES = ["take", "work", "close"]
ORDINARY, RARE = 0.6, 0.15
COMPARED = [
    *("fct_run", "fct_state_interval", "work_order_status", "open_by_day"),
    *("achievement_by_period", "achievement_by_process", "achievement_by_node", "achievement_by_department"),
]

CATALOGUE = {
    "organisation.yml": "name: Life\nbusiness_time_zone: Europe/Amsterdam\ncurrency: EUR\n",
    "calendars.yml": 'calendars:\n  office:\n    time_zone: Europe/Amsterdam\n    hours: {mon-fri: ["09:00-17:00"]}\n',
    "processes.yml": "processes:\n"
    + "".join(
        f"  {process}:\n    name: {process}\n    department: D{process}\n    position: Head\n    nodes:\n"
        + "".join(f"      - {{node: {node}, department: D{node}, position: Agent}}\n" for node in NODES)
        for process in ("tickets", "claims", "orders", "cases")
    ),
    "commitments.csv": "commitment_id,process,node,segment,calendar,commitment_limit,tolerance_limit,target_rate\n"
    + "".join(
        f"{process}-{node},{process},{node},,office,4h,10h,0.9\n{process}-{node}-gold,{process},{node},gold,24x7,6h,1d,0.9\n"
        for process in ("tickets", "claims", "orders", "cases")
        for node in NODES
    )
    + "".join(f"{process},{process},,,24x7,2d,4d,0.9\n" for process in ("tickets", "claims", "orders", "cases")),
}
RUNS = """shape: runs
        key: [id]
        columns: {{work_order_id: number, process: {{value: {process}}}, node: node, started_at: began, ended_at: ended,
                  status: state, segment: segment}}
        statuses: {{completed: [DONE], in_progress: [OPEN], cancelled: [VOID]}}"""
SOURCES = """\
sources:
  tickets:
    kind: database
    time_zone: UTC
    connection: sqlite:///{systems}/tickets.db
    entities:
      rows:
        {tickets}
        from: rows
        cursor: updated
        cursor_lag: 1d
        deletions: gone
  claims:
    kind: database
    time_zone: UTC
    connection: sqlite:///{systems}/claims.db
    entities:
      rows:
        {claims}
        from: rows
        deletions: absent
  orders:
    kind: files
    time_zone: UTC
    connection: {systems}/orders
    entities:
      rows:
        {orders}
        from: week_*.csv
        deletions: absent
  cases:
    kind: database
    time_zone: UTC
    connection: sqlite:///{systems}/cases.db
    entities:
      log:
        shape: events
        from: rows
        key: [id]
        cursor: seq
        cursor_lag: 300
        deletions: key_sweep
        columns: {{work_order_id: number, process: {{value: cases}}, activity: activity, at: at}}
        events: {{mode: states, ends: [done], cancels: [dropped], pauses: [waiting]}}
  waits:
    kind: files
    time_zone: UTC
    connection: {systems}/waits
    entities:
      rows:
        shape: pauses
        from: waits.jsonl
        key: [id]
        columns: {{work_order_id: number, process: {{value: tickets}}, node: node, started_at: since, ended_at: until}}
        deletions: absent
"""


class System:
    """A source system: its rows by id, and those that were deleted and may come back."""

    def __init__(self, name: str, root: Path, chance: random.Random) -> None:
        """Empty."""
        self.name, self.root, self.chance = name, root, chance
        self.rows: dict[int, dict[str, Any]] = {}
        self.gone: dict[int, dict[str, Any]] = {}
        self.ids = 0
        self.touched: set[int] = set()

    def say(self, row: dict[str, Any], number: int | None = None) -> int:
        """Write a row, new or another version."""
        if number is None:
            self.ids += 1
            number = self.ids
        self.rows[number] = {"id": number, **row}
        self.touched.add(number)
        return number

    def live(self, day: datetime, others: list[str]) -> list[str]:
        """One day; returns the work orders that there are."""
        self.touched = set()
        for _ in range(self.chance.randint(3, 6)):
            self.insert(day, others)
        for number in list(self.rows):
            if self.chance.random() < RARE:
                self.correct(number, day)
        if len(self.rows) > 12 and self.chance.random() < ORDINARY:
            number = self.chance.choice(sorted(self.rows))
            self.gone[number] = self.rows.pop(number)
            self.touched.add(number)
        if self.gone and self.chance.random() < RARE:
            number = self.chance.choice(sorted(self.gone))
            self.say(self.gone.pop(number), number)
        return sorted({row["number"] for row in self.rows.values()})

    def at(self, day: datetime) -> datetime:
        """An instant of the day that no other row has."""
        self.ids += 1
        return day + timedelta(seconds=self.chance.randrange(86_000), microseconds=self.ids)

    def insert(self, day: datetime, others: list[str]) -> None:
        """A row of a new work order or of one that is there, now and then days late or wrong."""
        known = sorted({row["number"] for row in self.rows.values()})
        number = self.chance.choice(known) if known and self.chance.random() < ORDINARY else f"{self.name}{self.ids}"
        late = timedelta(days=self.chance.randint(1, 6)) if self.chance.random() < RARE else timedelta()
        wrong = self.chance.random() < RARE
        self.say(
            {
                "number": number,
                "node": self.chance.choice(NODES),
                "began": self.at(day - late),
                "ended": None,
                "state": "WEIRD" if wrong else "OPEN",
                "segment": self.chance.choice(["gold", "silver", None]),
                "week": (day - FIRST_DAY).days // 7,
            }
        )

    def correct(self, number: int, day: datetime) -> None:
        """Ended, opened again, cancelled, or another segment."""
        row = dict(self.rows[number])
        if row["state"] in ("OPEN", "WEIRD"):
            row |= {"state": self.chance.choice(["DONE", "DONE", "VOID"]), "ended": max(self.at(day), row["began"])}
        elif self.chance.random() < ORDINARY:
            row |= {"segment": self.chance.choice(["gold", "silver", None])}
        else:
            row |= {"state": "OPEN", "ended": None}
        self.say(row, number)

    def mend(self, day: datetime) -> None:
        """In the end nothing is wrong, so that what was set aside comes back."""
        for number, row in list(self.rows.items()):
            if row.get("state") == "WEIRD":
                self.say({**row, "state": "OPEN"}, number)

    def write(self, day: datetime) -> None:
        """Show the rows to whoever pulls."""
        raise NotImplementedError


class Database(System):
    """A SQLite file, whose table is written anew."""

    columns: tuple[str, ...] = ("id", "number", "node", "began", "ended", "state", "segment")

    @property
    def place(self) -> Path:
        """What an outage takes away."""
        return self.root / f"{self.name}.db"

    def write(self, day: datetime) -> None:
        """All rows, times as text."""
        with closing(sqlite3.connect(self.place)) as con:
            con.execute("DROP TABLE IF EXISTS rows")
            con.execute(f"CREATE TABLE rows ({', '.join(self.columns)})")
            marks = ", ".join("?" * len(self.columns))
            con.executemany(f"INSERT INTO rows VALUES ({marks})", [self.cells(row) for row in self.shown(day)])
            con.commit()

    def shown(self, day: datetime) -> list[dict[str, Any]]:
        """What stands in the table."""
        return list(self.rows.values())

    def cells(self, row: dict[str, Any]) -> list[Any]:
        """One row of it."""
        return [str(cell) if isinstance(cell, datetime) else cell for cell in map(row.get, self.columns)]


class Flagged(Database):
    """It says when a row changed, and keeps what it deletes, emptied and with a flag."""

    columns = (*Database.columns, "updated", "gone")

    def write(self, day: datetime) -> None:
        """Some rows are committed a few hours after the time that they carry, when the day before has been pulled."""
        for number in self.touched:
            late = timedelta(hours=20) if self.chance.random() < RARE else timedelta()
            changed = str(day + timedelta(hours=12, seconds=self.chance.randrange(40_000)) - late)
            self.rows.get(number, self.gone.get(number))["updated"] = changed  # type: ignore[index]
        super().write(day)

    def shown(self, day: datetime) -> list[dict[str, Any]]:
        """The deleted ones too."""
        there = [{**row, "gone": 0} for row in self.rows.values()]
        return there + [{"id": row["id"], "updated": row["updated"], "gone": 1} for row in self.gone.values()]


class Log(Database):
    """Events, numbered as they are written or corrected; a number may be committed after a higher one."""

    columns = ("id", "number", "activity", "at", "seq")

    def insert(self, day: datetime, others: list[str]) -> None:
        """An event of a new work order or of one that is there, now and then days late."""
        known = sorted({row["number"] for row in self.rows.values()})
        number = self.chance.choice(known) if known and self.chance.random() < 0.8 else f"{self.name}{self.ids}"
        late = timedelta(days=self.chance.randint(1, 6)) if self.chance.random() < RARE else timedelta()
        self.say({"number": number, "activity": self.activity(), "at": self.at(day - late)})

    def activity(self) -> str:
        """What happened."""
        return self.chance.choice([*NODES, *NODES, "waiting", "done", "dropped"])

    def correct(self, number: int, day: datetime) -> None:
        """It happened at another time, or something else did."""
        row = dict(self.rows[number])
        row |= {"activity": self.activity()} if self.chance.random() < ORDINARY else {"at": self.at(row["at"])}
        self.say(row, number)

    def write(self, day: datetime) -> None:
        """Numbers go on by the hundred a day; some come from the day before."""
        for number in self.touched & self.rows.keys():
            late = 100 if self.chance.random() < RARE else 0
            self.rows[number]["seq"] = (day - FIRST_DAY).days * 100 + 500 + self.chance.randrange(100) - late
        super().write(day)


class Files(System):
    """A file a week, that grows, is corrected, and loses rows; each is delivered again when it changed."""

    columns = Database.columns

    @property
    def place(self) -> Path:
        """What an outage takes away."""
        return self.root / self.name

    def write(self, day: datetime) -> None:
        """All weeks, as they stand."""
        self.place.mkdir(exist_ok=True)
        for week in sorted({row["week"] for row in [*self.rows.values(), *self.gone.values()]}):
            rows = [row for row in self.rows.values() if row["week"] == week]
            with (self.place / f"week_{week}.csv").open("w", newline="") as file:
                writer = csv.writer(file)
                writer.writerow(self.columns)
                writer.writerows([row[name] for name in self.columns] for row in rows)


class Waits(Files):
    """One file of pauses."""

    def insert(self, day: datetime, others: list[str]) -> None:
        """Somebody waits for somebody."""
        if others:
            number, node = self.chance.choice(others), self.chance.choice([*NODES, None])
            self.say({"number": number, "node": node, "since": self.at(day), "until": None, "state": "OPEN"})

    def correct(self, number: int, day: datetime) -> None:
        """It is over, or is not after all."""
        row = dict(self.rows[number])
        row["until"] = None if row["until"] else max(self.at(day), row["since"])
        self.say(row, number)

    def write(self, day: datetime) -> None:
        """All of them."""
        self.place.mkdir(exist_ok=True)
        lines = [json.dumps(row, default=str) for row in self.rows.values()]
        (self.place / "waits.jsonl").write_text("".join(f"{line}\n" for line in lines))


def make_home(root: Path, systems: Path) -> Home:
    """A home of its own over the same systems."""
    home = Home(root)
    home.catalogue.mkdir(parents=True)
    runs = {name: RUNS.format(process=name) for name in ("tickets", "claims", "orders")}
    for name, text in {**CATALOGUE, "sources.yml": SOURCES.format(systems=systems, **runs)}.items():
        (home.catalogue / name).write_text(text)
    return home


def bring(home: Home, day: datetime, **asked: Any) -> dict[str, str]:
    """A day's pulls and judgements; what went wrong by source."""
    daily = Daily(home, read_catalogue(home), day.replace(tzinfo=UTC) + timedelta(days=1), **asked)
    return {one.source_system: one.problem for one in daily.bring() if one.problem}


def live(home: Home, systems: list[Any], chance: random.Random) -> datetime:
    """All days; the last one has no outage."""
    day = FIRST_DAY
    for number in range(DAYS):
        day = FIRST_DAY + timedelta(days=number)
        numbers: list[str] = []
        down = [one for one in systems if 0 < number < DAYS - 1 and chance.random() < RARE]
        for one in systems:
            known = one.live(day, numbers)
            numbers = known if one.name == "tickets" else numbers
            if number == DAYS - 1:
                one.mend(day)
            one.write(day)
        for one in down:
            one.place.rename(one.place.with_suffix(".down"))
        assert bring(home, day).keys() == {one.name for one in down}
        for one in down:
            one.place.with_suffix(".down").rename(one.place)
        if number == DAYS // 2:
            # Nobody is confused by being told again.
            assert bring(home, day, sources=["tickets", "claims"], full_refresh=True) == {}
            span = f"{FIRST_DAY.date()}..{day.date()}"
            assert bring(home, day, sources=["tickets"], backfill=span) == {}
    return day


@pytest.mark.parametrize("seed", SEEDS)
def test_a_life_of_changes_ends_in_the_marts_of_one_load_of_what_is_there_then(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    folder = tmp_path / "systems"
    folder.mkdir()
    kinds = {"tickets": Flagged, "claims": Database, "orders": Files, "cases": Log, "waits": Waits}
    systems = [kind(name, folder, chance) for name, kind in kinds.items()]
    lived, fresh = make_home(tmp_path / "lived", folder), make_home(tmp_path / "fresh", folder)

    last_day = live(lived, systems, chance)
    as_of = last_day.replace(tzinfo=UTC) + timedelta(days=1)
    assert run(lived, as_of).exit_code == 0
    assert run(fresh, as_of).exit_code == 0

    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'")
        for name, home in (("lived", lived), ("fresh", fresh)):
            con.execute(f"ATTACH '{home.published / 'warehouse.duckdb'}' AS {name} (READ_ONLY)")
        for table in COMPARED:
            for one, other in (("lived", "fresh"), ("fresh", "lived")):
                more = con.execute(f"FROM {one}.marts.{table} EXCEPT ALL FROM {other}.marts.{table} LIMIT 3").fetchall()
                assert more == [], f"{table}: only in {one}"
        # And both say what the systems do.
        for one in systems[:3]:
            found = con.execute(
                "SELECT work_order_id, node, strftime(started_at, '%Y-%m-%d %H:%M:%S.%f'), reported_status "
                f"FROM lived.marts.fct_run WHERE scope = 'node' AND source_system = '{one.name}' ORDER BY ALL"
            ).fetchall()
            words = {"DONE": "completed", "VOID": "cancelled", "OPEN": "in_progress"}
            assert found == sorted(
                (row["number"], row["node"], f"{row['began']:%Y-%m-%d %H:%M:%S.%f}", words[row["state"]])
                for row in one.rows.values()
            )
        # Every way of being gone was met, and something was set aside and came back.
        ways = {way for (way,) in con.execute("SELECT DISTINCT deleted_by FROM lived.marts.removed_run").fetchall()}
        assert ways == {"flag", "absent", "key_sweep"}
        assert con.execute(
            "SELECT count(*) > 0 FROM lived.marts.quarantine WHERE released_at IS NOT NULL"
        ).fetchone() == (True,)
        assert con.execute("SELECT count(*) FROM fresh.marts.removed_run").fetchone() == (0,)
