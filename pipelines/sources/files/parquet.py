"""Parquet: the only format that brings types of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from pipelines.sources.files.broken import Broken, first_line
from pipelines.sources.files.reading import ROWS_IN_MEMORY, Reading


def parquet(path: Path, zipped: bool, how: Reading) -> Iterator[pa.RecordBatch]:
    """Yield the rows with the types of the file."""
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            schema = file.schema_arrow.remove_metadata()
            yield pa.RecordBatch.from_pylist([], schema)
            for batch in file.iter_batches(batch_size=ROWS_IN_MEMORY):
                yield batch.replace_schema_metadata(None)
    except (pa.ArrowException, OSError) as problem:
        if isinstance(problem, PermissionError | FileNotFoundError):
            raise
        raise Broken(f"is no whole Parquet file ({first_line(problem)}); is it cut?") from None
