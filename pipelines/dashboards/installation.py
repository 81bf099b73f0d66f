"""Superset for one home: set up in ``HOME/superset``, fed with the dashboards, and served."""

from __future__ import annotations

import os
import secrets
import subprocess
import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from sqlalchemy.engine import make_url

from pipelines.catalogue.organisation import read_organisation
from pipelines.catalogue.reading import File
from pipelines.dashboards.bundle import Outlet, write_bundle
from pipelines.errors import UserError
from pipelines.home import Home

HERE = Path(__file__).parent
REQUIREMENTS = HERE / "requirements.txt"
PASSWORD = "SUPERSET_ADMIN_PASSWORD"
URL = "DASHBOARDS_DATABASE_URL"


def outlets(home: Home) -> list[Outlet]:
    """The published file, and the server where there is one.

    The server is that of DASHBOARDS_DATABASE_URL, where a role that only reads belongs, else that of organisation.yml.
    """
    file = home.published / "warehouse.duckdb"
    if not file.is_file():
        raise UserError(f"There is no {file}: nothing is published yet; run it first.")
    found = [Outlet("file", f"duckdb:///{file}?access_mode=READ_ONLY", is_postgresql=False)]
    if address := os.environ.get(URL) or _address(home):
        uri = make_url(address).set(drivername="postgresql+psycopg2").render_as_string(hide_password=False)
        found.append(Outlet("PostgreSQL", uri, is_postgresql=True))
    return found


def _address(home: Home) -> str | None:
    file = File(home.catalogue / "organisation.yml", "organisation.yml", os.environ)
    organisation = read_organisation(file)
    if file.mistakes:
        raise UserError("\n".join(map(str, file.mistakes)))
    address = organisation and organisation.publish.get("postgresql")
    return address.get_secret_value() if address else None


@dataclass(frozen=True)
class Superset:
    """An installation: programs in ``environment``, everything that it keeps in ``folder``."""

    environment: Path
    folder: Path

    @cached_property
    def variables(self) -> dict[str, str]:
        """The environment variables that it runs under; the key that signs sessions is made the first time."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        key = self.folder / "secret_key"
        if not key.exists():
            key.touch(0o600)
            key.write_text(secrets.token_urlsafe(42))
        ours = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        return ours | {
            "SUPERSET_HOME": str(self.folder.resolve()),
            "SUPERSET_CONFIG_PATH": str(HERE / "superset_config.py"),
            "FLASK_APP": "superset",
            # The page has a counting pixel otherwise.
            "SCARF_ANALYTICS": "false",
        }

    def set_up(self, published: Path, outlets: list[Outlet]) -> str | None:
        """Bring it and its dashboards up to date; the administrator's password if one was made up for them."""
        made_up = None
        ready = self.folder / "ready"
        if not ready.exists() or ready.read_text() != REQUIREMENTS.read_text():
            if PASSWORD not in os.environ and not ready.exists():
                made_up = secrets.token_urlsafe(12)
            self._run("superset", "db", "upgrade")
            self._run("superset", "init")
        with tempfile.TemporaryDirectory() as folder:
            bundles = []
            for outlet in outlets:
                bundles.append(Path(folder) / f"{outlet.name}.zip")
                write_bundle(published, outlet, bundles[-1])
            self._run(
                "python", HERE / "inside_superset.py", *bundles, **({PASSWORD: made_up} if made_up is not None else {})
            )
        ready.write_text(REQUIREMENTS.read_text())
        return made_up

    def start(self, host: str, port: int) -> subprocess.Popen[bytes]:
        """Start the web server."""
        return subprocess.Popen(
            [
                *(self.environment / "bin" / "gunicorn", "--bind", f"{host}:{port}", "--timeout", "120"),
                *("--workers", "2", "--worker-class", "gthread", "--threads", "8", "superset.app:create_app()"),
            ],
            env=self.variables,
            stdout=subprocess.DEVNULL,
            stderr=(self.folder / "server.log").open("ab"),
        )

    def _run(self, program: str, *arguments: str | Path, **variables: str) -> None:
        log = self.folder / "setup.log"
        environment = self.variables | variables
        with log.open("wb") as said:
            done = subprocess.run(
                [self.environment / "bin" / program, *arguments],
                env=environment,
                stdout=said,
                stderr=subprocess.STDOUT,
                check=False,
            )
        if done.returncode:
            last = log.read_text(errors="replace").strip().splitlines()[-1:]
            raise UserError(f"Superset could not be set up: {' '.join(last)}\nAll that it said is in {log}.")
