"""Sections of the report that stand for themselves: what each reads, shows and puts into the workbook.

A section is a module here and a template of the same name beside it; SECTIONS has them in the order of the page.
"""

from __future__ import annotations

from pipelines.publish.report.sections import review, risk, service, time
from pipelines.publish.report.sections.section import Section

SECTIONS: tuple[Section, ...] = (review.SECTION, time.SECTION, service.SECTION, risk.SECTION)
