"""Which reader a file gets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path, PurePosixPath

import pyarrow as pa

from pipelines.sources.files import delimited, excel, json_files, ocel, parquet, xes
from pipelines.sources.files.broken import Broken
from pipelines.sources.files.reading import Reading

READERS: dict[str, Callable[[Path, bool, Reading], Iterator[pa.RecordBatch]]] = {
    "csv": delimited.csv,
    "tsv": delimited.tsv,
    "jsonl": json_files.jsonl,
    "json": json_files.json,
    "parquet": parquet.parquet,
    "xlsx": excel.xlsx,
    "xes": xes.xes,
    "ocel": ocel.ocel,
}
ENDINGS = {f".{name}": name for name in READERS if name != "ocel"} | {".jsonocel": "ocel", ".sqlite": "ocel"}
ZIPPED = {".csv", ".tsv", ".jsonl", ".json", ".xes", ".jsonocel"}


def format_of(name: str, declared: str | None = None) -> tuple[str, bool]:
    """Return the format of a file, by its ending unless sources.yml declares it, and whether it is gzipped."""
    name = name.lower()
    zipped = name.endswith(".gz")
    suffix = PurePosixPath(name.removesuffix(".gz")).suffix
    if declared is not None:
        return declared, zipped
    if suffix not in ENDINGS or (zipped and suffix not in ZIPPED):
        known = " ".join(chain(ENDINGS, (f"{ending}.gz" for ending in ENDINGS if ending in ZIPPED)))
        raise Broken(
            f"has an ending that is not known ({known})",
            remedy="Rename it, make `from` more narrow, or say its `format`",
        )
    return ENDINGS[suffix], zipped
