"""The sample organisation is a pure function of a seed and the time."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from pipelines.sample_organisation import voice
from pipelines.sample_organisation.systems import crm, field_service, finance, ticketing, workflow
from pipelines.sample_organisation.world import first_day

from .conftest import TOMORROW, WHOLE_HISTORY_UNTIL

RECORDS = {
    "crm": crm.order_steps,
    "settlements": workflow.settlement_events,
    "complaints": workflow.complaint_events,
    "payments": finance.payments,
    "jobs": field_service.jobs,
    "tickets": lambda world: ticketing.changes(world)[0],
    "status_changes": lambda world: ticketing.changes(world)[1],
    "answers": voice.answers,
}
LOGS = ("settlements", "complaints", "status_changes", "answers")


@pytest.mark.parametrize("system", RECORDS)
def test_the_same_seed_and_time_give_the_same_rows(system: str, world) -> None:
    from pipelines.sample_organisation.world import simulate

    again = simulate(7, world().since, dt.datetime.fromtimestamp(world().now, dt.UTC))

    assert_frame_equal(RECORDS[system](world()), RECORDS[system](again))


@pytest.mark.parametrize("system", RECORDS)
def test_another_seed_gives_other_rows(system: str, world) -> None:
    assert not RECORDS[system](world()).equals(RECORDS[system](world(seed=8)))


@pytest.mark.parametrize("system", RECORDS)
def test_tomorrow_finds_more(system: str, world) -> None:
    assert len(RECORDS[system](world(TOMORROW))) > len(RECORDS[system](world()))


@pytest.mark.parametrize("system", LOGS)
def test_what_was_logged_stays_logged(system: str, world) -> None:
    today, tomorrow = RECORDS[system](world()), RECORDS[system](world(TOMORROW))

    assert_frame_equal(today, tomorrow.head(len(today)))


def test_a_crm_row_that_did_not_change_keeps_its_time_of_change(world) -> None:
    today, tomorrow = (crm.order_steps(world(at)).set_index("step_id") for at in (_now(world), TOMORROW))
    unchanged = tomorrow[tomorrow["updated_at"] <= world().now]

    assert today.index.isin(tomorrow.index).all()
    assert_frame_equal(unchanged.sort_index(), today.loc[unchanged.index].sort_index())
    # Nothing comes in behind a cursor that has passed.
    assert tomorrow.index.difference(today.index).isin(tomorrow[tomorrow["updated_at"] > world().now].index).all()


def test_an_outage_stays_what_it_was_and_only_gets_its_end(world) -> None:
    september, october = (voice.outages(world(at)) for at in (dt.datetime(2026, 9, 20, tzinfo=dt.UTC), _now(world)))
    assert len(october) > len(september) > 5

    shared = october.head(len(september))
    assert_frame_equal(september.drop(columns="up"), shared.drop(columns="up"))
    was_over = september["up"].notna()
    assert (september.loc[was_over, "up"] == shared.loc[was_over, "up"]).all()


def test_a_job_that_was_in_work_yesterday_is_done_today(world) -> None:
    today, tomorrow = (field_service.jobs(world(at)).set_index("Job") for at in (_now(world), TOMORROW))
    was_open = today[today["Result"] == "IN WORK"].index

    now_done = tomorrow.loc[was_open][lambda jobs: jobs["Result"] == "DONE"]
    assert len(now_done) > 5
    assert (now_done["Finished"] != "").all()
    assert (now_done["Begun"] == today.loc[now_done.index, "Begun"]).all()


def test_a_history_that_begins_later_has_the_same_work_orders(world) -> None:
    later = world(since=dt.date(2026, 9, 1))

    for process, work in later.work.items():
        earlier = world().work[process].orders
        shared = earlier[earlier["opened"] >= work.orders["opened"].min()].reset_index(drop=True)
        assert_frame_equal(
            shared.sort_values("order_no", ignore_index=True), work.orders.sort_values("order_no", ignore_index=True)
        )


def test_the_whole_history_is_eighteen_months_and_twenty_thousand_work_orders(whole_history) -> None:
    orders = pd.concat([work.orders for work in whole_history.work.values()])
    opened = orders[orders["opened"] <= whole_history.now]

    assert first_day(WHOLE_HISTORY_UNTIL) == dt.date(2025, 5, 1)
    assert 18_000 < len(opened) < 23_000
    assert opened["order_no"].is_unique


def test_a_commission_settlement_passes_through_three_systems_under_one_number(whole_history) -> None:
    collected = set(crm.order_steps(whole_history).query("order_type == 'DEALER_COMMISSION'")["order_no"].dropna())
    checked = set(workflow.settlement_events(whole_history)["case"])
    paid = set(finance.payments(whole_history).query("Status == 'Paid'")["Statement no"].dropna())

    assert len(collected & checked & paid) > 3_500


def _now(world) -> dt.datetime:
    return dt.datetime.fromtimestamp(world().now, dt.UTC)
