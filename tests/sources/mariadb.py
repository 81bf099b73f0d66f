"""A real MariaDB server for as long as the tests of a module last, from Debian's package mariadb-server."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

# Debian keeps servers where only root looks for them.
PLACES = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/libexec"])
SECONDS_TO_START = 60


@contextmanager
def running() -> Iterator[sa.URL]:
    """The URL of its administrator, who has no password and no database yet."""
    server, install = (shutil.which(name, path=PLACES) for name in ("mariadbd", "mariadb-install-db"))
    if server is None or install is None:
        pytest.skip("no MariaDB server: `make servers` installs it (on Debian: apt-get install mariadb-server)")
    # The path of a socket may have 107 characters, which pytest's own folders exceed.
    with tempfile.TemporaryDirectory(prefix="maria") as folder:
        user = ["--user=root"] if os.geteuid() == 0 else []
        data = f"--datadir={folder}/data"
        made = subprocess.run(
            [install, "--no-defaults", data, "--auth-root-authentication-method=normal", "--skip-test-db", *user],
            capture_output=True,
            text=True,
            check=False,
        )
        assert made.returncode == 0, made.stdout + made.stderr
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        log = Path(folder) / "log"
        process = subprocess.Popen(
            [
                *(server, "--no-defaults", data, *user),
                *(f"--socket={folder}/s", f"--port={port}", "--bind-address=127.0.0.1"),
                *(f"--pid-file={folder}/pid", f"--log-error={log}", "--innodb-buffer-pool-size=32M"),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            url = sa.URL.create("mariadb+pymysql", "root", host="127.0.0.1", port=port)
            _wait(url, process, log)
            yield url
        finally:
            process.terminate()
            process.wait(timeout=60)


def _wait(url: sa.URL, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + SECONDS_TO_START
    while True:
        try:
            with sa.create_engine(url, poolclass=sa.pool.NullPool).connect():
                return
        except sa.exc.OperationalError:
            assert process.poll() is None, log.read_text(errors="replace")
            assert time.monotonic() < until, log.read_text(errors="replace")
            time.sleep(0.1)
