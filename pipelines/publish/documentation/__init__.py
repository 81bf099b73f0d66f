"""What the tables mean: a glossary of every published column, and dbt's own site with how each came to be."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from pipelines.sql import saved_questions

GLOSSARY, LINEAGE = "index.html", "lineage.html"

UNITS = (
    (r"_seconds$", "seconds"),
    (r"_hours$", "hours"),
    (r"_on$|^day$|^period_(start|end)$|^window_(start|end)$", "business day"),
    (r"_at$|^as_of$|^valid_(from|to)$", "instant, UTC"),
    (r"(^|_)(rate|share|probability)(_|$)|_value$", "0 to 1, unless it says otherwise"),
    (r"^penalty|_amount$|^breach_penalty$", "currency"),
    (r"^(is|has)_", "yes or no"),
)
OF_TYPE = {"BIGINT": "count", "INTEGER": "count or order", "BOOLEAN": "yes or no", "DATE": "date", "VARCHAR": "text"}


def write_documentation(built: Path, manifest: Path, folder: Path) -> Path:
    """Write both pages into ``folder`` from a finished file and dbt's manifest; returns the glossary."""
    with duckdb.connect(str(built), read_only=True) as con:
        tables = _tables(con)
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    page = environment.get_template("glossary.html.j2").render(tables=tables, lineage=LINEAGE)
    (folder / GLOSSARY).write_text(page, encoding="utf-8")
    (folder / LINEAGE).write_text(_lineage(manifest, tables), encoding="utf-8")
    return folder / GLOSSARY


def unit_of(column: str, kind: str) -> str:
    """What the values of a column are in, by its name, else by its type."""
    return next((unit for pattern, unit in UNITS if re.search(pattern, column)), OF_TYPE.get(kind, "number"))


def _tables(con: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    tables = con.execute(
        "SELECT schema_name, table_name, comment, estimated_size FROM duckdb_tables() "
        "ORDER BY schema_name DESC, table_name"
    ).fetchall()
    described = []
    for schema, name, comment, size in tables:
        columns = con.execute(
            "SELECT column_name, data_type, comment FROM duckdb_columns() WHERE schema_name = ? AND table_name = ? "
            "ORDER BY column_index",
            [schema, name],
        ).fetchall()
        described.append(
            {
                "schema": schema,
                "name": name,
                "comment": comment,
                "rows": size,
                "columns": [
                    {"name": column, "type": kind, "unit": unit_of(column, kind), "comment": words}
                    for column, kind, words in columns
                ],
                "example": _example(schema, name, [column for column, *_ in columns]),
            }
        )
    return described


def _example(schema: str, table: str, columns: list[str]) -> str:
    """A saved question that asks the table, else its first columns."""
    asked = re.compile(rf"\b{schema}\.{table}\b")
    for question in saved_questions().values():
        if asked.search(question.sql):
            return question.sql.strip()
    return "select " + ", ".join(f'"{column}"' for column in columns[:6]) + f"\nfrom {schema}.{table}\nlimit 10"


def _lineage(manifest: Path, tables: list[dict[str, Any]]) -> str:
    """dbt's documentation site as one file, as `dbt docs generate --static` makes it, without asking a database."""
    from dbt.task.docs import DOCS_INDEX_FILE_PATH

    content = json.loads(manifest.read_text(encoding="utf-8"))
    # Else the page would count its readers.
    content["metadata"]["send_anonymous_usage_stats"] = False
    by_name = {(node["schema"], node["name"]): key for key, node in content["nodes"].items() if "schema" in node}
    nodes = {
        by_name[table["schema"], table["name"]]: {
            "metadata": {"type": "BASE TABLE", "schema": table["schema"], "name": table["name"],
                         "database": "warehouse", "comment": table["comment"], "owner": None},
            "columns": {
                column["name"]: {"type": column["type"], "index": index, "name": column["name"],
                                 "comment": column["comment"]}
                for index, column in enumerate(table["columns"], start=1)
            },
            "stats": {},
        }
        for table in tables
    }  # fmt: skip
    catalog = {
        "metadata": {"generated_at": datetime.now(UTC).isoformat()}, "nodes": nodes, "sources": {}, "errors": None
    }  # fmt: skip
    page = Path(DOCS_INDEX_FILE_PATH).read_text(encoding="utf-8")
    for name, data in (("MANIFEST", content), ("CATALOG", catalog)):
        # What a description says must not end the script that it stands in.
        page = page.replace(f'"{name}.JSON INLINE DATA"', json.dumps(data).replace("</", "<\\/"))
    return page
