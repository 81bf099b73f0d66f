"""What customers say of how long it took, and when the services they use are down."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pipelines.sample_organisation.blemishes import blemish
from pipelines.sample_organisation.chance import shuffle
from pipelines.sample_organisation.processes import day_number
from pipelines.sample_organisation.staff_hours import DAY, HOME_OFFSET, NEVER, midnight
from pipelines.sample_organisation.systems.field_service import promised
from pipelines.sample_organisation.world import World

_HOUR = 3600
# Hours after which a customer feels let down (of an installation: when its promise is broken), and hours that they hope
# for when asked at the beginning: of an installation less than is committed, of a number port more.
_LET_DOWN = {"fault_repair": 60, "number_port_in": 48, "billing_complaint": 170}
_HOPED_FOR = {"broadband_installation": 84, "fault_repair": 20, "number_port_in": 60}
_ASKED_FIRST, _ANSWERS, _COMPLAINS, _COMPLAINS_LATE = 0.12, 0.34, 0.006, 0.12
_GLAD, _LATE, _BROKEN_AGAIN = 4.45, 2.3, 3.3
_MISTAKES = ["off the scale", "no order", "in words", "unknown question"]
_OUTAGE_MISTAKES = ["ends before it starts", "unknown system"]
_QUESTIONS = ("expectation", "rating", "complaint")
# What fails, how often a year, and how many hours at a time.
_SYSTEMS = {
    "Provisioning platform": (16.0, 2.2),
    "Number database": (7.0, 3.0),
    "Fault hotline": (9.0, 1.2),
}


def answers(world: World) -> pd.DataFrame:
    """A row each time a customer answered or complained by now: who is late rates worse, and complains more."""
    said = pd.concat([_said(world, process) for process in ("broadband_installation", *_LET_DOWN)], ignore_index=True)
    said = said.sort_values(["answered_at", "answer_id"], ignore_index=True)
    as_steps = said.assign(
        row=said["answer_id"], started=said["answered_at"] - _HOUR, ended=said["answered_at"], is_cancelled=False
    )
    wrong = blemish(as_steps, _MISTAKES, "answers", world.seed, world.now, is_log=True)
    said.loc[wrong.of("off the scale"), ["question", "answer"]] = ["rating", "9"]
    said.loc[wrong.of("no order"), "order_no"] = None
    said.loc[wrong.of("in words"), ["question", "answer"]] = ["rating", "very good"]
    said.loc[wrong.of("unknown question"), "question"] = "praise"
    return said[said["answered_at"] <= world.now].reset_index(drop=True)


def outages(world: World) -> pd.DataFrame:
    """A row each time a system was down by now, an open one without an end; work at night once a month is announced."""
    # Whole months: which rows of a month are blemished depends on all of them.
    until = np.datetime64(world.now + HOME_OFFSET, "s").astype("datetime64[M]") + 1
    days = np.arange(day_number(world.since.isoformat()), until.astype("datetime64[D]").astype(np.int64))
    dates = days.astype("datetime64[D]")
    day_of_month = (dates - dates.astype("datetime64[M]")).astype(np.int64) + 1
    parts = []
    for number, (system, (a_year, hours)) in enumerate(_SYSTEMS.items()):
        identity = days * len(_SYSTEMS) + number
        chance, at, length = (_uniform(world, f"outage {part}", identity) for part in ("chance", "at", "length"))
        took = hours * _HOUR * np.exp(2.2 * (length - 0.5))
        failures = (chance < a_year / 365, at * DAY, took, 0)
        announced = (day_of_month == 9 + 3 * number, 2 * _HOUR + 0 * at, 3 * _HOUR + 0 * at, 1)
        for mask, begins, lasts, is_announced in (failures, announced):
            down = midnight(days) + begins.astype(np.int64)
            part = {
                "outage_id": identity * 2 + is_announced,
                "system": system,
                "down": down,
                "up": down + lasts.astype(np.int64),
                "announced": is_announced,
            }
            parts.append(pd.DataFrame(part)[mask])
    log = pd.concat(parts).sort_values(["down", "outage_id"], ignore_index=True)
    as_steps = log.assign(row=log["outage_id"], started=log["down"], ended=log["up"], is_cancelled=False)
    wrong = blemish(as_steps, _OUTAGE_MISTAKES, "outages", world.seed, world.now, every_months=4)
    log = log.astype({"up": object})
    log.loc[log["up"] > world.now, "up"] = None
    turned = wrong.of("ends before it starts")
    log.loc[turned, ["down", "up"]] = log.loc[turned, ["up", "down"]].to_numpy()
    log.loc[wrong.of("unknown system"), "system"] = "Old switchboard"
    return log[log["down"] <= world.now].reset_index(drop=True)


def _said(world: World, process: str) -> pd.DataFrame:
    work = world.work[process]
    by_order = work.steps.sort_values("row").groupby("order").agg(
        row=("row", "first"), ended=("ended", "max"), visits=("node", "count"), nodes=("node", "nunique"),
        is_cancelled=("is_cancelled", "any"),
    )  # fmt: skip
    orders = work.orders.join(by_order, how="inner")
    identity, opened, ended = (orders[name].to_numpy() for name in ("row", "opened", "ended"))
    is_done = (ended < NEVER) & ~orders["is_cancelled"].to_numpy()
    let_down = opened + _LET_DOWN.get(process, 0) * _HOUR
    if process == "broadband_installation":
        let_down = promised(orders)
    is_late = ended > let_down

    def chance(what: str) -> np.ndarray:
        return _uniform(world, what, identity)

    # The sum of three is near enough to a bell.
    mood = chance("mood 1") + chance("mood 2") + chance("mood 3") - 1.5
    felt = np.select([is_late, orders["visits"].to_numpy() > orders["nodes"].to_numpy()], [_LATE, _BROKEN_AGAIN], _GLAD)
    stars = np.clip(np.rint(felt + 1.7 * mood), 1, 5).astype(int).astype(str)
    hopes = np.rint(_HOPED_FOR.get(process, 0) * np.exp(0.9 * (chance("hope") - 0.5) * 2)).astype(int)
    after_end = np.where(is_done, ended, 0) + (chance("answered") ** 2 * 4 * DAY).astype(np.int64) + 600
    complains = chance("complains") < np.where(is_late, _COMPLAINS_LATE, _COMPLAINS)
    # Who is late is told so by the customer before it is over.
    at_complaint = np.where(is_late, let_down, np.where(is_done, ended, NEVER)) + 5 * _HOUR
    parts = [
        (chance("asked") < (_ASKED_FIRST if process in _HOPED_FOR else 0), opened + 300, hopes.astype(str)),
        ((chance("answers") < _ANSWERS) & is_done, after_end, stars),
        (complains & (at_complaint < NEVER), at_complaint, None),
    ]
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "answer_id": identity[mask] * len(_QUESTIONS) + number,
                    "order_no": orders["order_no"].to_numpy()[mask],
                    "question": _QUESTIONS[number],
                    "answer": None if answer is None else answer[mask],
                    "remark": f"said on the phone, tape {number}",
                    "answered_at": at[mask],
                }
            )
            for number, (mask, at, answer) in enumerate(parts)
        ]
    )


def _uniform(world: World, what: str, identity: np.ndarray) -> np.ndarray:
    """A number from 0 to 1 that an order keeps whatever the history."""
    return shuffle(world.seed, f"voice {what}", identity) / 2.0**64
