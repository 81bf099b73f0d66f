"""The process in which a function of the user's runs: it hands over Arrow, and what it prints stays out of the way.

It is started by its path and imports nothing of this project, so that it finds what the user's own code finds.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import sys
import sysconfig
import traceback
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

# Rows that are handed over at once.
ROWS_AT_ONCE = 32_768
BATCH, PROBLEM, END = b"B", b"P", b"E"


class NotArrow(Exception):
    """The function gave something that has no rows."""


def main() -> None:
    """Call the function that standard input asks for, and write what it yields to what was standard output."""
    asked = json.load(sys.stdin)
    answers = os.fdopen(os.dup(1), "wb")
    # Whatever prints, in Python or below it, prints to where the other side reads complaints.
    os.dup2(2, 1)
    try:
        for batch in _batches(_call(asked)):
            _send(answers, BATCH, _as_bytes(batch))
        _send(answers, END, b"")
    except BaseException as problem:
        _send(answers, PROBLEM, json.dumps(_explained(problem)).encode())


def _call(asked: dict[str, Any]) -> Any:
    home = Path(asked["home"])
    place, _, name = asked["function"].rpartition(":")
    sys.path.insert(0, str(home))
    if place.endswith(".py"):
        path = home / place
        sys.path.insert(0, str(path.parent))
        if not path.is_file():
            raise NotArrow(f"the file {path} does not exist: write it, or correct `connection` in sources.yml")
        spec = importlib.util.spec_from_file_location(path.stem, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[path.stem] = module
        spec.loader.exec_module(module)
    else:
        module = importlib.import_module(place)
    function = getattr(module, name, None)
    if not callable(function):
        raise NotArrow(f"{place} has no function {name!r}: write it, or correct `connection` in sources.yml")
    return function(asked["entity"], asked["since"], asked["settings"])


def _batches(given: Any) -> Iterator[pa.RecordBatch]:
    if given is None:
        return
    if (whole := _reader(given)) is not None:
        given = [whole]
    elif isinstance(given, dict | str | bytes) or not isinstance(given, Iterable):
        given = [given]
    for number, one in enumerate(given, 1):
        reader = _reader(one)
        if reader is None:
            raise NotArrow(
                f"the function yielded {type(one).__name__} as item {number}: yield pyarrow RecordBatches or Tables, "
                "or pandas frames"
            )
        # A table of no rows still says which columns there are.
        yield pa.RecordBatch.from_pylist([], reader.schema)
        for batch in reader:
            for start in range(0, batch.num_rows, ROWS_AT_ONCE):
                yield batch.slice(start, ROWS_AT_ONCE)


def _reader(value: Any) -> pa.RecordBatchReader | None:
    if isinstance(value, pa.RecordBatchReader):
        return value
    if isinstance(value, pa.RecordBatch):
        return pa.RecordBatchReader.from_batches(value.schema, [value])
    if type(value).__module__.partition(".")[0] == "pandas" and hasattr(value, "columns"):
        value = pa.Table.from_pandas(value, preserve_index=False).replace_schema_metadata(None)
    # That is how frames of other libraries hand over what they hold.
    return pa.RecordBatchReader.from_stream(value) if hasattr(value, "__arrow_c_stream__") else None


def _as_bytes(batch: pa.RecordBatch) -> pa.Buffer:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as stream:
        stream.write_batch(batch)
    return sink.getvalue()


def _send(answers: IO[bytes], kind: bytes, content: Any) -> None:
    answers.write(kind + len(content).to_bytes(8, "big"))
    answers.write(content)
    answers.flush()


def _explained(problem: BaseException) -> dict[str, str]:
    if isinstance(problem, NotArrow):
        return {"words": str(problem), "traceback": ""}
    frames = [frame for frame in traceback.extract_tb(problem.__traceback__) if frame.filename != __file__]
    # Where the user's code stood, not the library that it called.
    others = ("<", sysconfig.get_path("stdlib"), sysconfig.get_path("purelib"))
    own = [frame for frame in frames if not frame.filename.startswith(others)] or frames
    said = traceback.format_exception_only(problem)[-1].strip()
    where = f" ({own[-1].filename}, line {own[-1].lineno})" if own else ""
    if isinstance(problem, SyntaxError) and problem.filename:
        where = f" ({problem.filename}, line {problem.lineno})"
    return {"words": said + where, "traceback": "".join(traceback.format_exception(problem))}


if __name__ == "__main__":
    main()
