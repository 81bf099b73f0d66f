"""The whole house: a day's run over two source systems, undisturbed and disturbed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
import tiny

from pipelines import warehouse
from pipelines.catalogue import Source, read_catalogue
from pipelines.errors import UserError
from pipelines.home import Home
from pipelines.landing import Batch
from pipelines.lock import exclusive
from pipelines.run import Daily, run

# One worker builds the tiny home once for all of these.
pytestmark = pytest.mark.xdist_group("built")

# What names a run or tells when it was is different each time; everything else is not.
OF_THE_RUN = {"publication_id", "built_at", "known_at", "load_id", "landed_at", "last_landed_at", "first_load_id"}


def ask(home: Home, sql: str) -> list[tuple]:
    """A question to what is published."""
    with duckdb.connect(str(home.published / "warehouse.duckdb"), read_only=True) as con:
        con.execute("SET TimeZone = 'UTC'")
        return con.execute(sql).fetchall()


def marts(home: Home) -> dict[str, list[tuple]]:
    """Every published row, but for what names the run that made it."""
    tables = {}
    for schema, table in ask(home, "SELECT schema_name, table_name FROM duckdb_tables() ORDER BY ALL"):
        columns = [column for column, *_ in ask(home, f'DESCRIBE {schema}."{table}"') if column not in OF_THE_RUN]
        names = ", ".join(f'"{column}"' for column in columns)
        tables[f"{schema}.{table}"] = ask(home, f'SELECT {names} FROM {schema}."{table}" ORDER BY ALL')
    return tables


def test_every_run_of_both_sources_is_judged_and_published(built_once: Home) -> None:
    states = ask(
        built_once,
        "SELECT work_order_id || ' ' || node, state FROM marts.fct_run "
        "WHERE scope = 'node' ORDER BY work_order_id, started_at",
    )

    assert states == [
        ("C1 register", "completed_normal"),
        ("C1 assess", "completed_acceptable"),
        ("C1 pay", "completed_warning"),
        ("C2 register", "completed_normal"),
        ("C2 assess", "completed_normal"),
        ("C2 pay", "in_progress_warning"),
        ("C3 register", "in_progress_normal"),
        ("C4 register", "cancelled"),
        ("O1 enter", None),
        ("O1 deliver", "completed_normal"),
        ("O2 enter", None),
        ("O2 deliver", "in_progress_warning"),
    ]


def test_the_last_complete_months_achievement_counts_what_never_closed(built_once: Home) -> None:
    february = ask(
        built_once,
        "SELECT due, kept, achievement_rate FROM marts.achievement_by_process "
        "WHERE grain = 'month' AND process = 'claims' AND period_start = DATE '2026-02-01'",
    )

    assert february == [(2, 1, 0.5)]


def delivered(home: Home) -> list[Path]:
    """What sources and catalogue brought; that something was published lands each time."""
    return sorted(file for file in home.landing.rglob("*.parquet") if "_publication" not in file.parts)


def test_a_second_run_with_nothing_new_lands_nothing_and_publishes_the_same_tables(built_home: Home) -> None:
    before, landed = marts(built_home), delivered(built_home)
    publication = ask(built_home, "SELECT publication_id FROM marts.publication")

    outcome = run(built_home, tiny.AS_OF)

    assert outcome.exit_code == 0
    assert [entity.pulled for entity in outcome.entities] == [0, 0]
    assert delivered(built_home) == landed
    # What a publication was the first to say, or says otherwise than the one before, is its own.
    own = {name: [] for name in ("detail.changed_figure", "detail.newly_complete_period")}
    assert marts(built_home) == before | own
    assert ask(built_home, "SELECT publication_id FROM marts.publication") != publication


def test_the_parquet_files_hold_what_the_warehouse_holds(built_once: Home) -> None:
    for (table,) in ask(built_once, "SELECT table_name FROM duckdb_tables() WHERE schema_name = 'marts'"):
        files = f"{built_once.published}/parquet/{table}/*.parquet"
        difference = ask(
            built_once,
            f"(FROM marts.{table} EXCEPT ALL FROM '{files}') UNION ALL (FROM '{files}' EXCEPT ALL FROM marts.{table})",
        )
        assert difference == [], table


def test_a_source_that_is_down_holds_up_no_other(
    built_home: Home, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TINY_WMS", f"sqlite:///{tmp_path}/gone.db")
    jobs = built_home.root / "in" / "jobs.csv"
    jobs.write_text(tiny.JOBS.replace("2026-02-10 10:00:00,,OPEN", "2026-02-10 10:00:00,2026-02-10 11:00:00,DONE"))

    outcome = run(built_home, tiny.AS_OF)

    assert outcome.exit_code == 3
    assert {entity.name: entity.problem is None for entity in outcome.entities} == {
        "crm.jobs": True,
        "wms.steps": False,
    }
    paid = "SELECT state FROM marts.fct_run WHERE work_order_id = 'C2' AND node = 'pay'"
    assert ask(built_home, paid) == [("completed_normal",)]
    assert ask(built_home, "SELECT count(*) FROM marts.fct_run WHERE scope = 'node' AND source_system = 'wms'") == [
        (4,)
    ]


def test_only_the_sources_that_are_asked_for_are_pulled(built_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TINY_WMS", "sqlite:////gone.db")

    assert run(built_home, tiny.AS_OF, sources=["crm"]).exit_code == 0


@pytest.mark.parametrize("allowed", [1, 2])
def test_entities_of_a_source_are_pulled_over_as_many_connections_as_it_allows(
    tiny_home: Home, monkeypatch: pytest.MonkeyPatch, allowed: int
) -> None:
    entity = tiny.SOURCES.split("      steps:\n")[1]
    sources = tiny.SOURCES.replace("connection: ${TINY_WMS}", f"connection: ${{TINY_WMS}}\n    connections: {allowed}")
    (tiny_home.catalogue / "sources.yml").write_text(f"{sources}      more:\n{entity}      most:\n{entity}")
    daily = Daily(tiny_home, read_catalogue(tiny_home), sources=["wms"])
    pulled = Daily.pull
    both, at_once, most = threading.Barrier(2), 0, 0

    def pull(self: Daily, source: Source, entity: str) -> Batch | None:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        if allowed == 2 and entity != "most":
            # Either waits for the other.
            both.wait(timeout=60)
        batch = pulled(self, source, entity)
        at_once -= 1
        return batch

    monkeypatch.setattr(Daily, "pull", pull)

    assert [outcome.accepted for outcome in daily.bring() if outcome.source_system == "wms"] == [4, 4, 4]
    assert most == allowed


@pytest.mark.parametrize("asked", [{"sources": ["carm"]}, {"accept_held": ["carm"]}])
def test_a_source_that_nobody_declared_is_named_with_those_that_are(tiny_home: Home, asked: dict) -> None:
    with pytest.raises(UserError, match=r"carm.*crm, wms"):
        run(tiny_home, tiny.AS_OF, **asked)


def test_two_runs_in_one_home_do_not_meet(built_home: Home) -> None:
    with exclusive(built_home), pytest.raises(UserError, match="another run is under way"):
        run(built_home, tiny.AS_OF)


@pytest.fixture
def broken_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A dbt project with a test that fails on every day's data."""
    project = tmp_path / "dbt_project"
    shutil.copytree(warehouse.PROJECT, project, ignore=shutil.ignore_patterns("target", "logs"))
    (project / "tests" / "no_run_is_ever_published.sql").write_text("select run_id from {{ ref('fct_run') }}")
    monkeypatch.setattr(warehouse, "PROJECT", project)
    warehouse._project_hash.cache_clear()
    yield
    warehouse._project_hash.cache_clear()


@pytest.mark.usefixtures("broken_project")
def test_a_build_that_fails_leaves_what_is_published_and_says_which_test_failed(built_home: Home) -> None:
    before = marts(built_home), ask(built_home, "FROM marts.publication")

    with pytest.raises(UserError, match="no_run_is_ever_published"):
        run(built_home, tiny.AS_OF)

    assert (marts(built_home), ask(built_home, "FROM marts.publication")) == before
    assert not list(built_home.published.glob("*.wal"))


# --- kills and stops: real processes ------------------------------------------------------------------------------


def start(home: Home) -> subprocess.Popen[str]:
    """A run as people start it, its progress to be read line by line."""
    return subprocess.Popen(
        [Path(sys.executable).parent / "commitments", "--home", home.root, "run", "--as-of", tiny.AS_OF],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def until(process: subprocess.Popen[str], words: str) -> None:
    """Wait for a line of progress."""
    for line in process.stderr:
        if words in line:
            return
    raise AssertionError(f"the run ended without saying {words!r}")


@pytest.mark.parametrize(
    "words",
    ["Reading the catalogue ...", "crm.jobs ...", "wms.steps: ", "Building the warehouse ...", "Publishing ..."],
)
def test_the_run_after_a_killed_one_ends_with_the_tables_of_an_undisturbed_one(
    tiny_home: Home, built_once: Home, words: str
) -> None:
    # Parsing the dbt project is the same in every home, and slow.
    shutil.copytree(built_once.warehouse / "dbt", tiny_home.warehouse / "dbt")
    process = start(tiny_home)
    until(process, words)
    process.kill()
    process.communicate()

    assert run(tiny_home, tiny.AS_OF).exit_code == 0

    assert marts(tiny_home) == marts(built_once)
    leftovers = [path for path in tiny_home.root.rglob("*") if path.name.startswith(".tmp-") or path.suffix == ".wal"]
    assert leftovers == []


def test_a_run_that_is_asked_to_stop_says_so_and_leaves_what_is_published(built_home: Home) -> None:
    before = ask(built_home, "FROM marts.publication")
    process = start(built_home)
    until(process, "Building the warehouse ...")
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=60)

    assert process.returncode == 1
    assert said.strip().endswith("Stopped; nothing new was published.")
    assert ask(built_home, "FROM marts.publication") == before


# --- what others see of it ----------------------------------------------------------------------------------------


def test_dagster_shows_the_run_with_an_asset_for_each_entity_and_each_model(built_once: Home) -> None:
    from dagster import AssetKey, DagsterInstance

    with DagsterInstance.from_config(str(built_once.dagster)) as instance:
        [shown] = instance.get_runs()
        assert (shown.job_name, shown.status.value) == ("daily", "SUCCESS")
        keys = [
            ["landing", "crm", "jobs"],
            ["accepted", "wms", "steps"],
            ["marts", "fct_run"],
            ["published", "warehouse"],
        ]
        for key in keys:
            assert instance.get_latest_materialization_event(AssetKey(key)) is not None, key


def test_a_duckdb_that_bi_drivers_ship_opens_the_published_file(built_once: Home, tmp_path: Path) -> None:
    uv = Path(sys.executable).parent / "uv"
    if not uv.exists():
        pytest.skip("uv is not installed: `make environment` does that")
    quiet = {"capture_output": True, "text": True, "env": {**os.environ, "UV_PYTHON_DOWNLOADS": "never"}}
    subprocess.run([uv, "venv", "--python", sys.executable, tmp_path / "old"], check=True, **quiet)
    python = tmp_path / "old" / "bin" / "python"
    installed = subprocess.run([uv, "pip", "install", "--python", python, "duckdb==1.2.2"], check=False, **quiet)
    if installed.returncode:
        pytest.skip(f"duckdb 1.2.2 could not be fetched: {installed.stderr.strip().splitlines()[-1]}")
    read = (
        "import duckdb, json, sys\n"
        "con = duckdb.connect(sys.argv[1], read_only=True)\n"
        "tables = con.execute('SELECT schema_name, table_name FROM duckdb_tables()').fetchall()\n"
        "count = lambda table: len(con.execute('SELECT COLUMNS(*)::VARCHAR FROM ' + table).fetchall())\n"
        "print(json.dumps({'.'.join(table): count('.'.join(table)) for table in tables}))\n"
    )
    answer = subprocess.run(
        [python, "-c", read, built_once.published / "warehouse.duckdb"], check=True, capture_output=True, text=True
    )

    assert json.loads(answer.stdout) == {table: len(rows) for table, rows in marts(built_once).items()}


def test_nothing_phones_home(built_home: Home, tmp_path: Path) -> None:
    # A module of this name is imported before anything else, and sees every name that is looked up from then on.
    (tmp_path / "sitecustomize.py").write_text(
        "import socket\n"
        "def refuse(*arguments, **options):\n"
        f"    open({str(tmp_path / 'called')!r}, 'a').write(f'{{arguments}}\\n')\n"
        "    raise OSError('nobody is called from here')\n"
        "socket.getaddrinfo = socket.gethostbyname = socket.create_connection = refuse\n"
    )
    without = {"GX_ANALYTICS_ENABLED", "DO_NOT_TRACK", "DAGSTER_DISABLE_TELEMETRY", "DBT_SEND_ANONYMOUS_USAGE_STATS"}
    environment = {name: value for name, value in os.environ.items() if name not in without}
    done = subprocess.run(
        [Path(sys.executable).parent / "commitments", "--home", built_home.root, "run", "--as-of", tiny.AS_OF],
        env={**environment, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "called").exists(), (tmp_path / "called").read_text()
