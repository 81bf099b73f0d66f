"""Weeks of looks at made-up publications: each transition is told once and in time, whatever is killed meanwhile."""

from __future__ import annotations

import json
import random
import socket
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import Message
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import duckdb
import pytest
from aiosmtpd.controller import Controller
from test_report import TABLES, insert

from pipelines.alerts.outbox import acknowledge, list_outbox
from pipelines.alerts.telling import send_by_apprise, tell, tell_failure
from pipelines.catalogue import Catalogue, Organisation
from pipelines.catalogue.alerts import Alerts, Rule
from pipelines.home import Home

START = datetime(2026, 3, 2, tzinfo=UTC)  # a Monday
LOOKS_EVERY = timedelta(minutes=5)
NASTY = "<script>alert(1)</script> =cmd|' /C calc'!A0 " + "x" * 10_000


def catalogue(rules: dict[str, dict[str, Any]], **channels: str) -> Catalogue:
    """Of an organisation in UTC."""
    made = {name: Rule(rule=name, **rule) for name, rule in rules.items()}
    alerts = Alerts(channels={name: (address,) for name, address in channels.items()}, rules=made)
    organisation = Organisation(name="Made up", business_time_zone="UTC", currency="EUR")
    return Catalogue(organisation=organisation, sources={}, processes={}, commitments=(), calendars={}, alerts=alerts)


class Publications:
    """Published files with what telling reads, one after the other."""

    def __init__(self, home: Home) -> None:
        self.file = home.published / "warehouse.duckdb"
        home.published.mkdir(parents=True)

    def publish(self, as_of: datetime, warnings: Sequence[dict[str, Any]], **tables: Sequence[dict[str, Any]]) -> None:
        """Replace what is published."""
        new = self.file.with_name("new.duckdb")
        with duckdb.connect(str(new)) as con:
            con.execute(TABLES)
            con.execute("CREATE SCHEMA detail")
            con.execute(
                "CREATE TABLE detail.calendar_interval (calendar VARCHAR, from_at TIMESTAMPTZ, to_at TIMESTAMPTZ)"
            )
            for day in range(30):
                opens = START + timedelta(days=day, hours=9)
                con.execute(
                    "INSERT INTO detail.calendar_interval VALUES ('office', ?, ?)", [opens, opens + timedelta(hours=8)]
                )
            insert(con, "publication", publication_id=as_of.isoformat(), as_of=as_of)
            for warning in warnings:
                insert(con, "warning_due", **warning)
            for table, rows in tables.items():
                for row in rows:
                    insert(con, table, **row)
        new.replace(self.file)


def warning(number: int, trigger: str, warn_at: datetime, rule: str = "late", **more: Any) -> dict[str, Any]:
    """A row of warning_due."""
    return {
        "run_id": f"run-{number}",
        "work_order_id": f"WO-{number}",
        "rule": rule,
        "alert_trigger": trigger,
        "warn_at": warn_at,
        "scope": "node",
        "process": "claims",
        "process_name": "Claims",
        "node": "pay",
        "node_name": "Pay",
        "started_at": warn_at - timedelta(hours=8),
        "commitment_due_at": warn_at,
        "department": "Treasury",
    } | more


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def published(home: Home) -> Publications:
    return Publications(home)


class Sink:
    """What came in by mail and by webhook, at which simulated time."""

    def __init__(self) -> None:
        self.mails: list[tuple[datetime, Message]] = []
        self.calls: list[tuple[datetime, dict[str, Any]]] = []
        self.now = START

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        """A mail."""
        self.mails.append((self.now, message_from_bytes(envelope.content)))
        return "250 OK"


@pytest.fixture
def sink() -> Iterator[Sink]:
    """A real mail server and a real web server."""
    caught = Sink()

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            caught.calls.append((caught.now, json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    web = HTTPServer(("127.0.0.1", 0), Hook)
    threading.Thread(target=web.serve_forever, daemon=True).start()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    mail = Controller(caught, hostname="127.0.0.1", port=port)
    mail.start()
    caught.webhook = f"json://127.0.0.1:{web.server_port}/hook"  # type: ignore[attr-defined]
    caught.mailbox = f"mailto://127.0.0.1:{port}?from=a@example.com&to=desk@example.com&mode=insecure"  # type: ignore[attr-defined]
    yield caught
    mail.stop()
    web.shutdown()


class Killed(BaseException):
    """As by a signal."""


@pytest.mark.parametrize("seed", [1, 2])
def test_over_twenty_days_each_transition_arrives_once_and_in_time_whatever_is_killed(
    home: Home, published: Publications, sink: Sink, seed: int
) -> None:
    chance = random.Random(seed)
    ours = catalogue({"late": {"on": ("left_normal", "left_acceptable"), "to": ("mail", "web")}},
                     mail=sink.mailbox, web=sink.webhook)  # fmt: skip
    tell(home, ours, START)
    days = 20
    begun = [START + timedelta(minutes=chance.randrange(1, days * 1440)) for _ in range(60)]
    life = {
        number: (start, start + timedelta(minutes=chance.randrange(10, 2000)), start + timedelta(days=3))
        for number, start in enumerate(begun)
    }
    lost_looks = 0

    def killing(addresses: Sequence[str], title: str, text: str) -> None:
        if chance.random() < 0.15:
            raise Killed
        send_by_apprise(addresses, title, text)

    for hour in range(0, days * 24, 3):
        now = START + timedelta(hours=hour)
        if hour % 24 == 0:
            known = [
                [warning(number, "left_normal", normal), warning(number, "left_acceptable", acceptable)]
                for number, (start, normal, acceptable) in life.items()
                if start < now + timedelta(days=1)
            ]
            published.publish(now, [row for rows in known for row in rows])
        sink.now = now
        try:
            tell(home, ours, now, killing)
        except Killed:
            lost_looks += 1

    end = sink.now
    for _ in range(5):
        tell(home, ours, end)
    expected = Counter(
        f"Claims, Pay: WO-{number} has passed its {what}"
        for number, (_, normal, acceptable) in life.items()
        for what, when in (("commitment", normal), ("tolerance", acceptable))
        if when <= end
    )
    assert lost_looks > 5
    assert Counter(str(mail["Subject"]) for _, mail in sink.mails) == expected
    assert Counter(call["title"] for _, call in sink.calls) == expected


def test_nothing_is_late_by_more_than_the_time_between_two_looks(home: Home, published: Publications) -> None:
    ours = catalogue({"late": {"on": ("left_normal",), "to": ("desk",)}}, desk="json://h/x")
    tell(home, ours, START)
    times = {f"WO-{number}": START + timedelta(minutes=number + 1) for number in range(100)}
    published.publish(START, [warning(int(name[3:]), "left_normal", when) for name, when in times.items()])
    late: list[timedelta] = []

    for look in range(0, 25):
        now = START + LOOKS_EVERY * look
        tell(home, ours, now, lambda _, title, __, now=now: late.append(now - times[title.split()[2]]))

    assert len(late) == 100
    assert max(late) <= LOOKS_EVERY


def test_what_ended_before_it_was_sent_is_withdrawn_and_what_a_rebuild_says_again_is_not_told_again(
    home: Home, published: Publications
) -> None:
    ours = catalogue({"late": {"on": ("left_normal",), "to": ("desk",)}}, desk="json://h/x")
    told: list[str] = []
    published.publish(START, [])
    tell(home, ours, START)
    rows = [
        warning(1, "left_normal", START + timedelta(hours=1)),
        warning(2, "left_normal", START + timedelta(hours=2)),
    ]
    published.publish(START, rows)

    def down(*_: Any) -> None:
        raise OSError("nobody there at json://h/x")

    first = tell(home, ours, START + timedelta(hours=3), down)
    published.publish(START + timedelta(days=1), rows[:1])
    at = START + timedelta(days=1)
    second = tell(home, ours, at, lambda _, title, __: told.append(title))
    published.publish(START, [row | {"warn_at": row["warn_at"] + timedelta(hours=30)} for row in rows[:1]])
    tell(home, ours, START + timedelta(days=2), lambda _, title, __: told.append(title))

    assert first.failed == ["desk: OSError: nobody there at ***"]
    assert (second.withdrawn, second.sent) == (1, 1)
    assert told == ["Claims, Pay: WO-1 has passed its commitment"]


def test_what_was_withdrawn_while_its_source_was_stale_is_told_once_it_is_so_again(
    home: Home, published: Publications
) -> None:
    ours = catalogue(
        {"late": {"on": ("left_normal",), "to": ("desk",), "only_in": "office", "digest": True}}, desk="json://h/x"
    )
    late = warning(1, "left_normal", START + timedelta(hours=20))
    told: list[str] = []
    looks = [
        # Late at night, and the desk is at home; in the morning nobody knows; at noon it was due later than thought.
        (20, [late]),
        (33, []),
        (36, [late | {"commitment_due_at": START + timedelta(hours=21)}]),
        (37, [late]),
    ]
    published.publish(START, [])
    tell(home, ours, START)

    came_to = []
    for hours, rows in looks:
        published.publish(START + timedelta(hours=hours), rows)
        look = tell(home, ours, START + timedelta(hours=hours), lambda _, __, text: told.append(text))
        came_to.append((look.withdrawn, look.sent))

    assert came_to == [(0, 0), (1, 0), (0, 1), (0, 0)]
    assert ["due Mon 02 Mar 21:00" in text for text in told] == [True]


def test_a_channel_that_is_down_waits_ever_longer_and_stops_no_other(home: Home, published: Publications) -> None:
    ours = catalogue({"late": {"on": ("left_normal",), "to": ("down", "up")}}, down="json://down/x", up="json://up/x")
    tell(home, ours, START)
    published.publish(START, [warning(1, "left_normal", START + timedelta(minutes=1))])
    tries: dict[str, list[int]] = {"down": [], "up": []}

    for minute in (0, 1, 2, 3, 4, 7, 8, 15, 16, 31, 32, 63, 64, 127, 128, 200):

        def send(addresses: Sequence[str], _title: str, _text: str, minute: int = minute) -> None:
            name = addresses[0].split("/")[2]
            tries[name].append(minute)
            if name == "down":
                raise OSError("no answer")

        tell(home, ours, START + timedelta(minutes=minute), send)

    assert tries == {"down": [1, 2, 4, 8, 16, 32, 64, 128], "up": [1]}


def test_a_digest_is_one_message_and_waits_for_the_desks_hours(home: Home, published: Publications) -> None:
    ours = catalogue(
        {"late": {"on": ("left_normal",), "to": ("desk",), "digest": True, "only_in": "office"}}, desk="json://h/x"
    )
    tell(home, ours, START)
    night = [warning(number, "left_normal", START + timedelta(hours=1, minutes=number)) for number in range(60)]
    published.publish(START, night)
    sent: list[tuple[int, str, str]] = []

    for hour in range(0, 12):
        tell(
            home,
            ours,
            START + timedelta(hours=hour),
            lambda _, title, text, hour=hour: sent.append((hour, title, text)),
        )

    [(hour, title, text)] = sent
    assert (hour, title) == (9, "60 of rule late have passed their commitments")
    assert "WO-49" in text
    assert "… and 10 more." in text


def test_what_nobody_acknowledges_goes_to_the_next_in_line_unless_it_is_over(
    home: Home, published: Publications
) -> None:
    rule = {
        "on": ("left_normal",),
        "to": ("desk",),
        "escalate_after_us": 2 * 3600 * 1_000_000,
        "escalate_to": ("boss",),
    }
    ours = catalogue({"late": rule}, desk="json://desk/x", boss="json://boss/x")
    tell(home, ours, START)
    rows = [warning(number, "left_normal", START + timedelta(minutes=1)) for number in (1, 2, 3)]
    published.publish(START, rows)
    sent: list[tuple[str, str]] = []

    def send(addresses: Sequence[str], title: str, _text: str) -> None:
        sent.append((addresses[0].split("/")[2], title))

    tell(home, ours, START + timedelta(hours=1), send)
    acknowledge(home, [next(row["alert_id"] for row in list_outbox(home) if row["run_id"] == "run-1")], "Mei")
    published.publish(START + timedelta(hours=2), [row for row in rows if row["run_id"] != "run-2"])
    for hour in (2, 3, 4, 5):
        tell(home, ours, START + timedelta(hours=hour), send)

    assert [title for channel, title in sent if channel == "boss"] == [
        "Nobody has taken note: Claims, Pay: WO-3 has passed its commitment"
    ]
    assert len(sent) == 4


def test_budgets_sources_and_failed_runs_are_told_of_once_too(home: Home, published: Publications) -> None:
    ours = catalogue(
        {
            "burning": {
                "on": ("budget_burning",),
                "burn_rate": 3,
                "process": ("claims",),
                "scope": "node",
                "to": ("desk",),
            },
            "stale": {"on": ("source_stale", "run_failed"), "to": ("desk",)},
        },
        desk="json://h/x",
    )
    tell(home, ours, START)
    budget = {"window_start": START.date(), "allowed_misses": 10.0, "misses_left": 2.5, "scope": "node", "node": "pay"}
    later = START + timedelta(days=2)
    published.publish(
        START + timedelta(days=1), [],
        error_budget_by_commitment=[
            budget | {"commitment_id": "K1", "process": "claims", "burn_rate_7_days": 4.0},
            budget | {"commitment_id": "K2", "process": "claims", "burn_rate_7_days": 2.0},
            budget | {"commitment_id": "K3", "process": "orders", "burn_rate_7_days": 9.0},
            budget | {"commitment_id": "K4", "process": "claims", "burn_rate_7_days": 9.0, "scope": "process"},
        ],
        source_freshness=[
            {"source_system": name, "data_through_at": at, "expected_every_seconds": 86400.0}
            for name, at in (("crm", START), ("wms", later))
        ],
    )  # fmt: skip
    tell_failure(home, ours, "dagster-run", "step failed", later)
    told: list[str] = []

    for _ in range(3):
        tell(home, ours, later, lambda _, title, text: told.append(f"{title}\n{text}"))

    assert sorted(text.splitlines()[0] for text in told) == [
        "K1 uses up its allowed misses too fast",
        "The daily run failed",
        "crm has fallen behind",
    ]
    assert any("Allowed misses left: 2.5 of 10.0" in text for text in told)


def test_what_a_source_delivered_is_text_in_a_mail_and_shortened(
    home: Home, published: Publications, sink: Sink
) -> None:
    ours = catalogue({"late": {"on": ("left_normal",), "to": ("mail",)}}, mail=sink.mailbox)
    tell(home, ours, START)
    published.publish(START, [warning(1, "left_normal", START + timedelta(hours=1), work_order_id=NASTY)])

    told = tell(home, ours, START + timedelta(hours=2))

    assert told.failed == []
    [(_, mail)] = sink.mails
    parts = [part.get_payload(decode=True).decode() for part in mail.walk() if not part.is_multipart()]
    kinds = [part.get_content_type() for part in mail.walk() if not part.is_multipart()]
    for kind, part in zip(kinds, parts, strict=True):
        assert len(part) < 2_000
        assert kind != "text/html" or "<script>" not in part
