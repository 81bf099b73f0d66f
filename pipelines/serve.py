"""Dagster's web server and daemon for one home, until somebody stops them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

from pipelines import warehouse
from pipelines.catalogue import read_catalogue
from pipelines.home import Home
from pipelines.run import dagster_home

SECONDS_TO_STOP = 15


def serve(home: Home, host: str, port: int) -> int:
    """Run both until one ends or a signal comes; the exit status of whichever ended first."""
    zone = read_catalogue(home).organisation.business_time_zone
    # Once here rather than in each of the servers.
    warehouse.parse(home)
    environment = {
        **os.environ,
        "COMMITMENTS_HOME": str(home.root),
        "DAGSTER_HOME": str(dagster_home(home)),
    }
    module = ["-m", "pipelines.definitions"]
    commands = [
        [sys.executable, "-m", "dagster_webserver", *module, "--host", host, "--port", str(port)],
        [sys.executable, "-m", "dagster._daemon", "run", *module],
    ]
    print(f"http://{host}:{port} (the daily job runs at 00:30 {zone}; Ctrl-C stops both)", flush=True)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    servers = [subprocess.Popen(command, env=environment) for command in commands]
    try:
        while all(server.poll() is None for server in servers):
            time.sleep(0.5)
        return next(code for server in servers if (code := server.poll()) is not None)
    except KeyboardInterrupt:
        return 0
    finally:
        _stop(servers)


def _stop(servers: list[subprocess.Popen[bytes]]) -> None:
    for server in servers:
        if server.poll() is None:
            server.send_signal(signal.SIGINT)
    for server in servers:
        try:
            server.wait(SECONDS_TO_STOP)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
