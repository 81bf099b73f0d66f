"""Secrets and people: whatever goes right or wrong in a run, nothing of them is written or shown anywhere."""

from __future__ import annotations

import sqlite3
import zipfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tiny
from sources.mariadb import running

from pipelines.home import Home

pytestmark = pytest.mark.xdist_group("mariadb")

PASSWORD, OTHER_PASSWORD, TOKEN, KEY = "pw-s3cret-A1", "pw%s3cret-B2", "token-s3cret-C3", "key-s3cret-of-many-letters"
DROPPED, HASHED, BROKEN = "Dropped-0611-22", "Hashed-Ann-Person", "Hashed-Bob-Broken"
SECRETS = [PASSWORD, OTHER_PASSWORD, "pw%25s3cret-B2", TOKEN, KEY, DROPPED, HASHED, BROKEN]

SOURCES = """\
sources:
  crm:
    kind: files
    connection: in
    entities:
      jobs:
        shape: runs
        from: jobs.csv
        key: [order_no, step]
        drop: [phone]
        hash: [name, badge]
        reconcile: {file: "control.txt"}
        columns:
          {work_order_id: order_no, process: {value: claims}, node: step, started_at: opened, ended_at: closed,
           status: state, customer_id: name, resource: badge}
        statuses: {completed: [DONE], in_progress: [OPEN], cancelled: [VOID]}
        checks: [{expect_column_values_to_not_be_null: {column: name}}]
      cut:
        shape: runs
        from: cut.csv
        key: [order_no, step]
        drop: [phone]
        hash: [name]
        columns:
          {work_order_id: order_no, process: {value: claims}, node: step, started_at: opened, status: state}
  refused:
    kind: database
    connection: ${REFUSED}
    entities: {steps: {shape: runs, from: steps, key: [id], hash: [name], columns: {
      work_order_id: order_no, process: {value: orders}, node: step, started_at: t_from, status: state}}}
  silent:
    kind: database
    connection: ${SILENT}
    retries: 0
    entities:
      steps: {shape: runs, from: steps, key: [id], columns: {
        work_order_id: order_no, process: {value: orders}, node: step, started_at: t_from, status: state}}
  wms:
    kind: database
    connection: ${WMS}
    connections: 2
    entities:
      steps: {shape: runs, from: steps, key: [id], cursor: t_from, drop: [phone], hash: [name],
        reconcile: {count: true}, columns: {
        work_order_id: order_no, process: {value: orders}, node: step, started_at: t_from, status: state}}
      broken: {shape: runs, query: "SELECT id, json_extract(name, '$.x') AS name, t_from, state FROM steps",
        key: [id], hash: [name], columns: {
        work_order_id: id, process: {value: orders}, started_at: t_from, status: state}}
"""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home whose sources know people, and whose connections know passwords."""
    home = tiny.make_tiny_home(tmp_path / "home")
    (home.catalogue / "sources.yml").write_text(SOURCES)
    heading = "order_no,step,opened,closed,state,phone,name,badge\n"
    rows = [
        f"C1,register,2026-03-02 09:00:00,2026-03-02 13:00:00,DONE,{DROPPED},{HASHED},7\n",
        f"C2,register,2026-03-02 09:00:00,,ESCALATED,{DROPPED},{BROKEN},8\n",
        f"C3,register,yesterday,,OPEN,{DROPPED},{HASHED},9\n",
    ]
    (home.root / "in" / "jobs.csv").write_text(heading + "".join(rows))
    (home.root / "in" / "cut.csv").write_text(
        heading + rows[0] + f'C2,register,2026-03-02,,OPEN,{DROPPED},"{BROKEN},x\n'
    )
    (home.root / "in" / "control.txt").write_text("rows: 3\n")
    with closing(sqlite3.connect(tmp_path / "wms.db")) as con:
        con.execute("CREATE TABLE steps (id, order_no, step, t_from, state, phone, name)")
        con.execute(f"INSERT INTO steps VALUES (1, 'O1', 'enter', '2026-03-01', 'x', '{DROPPED}', '{HASHED}')")
        con.commit()
    return home


def everything_said_and_written(home: Home) -> Iterator[tuple[str, str]]:
    """Every file of the home but what the sources themselves are, as text: also what is packed into it."""
    for path in sorted(home.root.rglob("*")):
        if not path.is_file() or path.is_relative_to(home.root / "in"):
            continue
        name = str(path.relative_to(home.root))
        yield name, path.read_bytes().decode("utf-8", "replace")
        if path.suffix == ".parquet":
            table = pq.read_table(path, partitioning=None)
            yield f"{name} (values)", "\n".join(map(str, table.to_pylist()))
            yield f"{name} (schema)", str(table.schema.metadata) + str(pa.schema(table.schema))
        elif path.suffix == ".duckdb":
            with duckdb.connect(str(path), read_only=True) as con:
                for schema, table in con.execute("SELECT schema_name, table_name FROM duckdb_tables()").fetchall():
                    yield f"{name} {schema}.{table}", str(con.execute(f'FROM {schema}."{table}"').fetchall())
        elif path.read_bytes()[:15] == b"SQLite format 3":
            with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as con:
                yield f"{name} (dump)", "\n".join(con.iterdump())
        elif path.suffix == ".xlsx":
            with zipfile.ZipFile(path) as book:
                for part in book.namelist():
                    yield f"{name} {part}", book.read(part).decode("utf-8", "replace")


def test_nothing_that_is_secret_or_somebodys_is_written_or_shown(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMMITMENTS_HASH_KEY", KEY)
    monkeypatch.setenv("SILENT", f"postgresql://u:{OTHER_PASSWORD.replace('%', '%25')}@127.0.0.1:1/x?token={TOKEN}")
    monkeypatch.setenv("WMS", f"sqlite:///{tmp_path}/wms.db")
    said = []

    def call(*arguments: str) -> int:
        done = tiny.commitments(home, *arguments)
        said.append(f"{arguments}: {done.stdout} {done.stderr}")
        return done.returncode

    with running() as server:
        url = server.set(password=PASSWORD, database="mysql").render_as_string(hide_password=False)
        monkeypatch.setenv("REFUSED", url)
        assert call("run", "--as-of", tiny.AS_OF) == 3
        jobs = home.root / "in" / "jobs.csv"
        # Under another name somebody's number would land.
        jobs.write_text(jobs.read_text().replace(",phone,", ",mobile,"))
        assert call("run", "--as-of", tiny.AS_OF, "--json") == 3
    for command in (["status"], ["quarantine"], ["quarantine", "--json"], ["explain", "C1"], ["check"]):
        assert call(*command) == 0
    assert call("quarantine", "--export", str(tmp_path / "rows.csv")) == 0
    said.append((tmp_path / "rows.csv").read_text())
    sources = home.catalogue / "sources.yml"
    sources.write_text(SOURCES.replace("drop: [phone]", "drop: [order_no]"))
    monkeypatch.setenv("REFUSED", f"no url {PASSWORD}")
    assert call("check") == 1

    everything = [("terminal", text) for text in said]
    everything += everything_said_and_written(home)
    found = [(where, secret) for where, text in everything for secret in SECRETS if secret in text]
    assert found == []
    # What was looked for had every chance to be there.
    whole = "\n".join(said)
    assert "refused.steps" in whole
    assert "silent.steps" in whole
    assert "'phone', which `drop` names, and 'mobile' is new" in whole
    assert "status_mapped" in whole
    assert len([name for name, _ in everything if name.endswith("(values)")]) > 20
    assert [name for name, _ in everything if name.endswith("(dump)")]
    with duckdb.connect(str(home.published / "warehouse.duckdb"), read_only=True) as con:
        rows = con.execute("SELECT row ->> 'name', json_exists(row, '$.phone') FROM marts.quarantine").fetchall()
    assert {len(name) for name, _ in rows} == {64}
    assert {has_phone for _, has_phone in rows} == {False}
