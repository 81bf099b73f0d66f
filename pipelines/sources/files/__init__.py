"""Files in a folder, a bucket or on a server: new and changed ones, each streamed in the order of the file."""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from pipelines.home import Home
from pipelines.sources.files.broken import AGAIN, Broken, said_clearly
from pipelines.sources.files.formats import ENDINGS, READERS, format_of
from pipelines.sources.files.reading import Reading, checked
from pipelines.sources.files.stores import Entry, Store, joined, store_of
from pipelines.sources.pulled import Progress, Pulled, SourceError

if TYPE_CHECKING:
    from pipelines.catalogue.sources import Entity, Source
    from pipelines.landing import Batch

GLOB = r"[*?\[]"
SHOWN_PROBLEMS = 5


@dataclass(frozen=True)
class _Changed:
    """A file that may have something to say."""

    entry: Entry
    landed_as: str | None
    """The hash under which it landed last, where the same content would be read in the same way."""


def pull(
    source: Source,
    entity: Entity,
    history: Sequence[Batch],
    home: Home,
    full_refresh: bool = False,
    progress: Progress | None = None,
) -> Pulled | None:
    """Bring the files of an entity that are new or changed since they last landed; None when it is known at once."""
    if entity.from_ is None:
        raise SourceError(source.name, entity.name, "`from` is missing in sources.yml: the name of a file, or a glob.")
    store = store_of(source, entity.name, home)
    try:
        changed = _changed(store, source.name, entity, history, full_refresh)
    except BaseException:
        store.close()
        raise
    if not changed:
        store.close()
        return None
    pulled = Pulled(mode="whole", batches=iter(()), origin=entity.from_, always_land=full_refresh)
    pulled.batches = _stream(pulled, store, source.name, entity, changed, home, progress)
    return pulled


def _changed(store: Store, source: str, entity: Entity, history: Sequence[Batch], full_refresh: bool) -> list[_Changed]:
    landed = {file["name"]: file for batch in history for file in batch.files}
    read_as = _read_as(entity)
    changed = []
    with said_clearly(source, entity.name, store.shown()):
        found = _find(store, str(entity.from_), source, entity.name)
    for entry in found:
        with said_clearly(source, entity.name, store.shown(entry.name)):
            format_of(entry.name, entity.format)
        before = landed.get(entry.name)
        if full_refresh or before is None or before.get("read_as", {}) != read_as:
            changed.append(_Changed(entry, None))
        elif entry.version is None or before.get("version") != entry.version:
            changed.append(_Changed(entry, before["sha256"]))
    return changed


def _read_as(entity: Entity) -> dict[str, Any]:
    """What sources.yml says about how files are read: said otherwise, the same file has other rows."""
    names = ("format", "encoding", "delimiter", "header_row", "sheet", "sheet_column", "object_type")
    return {name: value for name in names if (value := getattr(entity, name)) is not None}


def _stream(
    pulled: Pulled,
    store: Store,
    source: str,
    entity: Entity,
    changed: Sequence[_Changed],
    home: Home,
    progress: Progress | None,
) -> Iterator[pa.RecordBatch]:
    problems: list[str] = []
    rows = 0
    folder = home.warehouse / "pulls"
    folder.mkdir(parents=True, exist_ok=True)
    with closing(store), tempfile.TemporaryDirectory(dir=folder) as name:
        temporary = Path(name)
        for one in changed:
            file: dict[str, Any] = {}
            batches = _batches_of(one, file, store, source, entity, temporary, rows, progress)
            if len(changed) > 1:
                # What has been handed over cannot be taken back, and a broken file stops no other.
                try:
                    kept = _keep(batches, temporary)
                except SourceError as problem:
                    problems.append(problem.said)
                    continue
                batches = _kept(kept)
            first = rows + 1
            for batch in batches:
                rows += batch.num_rows
                yield batch
            if file:
                pulled.files.append({**file, "rows": rows - first + 1, "first_row": first})
    if problems:
        more = len(problems) - SHOWN_PROBLEMS
        said = [*problems[:SHOWN_PROBLEMS], *([f"And {more} more files are broken."] if more > 0 else [])]
        if not pulled.files:
            raise SourceError(source, entity.name, " ".join(said))
        pulled.problem = SourceError(source, entity.name, " ".join([*said, "The other files have landed."]))
    pulled.unchanged = not pulled.files
    digest = json.dumps([(file["name"], file["sha256"]) for file in pulled.files])
    pulled.content_hash = hashlib.sha256(digest.encode()).hexdigest()


def _batches_of(
    one: _Changed,
    file: dict[str, Any],
    store: Store,
    source: str,
    entity: Entity,
    temporary: Path,
    rows: int,
    progress: Progress | None,
) -> Iterator[pa.RecordBatch]:
    """The rows of a file, and in ``file`` what the manifest keeps about it; neither where it has landed before."""
    entry = one.entry
    with said_clearly(source, entity.name, store.shown(entry.name)), store.copy(entry, temporary) as path:
        sha256 = _sha256(path)
        if sha256 == one.landed_as:
            return
        size = path.stat().st_size
        if size == 0:
            raise Broken("is empty (0 bytes): not even a header is there", remedy=AGAIN)
        kind, zipped = format_of(entry.name, entity.format)
        said = _read_as(entity)
        how = Reading(temporary, **{name: value for name, value in said.items() if name != "format"})
        for batch in checked(READERS[kind](path, zipped, how), how):
            rows += batch.num_rows
            if progress is not None:
                progress(rows)
            yield batch
        file |= {"name": entry.name, "sha256": sha256, "size": size, **how.noticed}
        if said:
            file["read_as"] = said
        if entry.version is not None:
            file["version"] = entry.version


def _keep(batches: Iterator[pa.RecordBatch], folder: Path) -> list[Path]:
    """Write batches to disk to the last one, a file for each schema."""
    kept: list[Path] = []
    writer = None
    schema = None
    try:
        for batch in batches:
            if writer is None or batch.schema != schema:
                if writer is not None:
                    writer.close()
                schema = batch.schema
                kept.append(folder / f"kept-{len(kept)}.arrow")
                writer = pa.ipc.new_stream(str(kept[-1]), schema)
            writer.write_batch(batch)
    finally:
        if writer is not None:
            writer.close()
    return kept


def _kept(files: Sequence[Path]) -> Iterator[pa.RecordBatch]:
    for path in files:
        # Mapped into memory, what has been read would count as used until the file is closed.
        with pa.OSFile(str(path)) as file, pa.ipc.open_stream(file) as reader:
            yield from reader
        path.unlink()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def names(source: Source, home: Home, deep: int) -> list[str]:
    """Return the files of a source that can be read, also those in folders within its folder, ``deep`` of them."""
    with closing(store_of(source, "listing", home)) as store, said_clearly(source.name, "listing", store.shown()):
        _check_folder(store, source.name, "listing")
        found = [entry.name for entry in _beneath(store, "", deep)]
        return [name for name in found if name.lower().removesuffix(".gz").endswith(tuple(ENDINGS))]


def _beneath(store: Store, folder: str, deep: int) -> Iterator[Entry]:
    for entry in store.list(folder):
        if PurePosixPath(entry.name).name.startswith((".", "~$")):
            continue
        if not entry.is_folder:
            yield entry
        elif deep and not entry.is_link:
            yield from _beneath(store, entry.name, deep - 1)


# --- which files -------------------------------------------------------------------------------------------------


def _check_folder(store: Store, source: str, entity: str) -> None:
    top = store.stat("")
    if top is None:
        raise SourceError(
            source,
            entity,
            f"the folder {store.shown()} does not exist: create it, or correct `connection` of {source} in "
            "sources.yml.",
        )
    if not top.is_folder:
        raise SourceError(
            source, entity, f"{store.shown()} is a file, and `connection` wants its folder: the file belongs in `from`."
        )


def _find(store: Store, wanted: str, source: str, entity: str) -> list[Entry]:
    _check_folder(store, source, entity)
    name = PurePosixPath(wanted).as_posix()
    literal = store.stat(name)
    if literal is not None and not literal.is_folder:
        return [literal]
    if not re.search(GLOB, wanted):
        raise SourceError(
            source,
            entity,
            f"the file {store.shown(name)} does not exist: deliver it, or correct `from` in "
            f"sources.yml{_near(store, name)}.",
        )
    found = sorted(_expand(store, "", PurePosixPath(wanted).parts), key=lambda entry: _natural(entry.name))
    if not found:
        raise SourceError(
            source,
            entity,
            f"no file in {store.shown()} matches {wanted!r}: deliver one, or correct `from` in sources.yml.",
        )
    return found


def _expand(store: Store, folder: str, pattern: Sequence[str]) -> Iterator[Entry]:
    # pathlib's own glob passes over folders that it may not read, and their files would be missed in silence.
    first, rest = pattern[0], pattern[1:]
    if not re.search(GLOB, first):
        child = store.stat(joined(folder, first))
        if child is not None and child.is_folder and rest:
            yield from _expand(store, child.name, rest)
        elif child is not None and not child.is_folder and not rest:
            yield child
        return
    entries = [
        (PurePosixPath(entry.name).name, entry)
        for entry in store.list(folder)
        if not PurePosixPath(entry.name).name.startswith((".", "~$"))
    ]
    if first == "**":
        yield from _expand(store, folder, rest or ["*"])
        for _, entry in entries:
            # Links may lead round in circles.
            if entry.is_folder and not entry.is_link:
                yield from _expand(store, entry.name, pattern)
        return
    for name, entry in entries:
        if fnmatchcase(name, first):
            if rest and entry.is_folder:
                yield from _expand(store, entry.name, rest)
            elif not rest and not entry.is_folder:
                yield entry


def _natural(name: str) -> list[tuple[int, str]]:
    # export_9 before export_10: the later delivery wins, so the order has a meaning.
    return [(int(piece), "") if piece.isdecimal() else (0, piece) for piece in re.split(r"(\d+)", name)]


def _near(store: Store, name: str) -> str:
    from difflib import get_close_matches

    folder = str(PurePosixPath(name).parent)
    try:
        names = [PurePosixPath(entry.name).name for entry in store.list("" if folder == "." else folder)]
    except (Broken, OSError):
        return ""
    close = get_close_matches(PurePosixPath(name).name, names, n=1)
    return f" (there is {close[0]})" if close else ""
