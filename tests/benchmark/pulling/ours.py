"""One pull by this project into landing: ``python -m tests.benchmark.pulling.ours KIND CONNECTION HOME``."""

from __future__ import annotations

import sys
from pathlib import Path

from pipelines.catalogue import read_catalogue
from pipelines.home import Home
from pipelines.run import Daily

from ..measure import measured
from ..synthesize import AS_OF
from .systems import PAGE

CATALOGUE = {
    "organisation.yml": "name: Pulling\nbusiness_time_zone: UTC\ncurrency: EUR\n",
    "processes.yml": "processes: {orders: {nodes: [{node: register}, {node: assess}, {node: decide}, {node: pay}]}}\n",
    "commitments.csv": "commitment_id,process,node,calendar,commitment_limit,tolerance_limit\n",
    "calendars.yml": "calendars: {}\n",
}
RUNS = """
        shape: runs
        key: [id]
        columns:
          {{work_order_id: order_no, process: {{value: orders}}, node: step, started_at: t_from, ended_at: t_to,
           status: state, segment: class}}
        statuses: {{completed: [DONE]}}
        {}"""
EVENTS = """
        shape: events
        from: log_*.xes
        columns:
          {{work_order_id: "case:concept:name", process: {{value: orders}}, activity: "concept:name",
           at: "time:timestamp"}}
        events: {{mode: completions}}"""
CURSOR = "from: steps\n        cursor: changed_at"
KINDS = {
    "postgresql": ("database", RUNS.format(CURSOR)),
    "sqlite": ("database", RUNS.format(CURSOR)),
    "csv": ("files", RUNS.format("from: steps_*.csv")),
    "xes": ("files", EVENTS.format()),
    "api": (
        "rest",
        RUNS.format(
            "from: /steps\n        records: items\n        total: total\n"
            "        cursor: id\n        cursor_param: since\n"
            f"        paging: {{offset: {{param: offset, limit_param: limit, limit: {PAGE}}}}}"
        ),
    ),
}


def prepare(kind: str, connection: str, home: Home) -> None:
    """Write the catalogue of a home with one source."""
    home.catalogue.mkdir(parents=True, exist_ok=True)
    of_kind, entity = KINDS[kind]
    source = (
        f"sources:\n  system:\n    kind: {of_kind}\n    connection: {connection}\n    entities:\n      steps:{entity}\n"
    )
    for name, text in {**CATALOGUE, "sources.yml": source}.items():
        (home.catalogue / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    kind, connection, folder = sys.argv[1:]
    home = Home(Path(folder))
    prepare(kind, connection, home)
    daily = Daily(home, read_catalogue(home), AS_OF)
    [source] = daily.catalogue.sources.values()
    with measured(kind):
        batches = daily.pull(source, "steps")
    print(f"rows: {sum(batch.rows for batch in batches)}")
