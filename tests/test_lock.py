"""One run at a time in a home."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.errors import UserError
from pipelines.home import Home
from pipelines.lock import exclusive

HOLD = """
import sys
from pathlib import Path
from pipelines.home import Home
from pipelines.lock import exclusive
with exclusive(Home(Path(sys.argv[1]))):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path: Path) -> subprocess.Popen[bytes]:
    """Another process that holds the home."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"held\n"
    yield process
    process.kill()
    process.communicate()


def test_a_second_run_is_told_who_has_the_home(tmp_path: Path, holder: subprocess.Popen[bytes]) -> None:
    with pytest.raises(UserError, match=f"process {holder.pid}, since 20"), exclusive(Home(tmp_path)):
        pass


def test_a_run_that_was_killed_holds_nothing(tmp_path: Path, holder: subprocess.Popen[bytes]) -> None:
    holder.kill()
    holder.wait()

    with exclusive(Home(tmp_path)):
        pass


def test_a_home_that_may_not_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"nowhere/\.lock"), exclusive(Home(tmp_path / "nowhere")):
        pass
