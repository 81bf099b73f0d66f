"""A small catalogue in which everything is right; each test breaks or changes a piece of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pipelines.catalogue import Catalogue, CatalogueError, read_catalogue
from pipelines.home import Home

TODAY = date(2026, 3, 1)

RIGHT = {
    "organisation.yml": """\
name: Example
business_time_zone: Asia/Shanghai
currency: CNY
""",
    "sources.yml": """\
sources:
  crm:
    kind: files
    connection: in
    entities:
      jobs:
        shape: runs
        from: runs.csv
        key: [id]
        columns:
          work_order_id: id
          process: {value: claims}
          node: step
          started_at: opened
          status: state
""",
    "processes.yml": """\
processes:
  claims:
    department: Claims
    nodes:
      - {node: register, department: Front office}
      - {node: pay, department: Treasury}
""",
    "commitments.csv": """\
commitment_id,process,node,segment,location,calendar,commitment_limit,tolerance_limit,valid_from,valid_to
all,claims,,,,24x7,2d,3d,,
pay,claims,pay,,,office,4h,8h,,
""",
    "calendars.yml": """\
calendars:
  office:
    hours: {mon-fri: ["09:00-17:00"]}
""",
}
# Nearly every key that there is, to be replaced one by one.
FULL: dict[str, dict[str, Any]] = {
    "organisation.yml": {
        "name": "Example",
        "business_time_zone": "Asia/Shanghai",
        "currency": "CNY",
        "language": "zh-CN",
        "review": {"raise_at": 0.9},
        "achievement_dimensions": ["segment"],
        "publish": {"postgresql": "postgresql://x"},
    },
    "sources.yml": {
        "sources": {
            "crm": {
                "kind": "database",
                "connection": "sqlite:///a.db",
                "time_zone": "UTC",
                "expected_every": "1d",
                "entities": {
                    "jobs": {
                        "shape": "runs",
                        "from": "t",
                        "key": ["a"],
                        "columns": {
                            "work_order_id": "a",
                            "process": {"value": "claims"},
                            "node": "n",
                            "started_at": {"sql": "b"},
                            "status": "c",
                        },
                        "statuses": {"completed": ["X"]},
                        "nodes": {"P": "pay"},
                        "time_format": "unix",
                        "checks": [{"expect_column_values_to_not_be_null": {"column": "a"}, "on_failure": "stop"}],
                    },
                    "log": {
                        "shape": "events",
                        "query": "q",
                        "columns": {"work_order_id": "a", "process": "p", "activity": "b", "at": "c"},
                        "events": {"mode": "states", "ends": ["X"], "cancels": ["Y"], "pauses": ["Z"]},
                    },
                    "wide": {
                        "shape": "milestones",
                        "from": "t",
                        "key": ["a"],
                        "columns": {"work_order_id": "a", "process": {"value": "claims"}},
                        "milestones": [{"node": "pay", "from": "b", "to": "c"}],
                    },
                    "waits": {
                        "shape": "pauses",
                        "from": "t",
                        "key": ["a"],
                        "columns": {"work_order_id": "a", "process": {"value": "claims"}, "started_at": "b"},
                        "nodes": {"P": "pay"},
                    },
                    "survey": {
                        "shape": "feedback",
                        "from": "t",
                        "key": ["a"],
                        "columns": {"work_order_id": "a", "at": "b", "kind": "k", "value": "v", "scale": "s"},
                        "kinds": {"rating": ["R"], "complaint": ["C"]},
                    },
                    "failures": {
                        "shape": "outages",
                        "from": "t",
                        "key": ["a"],
                        "columns": {"service": "a", "started_at": "b", "planned": "c"},
                        "services": {"Payments": "claims/pay"},
                    },
                },
            },
            "shop": {
                "kind": "rest",
                "connection": "https://x/v2",
                "auth": {"oauth2": {"token_url": "https://x/t", "client_id": "us", "scope": "read"}},
                "headers": {"A": "b"},
                "timeout": "30s",
                "retries": 3,
                "entities": {
                    "waits": {
                        "shape": "pauses",
                        "from": "/t",
                        "params": {"a": "b", "c": ["d", 1]},
                        "records": "r",
                        "total": "t",
                        "paging": {"page": {"param": "p", "first": 0, "size_param": "s", "size": 10}},
                        "key": ["a"],
                        "cursor": "c",
                        "cursor_param": "since",
                        "cursor_format": "unix",
                        "cursor_lag": "1h",
                        "columns": {"work_order_id": "a", "process": {"value": "claims"}, "started_at": "b"},
                    }
                },
            },
            "erp": {
                "kind": "python",
                "connection": "erp.py:pull",
                "settings": {"a": {"b": ["c", 1, True]}},
                "entities": {
                    "waits": {
                        "shape": "pauses",
                        "key": ["a"],
                        "columns": {"work_order_id": "a", "process": {"value": "claims"}, "started_at": "b"},
                    }
                },
            },
        }
    },
    "processes.yml": {
        "processes": {
            "claims": {
                "department": "Claims",
                "nodes": [
                    {"node": "register"},
                    {"node": "pay", "owners": [{"department": "A", "valid_from": "2026-01-01"}]},
                ],
            }
        }
    },
    "calendars.yml": {
        "calendars": {
            "office": {
                "time_zone": "UTC",
                "hours": {"mon-fri": ["09:00-17:00"]},
                "holidays": {"country": "DE", "subdivision": "BY", "add": ["2026-01-01"], "remove": ["2026-01-02"]},
                "exceptions": {"2026-12-24": ["09:00-12:00"]},
                "closures": [{"from": "2026-03-03 10:00", "to": "2026-03-03 11:00"}],
                "horizon": {"from": "2025-01-01", "to": "2028-01-01"},
            },
            "versioned": {"versions": [{"hours": {"mon": "09:00-17:00"}}, {"valid_from": "2026-01-01", "hours": {}}]},
        }
    },
}
# A file that a test has put there itself.
KEEP = b"keep"
HEADER = RIGHT["commitments.csv"].splitlines()[0]

Read = Callable[..., Catalogue]
Mistakes = Callable[..., list[str]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Read the right catalogue with some files replaced, or left out (None); ``environ`` is all of the environment."""

    def read(files: dict[str, str | bytes | None] | None = None, environ: dict[str, str] | None = None) -> Catalogue:
        home = Home(tmp_path)
        home.catalogue.mkdir(exist_ok=True)
        for name, text in {**RIGHT, **(files or {})}.items():
            path = home.catalogue / name
            if text is KEEP:
                continue
            path.unlink(missing_ok=True)
            if text is not None:
                path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_catalogue(home, environ or {}, today=TODAY)

    return read


@pytest.fixture
def mistakes(read: Read) -> Mistakes:
    """Return the lines that a catalogue with some files replaced is refused with; none if it is right."""

    def mistakes(files: dict[str, str | bytes | None], environ: dict[str, str] | None = None) -> list[str]:
        try:
            read(files, environ)
        except CatalogueError as error:
            return str(error).splitlines()
        return []

    return mistakes


def commitments(*rows: str) -> dict[str, str]:
    """Return a commitments.csv of these rows, whose first one is in line 2."""
    return {"commitments.csv": "\n".join((HEADER, *rows)) + "\n"}


def calendar(text: str) -> dict[str, str]:
    """Return a calendars.yml whose calendar ``office``, from line 3 on, is described by flow YAML, a line a line."""
    lines = "\n".join("    " + line for line in text.strip().splitlines())
    return {"calendars.yml": f"calendars:\n  office:\n{lines}\n"}
