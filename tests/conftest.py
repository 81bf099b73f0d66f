"""What every room's tests may use: the tiny home, as written and as built once."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import tiny

from pipelines.home import Home


@pytest.fixture(scope="session", autouse=True)
def _nobody_is_called_from_tests() -> None:
    """Whatever a test imports first, nothing of it phones home."""
    import pipelines.run  # noqa: F401


@pytest.fixture(scope="session")
def wms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The tiny home's database source."""
    url = tiny.make_wms(tmp_path_factory.mktemp("wms") / "wms.db")
    os.environ["TINY_WMS"] = url
    yield url
    os.environ.pop("TINY_WMS", None)


@pytest.fixture
def tiny_home(tmp_path: Path, wms: str) -> Home:
    """The tiny home before its first run."""
    return tiny.make_tiny_home(tmp_path / "home")


@pytest.fixture(scope="session")
def built_once(tmp_path_factory: pytest.TempPathFactory, wms: str) -> Home:
    """The tiny home after one run as of ``tiny.AS_OF``: to be read, not written."""
    from pipelines.run import run

    home = tiny.make_tiny_home(tmp_path_factory.mktemp("built") / "home")
    assert run(home, tiny.AS_OF).exit_code == 0
    return home


@pytest.fixture
def built_home(tmp_path: Path, built_once: Home) -> Home:
    """A copy of it of one's own."""
    shutil.copytree(built_once.root, tmp_path / "home", symlinks=True)
    return Home(tmp_path / "home")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say where nothing may be skipped what was."""
    if _no_skips() and (skipped := _skipped(terminalreporter)):
        terminalreporter.write_sep("=", "skipped, which counts as failed here")
        for report in skipped:
            terminalreporter.write_line(f"{report.nodeid}: {report.longrepr[-1] if report.longrepr else ''}")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Under continuous integration a test that could not run is one that failed."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if _no_skips() and reporter is not None and _skipped(reporter) and session.exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _no_skips() -> bool:
    return os.environ.get("COMMITMENTS_NO_SKIPS") == "1"


def _skipped(reporter: pytest.TerminalReporter) -> list[pytest.TestReport]:
    # Real data is nobody's to install.
    return [report for report in reporter.stats.get("skipped", []) if "shared" not in report.keywords]
