"""indicators.yml: figures whose meaning may change without rewriting the past."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from pipelines.catalogue.tables import catalogue_tables

from .conftest import Mistakes, Read


def indicators(text: str) -> dict[str, str]:
    """Return an indicators.yml of one indicator, described by flow YAML in line 2."""
    return {"indicators.yml": f"indicators:\n  first: {{{text}}}\n"}


def test_a_home_without_the_file_has_no_indicator(read: Read) -> None:
    assert catalogue_tables(read())["indicator"].num_rows == 0


def test_each_version_holds_until_the_next_and_shares_what_stands_beside(read: Read) -> None:
    text = (
        "name: Answered, kind: response_time, process: claims, measure: share_within, within: 4h, target: 0.9, "
        "versions: [{valid_from: 2026-04-01, within: 2h, target: 0.8}, {}]"
    )

    rows = catalogue_tables(read(indicators(text)))["indicator"].to_pylist()

    moved = int(datetime(2026, 3, 31, 16, tzinfo=UTC).timestamp()) * 1_000_000
    assert [(row["within_us"], row["target"], row["valid_from_us"], row["valid_to_us"]) for row in rows] == [
        (4 * 3600 * 1_000_000, 0.9, None, moved),
        (2 * 3600 * 1_000_000, 0.8, moved, None),
    ]
    assert {(row["indicator"], row["indicator_name"], row["kind"], row["unit"]) for row in rows} == {
        ("first", "Answered", "response_time", "share")
    }


@pytest.mark.parametrize(
    ("text", "measure", "unit", "is_higher_better", "target"),
    [
        ("kind: resolution_time, target: 1h30m", "median", "seconds", False, 5400.0),
        ("kind: backlog_age, measure: mean, calendar: office, target: 8h", "mean", "seconds", False, 28800.0),
        ("kind: availability, node: pay, calendar: office, target: 0.999", None, "share", True, 0.999),
        ("kind: satisfaction, segments: true, target: 0.8", None, "share", True, 0.8),
        ("kind: complaints, target: 12.5", None, "per 1,000 work orders", False, 12.5),
        ("kind: first_time_right", None, "share", True, None),
    ],
)
def test_unit_and_direction_are_those_of_what_is_measured(
    read: Read, text: str, measure: str | None, unit: str, is_higher_better: bool, target: float | None
) -> None:
    [row] = catalogue_tables(read(indicators(f"{text}, process: claims")))["indicator"].to_pylist()

    assert (row["measure"], row["unit"], row["is_higher_better"], row["target"]) == (
        measure,
        unit,
        is_higher_better,
        target,
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("kind: speed, process: claims", "first.kind is not known; known: availability, backlog_age"),
        ("process: claims", "`kind` is missing in first: what is measured"),
        ("kind: complaints", "`process` is missing in first: a process of processes.yml"),
        ("kind: complaints, process: clams", "process 'clams' is not in processes.yml; did you mean 'claims'?"),
        ("kind: availability, process: claims, node: pya", "node 'pya' is no node of 'claims' in processes.yml"),
        ("kind: availability, process: claims, calendar: offices", "calendar 'offices' is not in calendars.yml"),
        ("kind: availability, process: claims, segments: true", "first.segments is for response_time, resolution_time"),
        ("kind: complaints, process: claims, node: pay", "first.node is for response_time, availability, this is"),
        ("kind: satisfaction, process: claims, within: 4h", "first.within is for response_time, resolution_time"),
        ("kind: response_time, process: claims, calendar: office", "first.calendar is for availability, backlog_age"),
        ("kind: response_time, process: claims, measure: mean", "first.measure 'mean' is none of response_time; known"),
        ("kind: response_time, process: claims, within: 4h", "belong together; write measure: share_within too"),
        ("kind: response_time, process: claims, measure: share_within", "belong together; add it, e.g. within: 4h"),
        ("kind: response_time, process: claims, target: 4", "first.target has no unit; write 4h for hours"),
        ("kind: satisfaction, process: claims, target: 4.5", "first.target must be a share from 0 to 1"),
        ("kind: satisfaction, process: claims, target: 90%", "write a share of 90% as 0.9"),
        ("kind: complaints, process: claims, tagret: 5", "unknown key 'tagret' of first; did you mean 'target'?"),
        ("kind: complaints, process: claims, versions: []", "first.versions is empty; add one, or remove it"),
        (
            "kind: complaints, process: claims, versions: [{target: 5}, {target: 6}]",
            "first.versions[2]: a version before it has no valid_from too; give each its own",
        ),
    ],
)
def test_what_an_indicator_may_not_say_is_named_with_line_and_remedy(mistakes: Mistakes, text: str, words: str) -> None:
    (only,) = mistakes(indicators(text))

    assert only.startswith("catalogue/indicators.yml:2: ")
    assert words in only
