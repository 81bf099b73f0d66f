"""Makes the sample organisation's source systems, and runs a command while its CRM server is up.

python -m pipelines.sample_organisation --home data                            make the systems as they stand now
python -m pipelines.sample_organisation --home data run -- commitments run     make them, and run a command on them
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from zoneinfo import ZoneInfo

from pipelines.errors import UserError
from pipelines.home import Home
from pipelines.sample_organisation.staff_hours import HOME_ZONE
from pipelines.sample_organisation.systems import crm, field_service, finance, ticketing, workflow
from pipelines.sample_organisation.world import first_day, simulate

NAME = "Lantern Bay Telecom"
_SEED = 7
_CATALOGUE = Path(__file__).parents[2] / "data" / "catalogue"


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit status."""
    options = _parser().parse_args(arguments)
    home = Home(Path(options.home).resolve())
    try:
        if options.action == "run":
            return _run(home, options)
        with _crm(home) as administrator:
            make(home, administrator, options.at or dt.datetime.now(dt.UTC), options.seed)
    except UserError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def make(home: Home, administrator: str, at: dt.datetime, seed: int | None = None) -> dict[str, int]:
    """Bring every source system to where it stands at ``at``; returns the rows that each holds."""
    folder = home.root / "sources"
    seed, since = _history(folder, at, seed)
    if not home.catalogue.exists() and _CATALOGUE.exists():
        shutil.copytree(_CATALOGUE, home.catalogue)
    world = simulate(seed, since, at)
    rows = {
        "crm": crm.load(world, administrator),
        "workflow": workflow.write(world, folder / "workflow"),
        "finance": finance.write(world, folder / "finance"),
        "field_service": field_service.write(world, folder / "field_service"),
        "ticketing": ticketing.write(world, _ticketing_file(home)),
    }
    local = at.astimezone(ZoneInfo(HOME_ZONE))
    counted = ", ".join(f"{name} {count:,}" for name, count in rows.items())
    print(f"{NAME} as it stands at {local:%Y-%m-%d %H:%M %z}, rows: {counted}", flush=True)
    return rows


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m pipelines.sample_organisation", description=__doc__.split("\n")[0])
    parser.add_argument("--home", default=os.environ.get("COMMITMENTS_HOME", "data"), help="where the systems are made")
    parser.add_argument("--at", type=_instant, help="the time at which they stand (default: now), ISO 8601")
    parser.add_argument("--seed", type=int, help=f"another history (default: the one that is there, else {_SEED})")
    actions = parser.add_subparsers(dest="action", metavar="make | run")
    actions.add_parser("make", help="make the source systems (the default)")
    run = actions.add_parser("run", help="make them, then run a command with the CRM server up")
    run.add_argument("--as-is", action="store_true", help="leave the systems as they are: only start the server")
    run.add_argument("command", nargs=argparse.REMAINDER, metavar="-- COMMAND …")
    return parser


def _instant(text: str) -> dt.datetime:
    try:
        instant = dt.datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no ISO 8601 time, such as 2026-11-23T09:00+08:00") from None
    return instant if instant.tzinfo else instant.replace(tzinfo=ZoneInfo(HOME_ZONE))


def _history(folder: Path, at: dt.datetime, seed: int | None) -> tuple[int, dt.date]:
    """The seed and first day of the history that is there: tomorrow's systems must go on from today's."""
    notes = folder / "sample_organisation.json"
    known = json.loads(notes.read_text()) if notes.exists() else {}
    seed = known.get("seed", _SEED) if seed is None else seed
    since = dt.date.fromisoformat(known["since"]) if "since" in known else first_day(at)
    folder.mkdir(parents=True, exist_ok=True)
    notes.write_text(json.dumps({"seed": seed, "since": since.isoformat()}) + "\n")
    return seed, since


def _run(home: Home, options: argparse.Namespace) -> int:
    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    if not command:
        raise UserError("Nothing to run: write the command after `--`, such as `run -- commitments run`.")
    with _crm(home) as administrator:
        if not options.as_is:
            make(home, administrator, options.at or dt.datetime.now(dt.UTC), options.seed)
        environment = {
            **os.environ,
            "COMMITMENTS_HOME": str(home.root),
            "CRM_DATABASE_URL": crm.reader_url(administrator),
            "TICKETING_DATABASE_URL": f"sqlite:///{_ticketing_file(home)}",
            # `commitments` is found beside this Python, activated environment or not.
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
        }
        return _call(command, environment)


def _call(command: list[str], environment: dict[str, str]) -> int:
    """Run a command to its end, whatever signal comes: the server must outlive it, and be stopped after it."""
    try:
        child = subprocess.Popen(command, env=environment)
    except OSError as error:
        raise UserError(f"Cannot run {command[0]}: {error.strerror}.") from None
    # The terminal sends Ctrl-C to the command too; a kill is sent to this process alone and must be passed on.
    previous = {
        signal.SIGINT: signal.signal(signal.SIGINT, signal.SIG_IGN),
        signal.SIGTERM: signal.signal(signal.SIGTERM, lambda *_: child.terminate()),
    }
    try:
        status = child.wait()
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
    return status if status >= 0 else 128 - status


@contextmanager
def _crm(home: Home) -> Iterator[str]:
    with crm.serving(home.root / "sources" / "crm") as administrator:
        yield administrator


def _ticketing_file(home: Home) -> Path:
    return home.root / "sources" / "ticketing" / "tickets.db"


if __name__ == "__main__":
    sys.exit(main())
