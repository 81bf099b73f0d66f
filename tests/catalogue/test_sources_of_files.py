"""sources.yml, kind files: where they lie, who may read them, and how."""

from __future__ import annotations

import json

import pytest

from pipelines.run import without_secrets

from .conftest import Mistakes, Read

RUNS = "work_order_id: a, process: {value: claims}, started_at: b, status: c"
SECRET = "hunter2-of-the-bucket"


def files(entity: str = "from: a.csv", connection: str = "in", more: str = "") -> dict[str, str]:
    return {
        "sources.yml": f"sources:\n  crm:\n    kind: files\n    connection: '{connection}'\n{more}"
        f"    entities:\n      jobs: {{shape: runs, key: [a], columns: {{{RUNS}}}, {entity}}}\n"
    }


@pytest.mark.parametrize("connection", ["s3://bucket", "s3://bucket/in", "sftp://carrier@files.example.com:2222/out"])
def test_files_may_lie_in_a_bucket_or_on_a_server(read: Read, connection: str) -> None:
    assert read(files(connection=connection)).sources["crm"].connection.get_secret_value() == connection


@pytest.mark.parametrize(
    ("connection", "words"),
    [
        ("gs://bucket/in", "is no place for files that is known; write a folder, s3://bucket/prefix or sftp://"),
        ("s3://", "is no place for files that is known"),
        ("sftp://host:port/out", "is no place for files that is known"),
        (f"s3://key:{SECRET}@bucket/in", "holds credentials; write them as `options: {key: ${…}, secret: ${…}}`"),
    ],
)
def test_other_places_are_refused_and_not_shown(mistakes: Mistakes, connection: str, words: str) -> None:
    (found,) = mistakes(files(connection=connection))

    assert f"crm.connection {words}" in found
    assert SECRET not in found


def test_options_fit_their_place_and_secrets_come_from_the_environment(mistakes: Mistakes) -> None:
    assert [
        line.split(": ", 1)[1]
        for line in mistakes(files(connection="s3://bucket", more=f"    options: {{host_key: x, secret: {SECRET}}}\n"))
    ] == [
        "crm.options.host_key is for sftp://, this is not; remove it",
        "crm.options.secret must not be in the file; write ${NAME} and put it into that environment variable",
    ]
    (in_a_folder,) = mistakes(files(more="    options: {region: eu-west-1}\n"))
    assert "crm.options.region is for s3://, this is not; remove it" in in_a_folder
    (of_a_database,) = mistakes(
        {
            "sources.yml": files(entity="from: t")["sources.yml"]
            .replace("files", "database")
            .replace("'in'", "sqlite://")
            .replace("    entities", "    options: {region: x}\n    entities")
        }
    )
    assert "crm.options is for kind files, this is database; remove it" in of_a_database


def test_what_the_environment_holds_is_shown_nowhere(read: Read) -> None:
    written = files(
        connection="sftp://carrier:${PASSWORD}@files.example.com/out", more="    options: {passphrase: '${PHRASE}'}\n"
    )

    catalogue = read(written, {"PASSWORD": "s%40ecret", "PHRASE": SECRET})

    assert catalogue.sources["crm"].secrets() == [SECRET, "s%40ecret", "s@ecret"]
    assert without_secrets(f"a s@ecret b s%40ecret c {SECRET}", catalogue) == "a *** b *** c ***"
    said = json.dumps(catalogue.as_json()) + repr(catalogue)
    assert not any(secret in said for secret in catalogue.sources["crm"].secrets())


@pytest.mark.parametrize(
    ("entity", "words"),
    [
        ("from: a.csv, encoding: latin-9000", "encoding 'latin-9000' is no encoding; write it like utf-8, utf-16"),
        ("from: a.csv, encoding: hex", "encoding 'hex' is no encoding"),
        ("from: a.csv, delimiter: ';;'", "delimiter ';;' must be one character"),
        ("from: a.csv, header_row: 0", "header_row '0' must be at least 1"),
        ("from: a.csv, decimal: x", "decimal 'x' is not known"),
        ("from: a.csv, format: pdf", "format 'pdf' is not known"),
        ("from: a.jsonocel", "`object_type` is missing in crm.entities.jobs: the type of the objects"),
        ("from: a.json, format: ocel", "`object_type` is missing in crm.entities.jobs"),
        ("from: a.dat", "from 'a.dat' is no format that can be read"),
    ],
)
def test_how_files_are_read_is_checked(mistakes: Mistakes, entity: str, words: str) -> None:
    (found,) = mistakes(files(entity))

    assert words in found


@pytest.mark.parametrize(
    ("entity", "name", "value"),
    [
        ("from: a.csv, encoding: GB18030", "encoding", "GB18030"),
        ("from: a.csv, delimiter: tab", "delimiter", "\t"),
        ("from: a.dat, format: csv, delimiter: '|'", "delimiter", "|"),
        ("from: a.xlsx, sheet: '2026-*', sheet_column: month", "sheet_column", "month"),
        ("from: a.xlsx, header_row: 4", "header_row", 4),
        ("from: a.sqlite, object_type: order", "object_type", "order"),
        ("from: a.csv, decimal: ','", "decimal", ","),
    ],
)
def test_how_files_are_read_may_be_said(read: Read, entity: str, name: str, value: object) -> None:
    assert getattr(read(files(entity)).sources["crm"].entities["jobs"], name) == value
