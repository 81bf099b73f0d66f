"""What a source system has: its tables or files, and a sample of each, through the very code that will pull it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from pipelines.catalogue.sources import FILE_FORMATS, Entity, Source
from pipelines.errors import UserError
from pipelines.home import Home
from pipelines.sources import SourceError, pull

if TYPE_CHECKING:
    from collections.abc import Sequence

ROWS_LOOKED_AT = 10_000
# Of a pattern of many files the newest ones, until there are enough rows.
FILES_LOOKED_AT = 5
# A database with thousands of tables, or a folder with thousands of names, is for `--entity`.
MOST_SUBJECTS = 40
FOLDERS_DEEP = 3


@dataclass(frozen=True)
class Subject:
    """A table, the files of one pattern, the path of a list, or what a function yields."""

    name: str
    from_: str
    files: tuple[str, ...] = ()
    primary_key: tuple[str, ...] = ()
    rows: int | None = None
    note: str = ""


def listed(source: Source, home: Home, wanted: Sequence[str]) -> list[Subject]:
    """The tables or files of a source; of those asked for, each must be there."""
    if source.kind == "database":
        return _tables(source, home, wanted)
    if source.kind == "files":
        return _files(source, home, wanted)
    if source.kind == "python":
        # The function is told the entity's name, and has no tables.
        return [Subject(one, "") for one in wanted or [source.name]]
    if not wanted:
        raise UserError(f"{source.name}: kind {source.kind} cannot list what it has: name it with --entity.")
    return [Subject(one, one) for one in wanted]


def sample(source: Source, subject: Subject, home: Home) -> pa.Table:
    """Up to some ten thousand rows of a table or set of files, each column with one type."""
    batches: list[pa.RecordBatch] = []
    for origin in subject.files[::-1][:FILES_LOOKED_AT] or (subject.from_,):
        batches += _first_rows(source, subject, origin, home, ROWS_LOOKED_AT - sum(len(batch) for batch in batches))
        if sum(len(batch) for batch in batches) >= ROWS_LOOKED_AT:
            break
    tables = [pa.Table.from_batches([batch]) for batch in batches if batch.num_columns]
    return pa.concat_tables(tables, promote_options="permissive") if tables else pa.table({})


def _first_rows(source: Source, subject: Subject, origin: str, home: Home, rows: int) -> list[pa.RecordBatch]:
    entity = Entity(name=_entity_word(subject.name), shape="runs", from_=origin or None, columns={})
    pulled = pull(source, entity, [], home)
    if pulled is None:
        return []
    batches = []
    try:
        for batch in pulled.batches:
            batches.append(batch.slice(0, rows))
            rows -= len(batches[-1])
            if rows <= 0:
                break
    finally:
        # It holds a file or a connection open.
        close = getattr(pulled.batches, "close", None)
        if close is not None:
            close()
    return batches


def entity_names(subjects: Sequence[Subject]) -> Mapping[Subject, str]:
    """A name for each that sources.yml takes, no two alike."""
    names: dict[Subject, str] = {}
    for subject in subjects:
        word, number = _entity_word(subject.name), 1
        while word in names.values():
            number += 1
            word = f"{_entity_word(subject.name)}_{number}"
        names[subject] = word
    return names


def _entity_word(name: str) -> str:
    name = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name).lower()
    said = [word for word in re.findall(r"[a-z0-9]+", name) if word not in ("dataset", "data", "export", "file", "tbl")]
    return "_".join(said).lstrip("0123456789_") or "rows"


# --- databases ----------------------------------------------------------------------------------------------------


def _tables(source: Source, home: Home, wanted: Sequence[str]) -> list[Subject]:
    from pipelines.sources.database import tables

    found = [
        Subject(table.name.rpartition(".")[2], table.name, primary_key=table.primary_key, rows=table.rows)
        for table in tables(source, home)
    ]
    if not found:
        raise UserError(f"{source.name}: there is no table or view that this user may see: give it the right to read.")
    if wanted:
        known = {subject.from_: subject for subject in found} | {subject.name: subject for subject in found}
        for one in wanted:
            if one not in known:
                raise UserError(f"{source.name}: there is no table or view {one!r} (there are {_some(known)}).")
        return [known[one] for one in wanted]
    return _not_too_many(source, found, "tables")


# --- files --------------------------------------------------------------------------------------------------------


def _files(source: Source, home: Home, wanted: Sequence[str]) -> list[Subject]:
    from pipelines.sources.files import names as readable

    names = sorted(readable(source, home, FOLDERS_DEEP), key=_natural)
    if not names:
        raise UserError(
            f"{source.name}: no file in its folder can be read (known: {' '.join(FILE_FORMATS)}, each also .gz)."
        )
    if wanted:
        subjects = []
        for pattern in wanted:
            matching = [name for name in names if name == pattern or fnmatchcase(name, pattern)]
            if not matching:
                raise UserError(f"{source.name}: no file there matches {pattern!r} (there are {_some(names)}).")
            subjects.append(_subject_of(pattern, matching))
        return subjects
    return _not_too_many(source, _grouped(names), "kinds of files")


def _grouped(names: Sequence[str]) -> list[Subject]:
    """Files whose names differ in numbers only belong together: jobs_2026-01.csv, jobs_2026-02.csv."""
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(re.sub(r"\d+(?:[-_.]?\d+)*", "*", name), []).append(name)
    subjects = []
    for pattern, members in groups.items():
        if len(members) == 1:
            subjects.append(_subject_of(members[0], members))
            continue
        matching = [name for name in names if fnmatchcase(name, pattern)]
        if matching != members:
            pattern = pattern.replace("*", "[0-9]*")
            matching = [name for name in names if fnmatchcase(name, pattern)]
        if matching == members:
            subjects.append(_subject_of(pattern, members))
        else:
            subjects += [_subject_of(member, [member]) for member in members]
    return subjects


def _subject_of(pattern: str, members: Sequence[str]) -> Subject:
    # The name without ending, folder and what differs.
    name = re.sub(r"\[0-9\]|[*?\[\]]", " ", Path(pattern).name.removesuffix(".gz"))
    name = name.rpartition(".")[0] if "." in name else name
    note = f"{len(members)} files, from {members[0]} to {members[-1]}" if len(members) > 1 else ""
    return Subject(name.strip(" _-."), pattern, tuple(members), note=note)


def _natural(name: str) -> list[tuple[int, str]]:
    return [(int(piece), "") if piece.isdecimal() else (0, piece) for piece in re.split(r"(\d+)", name)]


def _not_too_many(source: Source, found: list[Subject], what: str) -> list[Subject]:
    if len(found) > MOST_SUBJECTS:
        raise UserError(
            f"{source.name}: there are {len(found)} {what}, too many to look at each: choose with --entity, e.g. "
            f"{' '.join(f'--entity {subject.from_}' for subject in islice(found, 3))}."
        )
    return found


def _some(names: Sequence[str] | Mapping[str, Subject]) -> str:
    shown = list(dict.fromkeys(names))
    return ", ".join(shown[:8]) + (", …" if len(shown) > 8 else "")


__all__ = ["ROWS_LOOKED_AT", "SourceError", "Subject", "entity_names", "listed", "sample"]
