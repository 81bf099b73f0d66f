"""The service-quality report: one page for people and a workbook beside it, from the published tables only."""

from __future__ import annotations

import os
from pathlib import Path

from pipelines.publish.report.facts import read_facts
from pipelines.publish.report.page import render
from pipelines.publish.report.workbook import write_workbook

PAGE = "index.html"
WORKBOOK = "report.xlsx"

__all__ = ["write_report"]


def write_report(published_file: Path, folder: Path) -> Path:
    """Write ``folder/index.html`` and ``folder/report.xlsx`` from a published warehouse; returns the page."""
    folder.mkdir(parents=True, exist_ok=True)
    facts = read_facts(published_file)
    html = render(facts, WORKBOOK)

    # The page links to the workbook, so that is there first.
    unfinished = folder / f".{WORKBOOK}.unfinished"
    write_workbook(facts, unfinished)
    os.replace(unfinished, folder / WORKBOOK)

    page = folder / PAGE
    unfinished = folder / f".{PAGE}.unfinished"
    unfinished.write_text(html, encoding="utf-8")
    os.replace(unfinished, page)
    return page
