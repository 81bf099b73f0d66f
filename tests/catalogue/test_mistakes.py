"""Every mistake of all files at once, each with file, line, value and remedy; and never a secret."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.catalogue import CatalogueError

from .conftest import FULL, KEEP, RIGHT, Mistakes, Read, commitments

SECRET = "hunter2-hunter2"


def changed(file: str, *changes: tuple[str, str]) -> dict[str, str]:
    text = RIGHT[file]
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return {file: text}


def test_the_right_catalogue_has_no_mistakes(mistakes: Mistakes) -> None:
    assert mistakes({}) == []


def test_mistakes_of_all_files_are_reported_at_once_with_their_lines(mistakes: Mistakes) -> None:
    found = mistakes(
        changed("organisation.yml", ("Asia/Shanghai", "Shanghai"), ("CNY", "yuan"))
        | changed("sources.yml", ("shape: runs", "shape: rnus"), ("value: claims", "value: clams"))
        | changed("processes.yml", ("{node: pay, department", "{node: pay, deparment"))
        | commitments("a,claims,,,,24x7,four hours,3d,,", "b,claims,nowhere,,,offices,4h,1h,2026-13-01,")
        | changed("calendars.yml", ("09:00-17:00", "9 to 5"))
    )

    assert found == [
        "catalogue/calendars.yml:3: office.hours.mon-fri[1] '9 to 5' is no window of time; write it as 09:00-17:30",
        "catalogue/commitments.csv:2: commitment_limit 'four hours' is not a length of time; write it like 4h, 90m, "
        "1h30m, 45s or PT4H",
        "catalogue/commitments.csv:3: calendar 'offices' is not in calendars.yml; did you mean 'office'?",
        "catalogue/commitments.csv:3: node 'nowhere' is no node of 'claims' in processes.yml; known: pay, register",
        "catalogue/commitments.csv:3: tolerance_limit '1h' is below commitment_limit; make it as long or longer, or "
        "the commitment shorter",
        "catalogue/commitments.csv:3: valid_from '2026-13-01' is no date of the calendar; write it as year-month-day, "
        "e.g. 2026-01-31",
        "catalogue/organisation.yml:2: business_time_zone 'Shanghai' is not a time zone; did you mean 'Asia/Shanghai'?",
        "catalogue/organisation.yml:3: currency 'yuan' is no currency; write its ISO code of three capitals, e.g. EUR",
        "catalogue/processes.yml:6: unknown key 'deparment' of claims.nodes[2]; did you mean 'department'?",
        "catalogue/sources.yml:7: crm.entities.jobs.shape 'rnus' is not known; did you mean 'runs'?",
        "catalogue/sources.yml:12: crm.entities.jobs.columns.process.value 'clams' is not in processes.yml; "
        "did you mean 'claims'?",
    ]


def test_a_missing_file_is_a_mistake_with_a_remedy(mistakes: Mistakes) -> None:
    assert mistakes({"sources.yml": None}) == [
        "catalogue/sources.yml:1: the file is missing; it needs at least one source system; `commitments add-source` "
        "writes a first one"
    ]


def test_calendars_may_be_missing_only_where_all_clocks_run_around_the_clock(mistakes: Mistakes) -> None:
    around_the_clock = commitments("a,claims,,,,24x7,2d,3d,,")

    assert mistakes({"calendars.yml": None} | around_the_clock) == []
    (only,) = mistakes({"calendars.yml": None})
    assert only.startswith("catalogue/calendars.yml:1: the file is missing")


@pytest.mark.parametrize("content", ["", "- a\n", "just text\n", "# nothing yet\n"])
@pytest.mark.parametrize("name", ["organisation.yml", "sources.yml", "processes.yml", "calendars.yml"])
def test_a_file_without_content_is_a_mistake(mistakes: Mistakes, name: str, content: str) -> None:
    assert [line.split(": ")[0] for line in mistakes({name: content})] == [f"catalogue/{name}:1"]


def test_what_is_not_yaml_is_a_mistake_in_its_line(mistakes: Mistakes) -> None:
    (only,) = mistakes({"organisation.yml": "name: Example\ncurrency: [CNY\nbusiness_time_zone: UTC\n"})

    assert only.startswith("catalogue/organisation.yml:3: this is not YAML: ")
    assert "began in line 2" in only


def test_a_variable_that_needs_quotes_is_pointed_out(mistakes: Mistakes) -> None:
    (only,) = mistakes({"organisation.yml": RIGHT["organisation.yml"] + "publish: {postgresql: ${URL}}\n"})

    assert 'write "${NAME}" in quotes' in only


def test_what_is_not_utf_8_is_a_mistake_in_its_line(mistakes: Mistakes) -> None:
    (only,) = mistakes({"organisation.yml": "currency: CNY\nname: Café\n".encode("latin-1")})

    assert only == "catalogue/organisation.yml:2: the file is not UTF-8 text from here on; save it as UTF-8"


def test_a_key_given_twice_is_a_mistake(mistakes: Mistakes) -> None:
    assert mistakes({"organisation.yml": RIGHT["organisation.yml"] + "name: Other\n"}) == [
        "catalogue/organisation.yml:4: 'name' is given twice, first in line 1; remove one of the two"
    ]


def test_an_unknown_key_is_named_with_the_nearest_known_one(mistakes: Mistakes) -> None:
    assert mistakes({"organisation.yml": RIGHT["organisation.yml"] + "curency: EUR\n"}) == [
        "catalogue/organisation.yml:4: unknown key 'curency'; did you mean 'currency'?"
    ]


def test_what_is_required_is_asked_for_with_what_it_is(mistakes: Mistakes) -> None:
    assert mistakes({"organisation.yml": "name:\nbusiness_time_zone: UTC\n"}) == [
        "catalogue/organisation.yml:1: `currency` is missing: of penalties, e.g. EUR",
        "catalogue/organisation.yml:1: `name` is empty: what the report calls the organisation",
    ]


def test_a_language_without_translation_is_named_with_those_there_are(mistakes: Mistakes) -> None:
    (only,) = mistakes({"organisation.yml": RIGHT["organisation.yml"] + "language: zh_CN\n"})

    assert only == "catalogue/organisation.yml:4: language 'zh_CN' is not known; did you mean 'zh-CN'?"


def test_yaml_is_read_as_1_2_and_texts_stay_as_they_are_written(read: Read) -> None:
    statuses = "statuses: {completed: [NO, 10:30, 001, 3, True, 2026-01-01, 1_000], in_progress: off, cancelled: 1.50}"
    files = changed("sources.yml", ("        key: [id]", f"        key: [id]\n        {statuses}"))

    entity = read(files).sources["crm"].entities["jobs"]

    assert entity.statuses == {
        "completed": ("NO", "10:30", "001", "3", "True", "2026-01-01", "1_000"),
        "in_progress": ("off",),
        "cancelled": ("1.50",),
    }


def test_json_is_yaml_too(read: Read) -> None:
    text = json.dumps({"name": "Straße", "business_time_zone": "Asia/Shanghai", "currency": "CNY"}, indent=1)

    assert read({"organisation.yml": text}).organisation.name == "Straße"


def test_lines_are_right_in_json_with_indents(mistakes: Mistakes) -> None:
    text = json.dumps({"name": "A", "business_time_zone": "Mars", "currency": "CNY"}, indent=1)

    (only,) = mistakes({"organisation.yml": text})

    assert only.startswith("catalogue/organisation.yml:3: business_time_zone 'Mars'")


def test_what_contains_itself_is_a_mistake(mistakes: Mistakes) -> None:
    found = mistakes({"organisation.yml": RIGHT["organisation.yml"] + "review: &a\n  raise_at: *a\n"})

    assert any("contains itself" in line for line in found)


# ------------------------------------------------------------------ the environment


def test_any_text_may_come_from_the_environment(read: Read) -> None:
    catalogue = read(
        changed("organisation.yml", ("Example", "The ${NAME} company"), ("CNY", "${CURRENCY}"))
        | commitments("a,claims,,${SEGMENT},,24x7,${LIMIT},3d,,"),
        {"NAME": "Example", "CURRENCY": "EUR", "SEGMENT": "gold", "LIMIT": "2d"},
    )

    assert catalogue.organisation.name == "The Example company"
    assert catalogue.organisation.currency == "EUR"
    assert (catalogue.commitments[0].segment, catalogue.commitments[0].commitment_limit) == ("gold", "2d")


def test_what_comes_from_the_environment_is_text_and_changes_no_structure(read: Read) -> None:
    name = "x\ncurrency: EUR # '\"{["

    assert read(changed("organisation.yml", ("Example", "${NAME}")), {"NAME": name}).organisation.name == name


def test_each_unset_variable_is_named_and_nothing_else_is_said_of_its_value(mistakes: Mistakes) -> None:
    found = mistakes(
        changed("organisation.yml", ("Asia/Shanghai", "${ZONE}"))
        | changed("sources.yml", ("connection: in", "connection: ${ROOT}/${FOLDER}"))
        | commitments("a,claims,,,,24x7,2d,${TOLERANCE},,")
    )

    remedy = "is not set; set it, or write the value here if it is no secret"
    assert found == [
        f"catalogue/commitments.csv:2: the environment variable TOLERANCE {remedy}",
        f"catalogue/organisation.yml:2: the environment variable ZONE {remedy}",
        f"catalogue/sources.yml:4: the environment variable FOLDER {remedy}",
        f"catalogue/sources.yml:4: the environment variable ROOT {remedy}",
    ]


def test_a_variable_within_a_long_text_is_named_with_its_own_line(mistakes: Mistakes) -> None:
    query = "query: |\n          select *\n          from ${TABLE}"
    files = changed("sources.yml", ("kind: files", "kind: database"), ("in\n", "'sqlite:///a.db'\n"))
    files = {"sources.yml": files["sources.yml"].replace("from: runs.csv", query)}

    (only,) = mistakes(files)

    assert only.startswith("catalogue/sources.yml:10: the environment variable TABLE")


@pytest.mark.parametrize(
    ("file", "old"),
    [
        ("organisation.yml", "Asia/Shanghai"),
        ("organisation.yml", "CNY"),
        ("sources.yml", "runs.csv"),
        ("sources.yml", "files"),
        ("sources.yml", "{value: claims}"),
        ("sources.yml", "shape: runs"),
        ("commitments.csv", "4h"),
        ("commitments.csv", "claims,pay"),
        ("commitments.csv", "office"),
        ("calendars.yml", "09:00-17:00"),
    ],
)
def test_a_value_from_the_environment_is_shown_as_its_variable_however_wrong(
    mistakes: Mistakes, file: str, old: str
) -> None:
    new = {
        "{value: claims}": "{value: '${SECRET}'}",
        "shape: runs": "shape: ${SECRET}",
        "claims,pay": "claims,${SECRET}",
    }.get(old, "${SECRET}")
    text = RIGHT[file].replace(old, new, 1)

    found = mistakes({file: text}, {"SECRET": SECRET})

    assert found
    assert not [line for line in found if SECRET in line]
    assert any("${SECRET}" in line for line in found)


def test_a_connection_is_never_shown_even_where_the_password_is_in_the_file(mistakes: Mistakes) -> None:
    files = changed("sources.yml", ("kind: files", "kind: database"), ("connection: in", f"connection: '{SECRET}'"))

    found = mistakes(files)

    assert any("crm.connection is no SQLAlchemy URL" in line for line in found)
    assert SECRET not in "\n".join(found)


def test_what_lands_of_a_catalogue_has_no_secrets(read: Read) -> None:
    files = (
        changed("sources.yml", ("connection: in", "connection: ${A}"), ("id\n", "{sql: \"decrypt(id, '${B}')\"}\n"))
        | changed("organisation.yml", ("currency", "publish: {postgresql: 'postgresql://me:literal@host/x'}\ncurrency"))
        | changed("processes.yml", ("Treasury", "'${C}'"))
    )

    catalogue = read(files, {"A": SECRET, "B": SECRET, "C": SECRET})
    text = json.dumps(catalogue.as_json())

    assert SECRET not in text
    assert "literal" not in text
    assert "decrypt(id, '${B}')" in text
    assert SECRET not in repr(catalogue.sources["crm"].connection)


def test_another_password_is_not_another_catalogue_but_another_limit_is(read: Read) -> None:
    files = changed("sources.yml", ("connection: in", "connection: ${A}"))
    first = read(files, {"A": "one"})

    assert read(files, {"A": "two"}).hash == first.hash
    assert read({"commitments.csv": RIGHT["commitments.csv"].replace("\nall", "\n\nall")}, {}).hash == first.hash
    assert read(commitments("all,claims,,,,24x7,2d,4d,,", "pay,claims,pay,,,office,4h,8h,,")).hash != first.hash


def test_a_file_that_cannot_be_read_is_a_mistake(mistakes: Mistakes, tmp_path: Path) -> None:
    (tmp_path / "catalogue" / "organisation.yml").mkdir(parents=True)

    (only,) = mistakes({"organisation.yml": KEEP})

    assert only.startswith("catalogue/organisation.yml:1: the file cannot be read (Is a directory)")


# ------------------------------------------------------------------ whatever stands there


def everywhere(value: object, new: object) -> Iterator[object]:
    """Yield copies of a value, each with another piece of it replaced."""
    yield new
    if isinstance(value, dict):
        for key, item in value.items():
            yield from ({**value, key: changed} for changed in everywhere(item, new))
        yield {**value, "other": new}
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from ([*value[:index], changed, *value[index + 1 :]] for changed in everywhere(item, new))


@pytest.mark.parametrize("new", [None, 5, 1.5, True, "", "text", [], ["text", 3, None], {}, {"text": 1}, "${UNSET}"])
@pytest.mark.parametrize("name", FULL)
def test_whatever_stands_anywhere_is_read_or_refused(read: Read, name: str, new: object) -> None:
    for content in everywhere(FULL[name], new):
        try:
            read({name: json.dumps(content)})
        except CatalogueError as error:
            # Anything else that is raised fails the test as well.
            if not str(error).startswith("catalogue/") or "cannot be read" in str(error):
                pytest.fail(f"{content}: {error}")
