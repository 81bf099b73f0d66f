"""Bad rows of every kind are in the systems, a few dozen in all, so that quarantine has something to show."""

from __future__ import annotations

import pandas as pd
import pytest

from pipelines.sample_organisation import voice
from pipelines.sample_organisation.systems import crm, field_service, finance, ticketing, workflow


@pytest.fixture(scope="session")
def steps(whole_history) -> pd.DataFrame:
    return crm.order_steps(whole_history)


@pytest.fixture(scope="session")
def jobs(whole_history) -> pd.DataFrame:
    return field_service.jobs(whole_history)


@pytest.fixture(scope="session")
def payments(whole_history) -> pd.DataFrame:
    return finance.payments(whole_history)


@pytest.fixture(scope="session")
def changes(whole_history) -> pd.DataFrame:
    return ticketing.changes(whole_history)[1]


def test_crm_has_rows_of_every_kind_of_mistake(steps: pd.DataFrame) -> None:
    closed = steps["closed_at"] >= 0
    mistakes = {
        "unknown state": steps["state"] == "PARKED",
        "done without an end": (steps["state"] == "DONE") & ~closed,
        "end before start": closed & (steps["closed_at"] < steps["opened_at"]),
        "no work order": steps["order_no"].isna(),
        "far future": steps["opened_at"] > steps["updated_at"] + 366 * 86_400,
    }
    _each_happens_a_few_times(mistakes)


def test_field_service_has_rows_of_every_kind_of_mistake(jobs: pd.DataFrame) -> None:
    begun, finished = (
        pd.to_datetime(jobs[name], format="%d/%m/%Y %H:%M", errors="coerce") for name in ("Begun", "Finished")
    )
    mistakes = {
        "unreadable time": jobs["Finished"].ne("") & finished.isna(),
        "end before start": finished < begun,
        "no key": jobs["Job"] == "",
        "unknown result": ~jobs["Result"].isin(["DONE", "IN WORK", "CANCELLED"]),
        "done without an end": (jobs["Result"] == "DONE") & (jobs["Finished"] == ""),
        "exact duplicate": jobs.duplicated() & (jobs["Job"] != ""),
    }
    _each_happens_a_few_times(mistakes)


def test_finance_has_rows_of_every_kind_of_mistake(payments: pd.DataFrame) -> None:
    is_text = payments["Approved"].map(lambda value: isinstance(value, str))
    approved = pd.to_datetime(payments["Approved"].where(~is_text, None))
    mistakes = {
        "text for a date": is_text,
        "approved before received": approved < pd.to_datetime(payments["Received"]),
        "negative amount": payments["Amount"] < 0,
        "exact duplicate": payments.duplicated() & payments["Statement no"].notna(),
        "no key": payments["Statement no"].isna(),
    }
    _each_happens_a_few_times(mistakes)


def test_ticketing_has_rows_of_every_kind_of_mistake(changes: pd.DataFrame) -> None:
    is_text = changes["changed_at"].map(lambda value: isinstance(value, str))
    mistakes = {
        "no time": is_text,
        "milliseconds for seconds": changes["changed_at"].where(~is_text, 0).astype(float) > 1e12,
        "no work order": changes["ticket_no"].isna(),
        "no status": changes["status"].isna(),
    }
    _each_happens_a_few_times(mistakes)


def test_the_workflow_engine_has_events_of_every_kind_of_mistake(whole_history) -> None:
    settlements, complaints = workflow.settlement_events(whole_history), workflow.complaint_events(whole_history)
    _each_happens_a_few_times(
        {
            "unreadable time (settlement)": settlements["time"].str.startswith("0000"),
            "no activity": settlements["activity"] == "",
            "unreadable time (complaint)": complaints["time"].str.startswith("0000"),
            "no case": complaints["case"] == "",
        }
    )


def test_customers_and_outages_have_rows_of_every_kind_of_mistake(whole_history) -> None:
    said, log = voice.answers(whole_history), voice.outages(whole_history)
    _each_happens_a_few_times(
        {
            "off the scale": (said["question"] == "rating") & (said["answer"] == "9"),
            "in words": said["answer"] == "very good",
            "no work order (answer)": said["order_no"].isna(),
            "unknown question": said["question"] == "praise",
            "up before it was down": log["up"].fillna(2**60).astype(float) < log["down"],
            "unknown system": log["system"] == "Old switchboard",
        }
    )


def test_one_ticket_went_through_a_status_that_no_catalogue_lists(changes: pd.DataFrame) -> None:
    assert (changes["status"] == "Laboratory").sum() == 1


def test_some_mistakes_are_corrected_days_later(steps: pd.DataFrame) -> None:
    was_touched_later = (steps["closed_at"] > steps["opened_at"]) & (steps["updated_at"] > steps["closed_at"])

    assert 2 <= was_touched_later.sum() <= 10
    assert steps[was_touched_later]["state"].eq("DONE").all()


def _each_happens_a_few_times(mistakes: dict[str, pd.Series]) -> None:
    counts = {kind: int(rows.sum()) for kind, rows in mistakes.items()}
    assert all(1 <= count <= 8 for count in counts.values()), counts
