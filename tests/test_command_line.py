"""The command line as people and programs use it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import tiny

from pipelines.home import Home

pytestmark = pytest.mark.xdist_group("built")

COMMITMENTS = Path(sys.executable).parent / "commitments"


def call(*arguments: object, home: Home | None = None) -> subprocess.CompletedProcess[str]:
    """`commitments …`."""
    environment = {name: value for name, value in os.environ.items() if name != "COMMITMENTS_HOME"}
    if home is not None:
        environment["COMMITMENTS_HOME"] = str(home.root)
    return subprocess.run(
        [COMMITMENTS, *map(str, arguments)], env=environment, capture_output=True, text=True, check=False
    )


def test_help_explains_every_command() -> None:
    said = call("--help").stdout

    assert all(command in said for command in ("run", "check", "status", "explain", "replay", "serve"))
    assert "Exit status 0" in call("run", "--help").stdout


def test_a_home_that_is_not_there_is_named_with_the_remedy(tmp_path: Path) -> None:
    done = call("--home", tmp_path / "nowhere", "run")

    assert done.returncode == 1
    assert f"{tmp_path}/nowhere: no such folder" in done.stderr
    assert "Traceback" not in done.stderr


def test_home_is_understood_before_and_after_the_command_and_from_the_environment(tiny_home: Home) -> None:
    for done in (
        call("--home", tiny_home.root, "check"),
        call("check", "--home", tiny_home.root),
        call("check", home=tiny_home),
    ):
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith("The catalogue is in order: 2 sources")


def test_a_broken_catalogue_is_reported_whole_with_file_and_line_and_nothing_runs(tiny_home: Home) -> None:
    commitments = tiny_home.catalogue / "commitments.csv"
    commitments.write_text(
        tiny.COMMITMENTS.replace("office,4h", "nowhere,4h").replace("24x7,24h,48h", "24x7,four hours,48h")
    )

    checked, ran = call("check", home=tiny_home), call("run", home=tiny_home)

    assert (checked.returncode, ran.returncode) == (1, 1)
    for said in (checked.stdout + checked.stderr, ran.stdout + ran.stderr):
        assert "catalogue/commitments.csv:2: " in said
        assert "nowhere" in said
        assert "catalogue/commitments.csv:3: " in said
        assert "four hours" in said
        assert "Traceback" not in said
    assert not tiny_home.landing.exists()


def test_check_tells_programs_the_same(tiny_home: Home) -> None:
    (tiny_home.catalogue / "organisation.yml").write_text("name: Tiny\nbusiness_time_zone: Mars/Base\ncurrency: CNY\n")

    done = call("check", "--json", home=tiny_home)

    assert done.returncode == 1
    [mistake] = json.loads(done.stdout)["mistakes"]
    assert (mistake["file"], mistake["line"]) == ("catalogue/organisation.yml", 2)
    assert "Mars/Base" in mistake["message"]


def test_an_unset_variable_is_named_before_anything_runs(tiny_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TINY_WMS")

    done = call("run", home=tiny_home)

    assert done.returncode == 1
    assert "TINY_WMS" in done.stderr


@pytest.mark.parametrize("as_of", ["yesterday", "2026-03-20T00:00:00"])
def test_an_as_of_that_could_be_any_instant_is_refused(tiny_home: Home, as_of: str) -> None:
    done = call("run", "--as-of", as_of, home=tiny_home)

    assert done.returncode == 1
    assert as_of in done.stderr
    assert "Traceback" not in done.stderr


def test_a_run_ends_with_what_came_in_last_months_achievement_and_where_everything_is(built_home: Home) -> None:
    with (built_home.root / "in" / "jobs.csv").open("a") as jobs:
        jobs.write("C5,REGISTER,yesterday,,OPEN,\n")

    done = call("run", "--as-of", tiny.AS_OF, home=built_home)

    assert done.returncode == 0, done.stderr
    assert "times_readable" in done.stdout
    assert "Achievement in 2026-02 by process" in done.stdout
    [claims] = [line for line in done.stdout.splitlines() if line.strip().startswith("Claims")]
    assert claims.split() == ["Claims", "1", "2", "50.0%", "80%"]
    assert str(built_home.published / "warehouse.duckdb") in done.stdout
    assert "Building the warehouse ..." in done.stderr


def test_a_run_tells_programs_the_same_on_stdout_alone(built_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TINY_WMS", "sqlite:////gone.db")

    done = call("run", "--as-of", tiny.AS_OF, "--json", home=built_home)

    told = json.loads(done.stdout)
    assert (done.returncode, told["exit_code"], told["status"]) == (3, 3, "published_with_gaps")
    assert {one["entity"]: one["problem"] is None for one in told["entities"]} == {"jobs": True, "steps": False}
    assert told["month"] == "2026-02"
    assert [(one["process"], one["due"], one["kept"]) for one in told["achievement"]] == [
        ("claims", 2, 1),
        ("orders", 0, 0),
    ]


def test_status_shows_sources_their_age_and_open_warnings_by_department(built_once: Home) -> None:
    done = call("status", home=built_once)
    told = json.loads(call("status", "--json", home=built_once).stdout)

    assert done.returncode == 0
    assert all(word in done.stdout for word in ("crm", "wms", "Treasury", "Logistics"))
    assert [(one["department"], one["warning"]) for one in told["departments"]] == [
        ("Logistics", 1),
        ("Treasury", 1),
        ("Front office", 0),
    ]
    assert [(one["source_system"], one["accepted"]) for one in told["sources"]] == [("crm", 8), ("wms", 4)]


def test_status_before_the_first_run_says_what_to_do(tiny_home: Home) -> None:
    done = call("status", home=tiny_home)

    assert done.returncode == 1
    assert "nothing is published yet" in done.stderr


def test_explain_says_which_commitment_a_run_is_held_to_and_why_and_when_its_states_change(built_once: Home) -> None:
    done = call("explain", "C1", home=built_once)
    told = json.loads(call("explain", "C1", "--json", home=built_once).stdout)

    assert done.returncode == 0
    said = " ".join(done.stdout.split())
    assert "K3, matched by process claims, node assess, segment gold; 1 other could have, less closely: K2" in said
    assert "in progress acceptable   Tue 2026-02-03 01:00:00   Tue 2026-02-03 02:00:00" in done.stdout
    assert [run["node"] for run in told["runs"]] == [None, "register", "assess", "pay"]
    assert [run["elapsed_seconds"] for run in told["runs"]] == [41 * 3600, 4 * 3600, 13 * 3600, 24 * 3600]


def test_explain_says_that_a_run_is_not_judged_where_no_commitment_is_in_force(built_once: Home) -> None:
    assert "not judged   no commitment" in call("explain", "O1", home=built_once).stdout


def test_a_work_order_that_is_not_there_is_answered_with_similar_ones(built_once: Home) -> None:
    done = call("explain", "1", home=built_once)

    assert done.returncode == 1
    assert "Similar: C1, O1." in done.stderr
