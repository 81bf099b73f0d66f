"""What readers open is whole, or it is what they had before."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from pipelines.home import Home
from pipelines.publish import Publication, remove_old_versions
from pipelines.publish.swap import UnfinishedError


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home with nothing in it."""
    home = Home(tmp_path)
    home.warehouse.mkdir()
    return home


def build(home: Home, publication_id: str, runs: int = 3) -> Path:
    """A warehouse as dbt leaves it, as small as it can be."""
    file = home.warehouse / "warehouse.duckdb"
    with duckdb.connect(str(file)) as con:
        con.execute("CREATE SCHEMA marts; CREATE SCHEMA detail; CREATE TABLE detail.pause (run_id VARCHAR)")
        con.execute("CREATE TABLE marts.publication AS SELECT ? AS publication_id", [publication_id])
        con.execute(
            "CREATE TABLE marts.fct_run AS SELECT i AS run_id, make_timestamptz(i) AS started_at FROM range(?) t(i)",
            [runs],
        )
    return file


def publish(home: Home, publication_id: str, runs: int = 3) -> None:
    """All steps of publishing."""
    built = build(home, publication_id, runs)
    publication = Publication(home, publication_id)
    publication.write_parquet(built)
    publication.show(built)


def publication_ids(home: Home) -> set[str]:
    """What the file and the Parquet beside it say they are."""
    with duckdb.connect(str(home.published / "warehouse.duckdb"), read_only=True) as con:
        files = home.published / "parquet" / "publication" / "*.parquet"
        return {
            con.execute("SELECT publication_id FROM marts.publication").fetchone()[0],
            con.execute(f"SELECT publication_id FROM '{files}'").fetchone()[0],
        }


def test_a_second_publication_replaces_the_first_in_the_file_and_in_the_parquet(home: Home) -> None:
    publish(home, "20260101T000000000000Z")
    publish(home, "20260102T000000000000Z")

    assert publication_ids(home) == {"20260102T000000000000Z"}


def test_parquet_holds_the_marts_with_their_instants_in_utc_and_nothing_else(home: Home) -> None:
    publish(home, "20260101T000000000000Z")

    assert sorted(path.name for path in (home.published / "parquet").iterdir()) == ["fct_run", "publication"]
    column = duckdb.sql(f"DESCRIBE SELECT started_at FROM '{home.published}/parquet/fct_run/*.parquet'").fetchone()
    assert column[1] == "TIMESTAMP WITH TIME ZONE"


def test_a_reader_keeps_the_version_it_opened(home: Home) -> None:
    publish(home, "20260101T000000000000Z", runs=3)
    with duckdb.connect(str(home.published / "warehouse.duckdb"), read_only=True) as reader:
        publish(home, "20260102T000000000000Z", runs=7)

        assert reader.execute("SELECT count(*) FROM marts.fct_run").fetchone() == (3,)
        assert reader.execute("SELECT publication_id FROM marts.publication").fetchone() == ("20260101T000000000000Z",)


def test_a_build_that_is_still_open_elsewhere_is_not_shown(home: Home) -> None:
    publish(home, "20260101T000000000000Z")
    built = build(home, "20260102T000000000000Z")
    publication = Publication(home, "20260102T000000000000Z")
    publication.write_parquet(built)
    hold = f"import duckdb; con = duckdb.connect({str(built)!r}); print('open', flush=True); input()"
    holder = subprocess.Popen([sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert holder.stdout.readline() == b"open\n"
        with pytest.raises(duckdb.IOException):
            publication.show(built)
    finally:
        holder.communicate(b"\n")

    assert publication_ids(home) == {"20260101T000000000000Z"}


def test_a_view_that_needs_the_builds_own_files_is_not_shown(home: Home) -> None:
    publish(home, "20260101T000000000000Z")
    built = build(home, "20260102T000000000000Z")
    with duckdb.connect(str(built)) as con:
        con.execute("CREATE VIEW marts.leaning AS SELECT 1 AS one")

    with pytest.raises(UnfinishedError, match=r"marts\.leaning"):
        Publication(home, "20260102T000000000000Z").show(built)

    assert publication_ids(home) == {"20260101T000000000000Z"}


def test_the_publication_before_stays_for_those_who_are_still_reading_it_and_older_ones_go(home: Home) -> None:
    for day in range(1, 5):
        publish(home, f"2026010{day}T000000000000Z")

    versions = sorted(path.name for path in home.published.glob(".parquet-*"))
    assert versions == [".parquet-20260103T000000000000Z", ".parquet-20260104T000000000000Z"]


def test_what_a_killed_run_wrote_beside_goes_at_the_next_start(home: Home) -> None:
    publish(home, "20260101T000000000000Z")
    Publication(home, "20260102T000000000000Z").write_parquet(build(home, "20260102T000000000000Z"))

    remove_old_versions(home)

    assert [path.name for path in home.published.glob(".parquet-*")] == [".parquet-20260101T000000000000Z"]
    assert publication_ids(home) == {"20260101T000000000000Z"}


def test_a_home_that_was_copied_with_its_links_resolved_is_published_to_again(home: Home) -> None:
    publish(home, "20260101T000000000000Z")
    link = home.published / "parquet"
    folder = link.resolve()
    link.unlink()
    shutil.copytree(folder, link)

    publish(home, "20260102T000000000000Z")

    assert publication_ids(home) == {"20260102T000000000000Z"}
