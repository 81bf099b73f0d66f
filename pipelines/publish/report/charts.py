"""Where the lines and dots of the trend go, in per cent of the drawing, so that it fits any width."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any


@dataclass
class Trend:
    """A line over months with its interval and its target; months without anything due are gaps."""

    months: list[date]
    ticks: list[tuple[float, str]] = field(default_factory=list)
    dots: list[dict[str, Any]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    bands: list[str] = field(default_factory=list)
    targets: list[str] = field(default_factory=list)


def trend(months: Sequence[date], rows: dict[date, dict[str, Any]]) -> Trend:
    """Lay out one process's months."""
    drawn = Trend(months=list(months))
    known = [rows[month] for month in months if month in rows and rows[month]["achievement_rate"] is not None]
    if not known:
        return drawn
    values = [row["achievement_rate"] for row in known] + [
        row["target_rate"] for row in known if row.get("target_rate") is not None
    ]
    bottom = max(0.0, math.floor((min(values) - 0.02) * 10) / 10)
    top = min(1.0, math.ceil((max(values) + 0.02) * 10) / 10)
    # Less than this and chance looks like a drama.
    if top - bottom < 0.3:
        bottom = max(0.0, round(top - 0.3, 1))
        top = max(top, round(bottom + 0.3, 1))

    def x(number: int) -> float:
        return round((number + 0.5) / len(months) * 100, 2)

    def y(value: float) -> float:
        return round((top - min(top, max(bottom, value))) / (top - bottom) * 100, 2)

    step = 0.1 if top - bottom <= 0.41 else 0.2 if top - bottom <= 0.61 else 0.25
    tick = math.ceil(round(bottom / step, 6)) * step
    while tick <= top + 1e-9:
        drawn.ticks.append((y(tick), f"{tick:.0%}"))
        tick += step

    for stretch in _stretches(months, rows, "achievement_rate"):
        drawn.lines.append(" ".join(f"{x(i)},{y(row['achievement_rate'])}" for i, row in stretch))
        upper = [f"{x(i)},{y(row['rate_high'])}" for i, row in stretch if row["rate_high"] is not None]
        lower = [f"{x(i)},{y(row['rate_low'])}" for i, row in reversed(stretch) if row["rate_low"] is not None]
        if len(upper) > 1:
            drawn.bands.append(" ".join(upper + lower))
        drawn.dots += [
            {"x": x(i), "y": y(row["achievement_rate"]), "month": months[i], "row": row, "open": not row["is_complete"]}
            for i, row in stretch
        ]
    half = 50 / len(months)
    for stretch in _stretches(months, rows, "target_rate"):
        # A step a month: a target is agreed, it does not slope.
        drawn.targets.append(
            " ".join(
                f"{round(x(i) - half, 2)},{y(row['target_rate'])} {round(x(i) + half, 2)},{y(row['target_rate'])}"
                for i, row in stretch
            )
        )
    return drawn


def _stretches(
    months: Sequence[date], rows: dict[date, dict[str, Any]], measure: str
) -> list[list[tuple[int, dict[str, Any]]]]:
    stretches: list[list[tuple[int, dict[str, Any]]]] = []
    before = -2
    for i, month in enumerate(months):
        row = rows.get(month)
        if row is None or row.get(measure) is None:
            continue
        if before != i - 1:
            stretches.append([])
        stretches[-1].append((i, row))
        before = i
    return stretches
