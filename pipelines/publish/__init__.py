"""What readers get: a finished warehouse file, the same marts as Parquet and a report, all of one publication."""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from pathlib import Path

from pipelines.home import Home
from pipelines.publish import parquet
from pipelines.publish.swap import check_finished, point_to, swap_in, sync_tree

PARQUET = "parquet"
REPORT = "report"
DOCS = "docs"
FOLDERS = (PARQUET, REPORT, DOCS)


class Publication:
    """One publication on its way out: made beside what readers see, shown to them in one rename each."""

    def __init__(self, home: Home, publication_id: str) -> None:
        """Nothing is written yet."""
        self.home = home
        self.publication_id = publication_id

    def write_parquet(self, built: Path) -> dict[str, int]:
        """Write every mart of the finished file beside the published ones; rows by table."""
        folder = self._fresh(PARQUET)
        rows = parquet.write(built, folder)
        sync_tree(folder)
        return rows

    def write_report(self, built: Path) -> Path | None:
        """Write the report from the finished file beside the published one; None while there is no report to make."""
        if find_spec("pipelines.publish.report") is None:
            return None
        from pipelines.publish.report import write_report

        folder = self._fresh(REPORT)
        page = write_report(built, folder)
        sync_tree(folder)
        return page

    def write_documentation(self, built: Path, manifest: Path) -> Path:
        """Write what every table and column means beside the published pages."""
        from pipelines.publish.documentation import write_documentation

        folder = self._fresh(DOCS)
        page = write_documentation(built, manifest, folder)
        sync_tree(folder)
        return page

    def show(self, built: Path) -> Path:
        """Let readers see it. Nothing before this has changed what they see."""
        check_finished(built)
        published = self.home.published
        for name in FOLDERS:
            version = self._version(name)
            if version.is_dir():
                point_to(published / name, version)
        # Last: who reads the publication in the warehouse file finds that of the files beside it not older.
        file = published / "warehouse.duckdb"
        swap_in(built, file)
        remove_old_versions(self.home)
        return file

    def _version(self, name: str) -> Path:
        return self.home.published / f".{name}-{self.publication_id}"

    def _fresh(self, name: str) -> Path:
        folder = self._version(name)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder


def remove_old_versions(home: Home) -> None:
    """Keep what is shown and the one before it, which somebody may still be reading; killed runs leave others."""
    for name in FOLDERS:
        shown = home.published / name
        current = shown.resolve().name if shown.is_symlink() else ""
        versions = sorted(path for path in home.published.glob(f".{name}-*") if path.name != current)
        before = [path for path in versions if path.name < current][-1:]
        for path in versions:
            if path not in before:
                shutil.rmtree(path, ignore_errors=True)
