"""What an alert says: what happened, to which work order, by when it was due, and as of when that was known."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

# A message that lists hundreds is read by nobody; the report and the tables have them all.
MOST_LISTED = 50
LONGEST = 200

HAPPENED = {
    "before_leaving_normal": "will soon pass its commitment",
    "left_normal": "has passed its commitment",
    "left_acceptable": "has passed its tolerance",
    "budget_burning": "uses up its allowed misses too fast",
    "source_stale": "has fallen behind",
    "run_failed": "The daily run failed",
}
OF_MANY = {
    "before_leaving_normal": "will soon pass their commitments",
    "left_normal": "have passed their commitments",
    "left_acceptable": "have passed their tolerances",
}


def message(together: Sequence[dict[str, Any]], zone: ZoneInfo) -> tuple[str, str]:
    """Return title and text of one message about one or more alerts of one rule; times are in ``zone``."""
    triggers = {row["alert_trigger"] for row in together}
    if len(together) == 1:
        title = _title(together[0])
    else:
        what = OF_MANY.get(*triggers, "need attention") if len(triggers) == 1 else "need attention"
        title = f"{len(together)} of rule {together[0]['rule']} {what}"
    if together[0]["is_escalation"]:
        title = f"Nobody has taken note: {title}"
    lines = [line for row in together[:MOST_LISTED] for line in (*_lines(row, zone), "")]
    if len(together) > MOST_LISTED:
        lines.append(f"… and {len(together) - MOST_LISTED} more.")
    as_of = max(row["as_of_us"] for row in together)
    lines.append(f"As of {_time(as_of, zone)} {zone.key}; what happened since is not known here.")
    lines.append(f"To take note: commitments alerts acknowledge {' '.join(row['alert_id'] for row in together)}")
    return _short(title), "\n".join(lines)


def _title(row: dict[str, Any]) -> str:
    said = json.loads(row["said"])
    happened = HAPPENED[row["alert_trigger"]]
    if row["run_id"]:
        return f"{_where(said)}: {said['work_order_id']} {happened}"
    return f"{said.get('source_system') or said.get('commitment_id')} {happened}" if "problem" not in said else happened


def _lines(row: dict[str, Any], zone: ZoneInfo) -> list[str]:
    said = json.loads(row["said"])
    if not row["run_id"]:
        more = {
            "budget_burning": lambda: (
                f"Allowed misses left: {said['misses_left']:.1f} of {said['allowed_misses']:.1f}; "
                f"in the last 7 days they went {said['burn_rate_7_days']:.1f} times as fast as the target allows."
            ),
            "source_stale": lambda: (
                f"Data through {_of(said['data_through_at'], zone)}, "
                f"expected every {said['expected_every_seconds'] / 3600:.0f} h."
            ),
            "run_failed": lambda: said["problem"],
        }[row["alert_trigger"]]()
        return [_title(row), _short(more)]
    owner = ", ".join(part for part in (said["department"], said["position"]) if part)
    lines = [
        _short(_title(row)),
        f"  started {_of(said['started_at'], zone)}, due {_of(said['commitment_due_at'], zone)}, "
        f"tolerated until {_of(said['tolerance_due_at'], zone)}" + (f"; {_short(owner)}" if owner else ""),
    ]
    if said["work_order_url"]:
        lines.append(f"  {said['work_order_url']}")
    return lines


def _where(said: dict[str, Any]) -> str:
    return ", ".join(part for part in (said["process_name"] or said["process"], said["node_name"]) if part)


def _of(text: str | None, zone: ZoneInfo) -> str:
    return "(not known)" if text is None else f"{datetime.fromisoformat(text).astimezone(zone):%a %d %b %H:%M}"


def _time(us: int, zone: ZoneInfo) -> str:
    return f"{datetime.fromtimestamp(us / 1_000_000, UTC).astimezone(zone):%Y-%m-%d %H:%M}"


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
