"""Interfaces and functions within a daily run: judged like any other source, and their secrets are nowhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import duckdb
import pytest
import tiny

from pipelines.catalogue import read_catalogue
from pipelines.home import Home
from pipelines.landing import Landing
from pipelines.rules import sources_of
from pipelines.run import run

from .api import Answer, Api, Asked

SECRET = "s3cret-of-ours"

MORE_SOURCES = """\
  shop:
    kind: rest
    connection: ${SHOP_URL}
    auth: {bearer: "${SHOP_TOKEN}"}
    headers: {X-Partner: "${SHOP_TOKEN}"}
    retries: 0
    entities:
      steps:
        shape: runs
        from: /steps
        params: {state: all}
        records: data
        paging: {next_link: links.next}
        key: [step.id]
        cursor: changed
        cursor_param: since
        columns:
          {work_order_id: order.number, process: {value: orders}, node: step.name,
           started_at: step.from, ended_at: step.to, status: state, segment: {sql: "lower(\\"order.class\\")"}}
        statuses: {completed: [DONE], in_progress: [OPEN], cancelled: [VOID]}
        checks: [{expect_column_values_to_not_be_null: {column: order.class}}]
  erp:
    kind: python
    connection: in/erp.py:pull
    settings: {password: "${SHOP_TOKEN}"}
    entities:
      steps:
        shape: runs
        key: [id]
        columns:
          {work_order_id: order_no, process: {value: orders}, node: step,
           started_at: t_from, ended_at: t_to, status: state}
        statuses: {completed: [DONE], in_progress: [OPEN], cancelled: [VOID]}
"""

ERP = """\
from datetime import UTC, datetime
import pyarrow as pa

def pull(entity, since, settings):
    print("with", settings["password"])
    at = datetime(2026, 3, 1, 9, tzinfo=UTC)
    yield pa.table({"id": [1, None], "order_no": ["P1", "P2"], "step": ["deliver"] * 2, "t_from": [at] * 2,
                    "t_to": [at.replace(day=5)] * 2, "state": ["DONE", "DONE"]})
    if (FAILS := False):
        raise RuntimeError(settings["password"])
"""


def _step(id: Any, number: str, state: str, grade: str | None = "GOLD") -> dict[str, Any]:
    step = {"id": id, "name": "deliver", "from": "2026-03-01T09:00:00Z", "to": "2026-03-01T19:00:00Z"}
    return {
        "step": step,
        "order": {"number": number, "class": grade},
        "state": state,
        "changed": "2026-03-02T00:00:00Z",
    }


PAGES = {
    None: {"data": [_step(1, "R1", "DONE"), _step(None, "R2", "DONE")], "links": {"next": "?page=2"}},
    "2": {"data": [_step(3, "R3", "DONE"), _step(3, "R3", "VOID"), _step(4, "R4", "DONE", None)], "links": {}},
}


@pytest.fixture
def api() -> Iterator[Api]:
    api = Api()
    yield api
    api.close()


@pytest.fixture
def home(tiny_home: Home, api: Api, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("SHOP_URL", api.url)
    monkeypatch.setenv("SHOP_TOKEN", SECRET)
    (tiny_home.catalogue / "sources.yml").write_text(tiny.SOURCES + MORE_SOURCES, encoding="utf-8")
    (tiny_home.root / "in" / "erp.py").write_text(ERP, encoding="utf-8")
    return tiny_home


def ask(home: Home, sql: str) -> list[tuple]:
    with duckdb.connect(str(home.published / "warehouse.duckdb"), read_only=True) as con:
        return con.execute(sql).fetchall()


def test_what_they_deliver_is_judged_and_published_and_their_secrets_are_nowhere(
    home: Home, api: Api, capfd: pytest.CaptureFixture[str]
) -> None:
    def answer(asked: Asked) -> Any:
        assert asked.headers["authorization"] == f"Bearer {SECRET}"
        return {"data": []} if asked.params.get("since") else PAGES[asked.params.get("page")]

    api.answer = answer
    first = run(home, tiny.AS_OF)
    again = run(home, tiny.AS_OF)
    (home.root / "in" / "erp.py").write_text(ERP.replace("FAILS := False", "FAILS := True"), encoding="utf-8")
    api.answer = lambda asked: Answer({"you": str(asked.headers)}, status=401)
    broken = run(home, tiny.AS_OF)

    counts = {entity.name: (entity.pulled, entity.accepted, entity.quarantined) for entity in first.entities}
    assert counts["shop.steps"] == (5, 3, 2)
    assert counts["erp.steps"] == (2, 1, 1)
    assert ask(
        home,
        "SELECT work_order_id, state, segment FROM marts.fct_run WHERE scope = 'node' AND source_system = 'shop' "
        "ORDER BY ALL",
    ) == [("R1", "completed_normal", "gold"), ("R3", "cancelled", "gold")]
    assert ask(home, "SELECT state FROM marts.fct_run WHERE scope = 'node' AND source_system = 'erp'") == [
        ("completed_warning",)
    ]
    assert (first.exit_code, again.exit_code, broken.exit_code) == (0, 0, 3)
    assert [entity.pulled for entity in again.entities if entity.source_system in ("shop", "erp")] == [0, 0]
    problems = {entity.name: entity.problem or "" for entity in broken.entities}
    assert "the user, key or token is refused" in problems["shop.steps"]
    assert "RuntimeError: *** (" in problems["erp.steps"]
    assert "in/erp.py, line 10)" in problems["erp.steps"]

    landed, catalogue = Landing(home).latest_catalogue(), read_catalogue(home)
    assert landed
    for source in ("shop", "erp"):
        assert sources_of(landed)[source].entities == catalogue.sources[source].entities

    log = (home.warehouse / "logs" / "run.log").read_text(encoding="utf-8")
    assert "erp.steps printed: with ***" in log
    assert "Traceback (most recent call last)" in log
    said = capfd.readouterr()
    assert SECRET not in said.out + said.err + str(broken)
    found = [path for path in home.root.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()]
    assert found == []
