"""A source system is looked into, and its entry proposed with reasons, tried and written."""

from __future__ import annotations

import json
import sqlite3
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import tiny

from pipelines.catalogue import read_catalogue
from pipelines.catalogue.sources import Source
from pipelines.errors import UserError
from pipelines.home import Home
from pipelines.proposal import listing, written
from pipelines.proposal.add_source import add_source
from pipelines.proposal.inference import NothingToMeasureError, Proposal, propose
from pipelines.proposal.profile import Profile, profile
from pipelines.proposal.words import status_of

STEPS = """\
ticket_id,step_no,step_name,opened,closed,state,customer_class,promised
T1,1,Triage,2026-01-05 09:00,2026-01-05 10:00,DONE,gold,2026-01-06
T1,2,Repair,2026-01-05 10:00,2026-01-05 15:00,DONE,gold,2026-01-06
T2,1,Triage,2026-01-05 11:00,2026-01-05 12:30,DONE,silver,2026-01-07
T2,2,Repair,2026-01-05 12:30,,OPEN,silver,2026-01-07
T3,1,Triage,2026-01-06 09:00,2026-01-06 09:20,VOID,gold,2026-01-07
T3,2,Repair,2026-01-06 09:20,,OPEN,gold,2026-01-07
"""
STATES = """\
ticket_no,status,changed_at,priority
T1,New,29/01/2026 09:00,?
T1,In progress,29/01/2026 10:00,High
T1,Waiting for customer,29/01/2026 11:00,High
T1,In progress,30/01/2026 09:00,High
T1,Closed,30/01/2026 10:00,High
T2,New,30/01/2026 09:00,Low
T2,Waiting for parts,30/01/2026 09:30,Low
T2,In progress,30/01/2026 10:30,Low
T2,Withdrawn,30/01/2026 11:00,Low
T3,New,30/01/2026 12:00,Low
T3,In progress,30/01/2026 12:30,High
T3,Closed,30/01/2026 13:30,High
"""
ORDERS = """\
order_id,customer_id,order_status,ordered_at,approved_at,shipped_at,delivered_at,estimated_delivery
O1,C1,delivered,2026-01-05 09:00,2026-01-05 10:00,2026-01-06 10:00,2026-01-08 10:00,2026-01-09
O2,C2,canceled,2026-01-05 10:00,2026-01-05 11:00,,,2026-01-09
O3,C3,shipped,2026-01-05 11:00,2026-01-05 12:00,2026-01-06 12:00,,2026-01-10
"""


def read(folder: Path, **files: str) -> tuple[Source, Home]:
    """A source over files that have just been written; underscores stand for points."""
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        stem, _, ending = name.rpartition("_")
        (folder / f"{stem}.{ending}").write_text(text, encoding="utf-8")
    return Source(name="tried", kind="files", connection=str(folder), entities={}), Home(folder)


def proposed(folder: Path, text: str, name: str = "rows", processes: dict[str, list[str]] | None = None) -> Proposal:
    """What is proposed for one CSV file."""
    source, home = read(folder, **{f"{name}_csv": text})
    [subject] = listing.listed(source, home, ())
    return propose(subject, profile(listing.sample(source, subject, home)), name, "files", processes or {})


def profiled(**columns: list[str | None]) -> Profile:
    return profile(pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()}))


def why(proposal: Proposal, *place: str) -> str:
    return "; ".join(proposal.reasons.get(place, []))


# --- shapes -------------------------------------------------------------------------------------------------------


def test_a_row_with_start_end_and_step_is_a_run(tmp_path: Path) -> None:
    proposal = proposed(tmp_path, STEPS)

    assert proposal.entity == {
        "shape": "runs",
        "from": "rows.csv",
        "key": ["ticket_id", "step_name"],
        "columns": {
            "work_order_id": "ticket_id",
            "process": {"value": "rows"},
            "node": "step_name",
            "started_at": "opened",
            "ended_at": "closed",
            "status": "state",
            "promised_at": "promised",
            "segment": "customer_class",
        },
        "statuses": {"completed": ["DONE"], "in_progress": ["OPEN"], "cancelled": ["VOID"]},
    }
    assert proposal.nodes == ["Triage", "Repair"]
    assert not proposal.has_offsets
    assert why(proposal, "shape") == "a row is a visit to a step_name, from opened to closed"


def test_a_row_a_work_order_with_start_and_end_is_a_run_of_the_whole_process(tmp_path: Path) -> None:
    text = "case_id,opened_at,closed_at,case_status\n1,2026-01-05,2026-01-06,Closed\n2,2026-01-05,,Open\n"
    proposal = proposed(tmp_path, text)

    assert proposal.shape == "runs"
    assert "node" not in proposal.entity["columns"]
    assert proposal.entity["key"] == ["case_id"]


def test_without_a_status_an_end_is_what_completes(tmp_path: Path) -> None:
    text = "case_id,activity,start_time,end_time\n" + "".join(
        f"{case},{step},2026-01-0{case}T0{at}:00:00Z,{f'2026-01-0{case}T0{at + 1}:00:00Z' if case < 3 else '?'}\n"
        for case in (1, 2, 3)
        for at, step in enumerate("abc")
    )
    proposal = proposed(tmp_path, text)

    assert proposal.entity["columns"]["status"] == {
        "sql": "CASE WHEN nullif(end_time, '?') IS NULL THEN 'in_progress' ELSE 'completed' END"
    }
    assert proposal.entity["columns"]["ended_at"] == {"sql": "nullif(end_time, '?')"}
    assert proposal.has_offsets


def test_a_log_of_statuses_is_states_with_its_endings_and_pauses(tmp_path: Path) -> None:
    proposal = proposed(tmp_path, STATES)

    assert proposal.shape == "events"
    assert proposal.entity["events"] == {
        "mode": "states",
        "ends": ["Closed"],
        "cancels": ["Withdrawn"],
        "pauses": ["Waiting for customer"],
    }
    assert "Waiting for parts" in why(proposal, "events", "mode")
    assert "key" not in proposal.entity
    assert proposal.entity["time_format"] == "%d/%m/%Y %H:%M"
    assert proposal.entity["columns"]["priority"] == {"sql": "nullif(priority, '?')"}
    assert proposal.nodes == ["New", "Waiting for parts", "In progress"]


def test_a_log_of_what_was_done_is_completions(tmp_path: Path) -> None:
    text = "case,activity,timestamp\n" + "".join(
        f"{case},{done},2026-01-0{case}T0{at}:00:00+01:00\n"
        for case in (1, 2, 3)
        for at, done in enumerate(("Request received", "Decision taken", "Payment handled"))
    )
    proposal = proposed(tmp_path, text)

    assert proposal.entity["events"] == {"mode": "completions"}
    assert proposal.nodes == ["Request received", "Decision taken", "Payment handled"]


def test_a_log_with_starts_and_completes_is_lifecycle(tmp_path: Path) -> None:
    text = "case,activity,lifecycle:transition,timestamp\n" + "".join(
        f"{case},{step},{word},2026-01-0{case}T{at + 9:02}:{minute}:00Z\n"
        for case in (1, 2)
        for at, step in enumerate(("check", "pay"))
        for minute, word in (("00", "START"), ("30", "COMPLETE"))
    )
    proposal = proposed(tmp_path, text)

    assert proposal.entity["events"] == {"mode": "lifecycle"}
    assert proposal.entity["columns"]["lifecycle"] == "lifecycle:transition"


def test_several_moments_of_a_work_order_are_milestones(tmp_path: Path) -> None:
    proposal = proposed(tmp_path, ORDERS, "orders")

    assert proposal.shape == "milestones"
    assert proposal.entity["milestones"] == [
        {"node": "approved", "from": "ordered_at", "to": "approved_at"},
        {"node": "shipped", "from": "approved_at", "to": "shipped_at"},
        {"node": "delivered", "from": "shipped_at", "to": "delivered_at", "promised_at": "estimated_delivery"},
    ]
    assert proposal.entity["statuses"] == {"cancelled": ["canceled"]}
    assert proposal.entity["columns"]["work_order_id"] == "order_id"
    assert proposal.entity["columns"]["customer_id"] == "customer_id"


def test_waits_with_start_and_end_are_pauses(tmp_path: Path) -> None:
    text = "wait_id,ticket_id,since,until\nW1,T1,2026-01-05 09:00,2026-01-05 10:00\nW2,T1,2026-01-06 09:00,\n"
    text += "W3,T2,2026-01-06 10:00,2026-01-06 11:00\n"
    proposal = proposed(tmp_path, text, "waits")

    assert proposal.entity == {
        "shape": "pauses",
        "from": "waits.csv",
        "key": ["wait_id"],
        "columns": {
            "work_order_id": "ticket_id",
            "process": {"value": "waits"},
            "started_at": "since",
            "ended_at": "until",
        },
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("customer_id,city\n1,Delft\n2,Breda\n", "no column is a time"),
        ("ticket_id,opened_at\n1,2026-01-05\n2,2026-01-06\n", "a run needs a start and an end"),
        ("text,at\nhello,2026-01-05\nworld,2026-01-06\n", "no column looks like the number of a work order"),
        ("ticket_id,opened_at\n", "it has no rows"),
    ],
)
def test_what_has_no_run_times_is_left_out_with_the_reason(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(NothingToMeasureError, match=said):
        proposed(tmp_path, text)


def test_a_declared_process_is_recognised_by_its_nodes_whatever_their_spelling(tmp_path: Path) -> None:
    proposal = proposed(tmp_path, STEPS, processes={"claims": ["pay"], "incident": ["triage", "repair", "close"]})

    assert proposal.entity["columns"]["process"] == {"value": "incident"}
    assert proposal.entity["nodes"] == {"Triage": "triage", "Repair": "repair"}
    assert proposal.nodes == ["triage", "repair"]


# --- times, statuses, keys ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "time_format", "said"),
    [
        (["03/04/2026 10:00", "29/04/2026 11:00"], "%d/%m/%Y %H:%M", "day first: 29/04/2026 11:00"),
        (["03/04/2026 10:00:30", "04/29/2026 11:00:30"], "%m/%d/%Y %H:%M:%S", "month first: 04/29/2026"),
        (["3.4.2026", "29.4.2026"], "%d.%m.%Y", "day first"),
        (["03/04/2026 1:00 PM", "04/29/2026 11:00 AM"], "%m/%d/%Y %I:%M %p", "month first"),
        (["03/04/2026", "04/05/2026"], "%d/%m/%Y", "a guess"),
        (["1767250000", "1767253600"], "unix", "seconds since 1970"),
        (["1767250000000", "1767253600000"], "unix_ms", "milliseconds"),
        (["2026-04-03T10:00:00+02:00", "2026-04-03T10:00:00Z"], None, "with offset"),
        (["2026-04-03 10:00", "2026-04-03"], None, "without offset"),
        (["03 Apr 2026 10:00", "29 Apr 2026 11:00"], "%d %b %Y %H:%M", "like 03 Apr"),
        (["2026/04/03 10:00", "2026/04/29 11:00"], "%Y/%m/%d %H:%M", "like 2026/04/03"),
    ],
)
def test_how_times_are_written_is_told_by_the_values(values: list[str], time_format: str | None, said: str) -> None:
    time = profiled(opened_at=values).columns["opened_at"].time

    assert time is not None
    assert time.format == time_format
    assert said in time.reason


@pytest.mark.parametrize("values", [["12", "13"], ["1767250000 x", "y"], ["a 2026", "b"], ["Group 7", "Group 8"]])
def test_what_is_no_time_is_not_taken_for_one(values: list[str]) -> None:
    assert profiled(opened_at=values).columns["opened_at"].time is None


def test_a_number_that_might_be_seconds_is_a_time_only_by_its_name() -> None:
    assert profiled(amount=["1767250000", "1767253600"]).columns["amount"].time is None


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("CLOSED", "completed"),
        ("Abgeschlossen", "completed"),
        ("terminé", "completed"),
        ("已完成", "completed"),
        ("In Bearbeitung", "in_progress"),
        ("en curso", "in_progress"),
        ("Reopened", "in_progress"),
        ("not completed", "in_progress"),
        ("storniert", "cancelled"),
        ("Withdrawn by customer", "cancelled"),
        ("X7", None),
    ],
)
def test_words_of_a_status_are_known_in_several_languages(word: str, status: str | None) -> None:
    assert status_of(word) == status


def test_an_unknown_status_is_told_by_whether_there_is_an_end(tmp_path: Path) -> None:
    rows = [(f"T{n}", "X9" if n % 2 else "X1", f"2026-01-0{n}", f"2026-01-0{n}" if n % 2 else "") for n in range(1, 9)]
    text = "ticket_id,state,opened,closed\n" + "".join(",".join(row) + "\n" for row in rows)
    proposal = proposed(tmp_path, text)

    assert proposal.entity["statuses"] == {"completed": ["X9"], "in_progress": ["X1"]}
    assert "X9 (completed: 100% have an end)" in why(proposal, "statuses")


def test_exact_copies_of_rows_do_not_hide_a_key(tmp_path: Path) -> None:
    text = (
        "case_id,opened_at,closed_at,status\n1,2026-01-05,2026-01-06,Closed\n2,2026-01-05,,Open\n2,2026-01-05,,Open\n"
    )
    proposal = proposed(tmp_path, text)

    assert proposal.entity["key"] == ["case_id"]
    assert proposal.notes == ["1 of the rows looked at are exact copies of others"]


# --- what there is ------------------------------------------------------------------------------------------------


def test_files_whose_names_differ_in_numbers_belong_together(tmp_path: Path) -> None:
    source, home = read(
        tmp_path, **{"jobs_2026-01_csv": STEPS, "jobs_2026-02_csv": STEPS, "jobs_old_csv": STEPS, "other_tsv": "a\n1\n"}
    )

    found = {subject.from_: subject.files for subject in listing.listed(source, home, ())}

    assert found == {
        "jobs_[0-9]*.csv": ("jobs_2026-01.csv", "jobs_2026-02.csv"),
        "jobs_old.csv": ("jobs_old.csv",),
        "other.tsv": ("other.tsv",),
    }


def test_the_newest_files_are_looked_at_first_and_ten_thousand_rows_are_enough(tmp_path: Path) -> None:
    many = "a\n" + "1\n" * 9_000
    source, home = read(tmp_path, a_1_csv="a\nfirst\n", a_2_csv=many, a_10_csv=many)
    [subject] = listing.listed(source, home, ())

    sample = listing.sample(source, subject, home)

    assert subject.from_ == "a_*.csv"
    assert sample.num_rows == listing.ROWS_LOOKED_AT
    assert set(sample.column("a").to_pylist()) == {"1"}


@pytest.fixture
def database(tmp_path: Path) -> str:
    """A SQLite database with a table of runs, one of events, and one without times."""
    file = tmp_path / "tickets.db"
    with sqlite3.connect(file) as con:
        con.execute("CREATE TABLE customers (customer_id INTEGER PRIMARY KEY, name TEXT)")
        con.execute("INSERT INTO customers VALUES (1, 'Ada'), (2, 'Bob')")
        con.execute(
            "CREATE TABLE steps (id INTEGER PRIMARY KEY, ticket_id TEXT, step TEXT, opened TEXT, closed TEXT, "
            "state TEXT, updated_at TEXT NOT NULL)"
        )
        con.execute(
            "CREATE TABLE changes (change_id INTEGER PRIMARY KEY, ticket_id TEXT, status TEXT, changed_at INTEGER)"
        )
        begin, number = datetime(2026, 1, 5, 9), 0
        for ticket in range(20):
            at = begin + timedelta(hours=ticket)
            for step in ("Register", "Handle"):
                number += 1
                end = at + timedelta(hours=1)
                row = (number, f"T{ticket}", step, at.isoformat(" "), end.isoformat(" "), "DONE", end.isoformat(" "))
                con.execute("INSERT INTO steps VALUES (?, ?, ?, ?, ?, ?, ?)", row)
                at = end
            for status in ("New", "Working", "Closed"):
                at += timedelta(hours=1)
                con.execute(
                    "INSERT INTO changes (ticket_id, status, changed_at) VALUES (?, ?, ?)",
                    (f"T{ticket}", status, int(at.timestamp())),
                )
    con.close()
    return f"sqlite:///{file}"


def test_of_a_database_the_keys_are_its_own_and_cursors_are_found(database: str, tmp_path: Path) -> None:
    source = Source(name="tried", kind="database", connection=database, entities={})
    subjects = listing.listed(source, Home(tmp_path), ())
    found: dict[str, Any] = {}
    for subject in subjects:
        sample = profile(listing.sample(source, subject, Home(tmp_path)))
        try:
            found[subject.name] = propose(subject, sample, subject.name, "database", {}).entity
        except NothingToMeasureError as nothing:
            found[subject.name] = str(nothing)

    assert found["customers"] == "no column is a time at which something began, ended or happened"
    assert (found["steps"]["key"], found["steps"]["cursor"]) == (["id"], "updated_at")
    assert found["steps"]["columns"]["work_order_id"] == "ticket_id"
    assert (found["changes"]["key"], found["changes"]["cursor"]) == (["change_id"], "change_id")
    assert found["changes"]["time_format"] == "unix"


# --- into sources.yml ---------------------------------------------------------------------------------------------

ENTRY = "  new:\n    kind: files\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", f"{written.HEADER}sources:\n\n{ENTRY}"),
        ("# ours\n", f"# ours\nsources:\n\n{ENTRY}"),
        ("sources:   # none yet\n", f"sources:   # none yet\n\n{ENTRY}"),
        ("sources: {}  # none yet\n", f"sources:  # none yet\n\n{ENTRY}"),
        (
            "# ours\nsources:\n    old:   {kind: files}   # as it was\n",
            "# ours\nsources:\n    old:   {kind: files}   # as it was\n\n    new:\n      kind: files\n",
        ),
    ],
)
def test_what_stands_in_the_file_stays_to_the_letter(before: str, after: str) -> None:
    assert written.inserted(before, ENTRY, "new", "sources.yml") == after


@pytest.mark.parametrize("text", ["sources: {old: {kind: files}}\n", "sources: [1]\n", "sources: [\n", "other: 1\n"])
def test_a_file_that_cannot_be_added_to_is_left_alone(text: str) -> None:
    with pytest.raises(UserError, match="nothing was written"):
        written.inserted(text, ENTRY, "new", "sources.yml")


def test_the_written_entry_is_read_without_mistakes_and_runs(
    tiny_home: Home, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TICKETS_URL", database)
    sources = tiny_home.catalogue / "sources.yml"
    before = sources.read_text(encoding="utf-8")
    arguments = ("add-source", "database", "tickets", "--connection", "${TICKETS_URL}", "--json")
    dry = tiny.commitments(tiny_home, *arguments, "--dry-run")
    assert dry.returncode == 0, dry.stderr
    assert sources.read_text(encoding="utf-8") == before

    done = tiny.commitments(tiny_home, *arguments)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["written"] == str(sources)
    assert "connection: ${TICKETS_URL}\n" in said["sources_yml"]
    assert database not in done.stdout + done.stderr
    assert sources.read_text(encoding="utf-8") == f"{before.rstrip()}\n\n{said['sources_yml']}"
    assert {one["from"]: one["reason"] for one in said["skipped"]}.keys() == {"customers"}
    tried = {one["entity"]: one for one in said["entities"]}
    assert (tried["steps"]["rows"], tried["steps"]["accepted"], tried["steps"]["runs"]) == (40, 40, 40)
    # Of the three events of a ticket the last one ends it.
    assert (tried["changes"]["accepted"], tried["changes"]["runs"]) == (60, 40)
    assert tried["changes"]["first_runs"][0]["node"] == "New"

    processes = tiny_home.catalogue / "processes.yml"
    lines = said["processes_yml"].removeprefix("processes:\n")
    processes.write_text(processes.read_text(encoding="utf-8") + lines, encoding="utf-8")
    assert set(read_catalogue(tiny_home).sources["tickets"].entities) == {"changes", "steps"}
    assert tiny.commitments(tiny_home, "run", "--source", "tickets", "--as-of", "2026-03-19").returncode == 0


def test_people_see_the_entry_with_reasons_what_would_be_quarantined_and_what_processes_lack(tiny_home: Home) -> None:
    bad = STEPS + "T4,1,Triage,2026-01-06 12:00,2026-01-06 11:00,DONE,gold,2026-01-07\n"
    read(tiny_home.root / "drop", tickets_csv=bad, notes_csv="text\nhello\n")
    done = tiny.commitments(tiny_home, "add-source", "files", "drop", "--connection", "drop", "--dry-run")

    assert done.returncode == 0, done.stderr
    for words in (
        "# a row is a visit to a step_name, from opened to closed\n        shape: runs",
        "    # of times without an offset; a guess: the organisation's; correct it if its clocks are others\n"
        "    time_zone: Asia/Shanghai",
        "# left out: notes.csv (no column is a time",
        "of the 7 rows looked at the first pull would accept 6, quarantine 1",
        "1 by end_not_before_start, e.g. ends 2026-01-06 03:00:00 UTC before it starts",
        "ticket_id=T4",
        "the first of 6 runs",
        "      - {node: Triage}",
        "A dry run: nothing was written.",
    ):
        assert words in done.stdout
    assert "  tickets.csv: 8 columns, 7 rows looked at" in done.stderr


# --- what is refused ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "name", "connection", "said"),
    [
        ("files", "crm", "in", "there is a source 'crm' already"),
        ("paper", "new", "in", "'paper' is no kind of source; known: files, database"),
        ("files", "New one", "in", "cannot name a source"),
        ("files", "new", "gone", "does not exist: create it, or correct `connection`"),
        ("files", "new", "catalogue", "can be read|nothing there"),
        ("files", "new", "in/jobs.csv", "is a file, and `connection` wants its folder"),
        ("database", "new", "sqlite:///gone.db", "gone.db does not exist"),
        ("database", "new", "duckdb:///gone.duckdb", "the DuckDB file .*gone.duckdb does not exist"),
        ("database", "new", "${NOT_SET_ANYWHERE}", "NOT_SET_ANYWHERE is not set"),
        ("database", "new", "postgresql://me:hunter2@localhost/x", "holds a password"),
        ("database", "new", "mssql+pyodbc:///?odbc_connect=UID%3Dme%3BPWD%3Dhunter2", "holds a password"),
        ("database", "new", "postgresql://me@127.0.0.1:1/x", "Is the server up"),
        ("database", "new", "nonsense", "no database URL"),
    ],
)
def test_what_cannot_be_looked_into_is_said_with_the_remedy(
    tiny_home: Home, kind: str, name: str, connection: str, said: str
) -> None:
    before = (tiny_home.catalogue / "sources.yml").read_bytes()

    with pytest.raises(UserError, match=said) as refused:
        add_source(tiny_home, kind, name, connection)

    assert "hunter2" not in str(refused.value)
    assert (tiny_home.catalogue / "sources.yml").read_bytes() == before


def test_a_file_of_names_in_cp1252_is_said_to_be_that(tiny_home: Home) -> None:
    people = "ticket_id,agent,opened,closed\nT1,Müller,2026-01-05 10:00,2026-01-05 11:00\n"
    (tiny_home.root / "drop").mkdir()
    (tiny_home.root / "drop" / "people.csv").write_text(people, encoding="cp1252")

    with pytest.raises(UserError, match=r"It may be cp1252: if so, write `encoding: cp1252` in sources.yml"):
        add_source(tiny_home, "files", "drop", "drop")


def test_an_entity_or_zone_that_is_not_there_is_named(tiny_home: Home, database: str) -> None:
    with pytest.raises(UserError, match=r"no file there matches 'gone.csv' \(there are jobs.csv\)"):
        add_source(tiny_home, "files", "new", "in", entities=["gone.csv"])
    with pytest.raises(UserError, match=r"no table or view 'gone' \(there are changes, customers, steps\)"):
        add_source(tiny_home, "database", "new", database, entities=["gone"])
    with pytest.raises(UserError, match="'Europe/Atlantis' is no time zone"):
        add_source(tiny_home, "files", "new", "in", time_zone="Europe/Atlantis")


def test_a_command_that_is_refused_ends_with_1(tiny_home: Home) -> None:
    done = tiny.commitments(tiny_home, "add-source", "files", "new", "--connection", "gone")

    assert done.returncode == 1
    assert "does not exist" in done.stderr


def test_a_broken_file_among_others_is_left_out_and_named(tiny_home: Home) -> None:
    folder = tiny_home.root / "drop"
    source, home = read(folder, tickets_csv=STEPS, broken_csv='a,b\n1,"2\n')
    subjects = listing.listed(source, home, ())

    from pipelines.proposal.add_source import _proposals

    proposals, _, skipped = _proposals(source, subjects, home, {}, lambda line: None, is_asked=False)

    assert [one.name for one in proposals] == ["tickets"]
    assert "a quote is opened and never closed" in skipped[0]["reason"]
