"""sources.yml: what each kind and shape needs, and what is not available yet."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from pipelines.catalogue import Constant, EventRules, Expression, Source
from pipelines.catalogue.sources import expectations
from pipelines.home import Home

from .conftest import Mistakes, Read

COLUMNS = {
    "runs": "work_order_id: a, process: {value: claims}, started_at: b, status: c",
    "events": "work_order_id: a, process: {value: claims}, activity: b, at: c",
    "milestones": "work_order_id: a, process: {value: claims}",
    "pauses": "work_order_id: a, process: {value: claims}, started_at: b",
}


def source(entity: str, kind: str = "database", more: str = "") -> dict[str, str]:
    connection = "in" if kind == "files" else "sqlite:///a.db"
    return {
        "sources.yml": f"sources:\n  crm:\n    kind: {kind}\n    connection: '{connection}'\n{more}"
        f"    entities:\n      jobs: {{{entity}}}\n"
    }


def runs(more: str = "", **changes: str) -> dict[str, str]:
    keys = {"shape": "runs", "from": "t", "key": "[a]", "columns": f"{{{COLUMNS['runs']}}}"} | changes
    return source(", ".join(f"{key}: {value}" for key, value in keys.items() if value) + (more and f", {more}"))


def test_what_is_not_said_has_a_default(read: Read) -> None:
    crm = read(runs()).sources["crm"]

    assert (crm.name, crm.time_zone, crm.expected_every) == ("crm", "Asia/Shanghai", timedelta(days=1))
    assert crm.entities["jobs"].statuses == {status: (status,) for status in ("completed", "in_progress", "cancelled")}


def test_a_column_is_theirs_a_constant_or_an_expression(read: Read) -> None:
    columns = "{work_order_id: 'a b', process: {value: claims}, started_at: {sql: 'coalesce(b, c)'}, status: 5}"

    entity = read(runs(columns=columns)).sources["crm"].entities["jobs"]

    assert entity.columns == {
        "work_order_id": "a b",
        "process": Constant(value="claims"),
        "started_at": Expression(sql="coalesce(b, c)"),
        "status": "5",
    }


@pytest.mark.parametrize("shape", ["runs", "events", "milestones"])
def test_each_shape_asks_for_the_columns_that_it_needs(mistakes: Mistakes, shape: str) -> None:
    found = "\n".join(mistakes(source(f"shape: {shape}, from: t, key: [a], columns: {{segment: s}}")))

    for column in COLUMNS[shape].replace(": {value: claims}", ": x").split(", "):
        name = column.split(":")[0]
        assert f"`{name}` is missing in crm.entities.jobs.columns: shape {shape} needs it" in found


def test_only_events_may_go_without_a_key(mistakes: Mistakes) -> None:
    assert "`key` is missing in crm.entities.jobs" in mistakes(runs(key=""))[0]
    assert mistakes(source(f"shape: events, from: t, columns: {{{COLUMNS['events']}}}, events: {{mode: states}}")) == []


def test_events_without_a_mode_are_states_and_it_is_said(read: Read) -> None:
    catalogue = read(source(f"shape: events, from: t, columns: {{{COLUMNS['events']}}}"))

    assert catalogue.sources["crm"].entities["jobs"].events == EventRules(mode="states")
    assert "is read as mode states" in str(catalogue.warnings[0])


def test_mode_lifecycle_needs_the_column_lifecycle(mistakes: Mistakes) -> None:
    (only,) = mistakes(source(f"shape: events, from: t, columns: {{{COLUMNS['events']}}}, events: {{mode: lifecycle}}"))

    assert "`lifecycle` is missing in crm.entities.jobs.columns" in only


def test_milestones_name_nodes_of_their_process(mistakes: Mistakes) -> None:
    entity = f"shape: milestones, from: t, key: [a], columns: {{{COLUMNS['milestones']}}}, milestones: "

    assert mistakes(source(entity + "[{node: pay, from: b, to: c, promised_at: d}]")) == []
    assert mistakes(source(entity + "[{node: pya, from: b, to: c}]")) == [
        "catalogue/sources.yml:6: crm.entities.jobs.milestones[1].node 'pya' is no node of 'claims' in processes.yml; "
        "did you mean 'pay'?"
    ]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("deletions: absent", "`deletions` is not available yet"),
        ("drop: [a]", "`drop` is not available yet"),
        ("hash: [a]", "`hash` is not available yet"),
        ("events: {mode: states}", "jobs.events is for shape events, this is runs"),
        ("milestones: []", "jobs.milestones is for shape milestones, this is runs"),
        ("query: select 1", "has both `from` and `query`; keep one"),
        ("nodes: {X: pya}", "jobs.nodes.X 'pya' is no node of 'claims' in processes.yml; did you mean 'pay'?"),
        ("statuses: {done: [X]}", "jobs.statuses 'done' is not known; known: cancelled, completed, in_progress"),
        ("statuses: {completed: [X], cancelled: X}", "'X' is both completed and cancelled; keep one"),
        ("statuses: {completed: [null]}", "an empty cell has no status"),
        ("time_format: '%d/%Q'", "%Q is no part of a time"),
        ("time_format: dd.mm.yyyy", "is no time format; write it like %d/%m/%Y"),
        ("work_order_url: 'http://x/{id}'", "has no {work_order_id}"),
        ("checks: [{expect_column_values_to_be_betwen: {}}]", "did you mean 'expect_column_values_to_be_between'?"),
        ("checks: [{on_failure: stop}]", "must name one expectation"),
        ("cursors: x", "unknown key 'cursors' of crm.entities.jobs; did you mean 'cursor'?"),
    ],
)
def test_what_an_entity_may_not_say_is_named_with_a_remedy(mistakes: Mistakes, more: str, words: str) -> None:
    found = mistakes(runs(more))

    assert len([line for line in found if line.startswith("catalogue/sources.yml:6: ") and words in line]) == 1
    assert len(found) == 1 or "null" in more


@pytest.mark.parametrize(
    ("column", "words"),
    [
        ("started_at: {valu: x}", "must be the name of their column, {value: a constant} or {sql: an expression}"),
        ("started_at: {sql: coalesce(b, c)}", "put a text that contains a comma or colon in double quotes"),
        ("started_at: [b]", "must be the name of their column"),
        ("started_at: ' '", "is empty; write the name of their column"),
        (
            "startd_at: b",
            "unknown column 'startd_at' for shape runs in crm.entities.jobs.columns; did you mean 'started_at'?",
        ),
    ],
)
def test_what_is_no_column_is_named_with_a_remedy(mistakes: Mistakes, column: str, words: str) -> None:
    columns = "{" + COLUMNS["runs"].replace("started_at: b", column) + "}"

    assert any(words in line for line in mistakes(runs(columns=columns)))


def test_pauses_say_of_which_work_order_and_from_when_on(read: Read, mistakes: Mistakes) -> None:
    columns = "work_order_id: a, process: {value: claims}, node: n, started_at: b, ended_at: c, changed_at: d"
    entity = read(source(f"shape: pauses, from: t, key: [a], columns: {{{columns}}}, nodes: {{P: pay}}"))
    lacking = mistakes(source("shape: pauses, from: t, columns: {work_order_id: a}"))

    assert entity.sources["crm"].entities["jobs"].shape == "pauses"
    assert [line.split(": ", 1)[1].split(":")[0] for line in lacking] == [
        "`key` is missing in crm.entities.jobs",
        "`process` is missing in crm.entities.jobs.columns",
        "`started_at` is missing in crm.entities.jobs.columns",
    ]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("statuses: {completed: [X]}", "jobs.statuses is not for pauses, which have no status; remove it"),
        ("milestones: [{node: pay, from: b, to: c}]", "jobs.milestones is for shape milestones, this is pauses"),
        ("events: {mode: states}", "jobs.events is for shape events, this is pauses"),
        ("nodes: {P: pya}", "jobs.nodes.P 'pya' is no node of 'claims' in processes.yml; did you mean 'pay'?"),
    ],
)
def test_what_pauses_may_not_say_is_named_with_a_remedy(mistakes: Mistakes, more: str, words: str) -> None:
    (only,) = mistakes(source(f"shape: pauses, from: t, key: [a], columns: {{{COLUMNS['pauses']}}}, {more}"))

    assert only.startswith("catalogue/sources.yml:6: crm.entities.")
    assert words in only


def test_a_column_that_no_pause_has_is_named_with_those_that_it_has(mistakes: Mistakes) -> None:
    columns = f"{{{COLUMNS['pauses']}, status: c}}"

    assert mistakes(source(f"shape: pauses, from: t, key: [a], columns: {columns}")) == [
        "catalogue/sources.yml:6: unknown column 'status' for shape pauses in crm.entities.jobs.columns; a pause has "
        "`work_order_id, process, node, started_at, ended_at, changed_at`; remove it"
    ]


def test_other_kinds_are_not_available_yet(mistakes: Mistakes) -> None:
    (rest,) = mistakes(source(f"shape: runs, from: t.json, key: [a], columns: {{{COLUMNS['runs']}}}", kind="rest"))
    assert "crm.kind 'rest' is not available yet" in rest


def test_an_activity_completes_or_cancels_or_pauses(mistakes: Mistakes, read: Read) -> None:
    def events(rules: str) -> dict[str, str]:
        return source(f"shape: events, from: t, columns: {{{COLUMNS['events']}}}, events: {{mode: states, {rules}}}")

    assert mistakes(events("ends: [Closed, Gone], cancels: Gone, pauses: [Waiting, Gone, Closed]")) == [
        "catalogue/sources.yml:6: crm.entities.jobs.events.cancels 'Gone' is in `ends` too; keep one",
        "catalogue/sources.yml:6: crm.entities.jobs.events.pauses 'Closed' is in `ends` too; keep one",
        "catalogue/sources.yml:6: crm.entities.jobs.events.pauses 'Gone' is in `ends` too; keep one",
    ]
    rules = read(events("ends: Closed, pauses: [Waiting]")).sources["crm"].entities["jobs"].events
    assert rules == EventRules(ends=("Closed",), pauses=("Waiting",))


@pytest.mark.parametrize("mode", ["completions", "lifecycle"])
def test_only_a_log_of_states_has_pauses_among_its_events(mistakes: Mistakes, mode: str) -> None:
    columns = COLUMNS["events"] + ", lifecycle: l"

    assert mistakes(
        source(f"shape: events, from: t, columns: {{{columns}}}, events: {{mode: {mode}, pauses: [Waiting]}}")
    ) == [
        f"catalogue/sources.yml:6: crm.entities.jobs.events.pauses is for mode states, this is {mode}; remove it, and "
        "deliver the pauses as an entity of shape pauses"
    ]


def test_files_need_a_format_that_can_be_read(mistakes: Mistakes) -> None:
    def of(pattern: str) -> list[str]:
        return mistakes(
            source(f"shape: runs, from: '{pattern}', key: [a], columns: {{{COLUMNS['runs']}}}", kind="files")
        )

    for pattern in ("a.csv", "*/b-*.TSV", "c.jsonl.gz", "d.json", "e.parquet", "f.xlsx", "g.xes.gz", "h*"):
        assert of(pattern) == []
    assert "'a.pdf' is no format that can be read; known: .csv" in of("a.pdf")[0]


def test_a_cursor_on_files_is_only_worth_a_warning(read: Read) -> None:
    entity = f"shape: runs, from: a.csv, key: [a], cursor: b, columns: {{{COLUMNS['runs']}}}"

    assert "has no effect" in str(read(source(entity, kind="files")).warnings[0])


def test_object_stores_are_not_available_yet(mistakes: Mistakes) -> None:
    files = {"sources.yml": source("shape: runs", kind="files")["sources.yml"].replace("'in'", "'s3://bucket'")}

    assert any("not available yet; mount or copy it" in line for line in mistakes(files))


def test_names_of_sources_and_entities_are_simple(mistakes: Mistakes) -> None:
    text = runs()["sources.yml"].replace("crm:", "CRM 1:").replace("jobs:", "9jobs:")

    assert [line.split("; ")[0].split(": ", 1)[1] for line in mistakes({"sources.yml": text})] == [
        "'CRM 1' cannot name a source",
        "'9jobs' cannot name an entity",
    ]


def test_time_zone_and_frequency_are_checked(mistakes: Mistakes) -> None:
    entity = f"shape: runs, from: t, key: [a], columns: {{{COLUMNS['runs']}}}"

    found = mistakes(source(entity, more="    time_zone: Europe/Amsterdm\n    expected_every: daily\n"))

    assert "did you mean 'Europe/Amsterdam'?" in found[0]
    assert "expected_every 'daily' is not a length of time" in found[1]


def test_a_folder_is_relative_to_the_home_unless_it_is_absolute() -> None:
    home = Home(Path("/srv/home"))

    for connection, folder in (("in", "/srv/home/in"), ("/data/in", "/data/in"), ("file:///data/in", "/data/in")):
        crm = Source(name="crm", kind="files", connection=connection, entities={})
        assert crm.folder(home) == Path(folder)


def test_all_expectations_are_known_without_importing_great_expectations() -> None:
    assert {"expect_column_values_to_be_between", "expect_column_values_to_match_regex"} <= expectations()


def test_an_expectation_keeps_its_arguments_as_they_are_typed(read: Read) -> None:
    check = "{expect_column_values_to_be_between: {column: amount, min_value: 0, strict_min: true}, on_failure: stop}"

    (found,) = read(runs(f"checks: [{check}]")).sources["crm"].entities["jobs"].checks

    assert found.expectation == "expect_column_values_to_be_between"
    assert found.arguments == {"column": "amount", "min_value": 0, "strict_min": True}
    assert type(found.arguments["min_value"]) is int
    assert found.on_failure == "stop"
