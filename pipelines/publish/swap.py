"""Readers never see a half-built warehouse: what is finished is renamed into place, whole."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import duckdb


class UnfinishedError(Exception):
    """A file that is about to be published is not whole; publishing stops and readers keep what they have."""


def check_finished(file: Path) -> None:
    """Make sure that everything is in the file itself, and that nothing in it leans on another file."""
    with duckdb.connect(str(file)) as warehouse:
        warehouse.execute("CHECKPOINT")
        leaning = warehouse.execute(
            "SELECT schema_name || '.' || view_name FROM duckdb_views() WHERE NOT internal ORDER BY ALL"
        ).fetchall()
        publications = warehouse.execute("SELECT count(*) FROM marts.publication").fetchone()
    if leaning:
        raise UnfinishedError(f"{file} holds views, which need the build's own files: {[name for (name,) in leaning]}")
    if publications != (1,):
        raise UnfinishedError(f"{file} holds {publications} rows in marts.publication, not one")
    # Renamed without its .wal a file silently lacks a table (seen).
    if _wal(file).exists():
        raise UnfinishedError(f"{_wal(file)} is still there: something keeps the finished warehouse open")


def swap_in(built: Path, published: Path) -> None:
    """Put a finished file where readers open it; those who have the old one open keep it until they reconnect."""
    published.parent.mkdir(parents=True, exist_ok=True)
    _sync(built)
    built.chmod(0o444)
    # A .wal of somebody who opened the published file for writing would make the new one unopenable.
    _wal(published).unlink(missing_ok=True)
    os.replace(built, published)
    _sync(published.parent)


def point_to(name: Path, folder: Path) -> None:
    """Make ``name`` stand for ``folder`` in one rename."""
    link = name.with_name(f".{name.name}.link")
    link.unlink(missing_ok=True)
    link.symlink_to(folder.name, target_is_directory=True)
    if name.is_dir() and not name.is_symlink():
        # A home that was copied with its links resolved: a folder cannot be replaced by a link in one step.
        shutil.rmtree(name)
    os.replace(link, name)
    _sync(name.parent)


def sync_tree(folder: Path) -> None:
    """Let what was written survive a power cut before anything points to it."""
    for path in [*folder.rglob("*"), folder]:
        _sync(path)


def _wal(file: Path) -> Path:
    return file.with_name(f"{file.name}.wal")


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
