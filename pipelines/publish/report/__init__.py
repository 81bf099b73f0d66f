"""The service-quality report: one page for people and a workbook beside it, from the published tables only."""

from __future__ import annotations

import os
from datetime import date, datetime
from pathlib import Path

from pipelines.errors import UserError
from pipelines.home import Home
from pipelines.publish.report.facts import read_facts
from pipelines.publish.report.page import render
from pipelines.publish.report.workbook import write_workbook
from pipelines.published import published_file

PAGE = "index.html"
WORKBOOK = "report.xlsx"

__all__ = ["ask_report", "write_page", "write_report"]


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


def ask_report(home: Home, page: Path, department: str | None, month: str | None) -> tuple[Path, Path]:
    """Write the page that was asked for, ``month`` as 2026-10; returns it and the workbook beside it.

    Raises:
        UserError: nothing is published, or not of that department or month, or the page cannot be written there.
    """
    file = published_file(home)
    try:
        first_day = datetime.strptime(month, "%Y-%m").date() if month else None
    except ValueError:
        raise UserError(f"{month!r} is no month; write it as year-month, e.g. 2026-10") from None
    if page.suffix.lower() not in (".html", ".htm"):
        raise UserError(f"{page} is no page; name it with .html, e.g. report.html")
    workbook = page.with_suffix(".xlsx")
    try:
        page.parent.mkdir(parents=True, exist_ok=True)
        write_page(file, page, workbook, department, first_day)
    except OSError as problem:
        raise UserError(f"{page} cannot be written: {problem.strerror}") from None
    return page, workbook
