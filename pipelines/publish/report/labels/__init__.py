"""What the report says in other languages than English: one gettext file a language beside this module.

English is the source text, in the templates and in Python. `make labels` brings the files up to date; a language more
is one file more, and its name in `pipelines.catalogue.organisation.Language`.
"""

from __future__ import annotations

from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

FOLDER = Path(__file__).parent


def label(text: str) -> str:
    """Mark a text that is translated where it is shown."""
    return text


# Words of the published tables that the page shows and that mean the same in every organisation.
OF_TABLES = (
    *(label("Monday"), label("Tuesday"), label("Wednesday"), label("Thursday"), label("Friday")),
    *(label("Saturday"), label("Sunday"), label("low"), label("middle"), label("high"), label("3 or more")),
    *(label("late data"), label("corrected"), label("deleted"), label("catalogue"), label("software")),
    *(label("decided later"), label("no source delivers outages"), label("no source delivers ratings")),
    *(label("no source delivers complaints"), label("beyond the horizon of its calendar")),
    *(label("nothing to measure"), label("more than half are not done yet"), label("measured")),
    *(label("median"), label("mean"), label("per 1,000")),
)


def translation_file(language: str) -> Path:
    """The file of a language such as zh-CN."""
    return FOLDER / f"{language.replace('-', '_')}.po"


def translations(language: str) -> NullTranslations:
    """The texts of a language; a text that has no translation stays English."""
    file = translation_file(language)
    if not file.exists():
        return NullTranslations()
    compiled = BytesIO()
    with file.open("rb") as opened:
        write_mo(compiled, read_po(opened))
    compiled.seek(0)
    return GNUTranslations(compiled)
