"""A yardstick that measures something else is none: it, the models and the peers' questions have one answer."""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
import pytest
import reference

from pipelines.catalogue import read_catalogue
from pipelines.home import Home
from tests.benchmark.stages import stage

from . import hand_written, models
from .compare import differences
from .home import make_home
from .lookups import LookUp, spans


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("working_time") / "home"
    make_home(folder, 2_000)
    for name in ("land", "gate"):
        stage(name, Home(folder))
    for name, side in (("models", models), ("by_hand", hand_written)):
        with models.connect(folder / "benchmark" / name) as database:
            side.compute(database, folder)
    return folder


def test_the_models_and_the_sql_by_hand_agree_on_every_run(home: Path) -> None:
    counted = differences(home)

    assert counted.pop("runs") > 2_000
    assert counted == dict.fromkeys(counted, 0)


def test_there_is_some_of_everything_in_what_they_agree_on(home: Path) -> None:
    catalogue = read_catalogue(Home(home), {})
    with duckdb.connect(home / "benchmark" / "models" / "warehouse.duckdb", read_only=True) as database:
        states = database.sql("select distinct state from run_state where state is not null").fetchall()
        [paused, moved, stopped] = database.sql(
            """
            select
                count(*) filter (paused_us > 0),
                count(*) filter (commitment_left_us > commitment_due_us),
                count(*) filter (state is not null and commitment_due_us is null)
            from run_state
            """
        ).fetchone()

    assert len(states) == 7
    assert paused > 200
    assert moved > 20
    assert stopped > 0
    assert len(catalogue.calendars) == 19, "and 24x7"
    zones = {version.time_zone for calendar in catalogue.calendars.values() for version in calendar.versions}
    assert len(zones) == 12


def test_the_look_up_that_is_timed_gives_what_a_slow_reference_does(tmp_path: Path) -> None:
    look_up = LookUp(tmp_path / "home")
    calendar = read_catalogue(Home(tmp_path / "home"), {}).calendars["office"]
    worked = reference.working_intervals(calendar)

    for days in (1, 10, 1095):
        started, ended = spans(days, 10)
        expected = [
            reference.elapsed(worked, int(start) * 1_000_000, int(end) * 1_000_000) // 1_000_000
            for start, end in zip(started, ended, strict=True)
        ]
        assert look_up.answers(started, ended).tolist() == expected
        assert np.count_nonzero(expected) > 5
