"""A function of the user's runs in a process of its own: what it yields lands, what it breaks is named by its line."""

from __future__ import annotations

import logging
import textwrap
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from pydantic import SecretStr

from pipelines.sources import SourceError

from .conftest import Bench, rows

SECRET = "s3cret-of-ours"


@pytest.fixture
def erp(bench: Bench) -> Bench:
    bench.kind = "python"
    bench.connection = "in/erp.py:pull"
    return bench


def write(erp: Bench, code: str, name: str = "erp.py") -> None:
    (erp.home.root / "in" / name).write_text("import pyarrow as pa\n" + textwrap.dedent(code), encoding="utf-8")


def refused(erp: Bench, **declared: Any) -> str:
    with pytest.raises(SourceError, match=r"^crm\.orders: ") as refusal:
        erp.pull(**declared)
    assert erp.nothing_landed()
    assert "\n" not in str(refusal.value)
    assert SECRET not in str(refusal.value)
    return str(refusal.value)


def test_what_a_function_yields_lands_with_its_types(erp: Bench) -> None:
    write(
        erp,
        """
        from datetime import UTC, date, datetime
        from decimal import Decimal

        def pull(entity, since, settings):
            yield pa.RecordBatch.from_pylist([{"entity": entity, "since": since, "size": settings["size"]}])
            yield pa.table({
                "entity": [None], "since": ["x"], "size": [5],
                "exact": [Decimal("1.10")], "day": [date(2026, 5, 1)], "at": [datetime(2026, 5, 1, 9, tzinfo=UTC)],
            })
        """,
    )
    erp.settings = {"settings": {"size": 3}}

    batch = erp.pull()

    assert batch
    assert batch.columns["size"] == "int64"
    assert rows(batch) == [
        {"entity": "orders", "since": None, "size": 3, "exact": None, "day": None, "at": None},
        {
            "entity": None,
            "since": "x",
            "size": 5,
            "exact": Decimal("1.10"),
            "day": date(2026, 5, 1),
            "at": datetime(2026, 5, 1, 9, tzinfo=UTC),
        },
    ]
    assert erp.seen[-1] == 2
    assert erp.pull() is None


@pytest.mark.parametrize(
    "given",
    [
        "return pa.table({'id': [1, 2]})",
        "return [pa.table({'id': [1]}), pa.table({'id': [2]})]",
        "yield pd.DataFrame({'id': [1, 2]}, index=[7, 8])",
        "return pd.DataFrame({'id': [1, 2]})",
        "return pa.RecordBatchReader.from_batches(pa.schema({'id': 'int64'}), pa.table({'id': [1, 2]}).to_batches())",
        "yield pl_like(pa.table({'id': [1, 2]}))",
    ],
)
def test_a_function_may_give_one_or_many_tables_or_frames(erp: Bench, given: str) -> None:
    write(
        erp,
        f"""
        import pandas as pd

        class pl_like:
            def __init__(self, table): self.table = table
            def __arrow_c_stream__(self, requested_schema=None): return self.table.__arrow_c_stream__(requested_schema)

        def pull(entity, since, settings):
            {given}
        """,
    )

    assert erp.rows() == [{"id": 1}, {"id": 2}]


def test_nothing_and_a_table_of_no_rows_land_once(erp: Bench) -> None:
    write(erp, "def pull(entity, since, settings):\n    return pa.table({'id': pa.array([], pa.int64())})\n")

    batch = erp.pull()

    assert batch
    assert (batch.rows, batch.columns) == (0, {"id": "int64"})
    assert erp.pull() is None
    write(erp, "def pull(entity, since, settings):\n    if False: yield\n")
    assert erp.pull()
    assert erp.pull() is None


def test_large_tables_come_in_pieces(erp: Bench) -> None:
    write(erp, "def pull(entity, since, settings):\n    return pa.table({'id': pa.array(range(100_000))})\n")

    batch = erp.pull()

    assert batch
    assert batch.rows == 100_000
    assert sorted(set(erp.seen)) == [0, 32_768, 65_536, 98_304, 100_000]


def test_a_function_goes_on_where_its_cursor_stood(erp: Bench) -> None:
    write(
        erp,
        """
        from datetime import datetime, timedelta

        def pull(entity, since, settings):
            start = datetime.fromisoformat(since) if since else datetime(2026, 1, 1)
            yield pa.table({"asked": [str(since)] * 2, "at": [start + timedelta(hours=2), start]})
        """,
    )
    declared = {"cursor": "at", "key": ("at",), "cursor_lag": "1h"}

    first, second = erp.rows(**declared), erp.rows(**declared)

    assert [row["asked"] for row in (first[0], second[0])] == ["None", "2026-01-01T01:00:00"]
    assert [batch.mode for batch in erp.batches] == ["whole", "cursor"]
    assert [batch.manifest["cursor_to"] for batch in erp.batches] == ["2026-01-01T02:00:00", "2026-01-01T03:00:00"]


def test_a_function_of_a_package_and_modules_beside_a_file_are_found(erp: Bench) -> None:
    write(erp, "ROWS = pa.table({'id': [1]})", "beside.py")
    write(erp, "from beside import ROWS\ndef pull(entity, since, settings):\n    return ROWS\n")
    write(erp, "def pull(entity, since, settings):\n    return pa.table({'id': [2]})\n", "__init__.py")

    assert erp.rows() == [{"id": 1}]
    write(erp, "def pull(entity, since, settings):\n    return pa.table({'id': [3]})\n")
    erp.connection = "tools.erp:pull"
    (erp.home.root / "in").rename(erp.home.root / "tools")
    assert erp.rows() == [{"id": 3}]


def test_what_a_function_prints_is_in_the_log_and_nowhere_else(
    erp: Bench, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    write(
        erp,
        """
        import os, sys

        def pull(entity, since, settings):
            print("so far", settings["password"])
            print("beware", file=sys.stderr)
            os.system("echo from below")
            yield pa.table({"id": [1]})
        """,
    )
    erp.settings = {"settings": {"password": SecretStr(SECRET)}}

    assert erp.rows() == [{"id": 1}]
    assert capfd.readouterr() == ("", "")
    assert "crm.orders printed: " in caplog.text
    assert all(words in caplog.text for words in ("so far ***", "beware", "from below"))
    assert SECRET not in caplog.text


def test_a_function_that_fails_is_named_by_its_line_and_its_traceback_is_in_the_log(
    erp: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    write(
        erp,
        """
        import json

        def pull(entity, since, settings):
            yield pa.table({"id": [1]})
            json.loads(settings["password"])
        """,
    )
    erp.settings = {"settings": {"password": SecretStr(SECRET)}}

    message = refused(erp)

    assert "JSONDecodeError: Expecting value: line 1 column 1 (char 0) (" in message
    assert message.endswith("in/erp.py, line 7). Nothing of this pull has landed: mend it, then run again.")
    assert "Traceback (most recent call last)" in caplog.text
    write(
        erp,
        "def pull(entity, since, settings):\n    raise ValueError(settings['password'] + ' is refused\\nand more')\n",
    )
    assert "ValueError: *** is refused and more (" in refused(erp)
    assert SECRET not in caplog.text


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (
            "def pull(entity, since, settings):\n    yield {'id': 1}\n",
            "the function yielded dict as item 1: yield pyarrow",
        ),
        ("def pull(entity, since, settings):\n    return 5\n", "the function yielded int as item 1"),
        ("def pull(entity):\n    return 5\n", "TypeError: pull() takes 1 positional argument but 3 were given"),
        ("def pul(entity, since, settings):\n    return 5\n", "in/erp.py has no function 'pull': write it, or correct"),
        ("def pull(\n", "SyntaxError: '(' was never closed ("),
        ("import not_there\n", "ModuleNotFoundError: No module named 'not_there' ("),
        ("import sys\nsys.exit(3)\n", "SystemExit: 3 ("),
        ("import os\nos._exit(7)\n", "in/erp.py:pull ended without a word (exit status 7)"),
        ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n", "ended without a word (exit status -9)"),
    ],
)
def test_what_is_no_function_that_yields_arrow_is_explained(erp: Bench, code: str, words: str) -> None:
    write(erp, code)

    assert words in refused(erp)


def test_a_file_or_a_module_that_is_not_there_is_named(erp: Bench) -> None:
    assert "in/erp.py does not exist: write it, or correct `connection` in sources.yml" in refused(erp)
    erp.connection = "no_such.module:pull"
    assert "ModuleNotFoundError: No module named 'no_such'" in refused(erp)


def test_a_function_that_says_nothing_is_stopped(erp: Bench) -> None:
    write(erp, "import time\ndef pull(entity, since, settings):\n    time.sleep(600)\n")
    erp.settings = {"timeout": "0.5s"}

    assert "the function yielded nothing for 0.5 s and was stopped: see what it waits for, or raise" in refused(erp)


def test_a_cursor_that_the_function_does_not_yield_is_refused(erp: Bench) -> None:
    write(erp, "def pull(entity, since, settings):\n    return pa.table({'id': [1]})\n")

    assert "there is no column 'at', the declared cursor (there are id): correct `cursor`" in refused(erp, cursor="at")


def test_zero_bytes_large_cells_and_dates_far_away_land_as_they_are(erp: Bench) -> None:
    write(
        erp,
        """
        from datetime import date

        def pull(entity, since, settings):
            yield pa.table({
                "id": ["a\\x00b", None, "NA", "NA"],
                "note": ["x" * 10_000_000] * 4,
                "day": [date(1948, 1, 1), date(2999, 1, 1), None, None],
            })
        """,
    )

    landed = erp.rows()

    assert [row["id"] for row in landed] == ["a\x00b", None, "NA", "NA"]
    assert len(landed[0]["note"]) == 10_000_000
    assert [row["day"] for row in landed[:2]] == [date(1948, 1, 1), date(2999, 1, 1)]
