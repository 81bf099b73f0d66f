"""YAML 1.2 and CSV with the line of every value, ``${NAME}`` from the environment, and errors in the house's words."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from pipelines.catalogue.mistakes import Mistake

Place = tuple[str | int, ...]
AModel = TypeVar("AModel", bound=BaseModel)

VARIABLE = re.compile(r"\$\{([^}]*)\}")
VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

# The core schema of YAML 1.2. Dates, NO and 10:30 are not in it: they are text.
NULL = re.compile(r"(?:~|null|Null|NULL|)")
BOOLEAN = re.compile(r"(?:true|True|TRUE|false|False|FALSE)")
INTEGER = re.compile(r"(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)")
FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")

# Longer values would hide the remedy that follows them.
SHOWN_CHARACTERS = 80


class Written:
    """A value of a file: where it stands, and for scalars how it was written, ``${NAME}`` not yet replaced."""

    place: Place
    written: str


class WrittenText(str, Written):
    """Text; it equals its content, with ``${NAME}`` replaced."""


class WrittenInt(int, Written):
    """A whole number, or a truth value (``is_truth``)."""

    is_truth = False


class WrittenFloat(float, Written):
    """A number."""


class WrittenDict(dict[str, Any], Written):
    """``key: value`` pairs, and the keys that were taken out because nobody knows them."""

    unknown: tuple[str, ...] = ()

    def having(self, **more: Any) -> WrittenDict:
        """Return a copy with ``more``; keywords stand for the bracketed keys that only the reader gives."""
        copy = WrittenDict({**self, **{f"({key})": value for key, value in more.items()}})
        copy.place = self.place
        return copy


class WrittenList(list[Any], Written):
    """A list."""


class File:
    """A file of the catalogue while it is read: its content with places, and what is wrong with it."""

    def __init__(self, path: Path, name: str, environ: Mapping[str, str], zone: str = "UTC") -> None:
        self.path = path
        self.name = name
        self.environ = environ
        # Dates without a zone of their own are dates in it.
        self.zone = zone
        self.mistakes: list[Mistake] = []
        self.warnings: list[Mistake] = []
        # What stood in the file for each text that came from the environment: nothing else may ever be shown.
        self.replaced: dict[str, str] = {}
        self.content: Any = None
        self.is_missing = False
        self._lines: dict[Place, int] = {}
        self._written: dict[Place, str] = {}
        self._keys: dict[Place, str] = {}
        self._unusable: set[Place] = set()
        # Columns that a table lacks altogether are noted once, not for each row.
        self.columns_missing: set[str] = set()

    # ------------------------------------------------------------------ what is wrong

    def mistake(self, where: Place | Any, message: str) -> None:
        """Note a mistake at a place, or at a value of this file; one that cannot be read is a mistake already."""
        place = self._place(where)
        if place not in self._unusable:
            self.mistakes.append(Mistake(self.name, self.line(place), message))

    def warn(self, where: Place | Any, message: str) -> None:
        """Note what does not stop a run."""
        self.warnings.append(Mistake(self.name, self.line(self._place(where)), message))

    def line(self, where: Place | Any) -> int:
        """Return the line of a place, or of the nearest place around it that is in the file."""
        place = self._place(where)
        while place and place not in self._lines:
            place = place[:-1]
        return self._lines.get(place, 1)

    def label(self, where: Place | Any) -> str:
        """Return the name of a place as people look for it: ``crm.entities.jobs.shape``."""
        place, before = self._place(where), ()
        # The first step says what the line says (a row of CSV), or what the name of the file says.
        if place and (isinstance(place[0], int) or place[0] in ("sources", "processes", "calendars", "indicators")):
            before, place = place[:1], place[1:]
        text = ""
        for step in place:
            key = self.key((*before, step))
            before = (*before, step)
            text += f"[{step + 1}]" if isinstance(step, int) else f".{key}" if text else key
        return text

    def key(self, where: Place) -> str:
        """Return the last step of a place as it was written."""
        return self._keys.get(where, str(where[-1]))

    def shown(self, where: Place | Any) -> str:
        """Return a value in quotes as it was written, never what the environment put into it."""
        if isinstance(where, Written) and hasattr(where, "written"):
            text = where.written
        else:
            text = self._written.get(self._place(where), "")
        text = " ".join(text.split())
        return f"'{text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + '…'}'"

    def is_place(self, where: Place) -> bool:
        """Say whether the file has a value at this very place."""
        return where in self._lines

    def is_usable(self, where: Place | Any) -> bool:
        """Say whether a value could be read; what could not has been reported, and so needs no further words."""
        return self._place(where) not in self._unusable

    def _place(self, where: Place | Any) -> Place:
        if isinstance(where, Written):
            return where.place
        return tuple(where)

    # ------------------------------------------------------------------ into models

    def read(self, model: type[AModel], data: WrittenDict) -> AModel | None:
        """Return ``data`` as a model, or None after noting all that is wrong with it."""
        before = len(self.mistakes)
        try:
            value = model.model_validate(data, context=self, by_alias=True, by_name=False)
        except ValidationError as errors:
            for error in errors.errors(include_url=False):
                self._explain(data.place, error)
            if len(self.mistakes) == before and not self._unusable:
                # Nothing may be left out of the catalogue without a word.
                self.mistake(data, f"{self.label(data)} cannot be read; compare it with the documentation")
            return None
        return value if len(self.mistakes) == before else None

    def known(self, data: WrittenDict, keys: Iterable[str], not_yet: Mapping[str, str] | None = None) -> WrittenDict:
        """Return ``data`` without empty values, and without unknown keys, which are noted."""
        not_yet = not_yet or {}
        kept = WrittenDict()
        kept.place = data.place
        for key, value in data.items():
            if key in keys or key.startswith("("):
                if value is not None:
                    kept[key] = value
            elif key in not_yet:
                self.mistake((*data.place, key), f"`{key}` is not available yet; {not_yet[key]}")
            else:
                kept.unknown = (*kept.unknown, key)
                of = f" of {self.label(data)}" if data.place else ""
                self.mistake(
                    (*data.place, key), f"unknown key '{self.key((*data.place, key))}'{of}; {suggest(key, keys)}"
                )
        return kept

    def pairs(self, value: Any, where: Place, what: str) -> WrittenDict:
        """Return ``value`` if it is ``key: value`` pairs; else none, after noting what was expected."""
        if isinstance(value, WrittenDict):
            return value
        if value is not None:
            self.mistake(where, f"{self.label(where)} must be `{what}: …` pairs, not {kind(value)}")
        none = WrittenDict()
        none.place = where
        return none

    def items(self, value: Any) -> list[Any]:
        """Return ``value`` as a list, a single value as a list of one; pairs are none, as the model will note."""
        return value if isinstance(value, list) else [] if value is None or isinstance(value, dict) else [value]

    def scalars(self, value: Any) -> list[Any]:
        """Return the single values in ``value``, a list or one of them; the model will note what else is there."""
        return [item for item in self.items(value) if is_scalar(item)]

    def _explain(self, root: Place, error: ErrorDetails) -> None:
        place = (*root, *error["loc"])
        is_key = place[-1:] == ("[key]",)
        place = place[:-1] if is_key else place
        while place not in self._lines and len(place) > len(root):
            place = place[:-1]
        value, context = error.get("input"), error.get("ctx", {})
        label = self.label(place)
        if not is_key and len(place) < len(root) + len(error["loc"]) and isinstance(error["loc"][-1], str):
            # A short form stands for a key that is not written: its name says more than the place around it.
            label += f".{error['loc'][-1]}"
        shown = f"{label} {self.shown(place)}".lstrip() if place in self._written else label
        if is_key:
            shown = f"{self.label(place[:-1])} '{self.key(place)}'"
        match error["type"]:
            # Models note what is missing themselves; what a default is made from has been noted as well.
            case "missing" | "default_factory_not_called":
                return
            case "value_error":
                message = f"{shown} {context['error']}".lstrip()
            case "secret_in_file":
                message = f"{label} {error['msg']}"
            case "literal_error":
                choices = re.findall(r"'([^']*)'", context["expected"])
                message = f"{shown} is not known; {suggest(str(value), choices)}"
            case "string_type":
                message = f"{label} must be text, not {kind(value)}"
            case "string_too_short" | "too_short":
                message = f"{label} is empty; give it a value"
            case "int_type" | "int_parsing" | "int_from_float" | "int_parsing_size":
                message = f"{shown} must be a whole number"
            case "float_type" | "float_parsing":
                message = f"{shown} must be a number"
            case "bool_type" | "bool_parsing":
                message = f"{shown} must be true or false"
            case "dict_type" | "model_type" | "model_attributes_type":
                message = f"{shown} must be `key: value` pairs, not {kind(value)}"
            case "tuple_type" | "list_type":
                message = f"{shown} must be a list, not {kind(value)}"
            case "greater_than_equal" | "less_than_equal":
                limit = f"at least {context['ge']:g}" if "ge" in context else f"at most {context['le']:g}"
                message = f"{shown} must be {limit}"
            case _:
                message = f"{shown}: {error['msg']}"
        self.mistake(place, message)

    # ------------------------------------------------------------------ from files

    def open(self, remedy: str) -> str | None:
        """Return the text of the file, or None after noting why there is none."""
        try:
            text = self.path.read_bytes().decode("utf-8-sig")
        except FileNotFoundError:
            self.is_missing = True
            self.mistake((), f"the file is missing; {remedy}")
        except UnicodeDecodeError as error:
            line = self.path.read_bytes()[: error.start].count(b"\n") + 1
            self._at(line, "the file is not UTF-8 text from here on; save it as UTF-8")
        except OSError as error:
            self._at(1, f"the file cannot be read ({error.strerror}); see to its rights")
        else:
            return text
        return None

    def load_yaml(self, remedy: str) -> WrittenDict | None:
        """Read the file as YAML 1.2; None after noting why it cannot be."""
        text = self.open(remedy)
        if text is None:
            return None
        try:
            root = YAML(typ="safe", pure=True).compose(text)
        except MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            problem = " ".join(part for part in (error.problem, error.context) if part)
            if error.context_mark:
                problem += f" that began in line {error.context_mark.line + 1}"
            remedy = "check quotes, brackets and indentation"
            nearby = text.splitlines()[(error.context_mark or mark).line : mark.line + 1] if mark else []
            if any("${" in line for line in nearby):
                # The braces of ${NAME} end the braces around it.
                remedy += '; within {…} or […] write "${NAME}" in quotes'
            self._at(mark.line + 1 if mark else 1, f"this is not YAML: {problem}; {remedy}")
            return None
        except YAMLError as error:
            line = text.count("\n", 0, getattr(error, "position", 0)) + 1
            self._at(line, f"this is not YAML: {getattr(error, 'reason', 'it cannot be read')}; remove the character")
            return None
        except RecursionError:
            self._at(1, "this is not YAML that can be read: it is nested too deeply")
            return None
        content = None if root is None else self._value(root, (), ())
        if isinstance(content, WrittenDict):
            self.content = content
            return content
        self._at(
            1, f"the file is empty; {remedy}" if content is None else f"the file must be `key: value` pairs; {remedy}"
        )
        return None

    def load_csv(self, remedy: str) -> tuple[list[str], list[WrittenDict]] | None:
        """Read the file as CSV: the header, and the filled cells of each row; None after noting why it cannot be."""
        text = self.open(remedy)
        if text is None:
            return None
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        header: list[str] | None = None
        rows: list[WrittenDict] = []
        try:
            for line, cells in _numbered(reader):
                cells = [cell.strip() for cell in cells]
                if not any(cells):
                    continue
                if header is None:
                    header = cells
                    self._lines[("header",)] = line
                    if len(header) == 1 and (";" in header[0] or "\t" in header[0]):
                        self._at(line, "columns must be separated by commas; save the file as CSV with commas")
                        return None
                elif len(cells) != len(header):
                    self._at(
                        line,
                        f"this row has {len(cells)} cells, the header has {len(header)}; add or remove commas, and put "
                        "a value that contains one in double quotes",
                    )
                else:
                    rows.append(self._row(header, cells, line))
        except csv.Error as error:
            self._at(reader.line_num or 1, f"this is not CSV: {error}; check the double quotes")
            return None
        if header is None:
            self._at(1, f"the file is empty; {remedy}")
            return None
        return header, rows

    def _row(self, header: list[str], cells: list[str], line: int) -> WrittenDict:
        row = WrittenDict()
        row.place = (line,)
        self._lines[row.place] = line
        for column, cell in zip(header, cells, strict=True):
            if cell:
                row[column] = self._text(cell, (line, column), line)
        return row

    def _at(self, line: int, message: str) -> None:
        self.mistakes.append(Mistake(self.name, line, message))

    def _value(self, node: Node, place: Place, above: tuple[int, ...]) -> Any:
        self._lines.setdefault(place, node.start_mark.line + 1)
        if isinstance(node, ScalarNode):
            return self._scalar(node, place)
        if id(node) in above:
            self.mistake(place, f"{self.label(place)} contains itself; write it out instead of `*…`")
            return None
        above = (*above, id(node))
        if isinstance(node, SequenceNode):
            values = WrittenList(self._value(item, (*place, index), above) for index, item in enumerate(node.value))
            values.place = place
            return values
        assert isinstance(node, MappingNode)
        pairs = WrittenDict()
        pairs.place = place
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, ScalarNode):
                self._at(line, f"a key of {self.label(place) or 'the file'} is a list or pairs; a key must be text")
                continue
            key = self._replace(key_node.value, (*place, key_node.value), line)
            at = (*place, key)
            if key != key_node.value:
                self._keys[at] = key_node.value
            if key in pairs:
                first = self._lines[at]
                self._at(line, f"'{key_node.value}' is given twice, first in line {first}; remove one of the two")
                continue
            if not isinstance(value_node, ScalarNode):
                self._lines[at] = line
            pairs[key] = self._value(value_node, at, above)
            if pairs[key] is None:
                self._lines[at] = line
        return pairs

    def _scalar(self, node: ScalarNode, place: Place) -> Any:
        text, line = node.value, node.start_mark.line + 1
        value: Any = None
        if node.style is None and not node.tag.endswith(":str"):
            if NULL.fullmatch(text):
                return None
            if BOOLEAN.fullmatch(text):
                value = WrittenInt(text.lower() == "true")
                value.is_truth = True
            elif INTEGER.fullmatch(text):
                value = WrittenInt(int(text, 0 if text[:2] in ("0o", "0x") else 10))
            elif FLOAT.fullmatch(text):
                value = WrittenFloat(text)
        if value is None:
            # The text of a block begins in the line after `|` or `>`.
            return self._text(text, place, line + (node.style in ("|", ">")))
        value.place, value.written = place, text
        self._written[place] = text
        return value

    def _text(self, text: str, place: Place, line: int) -> WrittenText:
        value = WrittenText(self._replace(text, place, line))
        value.place, value.written = place, text
        self._lines.setdefault(place, line)
        self._written[place] = text
        return value

    def _replace(self, text: str, place: Place, line: int) -> str:
        if "${" not in text:
            return text

        def one(match: re.Match[str]) -> str:
            name = match[1]
            at = line + text.count("\n", 0, match.start())
            if not VARIABLE_NAME.fullmatch(name):
                self._at(at, f"'{match[0]}' names no environment variable; write ${{NAME}}")
            elif name not in self.environ:
                self._at(
                    at,
                    f"the environment variable {name} is not set; set it, or write the value here if it is no secret",
                )
            else:
                return self.environ[name]
            self._unusable.add(place)
            return match[0]

        value = VARIABLE.sub(one, text)
        if value != text:
            self.replaced[value] = text
        return value


def is_scalar(value: Any) -> bool:
    """Say whether a value of a file is a single one, and not an empty one."""
    return isinstance(value, Written) and not isinstance(value, dict | list)


def suggest(value: str, known: Iterable[str]) -> str:
    """Return the remedy for a word that is not known: the nearest one that is, else all of them."""
    known = sorted(known)
    near = get_close_matches(value.lower(), [word.lower() for word in known], n=1, cutoff=0.6)
    if near:
        return f"did you mean '{next(word for word in known if word.lower() == near[0])}'?"
    if not known:
        return "there is none yet"
    # A list of hundreds helps nobody.
    return f"known: {', '.join(known[:12])}{', …' if len(known) > 12 else ''}"


def kind(value: Any) -> str:
    """Return what a value is, in words that stand behind "not"."""
    if isinstance(value, dict):
        return "`key: value` pairs"
    if isinstance(value, list | tuple):
        return "a list"
    return "empty" if value is None else "a single value"


def plain(value: Any) -> Any:
    """Return a value as Python has it, without places."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, WrittenInt):
        return bool(value) if value.is_truth else int(value)
    if isinstance(value, WrittenFloat):
        return float(value)
    return str(value) if isinstance(value, str) else value


def _numbered(reader: Any) -> Iterator[tuple[int, list[str]]]:
    """Number records by the line in which they begin; a quoted cell may contain more lines."""
    line = 1
    for cells in reader:
        yield line, cells
        line = reader.line_num + 1
