"""What `commitments add-source` proposes for real data sets: the whole entry, and which edit is left to do, if any."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import pytest

from pipelines.catalogue.sources import Source
from pipelines.home import Home
from pipelines.proposal import listing
from pipelines.proposal.inference import Proposal, propose
from pipelines.proposal.profile import profile
from pipelines.proposal.trial import checked, scratch_home, try_first_pull
from pipelines.proposal.written import entry, process_lines

DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "raw"
UCI = "uci_incident_event_log_VARIANT_kaggle_truncated.zip"

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not DATA.is_dir(), reason=f"the real data is missing: no folder {DATA}"),
]

XES = {"work_order_id": "case:concept:name", "activity": "concept:name", "at": "time:timestamp"}
TRAVEL = {**XES, "position": "org:role", "resource": "org:resource"}

# What each needs besides the name of its process, which only its owner knows, is said at it.
EXPECTED: dict[str, dict[str, Any]] = {
    "bpic2012.xes.gz": {
        "shape": "events",
        "events": {"mode": "lifecycle"},
        "columns": {**XES, "lifecycle": "lifecycle:transition", "resource": "org:resource"},
        "has_offsets": True,
    },
    "bpic2020_DomesticDeclarations.xes.gz": {
        "shape": "events",
        "events": {"mode": "completions"},
        "columns": TRAVEL,
        "has_offsets": True,
    },
    "bpic2020_RequestForPayment.xes.gz": {
        "shape": "events",
        "events": {"mode": "completions"},
        "columns": {**TRAVEL, "department": "(case)_OrganizationalEntity"},
        "has_offsets": True,
    },
    "bpic2020_PrepaidTravelCost.xes.gz": {
        "shape": "events",
        "events": {"mode": "completions"},
        "columns": {**TRAVEL, "department": "(case)_OrganizationalEntity"},
        "has_offsets": True,
    },
    "receipt.csv": {
        "shape": "events",
        "events": {"mode": "completions"},
        "key": ["concept:instance"],
        "columns": {
            **XES,
            "promised_at": "case:deadline",
            "department": "case:department",
            "resource": "org:resource",
        },
        "has_offsets": True,
    },
    # One edit: the zone, America/New_York, which nothing in the file tells.
    "boston311-100.csv": {
        "shape": "runs",
        "key": ["case_enquiry_id"],
        "statuses": {"completed": ["Closed"], "in_progress": ["Open"]},
        "columns": {
            "work_order_id": "case_enquiry_id",
            "started_at": "open_dt",
            "ended_at": "closed_dt",
            "status": "case_status",
            "promised_at": "target_dt",
            "location": "neighborhood",
            "department": "department",
        },
        "has_offsets": False,
    },
    # One edit: the zone, America/Sao_Paulo.
    "olist_sample_csv/olist_orders_dataset.csv": {
        "shape": "milestones",
        "key": ["order_id"],
        "statuses": {"cancelled": ["canceled", "unavailable"]},
        "columns": {"work_order_id": "order_id", "status": "order_status", "customer_id": "customer_id"},
        "milestones": [
            {"node": "approved", "from": "order_purchase_timestamp", "to": "order_approved_at"},
            {"node": "delivered_carrier", "from": "order_approved_at", "to": "order_delivered_carrier_date"},
            {
                "node": "delivered_customer",
                "from": "order_delivered_carrier_date",
                "to": "order_delivered_customer_date",
                "promised_at": "order_estimated_delivery_date",
            },
        ],
        "has_offsets": False,
    },
    # One edit where the zone is another one than the organisation's.
    "incident_event_log.csv": {
        "shape": "events",
        "events": {"mode": "states", "ends": ["Closed"], "pauses": ["Awaiting User Info"]},
        "time_format": "%d/%m/%Y %H:%M",
        "columns": {
            "work_order_id": "number",
            "activity": "incident_state",
            "at": "sys_updated_at",
            "priority": "priority",
            "location": {"sql": "nullif(location, '?')"},
            "department": {"sql": "nullif(assignment_group, '?')"},
            "resource": {"sql": "nullif(assigned_to, '?')"},
            "customer_id": "caller_id",
        },
        "has_offsets": False,
    },
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The zip of the incident log, opened."""
    folder = tmp_path_factory.mktemp("uci")
    with zipfile.ZipFile(DATA / UCI) as zipped:
        zipped.extract("incident_event_log.csv", folder)
    return folder


def looked_at(file: str, folder: Path) -> tuple[Proposal, Any]:
    where = folder if file == "incident_event_log.csv" else DATA
    source = Source(name="real", kind="files", connection=str(where), entities={})
    [subject] = listing.listed(source, Home(folder), [file])
    sample = listing.sample(source, subject, Home(folder))
    name = listing.entity_names([subject])[subject]
    return propose(subject, profile(sample), name, "files", {}), sample


@pytest.mark.parametrize("file", EXPECTED)
def test_the_proposal_is_right_or_one_edit_away(file: str, folder: Path) -> None:
    proposal, _ = looked_at(file, folder)
    found = {**proposal.entity, "has_offsets": proposal.has_offsets}

    assert found.pop("from") == file
    assert found["columns"].pop("process") == {"value": proposal.process}
    found["columns"] = dict(sorted(found["columns"].items()))
    expected = {**EXPECTED[file], "columns": dict(sorted(EXPECTED[file]["columns"].items()))}
    if "statuses" in found:
        found["statuses"] = {status: sorted(words) for status, words in found["statuses"].items()}
    assert found == expected


def test_the_first_pull_of_the_orders_quarantines_what_contradicts_itself(folder: Path) -> None:
    proposal, sample = looked_at("olist_sample_csv/olist_orders_dataset.csv", folder)
    files = {
        "organisation.yml": "{name: Real, business_time_zone: America/Sao_Paulo, currency: BRL}\n",
        "sources.yml": "sources:\n" + entry("real", {"kind": "files", "connection": "in"}, [proposal], {}),
        "processes.yml": process_lines({proposal.process: proposal.nodes}, {}),
    }
    with scratch_home(files) as home:
        tried = try_first_pull(home, checked(home), "real", {proposal.name: sample})[proposal.name]

    assert (tried.rows, tried.quarantined, tried.duplicates) == (4000, sum(tried.broken.values()), 0)
    assert tried.broken["end_not_before_start"] == 58
    assert tried.runs > 10_000


@pytest.mark.parametrize("table", ["customers", "order_items", "order_payments", "products"])
def test_tables_without_run_times_are_left_out(table: str, folder: Path) -> None:
    from pipelines.proposal.inference import NothingToMeasureError

    with pytest.raises(NothingToMeasureError, match="no column is a time"):
        looked_at(f"olist_sample_csv/olist_{table}_dataset.csv", folder)
