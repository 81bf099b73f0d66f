"""sources.yml: what each kind and shape needs, and what is not available yet."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from pipelines.catalogue import Constant, EventRules, Expression, Source
from pipelines.catalogue.rest import CursorPaging, Paging
from pipelines.catalogue.sources import expectations, shown
from pipelines.home import Home

from .conftest import Mistakes, Read

COLUMNS = {
    "runs": "work_order_id: a, process: {value: claims}, started_at: b, status: c",
    "events": "work_order_id: a, process: {value: claims}, activity: b, at: c",
    "milestones": "work_order_id: a, process: {value: claims}",
    "pauses": "work_order_id: a, process: {value: claims}, started_at: b",
    "feedback": "work_order_id: a, at: b, kind: c",
    "outages": "service: a, started_at: b",
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


@pytest.mark.parametrize("shape", ["runs", "events", "milestones", "feedback", "outages"])
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
        ("drop: [A]", "jobs.drop 'A' is needed by `key`; hash it instead, or remove it there"),
        ("drop: [b]", "jobs.drop 'b' is needed by `columns` (started_at)"),
        ("drop: [z], checks: [{expect_column_values_to_not_be_null: {column: z}}]", "is needed by `checks`"),
        ("hash: [a]", "jobs.hash: the environment variable COMMITMENTS_HASH_KEY is not set"),
        ("reconcile: {where: x}", "jobs.reconcile does not say what to compare; write {count: true}"),
        ("reconcile: {count: true, sum: x}", "jobs.reconcile has both `count` and `sum`; keep one"),
        ("reconcile: {file: a.txt}", "jobs.reconcile.file is not for kind database: a database is asked with `count`"),
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


@pytest.mark.parametrize(
    ("shape", "more", "words"),
    [
        ("feedback", "kinds: {praise: [X]}", "jobs.kinds 'praise' is not known; known: complaint, expectation, rating"),
        ("feedback", "kinds: {rating: [X], complaint: X}", "jobs.kinds: 'X' is both rating and complaint; keep one"),
        ("feedback", "statuses: {completed: [X]}", "jobs.statuses is not for feedback, which have no status"),
        ("feedback", "nodes: {P: pay}", "jobs.nodes is not for feedback, which is about the whole work order"),
        ("feedback", "services: {P: claims}", "jobs.services is for shape outages, this is feedback"),
        ("outages", "kinds: {rating: [X]}", "jobs.kinds is for shape feedback, this is outages"),
        ("outages", "services: {P: clams}", "'clams' is of no process in processes.yml; did you mean 'claims'?"),
        ("outages", "services: {P: claims/pya}", "'claims/pya' is no node of 'claims' in processes.yml; did you mean"),
        ("outages", "nodes: {P: pay}", "jobs.nodes is not for outages; write `services`, as process/node; remove it"),
    ],
)
def test_what_feedback_and_outages_may_not_say_is_named_with_a_remedy(
    mistakes: Mistakes, shape: str, more: str, words: str
) -> None:
    (only,) = mistakes(source(f"shape: {shape}, from: t, key: [a], columns: {{{COLUMNS[shape]}}}, {more}"))

    assert only.startswith("catalogue/sources.yml:6: crm.entities.")
    assert words in only


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ("feedback", "feedback has `work_order_id, process, at, kind, value, unit, scale, worst, text, customer_id, "),
        ("outages", "an outage has `service, started_at, ended_at, planned, changed_at`; remove it"),
    ],
)
def test_a_column_that_they_have_not_is_named_with_those_that_they_have(
    mistakes: Mistakes, shape: str, words: str
) -> None:
    (only,) = mistakes(source(f"shape: {shape}, from: t, key: [a], columns: {{{COLUMNS[shape]}, status: c}}"))

    assert f"unknown column 'status' for shape {shape} in crm.entities.jobs.columns; {words}" in only


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


def rest(entity: str = "", more: str = "", connection: str = "https://api.example.com/v2") -> dict[str, str]:
    text = f"shape: runs, from: /jobs, key: [a], columns: {{{COLUMNS['runs']}}}" + (entity and f", {entity}")
    files = source(text, kind="rest", more=more)
    return {"sources.yml": files["sources.yml"].replace("sqlite:///a.db", connection)}


def test_an_interface_is_described_with_its_secrets_from_the_environment(read: Read) -> None:
    paging = "{cursor: {param: after, from: meta.next}}"
    files = rest(
        f"params: {{state: all, tag: [1, 001], key: '${{KEY}}'}}, records: data.items, total: meta.total, "
        f"paging: {paging}, cursor: b, cursor_param: since, cursor_format: '%Y-%m-%d', cursor_lag: 1h",
        "    timeout: 10s\n    retries: 2\n    headers: {X-Tenant: ours, X-Key: 'Key ${KEY}'}\n"
        "    auth:\n      oauth2: {token_url: 'https://x/t', client_id: us, client_secret: '${KEY}'}\n",
    )

    catalogue = read(files, {"KEY": "s3cret"})

    crm = catalogue.sources["crm"]
    jobs = crm.entities["jobs"]
    assert (crm.timeout, crm.retries, jobs.cursor_lag) == (timedelta(seconds=10), 2, timedelta(hours=1))
    assert shown(jobs.params) == {"state": "all", "tag": ["1", "001"], "key": "s3cret"}
    assert shown(crm.headers) == {"X-Tenant": "ours", "X-Key": "Key s3cret"}
    assert jobs.paging == Paging(cursor=CursorPaging(param="after", from_="meta.next"))
    assert crm.secrets() == ["dXM6czNjcmV0", "Key s3cret", "s3cret"]
    assert "s3cret" not in str(catalogue.as_json())
    assert "ours" in str(catalogue.as_json())
    assert catalogue.hash == read(files, {"KEY": "another"}).hash


def test_a_function_is_described_with_its_settings(read: Read) -> None:
    files = source(f"shape: runs, key: [a], columns: {{{COLUMNS['runs']}}}", kind="python")
    text = (
        files["sources.yml"]
        .replace("sqlite:///a.db", "sources/erp.py:pull")
        .replace(
            "    entities", "    settings: {size: 3, deep: {on: true, password: '${KEY}'}, list: [a]}\n    entities"
        )
    )

    catalogue = read({"sources.yml": text}, {"KEY": "s3cret"})

    crm = catalogue.sources["crm"]
    assert shown(crm.settings) == {"size": 3, "deep": {"on": True, "password": "s3cret"}, "list": ["a"]}
    assert crm.secrets() == ["s3cret"]
    assert "s3cret" not in str(catalogue.as_json())


@pytest.mark.parametrize(
    ("connection", "words"),
    [
        ("api.example.com", "crm.connection is no base URL; write it like https://api.example.com/v2"),
        ("ftp://x", "crm.connection is no base URL"),
        ("https://u:p@x/", "crm.connection holds a user or a password; write them as `auth: {basic: "),
        ("https://x/?key=1", "crm.connection has a query; write it as `params` of the entities"),
    ],
)
def test_what_is_no_base_url_is_named_with_a_remedy(mistakes: Mistakes, connection: str, words: str) -> None:
    (only,) = mistakes(rest(connection=connection))

    assert only.startswith(f"catalogue/sources.yml:4: {words}")
    assert "u:p" not in only


@pytest.mark.parametrize("connection", ["erp.py", "pull", "a b:pull", "erp.py:pull()", "sources/erp:pull"])
def test_what_is_no_function_is_named_with_a_remedy(mistakes: Mistakes, connection: str) -> None:
    files = source(f"shape: runs, key: [a], columns: {{{COLUMNS['runs']}}}", kind="python")
    (only,) = mistakes({"sources.yml": files["sources.yml"].replace("sqlite:///a.db", connection)})

    assert "crm.connection names no function; write file.py:function, the file relative to the home, or" in only


@pytest.mark.parametrize(
    ("auth", "words"),
    [
        ("{bearer: abc}", "crm.auth.bearer must not be in the file; write ${NAME} and put it into that"),
        ("{basic: {user: a}}", "`password` is missing in crm.auth.basic: its password, as ${NAME}"),
        (
            "{basic: {user: a, pasword: x, password: '${KEY}'}}",
            "did you mean 'password'?",
        ),
        ("{beaerr: '${KEY}'}", "unknown key 'beaerr' of crm.auth; did you mean 'bearer'?"),
        ("{}", "crm.auth is empty; write one of basic, bearer, api_key, oauth2"),
        ("{bearer: '${KEY}', basic: {user: a, password: '${KEY}'}}", "crm.auth has bearer, basic; keep one"),
        ("{api_key: {value: '${KEY}'}}", "crm.auth.api_key needs either `header` or `query`"),
        ("{api_key: {header: a, query: b, value: '${KEY}'}}", "crm.auth.api_key needs either `header` or `query`"),
        ("{bearer: '${NO_KEY}'}", "the environment variable NO_KEY is not set"),
        (
            "{oauth2: {client_id: a, client_secret: '${KEY}'}}",
            "`token_url` is missing in crm.auth.oauth2",
        ),
        ("bearer", "crm.auth 'bearer' must be `key: value` pairs, not a single value"),
    ],
)
def test_what_is_wrong_about_keys_is_named_with_a_remedy(mistakes: Mistakes, auth: str, words: str) -> None:
    (only,) = mistakes(rest(more=f"    auth: {auth}\n"), {"KEY": "s3cret"})

    assert only.startswith("catalogue/sources.yml:5: ")
    assert words in only


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("paging: {page: {param: p, size: 10}}", "`size_param` is missing in crm.entities.jobs.paging.page: give both"),
        ("paging: {offset: {}}", "`param` is missing in crm.entities.jobs.paging.offset: the parameter that takes"),
        ("paging: {page: {param: p, first: -1}}", "crm.entities.jobs.paging.page.first '-1' must be at least 0"),
        ("paging: {next_link: a, link_header: next}", "crm.entities.jobs.paging has next_link, link_header; keep one"),
        ("paging: {nextlink: a}", "unknown key 'nextlink' of crm.entities.jobs.paging; did you mean 'next_link'?"),
        ("paging: {cursor: {param: a}}", "`from` is missing in crm.entities.jobs.paging.cursor: where in an answer"),
        ("cursor: b", "crm.entities.jobs.cursor needs `cursor_param`: the parameter that asks for what changed since"),
        ("cursor_param: b", "crm.entities.jobs.cursor_param needs `cursor`: the column that tells when a row changed"),
        ("cursor: b, cursor_param: c, cursor_format: x", "cursor_format 'x' is no time format"),
        ("cursor: b, cursor_param: c, cursor_lag: 1", "crm.entities.jobs.cursor_lag '1' has no unit"),
        ("query: select 1", "crm.entities.jobs.query is for kind database, this is rest; remove it"),
    ],
)
def test_what_is_wrong_about_pages_and_cursors_is_named_with_a_remedy(
    mistakes: Mistakes, more: str, words: str
) -> None:
    (only,) = mistakes(rest(more))

    assert only.startswith("catalogue/sources.yml:6: ")
    assert words in only


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("https://x/jobs", "crm.entities.jobs.from is a whole URL; write the path behind `connection`"),
        ("/jobs?a=b", "crm.entities.jobs.from has a query; write it as `params`"),
        ("", "`from` is missing in crm.entities.jobs: the path behind the base URL, e.g. /tickets"),
    ],
)
def test_what_is_no_path_is_named_with_a_remedy(mistakes: Mistakes, path: str, words: str) -> None:
    files = {"sources.yml": rest()["sources.yml"].replace("from: /jobs", f"from: {path}")}

    assert [words in line for line in mistakes(files)] == [True]


@pytest.mark.parametrize(
    ("kind", "more", "entity", "words"),
    [
        (
            "files",
            "    headers: {a: b}\n",
            "from: a.csv",
            "headers is for kind rest, this is files",
        ),
        ("database", "    headers: {a: b}\n", "from: t", "crm.headers is for kind rest, this is database; remove it"),
        ("rest", "    settings: {a: b}\n", "from: t", "crm.settings is for kind python, this is rest; remove it"),
        (
            "files",
            "",
            "from: a.csv, params: {a: b}",
            "jobs.params is for kind rest, this is files",
        ),
        ("python", "", "from: t", "crm.entities.jobs.from is for kind files and database and rest, this is python"),
    ],
)
def test_what_a_kind_cannot_use_is_a_mistake(mistakes: Mistakes, kind: str, more: str, entity: str, words: str) -> None:
    connection = {"files": "in", "rest": "https://x", "python": "erp.py:pull"}.get(kind, "sqlite:///a.db")
    text = source(f"shape: runs, {entity}, key: [a], columns: {{{COLUMNS['runs']}}}", kind, more)["sources.yml"]
    (only,) = mistakes({"sources.yml": text.replace("sqlite:///a.db", connection)})

    assert words in only


def test_an_entity_says_how_its_rows_go_and_how_late_they_come(read: Read) -> None:
    keys = "keys: {from: live, columns: [id]}"
    swept = read(runs(f"cursor: u, cursor_lag: 1h, deletions: key_sweep, {keys}")).sources["crm"].entities["jobs"]
    flagged = read(runs("deletions: is_deleted")).sources["crm"].entities["jobs"]
    expressed = read(runs("deletions: {sql: 'd = 1'}, cursor: n, cursor_lag: 200")).sources["crm"].entities["jobs"]

    assert (swept.cursor_lag, swept.deletion_column, swept.key_list.from_) == (timedelta(hours=1), None, "live")
    assert swept.key_list.columns == ("id",)
    assert (flagged.deletion_column, flagged.key_list) == ("is_deleted", None)
    assert (expressed.deletion_column, expressed.cursor_lag) == (Expression(sql="d = 1"), Decimal(200))


@pytest.mark.parametrize(
    ("more", "word"),
    [
        ("cursor_lag: 1h", "cursor_lag needs `cursor`"),
        ("cursor: u, cursor_lag: soon", "is not a length of time"),
        ("deletions: key_sweep", "write absent"),
        ("deletions: {value: gone}", "must be a column, {sql: an expression}, absent or key_sweep"),
        ("deletions: absent, keys: {from: t}", "keys is for deletions: key_sweep"),
        ("cursor: u, deletions: key_sweep, keys: {from: t, query: q}", "either `from` (a table) or `query`"),
        ("cursor: u, deletions: key_sweep, keys: {from: t, columns: [a, b]}", "not as many columns as `key`"),
    ],
)
def test_what_cannot_be_said_of_deletions_and_lags_is_told_with_the_remedy(
    mistakes: Mistakes, more: str, word: str
) -> None:
    assert word in "\n".join(mistakes(runs(more)))


def test_a_list_of_keys_is_for_databases_and_absence_under_a_cursor_is_warned_of(
    mistakes: Mistakes, read: Read
) -> None:
    files = source(f"shape: runs, from: t.csv, key: [a], columns: {{{COLUMNS['runs']}}}, deletions: key_sweep", "files")
    assert "key_sweep is for databases" in "\n".join(mistakes(files))
    assert any(
        "key_sweep sees them every day" in str(one) for one in read(runs("cursor: u, deletions: absent")).warnings
    )
