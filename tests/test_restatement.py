"""What was once published as complete and is not said any more, each with the reason."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
import tiny

from pipelines.home import Home
from pipelines.journal import COUNTS, publications
from pipelines.run import run
from pipelines.warehouse import PROJECT

pytestmark = pytest.mark.xdist_group("built")

LATE = "C7,REGISTER,2026-02-12 09:00:00,2026-02-12 10:00:00,DONE,\n"
CORRECTED = tiny.JOBS.replace("2026-02-03 02:00:00,2026-02-04 02:00:00", "2026-02-03 02:00:00,2026-02-03 09:00:00")


def ask(home: Home, sql: str) -> list[tuple]:
    with duckdb.connect(str(home.published / "warehouse.duckdb"), read_only=True) as con:
        return con.execute(sql).fetchall()


def publication_id(home: Home) -> str:
    return ask(home, "SELECT publication_id FROM marts.publication")[0][0]


def deliver(home: Home, jobs: str, as_of: str = tiny.AS_OF) -> str:
    """Another day: what the file source says, and the publication that follows."""
    (home.root / "in" / "jobs.csv").write_text(jobs)
    run(home, as_of)
    return publication_id(home)


def declare(home: Home, commitments: str) -> str:
    (home.catalogue / "commitments.csv").write_text(commitments)
    run(home, tiny.AS_OF)
    return publication_id(home)


def of_february(home: Home) -> dict[tuple[str, str], tuple]:
    """Measures of months that changed, by node and measure."""
    return {
        (node, measure): tuple(rest)
        for node, measure, *rest in ask(
            home,
            "SELECT node, measure, first_published, now, reason, first_publication_id, publication_id "
            "FROM marts.restatement WHERE grain = 'month' AND period_start = DATE '2026-02-01' AND process = 'claims'",
        )
    }


def reasons(home: Home) -> set[str]:
    return {reason for (reason,) in ask(home, "SELECT DISTINCT reason FROM marts.restatement")}


def test_where_nothing_changed_nothing_is_restated_also_not_as_days_go_by(built_home: Home) -> None:
    for as_of in (tiny.AS_OF, "2026-03-20", "2026-03-22"):
        deliver(built_home, tiny.JOBS, as_of)
        assert ask(built_home, "FROM marts.restatement") == []

    assert [one["publication_id"] for one in publications(built_home)][-1] == publication_id(built_home)
    assert len(publications(built_home)) == 4
    assert ask(built_home, "SELECT count(*) FROM detail.changed_figure WHERE grain = 'month'") == [(0,)]


def test_a_row_that_comes_late_changes_the_periods_it_touches_and_is_the_reason(built_home: Home) -> None:
    first = publication_id(built_home)
    second = deliver(built_home, tiny.JOBS + LATE)
    third = deliver(built_home, tiny.JOBS + LATE)

    changed = of_february(built_home)
    assert changed["register", "runs"] == (2, 3, "late data", first, second)
    assert changed["register", "due"] == (2, 3, "late data", first, second)
    # The work order as a whole is one more that is open.
    assert changed["(all)", "started"] == (2, 3, "late data", first, second)
    assert {node for node, _ in changed} == {"register", "(all)"}
    assert reasons(built_home) == {"late data"}
    assert ask(built_home, "SELECT min(period_start)::VARCHAR FROM marts.restatement WHERE grain = 'day'") == [
        ("2026-02-12",)
    ]
    assert third == publication_id(built_home)


def test_a_row_that_is_corrected_changes_counts_and_rates_and_going_back_takes_it_off_the_list(
    built_home: Home,
) -> None:
    first = publication_id(built_home)
    second = deliver(built_home, CORRECTED)

    changed = of_february(built_home)
    assert changed["pay", "kept"] == (0, 1, "corrected", first, second)
    assert changed["pay", "achievement_rate"] == (0.0, 0.5, "corrected", first, second)
    assert {node for node, _ in changed} == {"pay", "(all)"} or {node for node, _ in changed} == {"pay"}

    deliver(built_home, tiny.JOBS)
    assert ask(built_home, "FROM marts.restatement") == []
    assert ask(built_home, "SELECT DISTINCT is_corrected, is_late_data FROM detail.changed_figure") == [(True, False)]


def test_a_changed_catalogue_is_a_reason_and_several_reasons_add_up(built_home: Home) -> None:
    first = publication_id(built_home)
    second = declare(built_home, tiny.COMMITMENTS.replace("K4,claims,pay,,24x7,8h,16h", "K4,claims,pay,,24x7,25h,26h"))

    assert of_february(built_home)["pay", "kept"] == (0, 1, "catalogue", first, second)
    assert reasons(built_home) == {"catalogue"}

    late = "C8,PAY,2026-02-12 09:00:00,2026-02-12 10:00:00,DONE,\n"
    third = deliver(built_home, tiny.JOBS + late)
    assert of_february(built_home)["pay", "kept"] == (0, 2, "late data, catalogue", first, third)
    assert of_february(built_home)["pay", "completed_warning"] == (1, 0, "catalogue", first, second)


def test_what_was_undecided_and_is_due_now_was_decided_later(tiny_home: Home) -> None:
    # Four hours of Friday, and none on Saturday: exactly at its limit until Monday.
    jobs = tiny.JOBS + "C9,REGISTER,2026-03-13 13:00:00,,OPEN,\n"
    first = deliver(tiny_home, jobs, "2026-03-14")
    second = deliver(tiny_home, jobs, "2026-03-16")

    assert ask(
        tiny_home,
        "SELECT measure, first_published, now, reason, first_publication_id, publication_id FROM marts.restatement "
        "WHERE grain = 'day' AND scope = 'node' ORDER BY measure",
    ) == [
        ("achievement_rate", None, 0.0, "decided later", first, second),
        ("due", 0.0, 1.0, "decided later", first, second),
        ("undecided", 1.0, 0.0, "decided later", first, second),
    ]


def test_a_batch_that_is_let_in_by_hand_is_late_data(built_home: Home) -> None:
    few = "\n".join((tiny.JOBS + LATE).splitlines()[i] for i in (0, -1)) + "\n"
    deliver(built_home, few)
    assert ask(built_home, "FROM marts.restatement") == []

    run(built_home, tiny.AS_OF, accept_held=["crm"])

    assert of_february(built_home)["register", "runs"][:3] == (2, 3, "late data")


def test_an_earlier_as_of_says_nothing_of_what_is_not_over_then_and_forgets_nothing(built_home: Home) -> None:
    deliver(built_home, tiny.JOBS, "2026-02-20")
    assert ask(built_home, "FROM marts.restatement") == []

    first = publications(built_home)[0]["publication_id"]
    last = deliver(built_home, tiny.JOBS + LATE, "2026-03-20")

    assert of_february(built_home)["register", "runs"] == (2, 3, "late data", first, last)


def test_days_that_are_too_old_to_be_published_are_no_restatement(tiny_home: Home) -> None:
    organisation = tiny_home.catalogue / "organisation.yml"
    organisation.write_text(tiny.ORGANISATION + "day_grain_days: 30\n")
    deliver(tiny_home, tiny.JOBS, "2026-03-01")
    deliver(tiny_home, tiny.JOBS, "2026-03-20")

    assert ask(tiny_home, "FROM marts.restatement") == []


# --- kills --------------------------------------------------------------------------------------------------------

KILLED = """
import os, sys
from pathlib import Path
from pipelines import publish
from pipelines.home import Home
from pipelines.run import run

swap_in = publish.swap_in
def killed(built, published):
    {steps}
    os._exit(9)
publish.swap_in = killed
run(Home(Path(sys.argv[1])), sys.argv[2])
"""


@pytest.mark.parametrize(("steps", "is_shown"), [("", False), ("swap_in(built, published)", True)])
def test_a_run_that_is_killed_beside_the_swap_leaves_a_journal_of_what_readers_saw(
    built_home: Home, steps: str, is_shown: bool
) -> None:
    first = publication_id(built_home)
    (built_home.root / "in" / "jobs.csv").write_text(tiny.JOBS + LATE)
    done = subprocess.run(
        [sys.executable, "-c", KILLED.format(steps=steps), built_home.root, tiny.AS_OF],
        env=os.environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 9, done.stderr
    between = publication_id(built_home)
    assert (between != first) is is_shown
    assert [one["publication_id"] for one in publications(built_home)] == [first]

    last = deliver(built_home, tiny.JOBS + LATE)

    seen = [first, between, last] if is_shown else [first, last]
    assert [one["publication_id"] for one in publications(built_home)] == seen
    assert of_february(built_home)["register", "runs"] == (2, 3, "late data", first, between if is_shown else last)


def test_landing_keeps_every_count_that_the_models_compare() -> None:
    words = (PROJECT / "macros" / "words.sql").read_text(encoding="utf-8")
    published = (PROJECT / "models" / "marts" / "detail" / "changed_figure.yml").read_text(encoding="utf-8")

    assert all(f"'{count}'" in words for count in COUNTS)
    assert published.count("data_type: bigint") == len(COUNTS)


def test_the_history_of_publications_is_listed(built_once: Home, tmp_path: Path) -> None:
    done = tiny.commitments(built_once, "replay", "--list")

    assert done.returncode == 0, done.stderr
    assert publication_id(built_once) in done.stdout
    assert "2026-03-19T16:00:00+00:00" in done.stdout
