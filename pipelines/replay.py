"""A replay: the marts as they were at an instant, from what had been delivered by another; nothing else is touched.

It is the daily job without its pulls, in a home of its own whose landing folder holds links to the batches that had
landed by then, also of the catalogue: whatever was judged and built from them is judged and built again.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq

from pipelines import journal, warehouse
from pipelines.as_of import read_as_of
from pipelines.catalogue.landed import columns_wanted
from pipelines.errors import UnexpectedError, UserError
from pipelines.home import Home
from pipelines.landing import (
    ACCEPTED_BY_HAND,
    LOAD_ID,
    LOAD_ID_FORMAT,
    CatalogueBatch,
    Landing,
    accepted_by_hand_us,
)
from pipelines.progress import Progress
from pipelines.publish.swap import check_finished, swap_in
from pipelines.rules import no_longer_declared, sources_of
from pipelines.run import log_unexpected, quiet_logs
from pipelines.zones import instant_us

FOLDER = "replay-"
# What marks a file as a DuckDB database, and where.
MAGIC, MAGIC_AT = b"DUCK", 8


@dataclass(frozen=True)
class Replayed:
    """What was written."""

    file: Path
    as_of: datetime
    known_at: datetime
    catalogue: CatalogueBatch
    tables: dict[str, int]

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "file": str(self.file),
            "as_of": self.as_of.isoformat(),
            "known_at": self.known_at.isoformat(),
            "catalogue": {"load_id": self.catalogue.load_id, "hash": self.catalogue.hash},
            "tables": self.tables,
        }


def replay(
    home: Home,
    as_of: str,
    into: Path,
    known_at: str | None = None,
    *,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Replayed:
    """Write the marts as of ``as_of``, from what had landed by ``known_at`` (default: everything), to ``into``."""
    target = _target(home, into, overwrite)
    landing = Landing(home)
    catalogues = landing.catalogues()
    if not catalogues:
        raise UserError(
            f"{home.landing}: nothing has landed yet, so there is nothing to replay; `commitments run` first."
        )
    known = (
        landing.everything_known_at()
        if known_at is None
        else read_as_of(known_at, _business_time_zone(catalogues[-1]), "--known-at")
    )
    by_then = [one for one in catalogues if instant_us(one.landed_at) <= instant_us(known)]
    if not by_then:
        raise UserError(
            f"--known-at {known_at}: no catalogue had landed by then; the first landed at "
            f"{catalogues[0].landed_at.isoformat()}: give that or a later instant."
        )
    catalogue = by_then[-1]
    _check_tables(catalogue)
    instant = read_as_of(as_of, _business_time_zone(catalogue))
    remove_killed(home)
    with quiet_logs(home), progress or Progress() as shown, _scratch(home) as scratch:
        try:
            shown.stage("Laying out what had landed")
            _link(home, scratch, known)
            shown.stage("Checking it by the rules of the day")
            _judge(scratch, catalogue, instant, shown)
            shown.stage("Building the warehouse")
            variables = warehouse.variables(
                scratch,
                catalogue,
                as_of=instant,
                known_at=known,
                built_at=datetime.now(UTC),
                publication_id=datetime.now(UTC).strftime(LOAD_ID_FORMAT),
            )
            built = warehouse.build(scratch, variables, shown.step).file
            shown.stage("Writing")
            check_finished(built)
            tables = _rows(built)
            _move(built, target, overwrite)
        except UserError:
            raise
        except Exception as problem:
            raise UnexpectedError(f"{type(problem).__name__}: {problem}", log_unexpected(home, problem)) from None
    return Replayed(target, instant, known, catalogue, tables)


def remove_killed(home: Home) -> None:
    """Remove what replays that were killed left behind; one that is under way keeps its folder."""
    for folder in home.warehouse.glob(f"{FOLDER}*"):
        with suppress(OSError), _held(folder):
            shutil.rmtree(folder, ignore_errors=True)


# --- where it may go ----------------------------------------------------------------------------------------------


def _target(home: Home, into: Path, overwrite: bool) -> Path:
    file = into.expanduser().absolute()
    if not file.parent.is_dir():
        raise UserError(f"--into {into}: {file.parent} is no folder; make it, or name a file in another one.")
    own = (home.catalogue, home.landing, home.accepted, home.quarantine, home.warehouse, home.published, home.dagster)
    for path in (file.parent.resolve() / file.name, file.resolve()):
        if any(path.is_relative_to(folder.resolve()) for folder in own):
            raise UserError(
                f"--into {into}: {home.root} keeps its own files there, and a replay changes none of them; "
                "name a file elsewhere."
            )
    _check_overwrite(file, overwrite)
    return file


def _check_overwrite(file: Path, overwrite: bool) -> None:
    if not file.exists():
        return
    if not overwrite:
        raise UserError(f"--into {file}: the file is there already; name another, or add --overwrite.")
    if not file.is_file() or not _is_database(file):
        raise UserError(f"--into {file}: is no DuckDB file, so --overwrite leaves it alone; name another.")


def _is_database(file: Path) -> bool:
    with file.open("rb") as opened:
        return opened.read(MAGIC_AT + len(MAGIC))[MAGIC_AT:] == MAGIC


def _move(built: Path, target: Path, overwrite: bool) -> None:
    """Whole, in one rename; to another disk it is copied beside the target first."""
    _check_overwrite(target, overwrite)
    beside = target.with_name(f".{target.name}.replay")
    try:
        try:
            swap_in(built, target)
        except OSError as problem:
            if problem.errno != errno.EXDEV:
                raise
            shutil.copyfile(built, beside)
            swap_in(beside, target)
    except OSError as problem:
        raise UserError(f"--into {target}: cannot be written ({problem.strerror}); name a file elsewhere.") from None
    finally:
        beside.unlink(missing_ok=True)


# --- a home as it was ---------------------------------------------------------------------------------------------


@contextmanager
def _scratch(home: Home) -> Iterator[Home]:
    """A home that lasts as long as the replay; who finds it unlocked knows that its replay was killed."""
    home.warehouse.mkdir(parents=True, exist_ok=True)
    folder = home.warehouse / f"{FOLDER}{os.getpid()}"
    while True:
        folder.mkdir(exist_ok=True)
        try:
            with _held(folder):
                try:
                    yield _furnished(home, Home(folder))
                finally:
                    shutil.rmtree(folder, ignore_errors=True)
            return
        except _TakenError:
            # A run that tidies saw it before it was locked, and is removing it.
            folder = folder.with_name(f"{folder.name}-")


def _furnished(home: Home, scratch: Home) -> Home:
    scratch.warehouse.mkdir()
    logs = home.warehouse / "logs" / "replay"
    logs.mkdir(parents=True, exist_ok=True)
    # What dbt says of a replay that fails outlives it.
    (scratch.warehouse / "logs").symlink_to(logs, target_is_directory=True)
    warehouse.lend_parsed(home, scratch)
    return scratch


class _TakenError(OSError):
    """Somebody holds the folder."""


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        raise _TakenError from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _TakenError from None
        if not folder.exists():
            raise _TakenError
        yield
    finally:
        os.close(descriptor)


def _link(home: Home, scratch: Home, known: datetime) -> None:
    """Let everything that had landed by ``known`` be in ``scratch`` too, and nothing else."""
    latest, latest_us = known.strftime(LOAD_ID_FORMAT), instant_us(known)
    for path in [*home.landing.glob("[!_.]*/[!.]*/*"), *home.landing.glob("_*/*")]:
        if LOAD_ID.fullmatch(path.name):
            is_known = path.name <= latest
        elif path.name.endswith(ACCEPTED_BY_HAND) and LOAD_ID.fullmatch(path.name.removesuffix(ACCEPTED_BY_HAND)):
            by_hand_us = accepted_by_hand_us(path)
            is_known = by_hand_us is not None and by_hand_us <= latest_us
        else:
            continue
        if is_known:
            link = scratch.landing / path.relative_to(home.landing)
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(path)


def _judge(scratch: Home, catalogue: CatalogueBatch, as_of: datetime, shown: Progress) -> None:
    # Great Expectations is slow to import.
    from pipelines.alerts import outbox
    from pipelines.gate import judge, make_empty_files

    make_empty_files(scratch)
    journal.make_empty_files(scratch)
    Landing(scratch).make_empty_control_totals()
    outbox.export(scratch)
    sources = sources_of(catalogue)
    declared = [(source, entity) for source in sources.values() for entity in source.entities.values()]
    everything = [*declared, *no_longer_declared(scratch, sources)]
    for number, (source, entity) in enumerate(everything):
        shown.step(f"{source.name}.{entity.name}", number, len(everything))
        judge(scratch, source, entity, as_of)


def _check_tables(catalogue: CatalogueBatch) -> None:
    lacking = []
    for name, columns in columns_wanted().items():
        if name not in catalogue.tables:
            lacking.append(f"table {name}")
            continue
        have = set(pq.read_schema(catalogue.tables[name]).names)
        lacking += [f"column {name}.{column}" for column in columns if column not in have]
    if lacking:
        raise UserError(
            f"{catalogue.folder}: the catalogue landed then has no {', no '.join(lacking)}, which the models of this "
            f"version need; replay with the version that landed it: {catalogue.manifest['code_version']}."
        )


def _business_time_zone(catalogue: CatalogueBatch) -> str:
    content = json.loads((catalogue.folder / "catalogue.json").read_text(encoding="utf-8"))
    return str(content["organisation"]["business_time_zone"])


def _rows(file: Path) -> dict[str, int]:
    with duckdb.connect(str(file), read_only=True) as con:
        tables = con.execute("SELECT schema_name || '.' || table_name FROM duckdb_tables() ORDER BY ALL").fetchall()
        return {name: con.execute(f"SELECT count(*) FROM {name}").fetchall()[0][0] for (name,) in tables}
