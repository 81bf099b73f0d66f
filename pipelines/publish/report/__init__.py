"""The service-quality report: one page for people and a workbook beside it, from the published tables only."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

from pipelines.publish.report.facts import read_facts
from pipelines.publish.report.page import render
from pipelines.publish.report.workbook import write_workbook

PAGE = "index.html"
WORKBOOK = "report.xlsx"

__all__ = ["write_page", "write_report"]


def write_report(published_file: Path, folder: Path) -> Path:
    """Write ``folder/index.html`` and ``folder/report.xlsx`` from a published warehouse; returns the page."""
    folder.mkdir(parents=True, exist_ok=True)
    return write_page(published_file, folder / PAGE, folder / WORKBOOK)


def write_page(
    published_file: Path, page: Path, workbook: Path, department: str | None = None, month: date | None = None
) -> Path:
    """Write a page and its workbook, beside each other, of one department or month where asked; returns the page.

    Raises:
        UserError: there is no such department, or nothing of that month.
    """
    facts = read_facts(published_file, department, month)
    html = render(facts, workbook.name)

    # The page links to the workbook, so that is there first.
    unfinished = workbook.with_name(f".{workbook.name}.unfinished")
    write_workbook(facts, unfinished)
    os.replace(unfinished, workbook)

    unfinished = page.with_name(f".{page.name}.unfinished")
    unfinished.write_text(html, encoding="utf-8")
    os.replace(unfinished, page)
    return page
