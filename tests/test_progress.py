"""What a run tells people while it works."""

from __future__ import annotations

import pytest

from pipelines.progress import Lines, Progress


def tell(progress: Progress) -> None:
    """A short run."""
    with progress:
        progress.stage("Pulling")
        progress.begin("crm.jobs")
        progress.rows("crm.jobs", 1_000)
        progress.end("crm.jobs", "1,000 rows landed")
        progress.stage("Building")
        progress.step("fct_run", 1, 2)


def test_without_a_terminal_each_stage_and_each_entity_is_a_line_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    tell(Lines())

    said = capsys.readouterr()
    assert said.out == ""
    assert [line.split(" done in ")[0] for line in said.err.splitlines()] == [
        "Pulling ...",
        "  crm.jobs ...",
        "  crm.jobs: 1,000 rows landed",
        "Pulling:",
        "Building ...",
        "Building:",
    ]


def test_rows_so_far_are_told_every_few_seconds_and_not_with_every_batch(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter([0.0, 1.0, 6.0, 7.0, 12.0])
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    progress = Lines()

    progress.begin("crm.jobs")
    for rows in (1, 2, 3, 4):
        progress.rows("crm.jobs", rows)

    assert capsys.readouterr().err == "  crm.jobs ...\n  crm.jobs: 2 rows so far\n  crm.jobs: 4 rows so far\n"


def test_a_stage_that_failed_is_not_said_to_be_done(capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        with Lines() as progress:
            progress.stage("Building")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()

    assert capsys.readouterr().err == "Building ...\n"
