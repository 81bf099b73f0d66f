"""From a run of the daily job to a message: what is warned of, when, and what is published of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import tiny
from test_command_line import call

from pipelines.alerts.outbox import list_outbox
from pipelines.alerts.telling import tell
from pipelines.catalogue import read_catalogue
from pipelines.home import Home
from pipelines.published import open_published, rows
from pipelines.run import run

pytestmark = pytest.mark.xdist_group("built")

ALERTS = """\
channels: {desk: "json://127.0.0.1:9/desk", boss: "json://127.0.0.1:9/boss"}
rules:
  soon: {on: [before_leaving_normal, left_normal], lead: 3h, process: claims, node: register, to: desk}
  late: {on: left_acceptable, department: [Treasury, Logistics], scope: node, to: [desk, boss]}
"""


def at(text: str) -> datetime:
    """An instant in Shanghai."""
    return datetime.fromisoformat(f"{text}+08:00")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, wms: str) -> Home:
    """The tiny home with alerts, after a run."""
    made = tiny.make_tiny_home(tmp_path_factory.mktemp("alerted") / "home")
    (made.catalogue / "alerts.yml").write_text(ALERTS)
    assert run(made, tiny.AS_OF).exit_code == 0
    return made


def test_each_open_run_has_the_instants_at_which_its_rules_warn(home: Home) -> None:
    with open_published(home) as con:
        due = rows(con, "SELECT rule, alert_trigger, work_order_id, node, warn_at FROM marts.warning_due ORDER BY ALL")

    # C3 has four hours from 15:00, office hours end at 17:00: three are left at 16:00, none at 11:00 of the next day.
    # C2 has waited to be paid since February. O2 is late to be delivered, but its source has said nothing for a day.
    assert [(row["rule"], row["alert_trigger"], row["work_order_id"], row["node"], row["warn_at"]) for row in due] == [
        ("late", "left_acceptable", "C2", "pay", datetime(2026, 2, 10, 18, tzinfo=UTC)),
        ("soon", "before_leaving_normal", "C3", "register", at("2026-03-19T16:00")),
        ("soon", "left_normal", "C3", "register", at("2026-03-20T11:00")),
    ]


def test_it_is_told_once_when_it_is_due_and_published_with_what_became_of_it(home: Home) -> None:
    sent: list[tuple[str, str, str]] = []

    def send(addresses: list[str], title: str, text: str) -> None:
        sent.append((addresses[0].rsplit("/", 1)[1], title, text))

    catalogue = read_catalogue(home)
    for hours in range(0, 24, 2):
        tell(home, catalogue, at("2026-03-19T15:30") + timedelta(hours=hours), send)
    [first, second] = list_outbox(home)[::-1]
    assert call("alerts", "acknowledge", first["alert_id"], "--by", "Mei", home=home).returncode == 0
    jobs = home.root / "in" / "jobs.csv"
    jobs.write_text(
        jobs.read_text().replace(
            "C3,REGISTER,2026-03-19 15:00:00,,OPEN", "C3,REGISTER,2026-03-19 15:00:00,2026-03-20 13:00:00,DONE"
        )
    )
    assert run(home, "2026-03-20").exit_code == 0

    # What was late before the rules were there is no news.
    assert [(channel, title) for channel, title, _ in sent] == [
        ("desk", "Claims, register: C3 will soon pass its commitment"),
        ("desk", "Claims, register: C3 has passed its commitment"),
    ]
    assert "due Fri 20 Mar 11:00, tolerated until Fri 20 Mar 15:00; Front office, Agent" in sent[0][2]
    assert "As of 2026-03-20 00:00 Asia/Shanghai" in sent[0][2]
    with open_published(home) as con:
        told = rows(con, "SELECT * FROM marts.alert ORDER BY warn_at")
    assert [(row["alert_trigger"], row["work_order_id"], row["acknowledged_by"]) for row in told] == [
        ("before_leaving_normal", "C3", "Mei"),
        ("left_normal", "C3", None),
    ]
    # Told at the first look after each: 17:30, and 11:30 of the day on which it was done at 13:00.
    assert [row["seconds_to_end"] for row in told] == [19.5 * 3600, 1.5 * 3600]
    assert [row["alert_id"] for row in told] == [first["alert_id"], second["alert_id"]]


def test_the_command_says_what_was_not_sent_and_ends_with_one(tmp_path: Path, home: Home) -> None:
    rules = home.catalogue / "alerts.yml"
    before = rules.read_text()
    rules.write_text(before + "  stale: {on: source_stale, to: boss}\n")
    try:
        done = call("alert", "--json", home=home)
        again = call("alert", home=home)
    finally:
        rules.write_text(before)

    # A rule begins when it is first there, and the sources have been stale for long.
    assert (done.returncode, json.loads(done.stdout)["failed"]) == (0, [])
    assert again.stdout.strip().endswith("waiting")
    unknown = call("alerts", "acknowledge", "nothing", home=home)
    assert (unknown.returncode, "No alert nothing" in unknown.stderr) == (1, True)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("{on: left_normal, to: dsk}", "channel 'dsk' is not in `channels`; did you mean 'desk'?"),
        ("{on: before_leaving_normal, to: desk}", "add it, e.g. lead: 2h"),
        ("{on: late, to: desk}", "rules.r.on"),
        ("{on: left_normal, process: claim, to: desk}", "process 'claim' is not in processes.yml"),
        ("{on: left_normal, process: claims, node: deliver, to: desk}", "node 'deliver' is in none of its processes"),
        ("{on: left_normal, to: desk, only_in: night}", "calendar 'night' is not in calendars.yml"),
        ("{on: left_normal, to: desk, escalate_to: desk}", "`escalate_after` and `escalate_to` belong together"),
        ("{on: left_normal, to: []}", "rules.r.to is empty"),
        ("{on: [], to: desk}", "rules.r.on is empty"),
        (
            "{on: budget_burning, department: Treasury, to: desk}",
            "a budget is that of a commitment and has no department",
        ),
        ("{on: source_stale, source: crmm, to: desk}", "source 'crmm' is not in sources.yml"),
    ],
)
def test_a_mistake_in_a_rule_is_named_with_its_line(tiny_home: Home, written: str, said: str) -> None:
    (tiny_home.catalogue / "alerts.yml").write_text(f'channels: {{desk: "json://h/x"}}\nrules:\n  r: {written}\n')

    done = call("check", home=tiny_home)

    assert done.returncode == 1
    assert done.stderr.startswith("catalogue/alerts.yml:3: ")
    assert said in done.stderr


def test_an_address_that_nothing_knows_is_named_but_not_shown(tiny_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DESK", "carrier-pigeon://s3cret-coop")
    (tiny_home.catalogue / "alerts.yml").write_text('channels: {desk: "${DESK}"}\nrules: {}\n')

    done = call("check", home=tiny_home)

    assert "catalogue/alerts.yml:1: " in done.stderr
    assert "is no address that Apprise knows" in done.stderr
    assert "s3cret" not in done.stdout + done.stderr
