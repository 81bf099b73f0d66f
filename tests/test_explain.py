"""`commitments explain`: a night in which the clocks change and a pause partly outside hours, told run by run."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from rich.console import Console

from pipelines.explain import explain_work_order, show_explanation
from pipelines.home import Home
from pipelines.outcome import json_default
from pipelines.published import open_published, rows

AS_OF = "2026-04-01"

CATALOGUE = {
    "organisation.yml": "name: Explained\nbusiness_time_zone: Europe/Amsterdam\ncurrency: EUR\n",
    "calendars.yml": """\
calendars:
  nights:
    time_zone: Europe/Amsterdam
    hours: {mon-sun: ["22:00-06:00"]}
    horizon: {from: 2020-01-01, to: 2030-01-01}
  office:
    time_zone: Europe/Amsterdam
    versions:
      - {valid_from: 2020-01-01, hours: {mon-fri: ["09:00-17:00"]}}
      - {valid_from: 2026-03-04, hours: {mon-fri: ["09:00-18:00"]}}
    horizon: {from: 2020-01-01, to: 2030-01-01}
  short:
    hours: {mon-fri: ["09:00-17:00"]}
    horizon: {from: 2026-03-01, to: 2026-04-10}
  closed:
    horizon: {from: 2026-01-01, to: 2027-01-01}
""",
    "processes.yml": """\
processes:
  repair:
    name: Repair
    department: Field
    position: Lead
    nodes:
      - {node: visit, department: Field, position: Engineer}
      - {node: order, department: Stores, position: Clerk}
      - {node: wait, department: Stores, position: Clerk}
      - {node: bill, department: Finance, position: Clerk}
""",
    "commitments.csv": """\
commitment_id,process,node,segment,calendar,commitment_limit,tolerance_limit,target_rate
V,repair,visit,,nights,8h,12h,0.9
VG,repair,visit,gold,nights,7h,12h,0.9
B,repair,bill,,office,1wd 16:00,3wd,0.9
O,repair,order,,short,8h,80h,0.9
W,repair,wait,,closed,8h,8h,0.9
P,repair,,,office,promised,promised+8h,0.9
""",
    "sources.yml": """\
sources:
  crm:
    kind: files
    connection: in
    entities:
      jobs:
        shape: runs
        from: jobs.csv
        key: [n]
        columns:
          {work_order_id: wo, process: {value: repair}, node: node, started_at: a, ended_at: b, status: st,
           segment: seg, promised_at: p}
      waits:
        shape: pauses
        from: waits.csv
        key: [n]
        columns: {work_order_id: wo, process: {value: repair}, node: node, started_at: a, ended_at: b}
""",
}

# The clocks go forward in the night to Sunday 29 March.
JOBS = """\
n,wo,node,a,b,st,seg,p
1,W1,visit,2026-03-28 20:00,2026-03-29 23:30,completed,gold,2026-04-01
2,W1,bill,2026-03-30 10:00,,in_progress,gold,
3,W2,visit,2026-03-01 10:00,2026-03-20 10:00,completed,,
4,W3,order,2026-02-27 10:00,2026-03-03 10:00,completed,,
5,W4,order,2026-03-31 10:00,,in_progress,,
6,W5,wait,2026-03-31 10:00,,in_progress,,
"""
WAITS = """\
n,wo,node,a,b
1,W1,visit,2026-03-29 05:00,2026-03-29 12:00
2,W1,bill,2026-03-31 12:00,
3,W9,,2026-03-31 12:00,
4,W1,visit,2026-03-31 12:00,2026-03-30 12:00
5,W2,bill,2026-03-02 12:00,2026-03-03 12:00
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    from pipelines.run import run

    home = Home(tmp_path_factory.mktemp("explained"))
    for folder in ("catalogue", "in"):
        (home.root / folder).mkdir()
    for name, text in CATALOGUE.items():
        (home.catalogue / name).write_text(text, encoding="utf-8")
    (home.root / "in" / "jobs.csv").write_text(JOBS, encoding="utf-8")
    (home.root / "in" / "waits.csv").write_text(WAITS, encoding="utf-8")
    run(home, AS_OF)
    return home


def runs(home: Home, work_order: str) -> dict[str | None, dict[str, Any]]:
    return {run["node"]: run for run in explain_work_order(home, work_order)["runs"]}


def shown(home: Home, work_order: str) -> str:
    console = Console(file=io.StringIO(), width=160)
    show_explanation(explain_work_order(home, work_order), console)
    assert isinstance(console.file, io.StringIO)
    # As one line, however it was folded.
    return " ".join(console.file.getvalue().split())


def test_the_night_of_the_change_and_a_pause_partly_outside_hours_are_told_interval_by_interval(home: Home) -> None:
    visit = runs(home, "W1")["visit"]

    # From 22:00 to 06:00 in the night without a third hour, and an hour and a half of the next.
    assert [one["seconds"] / 3600 for one in visit["working_intervals"]["first"]] == [7, 1.5]
    # Of the seven hours from 05:00 to 12:00 the first is one of work.
    assert [pause["paused_seconds"] / 3600 for pause in visit["pauses"]] == [1]
    assert visit["elapsed_seconds"] / 3600 == 7 + 1.5 - 1
    assert visit["clock_changes"] == [
        {
            "time_zone": "Europe/Amsterdam",
            "changed_at": datetime(2026, 3, 29, 1, tzinfo=UTC),
            "forward_seconds": 3600.0,
        }
    ]
    said = shown(home, "W1")
    assert "the clocks of Europe/Amsterdam went forward by 1 h at Sun 2026-03-29 03:00:00" in said
    assert "Sun 2026-03-29 05:00:00 to Sun 2026-03-29 12:00:00: 1 h of working time" in said
    assert "7 h 30 min (8 h 30 min worked, less 1 h of pauses), 30 min over the limit" in said


def test_what_was_worked_less_pauses_is_what_elapsed_in_every_run(home: Home) -> None:
    for work_order in ("W1", "W2", "W3", "W4", "W5"):
        for run in runs(home, work_order).values():
            if run["state"]:
                paused = sum(pause["paused_seconds"] for pause in run["pauses"])
                assert run["working_intervals"]["seconds"] - paused == pytest.approx(run["elapsed_seconds"])


def test_the_commitment_is_named_with_those_that_gave_way(home: Home) -> None:
    assert [other["commitment_id"] for other in runs(home, "W1")["visit"]["other_commitments"]] == ["V"]
    assert "VG, matched by process repair, node visit, segment gold; 1 other could have, less closely: V" in shown(
        home, "W1"
    )


def test_limits_in_working_days_and_by_the_promise_show_what_they_became(home: Home) -> None:
    of = runs(home, "W1")

    # Monday from 10:00 is eight hours, Tuesday until 16:00 seven more; Thursday closes at 18:00.
    assert of["bill"]["limits"]["commitment"] == {
        "written": "1wd 16:00",
        "seconds": 15 * 3600.0,
        "stands_for": datetime(2026, 3, 31, 14, tzinfo=UTC),
    }
    assert of["bill"]["limits"]["tolerance"]["seconds"] / 3600 == 8 + 3 * 9
    # Promised for a day: until its last microsecond. Three office days lie between.
    assert of[None]["limits"]["commitment"] == {
        "written": "promised",
        "seconds": 27 * 3600.0,
        "stands_for": datetime(2026, 4, 1, 21, 59, 59, 999_999, tzinfo=UTC),
    }
    said = shown(home, "W1")
    assert "15 h of working time (1wd 16:00: from the start to 16:00 of the 1st working day after it, Tue" in said
    assert "promised+8h: from the start to the promise, Wed 2026-04-01 23:59:59, and 8 h more" in said


def test_behind_an_open_pause_no_deadline_is_known(home: Home) -> None:
    bill = runs(home, "W1")["bill"]

    assert bill["pauses"][0]["is_open"]
    assert (bill["commitment_due_at"], bill["tolerance_due_at"]) == (None, None)
    assert [state["left_at"] for state in bill["states"]] == [None]
    assert "not known before the open pause ends" in shown(home, "W1")


def test_a_long_run_shows_both_ends_and_the_version_of_its_calendar(home: Home) -> None:
    visit = runs(home, "W2")["visit"]

    assert visit["working_intervals"]["count"] == 19
    assert len(visit["working_intervals"]["first"]) == len(visit["working_intervals"]["last"]) == 3
    assert "… 13 more intervals: 104 h" in shown(home, "W2")
    [version] = runs(home, "W1")["bill"]["calendar_versions"]
    assert (version["version"], version["valid_from"]) == (2, datetime(2026, 3, 3, 23, tzinfo=UTC))


def test_the_rows_of_the_source_behind_a_run_and_its_pauses_are_named(home: Home) -> None:
    delivered = runs(home, "W1")["visit"]["rows"]

    assert [(row["role"], row["entity"], row["row_number"]) for row in delivered] == [
        ("run", "jobs", 1),
        ("pause", "waits", 1),
    ]


def test_what_the_catalogue_does_not_reach_is_listed_with_how_far(home: Home) -> None:
    with open_published(home) as con:
        found = {row["finding"]: row for row in rows(con, "SELECT * FROM marts.finding")}
        quarantined = rows(con, "SELECT rule, row_number FROM marts.quarantine")

    assert {name: (row["runs"], row["pauses"], row["example_work_order_id"]) for name, row in found.items()} == {
        "no promise": (4, 0, "W2"),
        "starts outside the horizon of its calendar": (1, 0, "W3"),
        "deadline outside the horizon of its calendar": (1, 0, "W4"),
        "calendar without working time": (1, 0, "W5"),
        "pause of an unknown work order": (0, 1, "W9"),
        "pause of a node that its work order never was in": (0, 1, "W2"),
    }
    outside = found["starts outside the horizon of its calendar"]
    assert outside["calendar"] == "short"
    assert outside["first_started_at"] < outside["horizon_from_at"] == datetime(2026, 2, 28, 23, tzinfo=UTC)
    assert quarantined == [{"rule": "end_not_before_start", "row_number": 4}]
    # Ten working hours of April are left on the short calendar, and none on the closed one.
    assert runs(home, "W4")["order"]["tolerance_due_at"] is None
    assert runs(home, "W5")["wait"]["commitment_due_at"] is None


def test_programs_get_the_same_as_json(home: Home) -> None:
    explained = json.loads(json.dumps(explain_work_order(home, "W1"), default=json_default))

    assert explained["runs"][1]["pauses"][0]["paused_seconds"] == 3600
