"""The texts of the report, found where they are written; as a program it brings the translation files up to date."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import read_po, write_po

from pipelines.publish.report import workbook
from pipelines.publish.report.labels import FOLDER
from pipelines.publish.report.sections import SECTIONS

REPORT = FOLDER.parent
# How texts are marked, and which arguments are singular and plural.
KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "label": None, "say": None, "counted": (2, 3)}


def used() -> Catalog:
    """Every text of the page and the workbook, with the files that say it."""
    catalog = Catalog(project="service-commitments")
    for file in sorted([*REPORT.rglob("*.py"), *REPORT.rglob("*.j2")]):
        method = "python" if file.suffix == ".py" else "jinja2.ext:babel_extract"
        options = {"extensions": "jinja2.ext.i18n", "newstyle_gettext": "true", "trimmed": "true", "silent": "false"}
        for _, message, _, context in extract(method, BytesIO(file.read_bytes()), KEYWORDS, options=options):
            catalog.add(message, locations=[(file.relative_to(REPORT).as_posix(), 0)], context=context)
    for file, text in _headings():
        catalog.add(text, locations=[(file, 0)])
    return catalog


def _headings() -> Iterator[tuple[str, str]]:
    """Of the workbook: names of sheets, and headings of columns."""
    sheets = [(f"sections/{section.name}.py", sheet) for section in SECTIONS for sheet in section.sheets]
    for file, sheet in [*sheets, *(("workbook.py", sheet) for sheet in workbook.SHEETS)]:
        yield file, sheet.name
        for _, heading, _ in sheet.columns:
            yield file, heading


def update(file: Path) -> int:
    """Add to a translation file what is new, drop what is gone; returns how many texts wait for their translation."""
    with file.open("rb") as opened:
        catalog = read_po(opened)
    catalog.update(used(), no_fuzzy_matching=True, update_creation_date=False)
    catalog.obsolete.clear()
    with file.open("wb") as opened:
        write_po(opened, catalog, width=120, sort_by_file=True, include_lineno=False)
    return sum(message.id != "" and not any(message.string or ()) for message in catalog)


if __name__ == "__main__":
    for file in sorted(FOLDER.glob("*.po")):
        print(f"{file.name}: {update(file)} texts without translation")
