"""Sets Superset up over a home, imports the dashboards and serves them until somebody stops it: `make dashboards`."""

from __future__ import annotations

import argparse
import os
import signal
import socket
import sys
import time
from pathlib import Path

import httpx

from pipelines.dashboards.bundle import listing, slug
from pipelines.dashboards.installation import PASSWORD, Superset, outlets
from pipelines.errors import UserError
from pipelines.home import Home


def main() -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m pipelines.dashboards", description=__doc__)
    parser.add_argument("--home", default=os.environ.get("COMMITMENTS_HOME", "data"))
    parser.add_argument("--environment", default=".venv-superset", help="where Superset is installed")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8088)
    options = parser.parse_args()
    home = Home(Path(options.home).resolve())
    superset = Superset(Path(options.environment).resolve(), home.root / "superset")
    try:
        _free(options.host, options.port)
        found = outlets(home)
        print(f"Setting Superset up in {superset.folder} (the first time takes a minute or two) ...", flush=True)
        password = superset.set_up(home.published / "warehouse.duckdb", found)
    except UserError as error:
        print(error, file=sys.stderr)
        return 1
    if password:
        print(f"Sign in as admin with {password} (shown this once; {PASSWORD} sets another).", flush=True)
    address = f"http://{options.host}:{options.port}"
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    server = superset.start(options.host, options.port)
    try:
        while server.poll() is None and not _answers(address):
            time.sleep(0.5)
        if server.poll() is None:
            for outlet in found:
                for dashboard in listing().dashboards:
                    print(f"{address}/superset/dashboard/{slug(outlet, dashboard)}/")
            print(f"{address} (Ctrl-C stops it)", flush=True)
        code = server.wait()
        print(f"Superset ended by itself; {superset.folder / 'server.log'} says why.", file=sys.stderr)
        return code or 1
    except KeyboardInterrupt:
        return 0
    finally:
        server.terminate()
        server.wait()


def _free(host: str, port: int) -> None:
    with socket.socket() as asked:
        asked.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            asked.bind((host, port))
        except OSError as problem:
            raise UserError(f"{host}:{port} cannot be listened at ({problem.strerror}); say --port (PORT=…).") from None


def _answers(address: str) -> bool:
    try:
        return httpx.get(f"{address}/health", timeout=5).is_success
    except httpx.HTTPError:
        return False


if __name__ == "__main__":
    sys.exit(main())
