"""What is due is noted, what is no longer so is withdrawn, what may be sent is sent: one look at the published file.

A kill between a channel's answer and our note of it sends that message again: better twice than never.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import duckdb

from pipelines.alerts.messages import message
from pipelines.alerts.outbox import Outbox, Row, open_outbox
from pipelines.catalogue import Catalogue
from pipelines.catalogue.alerts import Rule
from pipelines.catalogue.commitments import ROUND_THE_CLOCK
from pipelines.home import Home
from pipelines.published import open_published, rows
from pipelines.zones import SECOND_US, instant_us

# A channel that is down is tried again after one, two, four … minutes, at last every two hours.
FIRST_WAIT_US, LONGEST_WAIT_US = 60 * SECOND_US, 2 * 3600 * SECOND_US

Send = Callable[[Sequence[str], str, str], None]
"""Sends a title and a text to addresses; raises where one does not take it."""


@dataclass
class Told:
    """What one look came to."""

    noted: int = 0
    sent: int = 0
    withdrawn: int = 0
    waiting: int = 0
    failed: list[str] = field(default_factory=list)
    """One line a channel that did not take a message."""

    def __str__(self) -> str:
        """In one line."""
        return f"{self.sent} sent, {self.noted} new, {self.withdrawn} withdrawn, {self.waiting} waiting"


def tell(home: Home, catalogue: Catalogue, now: datetime | None = None, send: Send | None = None) -> Told:
    """Tell what is due at ``now`` and was not told; nothing where another look is under way, or no rule asks."""
    told = Told()
    if not catalogue.alerts.rules:
        return told
    now_us = instant_us(now or datetime.now(UTC))
    with _one_at_a_time(home) as is_ours, open_outbox(home) as outbox:
        if not is_ours:
            return told
        facts, open_calendars = _published(home, catalogue, now_us)
        told.noted = _note(outbox, catalogue, facts, now_us)
        told.withdrawn = _withdraw(outbox, facts, now_us)
        _escalate(outbox, catalogue, facts, now_us)
        _deliver(outbox, catalogue, open_calendars, now_us, send or send_by_apprise, told)
        told.waiting = len({row["alert_id"] for row in outbox.unsent()})
    return told


def tell_failure(home: Home, catalogue: Catalogue, run_id: str, problem: str, now: datetime | None = None) -> None:
    """Note that a run failed; the next look sends it, also where nothing was ever published."""
    now_us = instant_us(now or datetime.now(UTC))
    fact = {"subject": run_id, "alert_trigger": "run_failed", "warn_us": now_us, "as_of_us": now_us, "problem": problem}
    with open_outbox(home) as outbox:
        _note(outbox, catalogue, [fact | {"rule": rule} for rule in _rules(catalogue, "run_failed")], now_us)


def send_by_apprise(addresses: Sequence[str], title: str, text: str) -> None:
    """Send by whatever each address names; raises RuntimeError where one does not take it."""
    from apprise import Apprise, LogCapture, NotifyFormat

    channel = Apprise()
    channel.add(list(addresses))
    with LogCapture(level=30, fmt="%(message)s") as log:
        if not channel.notify(body=text, title=title, body_format=NotifyFormat.TEXT):
            raise RuntimeError(" ".join(log.getvalue().split()) or "it did not take the message")


# --- what there is to tell ----------------------------------------------------------------------------------------


def _published(home: Home, catalogue: Catalogue, now_us: int) -> tuple[list[Row], set[str]]:
    """What there is to tell, and the calendars that are open now."""
    if not (home.published / "warehouse.duckdb").exists():
        return [], {ROUND_THE_CLOCK}
    with open_published(home) as con:
        return list(_facts(con, catalogue, now_us)), _open_calendars(con, catalogue, now_us)


def _facts(con: duckdb.DuckDBPyConnection, catalogue: Catalogue, now_us: int) -> Iterator[Row]:
    """Everything that holds at ``now_us`` and a rule asks for: a row a rule, subject and trigger."""
    as_of_us = instant_us(rows(con, "SELECT as_of FROM marts.publication")[0]["as_of"])
    for row in rows(
        con,
        """
        SELECT *, run_id AS subject, epoch_us(warn_at) AS warn_us
        FROM marts.warning_due
        WHERE epoch_us(warn_at) <= ?
            -- What has left normal needs no warning that it will.
            AND NOT (alert_trigger = 'before_leaving_normal' AND coalesce(epoch_us(leaves_normal_at) < ?, false))
        ORDER BY warn_at
        """,
        [now_us, now_us],
    ):
        yield row | {"as_of_us": as_of_us}
    for rule in _rules(catalogue, "budget_burning"):
        for row in rows(
            con,
            "SELECT *, commitment_id || '|' || window_start AS subject FROM marts.error_budget_by_commitment "
            "WHERE burn_rate_7_days >= ?",
            [catalogue.alerts.rules[rule].burn_rate],
        ):
            if _is_about(catalogue.alerts.rules[rule], row):
                yield row | {
                    "rule": rule, "alert_trigger": "budget_burning", "warn_us": as_of_us, "as_of_us": as_of_us
                }  # fmt: skip
    for rule in _rules(catalogue, "source_stale"):
        for row in rows(con, "SELECT * FROM marts.source_freshness WHERE data_through_at IS NOT NULL"):
            stale_us = instant_us(row["data_through_at"]) + round(row["expected_every_seconds"] * SECOND_US)
            wanted = catalogue.alerts.rules[rule].source
            if stale_us < now_us and (not wanted or row["source_system"] in wanted):
                yield row | {
                    # Each time that it falls behind is another.
                    "subject": f"{row['source_system']}|{row['data_through_at'].isoformat()}",
                    "rule": rule, "alert_trigger": "source_stale", "warn_us": stale_us, "as_of_us": as_of_us,
                }  # fmt: skip


def _rules(catalogue: Catalogue, trigger: str) -> list[str]:
    return [name for name, rule in catalogue.alerts.rules.items() if trigger in rule.on]


def _is_about(rule: Rule, row: Row) -> bool:
    return rule.scope in (None, row["scope"]) and all(
        not getattr(rule, name) or row[name] in getattr(rule, name) for name in ("process", "node")
    )


def _open_calendars(con: duckdb.DuckDBPyConnection, catalogue: Catalogue, now_us: int) -> set[str]:
    asked = {rule.only_in for rule in catalogue.alerts.rules.values() if rule.only_in}
    found = rows(
        con,
        "SELECT DISTINCT calendar FROM detail.calendar_interval "
        "WHERE epoch_us(from_at) <= ? AND epoch_us(to_at) > ? AND list_contains(?, calendar)",
        [now_us, now_us, sorted(asked)],
    )
    return {ROUND_THE_CLOCK, *(row["calendar"] for row in found)}


# --- what becomes of it -------------------------------------------------------------------------------------------


def _note(outbox: Outbox, catalogue: Catalogue, facts: Sequence[Row], now_us: int) -> int:
    since = outbox.since(catalogue.alerts.rules, now_us)
    alerts, deliveries = {}, []
    for fact in facts:
        rule = catalogue.alerts.rules.get(fact["rule"])
        # What happened before a rule was there is no news; the catalogue may be newer than what was built of it.
        if rule is None or fact["warn_us"] < since[fact["rule"]]:
            continue
        alert_id = _id(fact)
        alerts[alert_id] = {
            "alert_id": alert_id,
            "alert_trigger": fact["alert_trigger"],
            "subject": fact["subject"],
            "run_id": fact.get("run_id"),
            "source_system": fact.get("source_system"),
            "commitment_id": fact.get("commitment_id"),
            "said": json.dumps(fact, default=str, ensure_ascii=False),
            "warn_us": fact["warn_us"],
            "as_of_us": fact["as_of_us"],
            "noted_us": now_us,
        }
        deliveries += _to(rule.to, alert_id, fact["rule"], now_us, is_escalation=False)
    return outbox.note(list(alerts.values()), deliveries)


def _withdraw(outbox: Outbox, facts: Sequence[Row], now_us: int) -> int:
    still = {_id(fact) for fact in facts}
    gone = [row["alert_id"] for row in outbox.unsent() if row["alert_id"] not in still and row["run_id"]]
    outbox.withdraw(gone, now_us)
    return len(gone)


def _escalate(outbox: Outbox, catalogue: Catalogue, facts: Sequence[Row], now_us: int) -> None:
    still = {_id(fact) for fact in facts}
    deliveries = []
    for row in outbox.unacknowledged():
        rule = catalogue.alerts.rules.get(row["rule"])
        if rule is None or rule.escalate_after_us is None or row["alert_id"] not in still:
            continue
        if row["sent_us"] + rule.escalate_after_us <= now_us:
            deliveries += _to(rule.escalate_to, row["alert_id"], row["rule"], now_us, is_escalation=True)
    outbox.note([], deliveries)


def _deliver(
    outbox: Outbox,
    catalogue: Catalogue,
    open_calendars: set[str],
    now_us: int,
    send: Send,
    told: Told,
) -> None:
    letters: dict[tuple[str, ...], list[Row]] = defaultdict(list)
    for row in outbox.waiting(now_us):
        rule, channel = catalogue.alerts.rules.get(row["rule"]), catalogue.alerts.channels.get(row["channel"])
        # A rule or channel that was taken out says nothing any more; one outside its hours waits for them.
        if rule is None or channel is None or (rule.only_in or ROUND_THE_CLOCK) not in open_calendars:
            continue
        alone = () if rule.digest else (row["alert_id"],)
        letters[row["channel"], row["rule"], str(row["is_escalation"]), *alone].append(row)
    zone = ZoneInfo(catalogue.organisation.business_time_zone)
    down = set()
    for (channel, *_), together in letters.items():
        if channel in down:
            continue
        title, text = message(together, zone)
        addresses = [address.get_secret_value() for address in catalogue.alerts.channels[channel]]
        try:
            send(addresses, title, text)
        except Exception as problem:
            # The others go on; those of this channel wait for the next look.
            down.add(channel)
            said = _without(addresses, f"{type(problem).__name__}: {problem}")
            tries = max(row["attempts"] for row in together)
            outbox.failed(together, said, now_us + min(LONGEST_WAIT_US, FIRST_WAIT_US << min(tries, 10)))
            told.failed.append(f"{channel}: {said}")
        else:
            outbox.sent(together, now_us)
            told.sent += len(together)


def _to(channels: Iterable[str], alert_id: str, rule: str, now_us: int, *, is_escalation: bool) -> list[Row]:
    return [
        {
            "alert_id": alert_id,
            "channel": channel,
            "rule": rule,
            "is_escalation": int(is_escalation),
            "next_us": now_us,
        }
        for channel in channels
    ]


def _id(fact: Row) -> str:
    return hashlib.sha256(f"{fact['alert_trigger']}|{fact['subject']}".encode()).hexdigest()[:12]


def _without(addresses: Iterable[str], text: str) -> str:
    for address in addresses:
        text = text.replace(address, "***")
    return text


@contextmanager
def _one_at_a_time(home: Home) -> Iterator[bool]:
    home.alerts.mkdir(parents=True, exist_ok=True)
    with (home.alerts / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
