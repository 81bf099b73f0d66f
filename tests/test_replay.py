"""What was said on a day can be said again at any time later."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb
import pytest
import tiny

from pipelines.errors import UserError
from pipelines.home import Home
from pipelines.lock import exclusive
from pipelines.replay import remove_killed, replay
from pipelines.run import run

pytestmark = pytest.mark.xdist_group("built")

# What names the publication, and what compares publications with each other.
APART = {"marts.publication", "marts.restatement"}

JOBS_ON_THE_18TH = tiny.JOBS.replace("C3,REGISTER,2026-03-19 15:00:00,,OPEN,\n", "")
JOBS_ON_THE_20TH = (
    tiny.JOBS.replace("2026-02-10 10:00:00,,OPEN", "2026-02-10 10:00:00,2026-02-10 11:00:00,DONE")
    + "C5,REGISTER,2026-03-20 10:00:00,2026-03-20 09:00:00,DONE,\n"
    + "C6,REGISTER,2028-03-20 10:00:00,,OPEN,\n"
)


@dataclass
class Published:
    """A copy of what was published on a day."""

    file: Path
    as_of: str
    known_at: str


def tables(file: Path) -> list[str]:
    with duckdb.connect(str(file), read_only=True) as con:
        return [
            name
            for (name,) in con.execute(
                "SELECT schema_name || '.' || table_name FROM duckdb_tables() ORDER BY ALL"
            ).fetchall()
        ]


def differences(one: Path, other: Path) -> dict[str, int]:
    """Rows that only one of two files has, by table; both must have the same tables."""
    assert tables(one) == tables(other)
    with duckdb.connect() as con:
        con.execute(f"ATTACH '{one}' AS one (READ_ONLY); ATTACH '{other}' AS other (READ_ONLY)")
        found = {}
        for table in set(tables(one)) - APART:
            ((rows,),) = con.execute(
                f"SELECT count(*) FROM ((FROM one.{table} EXCEPT ALL FROM other.{table}) "
                f"UNION ALL (FROM other.{table} EXCEPT ALL FROM one.{table}))"
            ).fetchall()
            if rows:
                found[table] = rows
        return found


def ask(file: Path, sql: str) -> list[tuple]:
    with duckdb.connect(str(file), read_only=True) as con:
        con.execute("SET TimeZone = 'UTC'")
        return con.execute(sql).fetchall()


def keep(home: Home, to: Path) -> Published:
    shutil.copyfile(home.published / "warehouse.duckdb", to)
    [(as_of, known_at)] = ask(to, "SELECT as_of, known_at FROM marts.publication")
    return Published(to, as_of.isoformat(), known_at.isoformat())


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory, built_once: Home, wms: str) -> tuple[Home, list[Published]]:
    """Four days of the tiny home: more rows every day, then a tighter limit, then a source that is taken out."""
    folder = tmp_path_factory.mktemp("history")
    home = tiny.make_tiny_home(folder / "home")
    shutil.copytree(built_once.warehouse / "dbt", home.warehouse / "dbt")
    jobs, sources = home.root / "in" / "jobs.csv", home.catalogue / "sources.yml"
    published = []

    def day(as_of: str) -> None:
        run(home, as_of)
        published.append(keep(home, folder / f"{as_of}.duckdb"))

    jobs.write_text(JOBS_ON_THE_18TH)
    day("2026-03-18")
    jobs.write_text(tiny.JOBS)
    (home.catalogue / "commitments.csv").write_text(
        tiny.COMMITMENTS.replace("K4,claims,pay,,24x7,8h", "K4,claims,pay,,24x7,7h")
    )
    day("2026-03-19")
    jobs.write_text(JOBS_ON_THE_20TH)
    day("2026-03-20")
    sources.write_text(tiny.SOURCES[: tiny.SOURCES.index("  wms:")])
    # By then the start in 2028 is less than a year ahead.
    day("2027-04-01")
    return home, published


def test_each_past_day_is_replayed_as_it_was_published(history: tuple[Home, list[Published]], tmp_path: Path) -> None:
    home, published = history
    before = sorted((path, path.stat().st_mtime_ns) for path in home.accepted.rglob("*.parquet"))

    for number, day in enumerate(published):
        done = replay(home, day.as_of, tmp_path / f"{number}.duckdb", day.known_at)

        assert differences(day.file, done.file) == {}
        assert ask(done.file, "SELECT as_of, known_at FROM marts.publication") == ask(
            day.file, "SELECT as_of, known_at FROM marts.publication"
        )
    assert differences(published[0].file, published[1].file).keys() > {"marts.fct_run", "marts.dim_commitment"}
    assert sorted((path, path.stat().st_mtime_ns) for path in home.accepted.rglob("*.parquet")) == before
    assert not list(home.warehouse.glob("replay-*"))


def test_without_known_at_a_past_day_is_told_with_all_that_is_known_now(
    history: tuple[Home, list[Published]], tmp_path: Path
) -> None:
    home, published = history

    # A run beside it is no obstacle.
    with exclusive(home):
        done = replay(home, published[0].as_of, tmp_path / "r.duckdb")

    paid = "SELECT state FROM marts.fct_run WHERE work_order_id = 'C2' AND node = 'pay'"
    assert ask(published[0].file, paid) == [("in_progress_warning",)]
    assert ask(done.file, paid) == [("completed_normal",)]


def test_what_nobody_had_landed_yet_cannot_be_replayed_and_the_earliest_instant_is_named(
    history: tuple[Home, list[Published]], tmp_path: Path
) -> None:
    home, published = history
    with pytest.raises(
        UserError, match=r"--known-at 2020-01-01: no catalogue had landed.*first landed at 20\S+\+00:00"
    ) as said:
        replay(home, "2026-03-18", tmp_path / "r.duckdb", "2020-01-01")

    earliest = str(said.value).split("landed at ")[1].split(":  ")[0].split(": give")[0]
    assert datetime.fromisoformat(earliest) <= datetime.fromisoformat(published[0].known_at)


def test_a_batch_that_was_let_in_by_hand_later_is_still_held_in_a_replay_of_the_day_before(
    built_home: Home, tmp_path: Path
) -> None:
    jobs = built_home.root / "in" / "jobs.csv"
    jobs.write_text("\n".join(tiny.JOBS.splitlines()[:3]) + "\n")
    assert run(built_home, "2026-03-20").exit_code == 3
    held = keep(built_home, tmp_path / "held.duckdb")
    assert run(built_home, "2026-03-20", accept_held=["crm"]).exit_code == 0
    accepted = keep(built_home, tmp_path / "accepted.duckdb")

    for number, day in enumerate([held, accepted]):
        done = replay(built_home, day.as_of, tmp_path / f"{number}.duckdb", day.known_at)
        assert differences(day.file, done.file) == {}
    assert differences(held.file, accepted.file) != {}


@pytest.mark.parametrize(
    "into",
    [
        "published/warehouse.duckdb",
        "published/other.duckdb",
        "landing/x.duckdb",
        "link",
        "nowhere/x.duckdb",
        "in/jobs.csv",
    ],
)
def test_a_replay_writes_over_nothing_that_a_home_needs(built_once: Home, tmp_path: Path, into: str) -> None:
    (tmp_path / "home").symlink_to(built_once.root)
    target = tmp_path / "home" / into
    if into == "link":
        target = tmp_path / "link"
        target.symlink_to(built_once.published / "warehouse.duckdb")

    with pytest.raises(UserError, match="--into"):
        replay(built_once, "2026-03-18", target, overwrite=True)


def test_a_file_that_is_there_is_replaced_only_where_that_is_said(built_once: Home, tmp_path: Path) -> None:
    target = tmp_path / "r.duckdb"
    shutil.copyfile(built_once.published / "warehouse.duckdb", target)
    with pytest.raises(UserError, match="add --overwrite"):
        replay(built_once, "2026-02-05", target)

    replay(built_once, "2026-02-05", target, overwrite=True)

    assert ask(target, "SELECT max(started_at) < '2026-02-06' FROM marts.fct_run") == [(True,)]


def test_a_catalogue_that_lacks_what_todays_models_read_is_named_with_the_version_that_landed_it(
    built_home: Home, tmp_path: Path
) -> None:
    [landed] = built_home.landing.glob("_catalogue/2*")
    manifest = json.loads((landed / "manifest.json").read_text())
    del manifest["tables"]["owner"]
    (landed / "manifest.json").write_text(json.dumps({**manifest, "code_version": "0.0.7"}))

    with pytest.raises(UserError, match=r"no table owner.*0\.0\.7"):
        replay(built_home, "2026-03-18", tmp_path / "r.duckdb")


def test_programs_are_told_what_was_written(built_once: Home, tmp_path: Path) -> None:
    done = tiny.commitments(
        built_once, "replay", "--as-of", "2026-03-18", "--into", str(tmp_path / "r.duckdb"), "--json"
    )

    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["as_of"] == "2026-03-18T16:00:00+00:00"
    assert said["tables"]["marts.fct_run"] == len(ask(tmp_path / "r.duckdb", "FROM marts.fct_run"))
    assert tiny.commitments(built_once, "replay", "--as-of", "2026-03-18").returncode != 0


def test_a_replay_that_is_killed_leaves_nothing_that_the_next_run_does_not_remove(
    built_home: Home, tmp_path: Path
) -> None:
    before = ask(built_home.published / "warehouse.duckdb", "FROM marts.publication")
    process = subprocess.Popen(
        [
            Path(sys.executable).parent / "commitments",
            "replay",
            "--as-of",
            "2026-03-18",
            "--into",
            tmp_path / "r.duckdb",
        ],
        env={**os.environ, "COMMITMENTS_HOME": str(built_home.root)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    for line in process.stderr:
        if "Building the warehouse ..." in line:
            break
    remove_killed(built_home)
    assert len(list(built_home.warehouse.glob("replay-*"))) == 1
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert not (tmp_path / "r.duckdb").exists()
    assert ask(built_home.published / "warehouse.duckdb", "FROM marts.publication") == before

    assert run(built_home, tiny.AS_OF).exit_code == 0

    assert not list(built_home.warehouse.glob("replay-*"))
    assert replay(built_home, "2026-03-18", tmp_path / "r.duckdb").file.exists()
