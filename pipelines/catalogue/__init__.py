"""The typed catalogue: one module a file of it, one way to report mistakes with file and line."""

from pipelines.catalogue.calendars import Calendar, CalendarVersion
from pipelines.catalogue.commitments import Commitment
from pipelines.catalogue.indicators import Indicator, IndicatorVersion
from pipelines.catalogue.mistakes import CatalogueError, Mistake
from pipelines.catalogue.organisation import Organisation, Review
from pipelines.catalogue.processes import Node, Owner, Process
from pipelines.catalogue.sources import (
    Check,
    Column,
    Constant,
    Entity,
    EventRules,
    Expression,
    Milestone,
    Source,
)
from pipelines.catalogue.whole import Catalogue, read_catalogue

__all__ = [
    "Calendar",
    "CalendarVersion",
    "Catalogue",
    "CatalogueError",
    "Check",
    "Column",
    "Commitment",
    "Constant",
    "Entity",
    "EventRules",
    "Expression",
    "Indicator",
    "IndicatorVersion",
    "Milestone",
    "Mistake",
    "Node",
    "Organisation",
    "Owner",
    "Process",
    "Review",
    "Source",
    "read_catalogue",
]
