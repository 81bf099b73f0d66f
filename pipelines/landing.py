"""The one way a batch is stored and read back: Parquet parts and a manifest, whole or not there, never rewritten."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.errors import UserError
from pipelines.home import Home

if TYPE_CHECKING:
    from pipelines.catalogue import Catalogue
    from pipelines.sources.pulled import Pulled

ROW_NUMBER = "_row_number"
CATALOGUE = "_catalogue"
PUBLICATION = "_publication"
CONTROL = "_control"
ACCEPTED_BY_HAND = ".accepted_by_hand"
MANIFEST = "manifest.json"
LOAD_ID = re.compile(r"\d{8}T\d{12}Z")
LOAD_ID_FORMAT = "%Y%m%dT%H%M%S%fZ"

# DuckDB reads row groups in parallel and makes its own of 122,880 rows; wide rows are cut by size first.
ROWS_IN_MEMORY = 122_880
BYTES_IN_MEMORY = 64 * 1024 * 1024

CONTROL_TOTAL = pa.schema(
    {
        "source_system": pa.string(),
        "entity": pa.string(),
        "measure": pa.string(),
        "asked_us": pa.int64(),
        "source_value": pa.decimal128(38, 6),
    }
)

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@dataclass(frozen=True)
class Batch:
    """One landed pull of one entity."""

    source: str
    entity: str
    load_id: str
    landed_at: datetime
    folder: Path
    parts: list[Path]
    rows: int
    columns: dict[str, str]
    mode: str
    files: list[dict[str, Any]]
    manifest: dict[str, Any] = field(repr=False)

    @property
    def landed_us(self) -> int:
        """When it landed, in microseconds since 1970 UTC."""
        return _microseconds(self.landed_at)

    def table(self) -> pa.Table:
        """All rows in order of delivery: for tests and small batches, since it reads them into memory."""
        tables = [pq.read_table(part, partitioning=None) for part in self.parts]
        return pa.concat_tables(tables, promote_options="permissive")


@dataclass(frozen=True)
class CatalogueBatch:
    """One landed version of the catalogue: its tables as Parquet files in ``folder``."""

    load_id: str
    landed_at: datetime
    folder: Path
    hash: str
    tables: dict[str, Path]
    manifest: dict[str, Any] = field(repr=False)

    @property
    def landed_us(self) -> int:
        """When it landed, in microseconds since 1970 UTC."""
        return _microseconds(self.landed_at)


class Landing:
    """The landing folder of one home."""

    def __init__(self, home: Home) -> None:
        """Nothing is read or written yet."""
        self.root = home.landing

    def batches(self, source: str, entity: str) -> list[Batch]:
        """Every landed batch of an entity, the oldest first."""
        return [
            Batch(
                source=source,
                entity=entity,
                load_id=folder.name,
                landed_at=datetime.fromisoformat(manifest["landed_at"]),
                folder=folder,
                parts=[folder / part["name"] for part in manifest["parts"]],
                rows=manifest["rows"],
                columns=manifest["columns"],
                mode=manifest["mode"],
                files=manifest["files"],
                manifest=manifest,
            )
            for folder, manifest in _landed(self.root / source / entity)
        ]

    def land(self, source: str, entity: str, pulled: Pulled, now: datetime) -> Batch | None:
        """Store a pull whole, or nothing of it; None when it brought nothing that had not landed before."""
        folder = self.root / source / entity
        what = f"{source}.{entity}"
        try:
            with _locked(folder, what) as load, _temporary(folder, load(now), what) as temporary:
                history = self.batches(source, entity)
                parts = _write(pulled, temporary, what)
                if _is_unchanged(pulled, parts, history):
                    return None
                manifest = {
                    "source": source,
                    "entity": entity,
                    "load_id": temporary.load_id,
                    "landed_at": _instant(temporary.load_id).isoformat(),
                    "mode": pulled.mode,
                    "origin": pulled.origin,
                    "rows": parts.rows,
                    "columns": parts.columns,
                    "content_hash": pulled.content_hash,
                    "cursor_column": pulled.cursor_column,
                    "cursor_from": pulled.cursor_from,
                    "cursor_to": pulled.cursor_to,
                    "cursor_type": pulled.cursor_type,
                    "cursor_ties": pulled.cursor_ties,
                    "files": pulled.files,
                    "personal": pulled.personal,
                    "parts": parts.manifest,
                    "code_version": code_version(),
                }
                with _disk(what):
                    temporary.commit(manifest)
        finally:
            # A generator that is left half-way holds a file or a database connection open.
            close = getattr(pulled.batches, "close", None)
            if close is not None:
                close()
        return self.batches(source, entity)[-1]

    def entities(self) -> list[tuple[str, str]]:
        """Every source and entity of which something has landed."""
        return sorted(
            {
                (folder.parent.parent.name, folder.parent.name)
                for folder in self.root.glob("[!_.]*/*/*")
                if LOAD_ID.fullmatch(folder.name)
            }
        )

    def everything_known_at(self) -> datetime:
        """Now, or later where a clock that was set back has stamped a batch with a time to come."""
        folders = [*self.root.glob("*/*/*"), *self.root.glob("_*/*")]
        newest = max((folder.name for folder in folders if LOAD_ID.fullmatch(folder.name)), default=None)
        now = datetime.now(UTC)
        return now if newest is None else max(now, _instant(newest))

    def catalogues(self) -> list[CatalogueBatch]:
        """Every landed version of the catalogue, the oldest first."""
        return [
            CatalogueBatch(
                load_id=folder.name,
                landed_at=datetime.fromisoformat(manifest["landed_at"]),
                folder=folder,
                hash=manifest["hash"],
                tables={name: folder / f"{name}.parquet" for name in manifest["tables"]},
                manifest=manifest,
            )
            for folder, manifest in _landed(self.root / CATALOGUE)
        ]

    def latest_catalogue(self) -> CatalogueBatch | None:
        """The version in force; None before the first run."""
        landed = self.catalogues()
        return landed[-1] if landed else None

    def land_catalogue(
        self, catalogue: Catalogue, tables: Mapping[str, pa.Table], now: datetime | None = None
    ) -> CatalogueBatch:
        """Store the parsed catalogue and its tables, and return the newest version, which an unchanged one leaves."""
        folder = self.root / CATALOGUE
        # The same words lay out into other intervals once the zone rules or the holidays library are newer.
        tables_hash = _hash_of_tables(tables)
        with _locked(folder, "the catalogue") as load:
            newest = self.latest_catalogue()
            if newest and newest.hash == catalogue.hash and newest.manifest["tables_hash"] == tables_hash:
                return newest
            moment = now or datetime.now(UTC)
            with _temporary(folder, load(moment), "the catalogue") as temporary, _disk("the catalogue"):
                _write_tables(tables, temporary.folder)
                as_json = catalogue.as_json()
                text = as_json if isinstance(as_json, str) else json.dumps(as_json, ensure_ascii=False, indent=1)
                _write_text(temporary.folder / "catalogue.json", text)
                temporary.commit(
                    {
                        "load_id": temporary.load_id,
                        "landed_at": _instant(temporary.load_id).isoformat(),
                        "hash": catalogue.hash,
                        "tables_hash": tables_hash,
                        "tables": {name: table.num_rows for name, table in tables.items()},
                        "code_version": code_version(),
                    }
                )
        return self.catalogues()[-1]

    def publications(self) -> list[dict[str, Any]]:
        """What is known of every publication that landed, the oldest first."""
        return [manifest for _, manifest in _landed(self.root / PUBLICATION)]

    def land_publication(self, tables: Mapping[str, pa.Table], said: Mapping[str, Any]) -> str:
        """Store what a publication said, each row with its load; the load id."""
        return self._land_tables(PUBLICATION, "the publication", tables, said)

    def land_control_totals(self, rows: Sequence[Mapping[str, Any]]) -> str:
        """Store what sources said that their rows come to; the load id."""
        asked = pa.Table.from_pylist([dict(row) for row in rows], schema=CONTROL_TOTAL)
        return self._land_tables(CONTROL, "the control totals", {"control_total": asked}, {})

    def make_empty_control_totals(self) -> None:
        """A file of no rows, so that the models find one before any source was asked."""
        file = self.root / CONTROL / "_none" / "control_total.parquet"
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            temporary = file.with_name(".control_total")
            pq.write_table(_with_load(CONTROL_TOTAL.empty_table(), "", 0), temporary, compression="zstd")
            temporary.replace(file)

    def _land_tables(self, name: str, what: str, tables: Mapping[str, pa.Table], said: Mapping[str, Any]) -> str:
        folder = self.root / name
        with _locked(folder, what) as load, _temporary(folder, load(datetime.now(UTC)), what) as temporary:
            landed_at = _instant(temporary.load_id)
            landed_us = _microseconds(landed_at)
            with _disk(what):
                _write_tables(
                    {name: _with_load(table, temporary.load_id, landed_us) for name, table in tables.items()},
                    temporary.folder,
                )
                temporary.commit(
                    {
                        "load_id": temporary.load_id,
                        "landed_at": landed_at.isoformat(),
                        "tables": {name: table.num_rows for name, table in tables.items()},
                        **said,
                    }
                )
        return temporary.load_id

    def remove_leftovers(self) -> None:
        """Remove what killed pulls left behind, everywhere; pulls under way in another process are left alone."""
        # Of the catalogue and of publications there is one each.
        leftovers = [*self.root.glob("*/*/.tmp-*"), *self.root.glob("_*/.tmp-*")]
        for folder in {leftover.parent for leftover in leftovers}:
            with suppress(UserError), _locked(folder, folder.name):
                pass


JUDGES_NOTHING = ("alert_rule", "indicator", "service_credit")


def accepted_by_hand_us(mark: Path) -> int | None:
    """When somebody let a held batch in; null where nobody has, and the beginning where the mark is too old to say."""
    try:
        said = mark.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return None
    try:
        return _microseconds(datetime.fromisoformat(said)) if said else 0
    except (ValueError, TypeError):
        raise UserError(
            f"{mark}: {said!r} is no instant; restore the file from your backup, or remove it and accept the batch "
            "again with `commitments run --accept-held`."
        ) from None


@cache
def code_version() -> str:
    """The version of this project that wrote a batch."""
    try:
        return version("service-commitments")
    except PackageNotFoundError:
        return "unknown"


def landable(schema: pa.Schema) -> pa.Schema:
    """The types as they land: what only saves memory in Arrow is undone, and a column of nothing is text."""
    fields = []
    for column in schema:
        kind = column.type
        if pa.types.is_dictionary(kind):
            kind = kind.value_type
        if pa.types.is_null(kind):
            kind = pa.string()
        fields.append(pa.field(column.name, kind))
    return pa.schema(fields)


# --- writing -----------------------------------------------------------------------------------------------------


@dataclass
class _Parts:
    rows: int = 0
    columns: dict[str, str] = field(default_factory=dict)
    manifest: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class _Temporary:
    folder: Path
    final: Path
    load_id: str

    def commit(self, manifest: dict[str, Any]) -> None:
        """Give the finished batch its name: from here on it is history."""
        _write_text(self.folder / MANIFEST, json.dumps(manifest, ensure_ascii=False, indent=1))
        _sync_folder(self.folder)
        self.folder.rename(self.final)
        _sync_folder(self.final.parent)


def _with_load(table: pa.Table, load_id: str, landed_us: int) -> pa.Table:
    return table.append_column("load_id", pa.array([load_id] * table.num_rows, pa.string())).append_column(
        "landed_us", pa.array([landed_us] * table.num_rows, pa.int64())
    )


def _write_tables(tables: Mapping[str, pa.Table], folder: Path) -> None:
    for name, table in tables.items():
        with (folder / f"{name}.parquet").open("wb") as file:
            pq.write_table(table, file, compression="zstd")
            _sync(file)


def _write(pulled: Pulled, temporary: _Temporary, what: str) -> _Parts:
    parts = _Parts()
    part: _Part | None = None
    try:
        for batch in pulled.batches:
            schema = landable(batch.schema)
            _check_names(schema.names, what)
            with _disk(what):
                if part is None or part.schema != schema:
                    if part is not None:
                        parts.manifest.append(part.close())
                    part = _Part(temporary.folder / f"part-{len(parts.manifest):05d}.parquet", schema)
                    parts.columns.update(_described(schema, parts.columns))
                part.add(batch, parts.rows + 1)
            parts.rows += batch.num_rows
        with _disk(what):
            if part is None:
                # Readers expect a file, whatever came.
                part = _Part(temporary.folder / "part-00000.parquet", pa.schema([]))
            parts.manifest.append(part.close())
        part = None
    finally:
        if part is not None:
            part.abandon()
    return parts


class _Part:
    """One Parquet file: rows of one schema, numbered, written a row group at a time."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self.schema = schema
        self.rows = 0
        self._path = path
        self._waiting: list[pa.RecordBatch] = []
        self._waiting_rows = 0
        self._waiting_bytes = 0
        self._landed_schema = schema.append(pa.field(ROW_NUMBER, pa.int64()))
        self._file = path.open("wb")
        self._writer = pq.ParquetWriter(self._file, self._landed_schema, compression="zstd")

    def add(self, batch: pa.RecordBatch, first_row: int) -> None:
        numbers = pa.array(np.arange(first_row, first_row + batch.num_rows, dtype=np.int64))
        columns = [
            column if column.type == kind else column.cast(kind)
            for column, kind in zip(batch.columns, self.schema.types, strict=True)
        ]
        self._waiting.append(pa.RecordBatch.from_arrays([*columns, numbers], schema=self._landed_schema))
        self._waiting_rows += batch.num_rows
        self._waiting_bytes += batch.nbytes
        if self._waiting_rows >= ROWS_IN_MEMORY or self._waiting_bytes >= BYTES_IN_MEMORY:
            self._flush()

    def close(self) -> dict[str, Any]:
        self._flush()
        self._writer.close()
        _sync(self._file)
        self._file.close()
        return {"name": self._path.name, "rows": self.rows, "bytes": self._path.stat().st_size}

    def abandon(self) -> None:
        # On a full disk the closing words of the file cannot be written either, and nobody will read them.
        with suppress(Exception):
            self._writer.close()
        with suppress(Exception):
            self._file.close()

    def _flush(self) -> None:
        if not self._waiting:
            return
        table = pa.Table.from_batches(self._waiting, self._landed_schema)
        # As it came together: a fixed size would leave a group of a few rows after each full one.
        self._writer.write_table(table, row_group_size=max(1, table.num_rows))
        self.rows += table.num_rows
        self._waiting, self._waiting_rows, self._waiting_bytes = [], 0, 0


def _described(schema: pa.Schema, known: Mapping[str, str]) -> dict[str, str]:
    described = {}
    for column in schema:
        kind = str(column.type)
        # A column that changes its type between parts is text to whoever reads them together.
        described[column.name] = kind if known.get(column.name, kind) == kind else "string"
    return described


def _check_names(names: list[str], what: str) -> None:
    seen: dict[str, str] = {}
    for name in names:
        if name.lower() == ROW_NUMBER:
            raise UserError(f"{what}: the source has a column {name!r}, a name that landing needs itself: rename it.")
        if name.lower() in seen:
            raise UserError(
                f"{what}: the source has the columns {seen[name.lower()]!r} and {name!r}, "
                "which the warehouse cannot tell apart: rename one."
            )
        seen[name.lower()] = name


def _is_unchanged(pulled: Pulled, parts: _Parts, history: list[Batch]) -> bool:
    # A list of keys says something new about whatever came since the last one; rows are compared with rows.
    comparable = [one for one in history if pulled.mode == "keys" or one.mode != "keys"]
    if pulled.always_land or not comparable:
        return False
    if pulled.unchanged:
        return True
    newest = comparable[-1]
    # Files are compared one by one before they are read; a new name with old content is news.
    return (
        not pulled.files
        and pulled.content_hash is not None
        and newest.mode == pulled.mode
        and newest.manifest["content_hash"] == pulled.content_hash
        and newest.manifest["origin"] == pulled.origin
        and newest.columns == parts.columns
    )


# --- folders -----------------------------------------------------------------------------------------------------


def _landed(folder: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    if not folder.is_dir():
        return
    for name in sorted(entry.name for entry in os.scandir(folder) if LOAD_ID.fullmatch(entry.name)):
        manifest = folder / name / MANIFEST
        try:
            yield folder / name, json.loads(manifest.read_text(encoding="utf-8"))
        except (OSError, ValueError) as problem:
            raise UserError(
                f"{manifest}: cannot be read ({problem}); landing is written once and never changed by this project: "
                "restore the folder from your backup."
            ) from None


@contextmanager
def _locked(folder: Path, what: str) -> Iterator[Any]:
    """Let one process at a time land here; what others left half-done is then nobody's, and goes."""
    with _disk(what):
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(
                f"{what}: another run is landing it just now; wait for it to end, then run again."
            ) from None
        for leftover in folder.glob(".tmp-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        yield lambda now: _next_load_id(folder, now)
    finally:
        os.close(lock)


@contextmanager
def _temporary(folder: Path, load_id: str, what: str) -> Iterator[_Temporary]:
    temporary = _Temporary(folder / f".tmp-{load_id}", folder / load_id, load_id)
    with _disk(what):
        temporary.folder.mkdir()
    try:
        yield temporary
    finally:
        shutil.rmtree(temporary.folder, ignore_errors=True)


def _next_load_id(folder: Path, now: datetime) -> str:
    load_id = now.astimezone(UTC).strftime(LOAD_ID_FORMAT)
    newest = max((entry.name for entry in os.scandir(folder) if LOAD_ID.fullmatch(entry.name)), default="")
    # A clock that was set back must not make the newest batch look older than the one before it.
    if load_id <= newest:
        load_id = (_instant(newest) + timedelta(microseconds=1)).strftime(LOAD_ID_FORMAT)
    return load_id


@contextmanager
def _disk(what: str) -> Iterator[None]:
    try:
        yield
    except OSError as problem:
        number = problem.errno
        if number in FULL or "No space left" in str(problem):
            raise UserError(
                f"{what}: the disk is full while landing; nothing of this pull was kept. "
                "Free some space, then run again."
            ) from None
        if number in {errno.EACCES, errno.EPERM, errno.EROFS}:
            raise UserError(
                f"{what}: landing may not write {problem.filename or 'its folder'} ({os.strerror(number)}); "
                "give this user the right to, then run again."
            ) from None
        raise


def _write_text(path: Path, text: str) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write(text)
        _sync(file)


def _sync(file: IO[Any]) -> None:
    file.flush()
    os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _hash_of_tables(tables: Mapping[str, pa.Table]) -> str:
    """Identify what figures are judged by: who is told of them changes none."""
    digest = hashlib.sha256()
    for name, table in sorted(tables.items()):
        if name in JUDGES_NOTHING:
            continue
        digest.update(name.encode())
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, table.schema) as stream:
            stream.write_table(table.combine_chunks())
        digest.update(sink.getvalue())
    return digest.hexdigest()


def _instant(load_id: str) -> datetime:
    return datetime.strptime(load_id, LOAD_ID_FORMAT).replace(tzinfo=UTC)


def _microseconds(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
