"""sources.yml: the source systems, and how their columns and words map to ours."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from functools import cache
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal, get_args
from urllib.parse import unquote, urlsplit

from pydantic import BeforeValidator, Field, SecretStr

from pipelines.catalogue.base import AnyText, Model, Text, Texts, Whole, as_text
from pipelines.catalogue.personal import personal_mistakes
from pipelines.catalogue.reading import File, WrittenDict, is_scalar, plain, suggest
from pipelines.catalogue.rest import Auth, Paging, Secret, Value, Values, is_from_environment
from pipelines.catalogue.times import NUMBER, ZoneName, length_of
from pipelines.home import Home

Shape = Literal["runs", "events", "milestones", "pauses", "feedback", "outages"]
Feedback = Literal["rating", "complaint", "expectation"]
Status = Literal["completed", "in_progress", "cancelled"]
Kind = Literal["files", "database", "rest", "python"]
STATUSES: tuple[Status, ...] = ("completed", "in_progress", "cancelled")
FEEDBACK: tuple[Feedback, ...] = ("rating", "complaint", "expectation")

# It is the asset group, the folder in landing and the value of source_system.
NAME = re.compile(r"[a-z][a-z0-9_]*")

_ATTRIBUTES = frozenset(
    [
        "segment",
        "service_level",
        "location",
        "priority",
        "department",
        "position",
        "customer_id",
        "resource",
        "changed_at",
    ]
)
COLUMNS: dict[str, frozenset[str]] = {
    "runs": _ATTRIBUTES
    | {"work_order_id", "process", "node", "started_at", "ended_at", "status", "visit", "promised_at"},
    "events": _ATTRIBUTES | {"work_order_id", "process", "activity", "at", "lifecycle", "promised_at"},
    "milestones": _ATTRIBUTES | {"work_order_id", "process", "status"},
    "pauses": frozenset(["work_order_id", "process", "node", "started_at", "ended_at", "changed_at"]),
    "feedback": frozenset(
        [
            *("work_order_id", "process", "at", "kind", "value", "unit", "scale", "worst", "text"),
            *("customer_id", "changed_at"),
        ]
    ),
    "outages": frozenset(["service", "started_at", "ended_at", "planned", "changed_at"]),
}
REQUIRED_COLUMNS: dict[str, tuple[str, ...]] = {
    "runs": ("work_order_id", "process", "started_at", "status"),
    "events": ("work_order_id", "process", "activity", "at"),
    "milestones": ("work_order_id", "process"),
    "pauses": ("work_order_id", "process", "started_at"),
    "feedback": ("work_order_id", "at", "kind"),
    "outages": ("service", "started_at"),
}

_KEYS_OF_SHAPE = {"events": "events", "milestones": "milestones", "kinds": "feedback", "services": "outages"}
# Of no run themselves, so that most columns of the other shapes have no meaning in them.
_OF_NO_RUN = {
    "pauses": "a pause has `work_order_id, process, node, started_at, ended_at, changed_at`",
    "feedback": "feedback has `work_order_id, process, at, kind, value, unit, scale, worst, text, customer_id, "
    "changed_at`",
    "outages": "an outage has `service, started_at, ended_at, planned, changed_at`",
}

FILE_FORMATS = (".csv", ".tsv", ".jsonl", ".json", ".parquet", ".xlsx", ".xes", ".jsonocel", ".sqlite")
FUNCTION = re.compile(r"(?:[^:]+\.py|[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*):[A-Za-z_]\w*")
ABSENT, KEY_SWEEP = "absent", "key_sweep"
WORDS_FOR_TIMES = ("unix", "unix_ms")
# What DuckDB's strptime understands, with and without the minus that leaves zeros out.
TIME_DIRECTIVES = frozenset("aAwdbBmyYHIpMSfgnzZjUWcxXGVu%") | {"-" + letter for letter in "dmyHIMSj"}


class Constant(Model):
    """A column of ours that is the same in every row."""

    value: Text = Field(description="the text of this column in every row")


class Expression(Model):
    """A column of ours that is a DuckDB expression over the columns of the source."""

    sql: Text = Field(description="an expression over the columns of the source")


def _column(value: Any) -> Any:
    """Tell a name of theirs from a constant and an expression, which are pairs of one key."""
    if isinstance(value, Constant | Expression):
        return value
    pairs = value if isinstance(value, dict) else {}
    text = as_text(*pairs.values()) if len(pairs) == 1 else as_text(value)
    if isinstance(text, str) and not text.strip():
        raise ValueError("is empty; write the name of their column, {value: …} or {sql: …}")
    if isinstance(text, str) and not pairs:
        return text.strip()
    if isinstance(text, str) and pairs.keys() <= {"value", "sql"}:
        return Constant(value=text) if "value" in pairs else Expression(sql=text)
    if len(pairs) > 1 and ("sql" in pairs or "value" in pairs):
        raise ValueError("has more than one key; put a text that contains a comma or colon in double quotes")
    raise ValueError("must be the name of their column, {value: a constant} or {sql: an expression}")


Column = Annotated[str | Constant | Expression, BeforeValidator(_column)]


class Check(Model):
    """A Great Expectations expectation of one entity, beside those of its shape."""

    expectation: str = Field(alias="(expectation)")
    arguments: dict[str, Any] = Field(default_factory=dict, alias="(arguments)")
    on_failure: Literal["quarantine", "stop"] = "quarantine"

    @classmethod
    def keys(cls) -> frozenset[str]:
        """Return the names of all expectations, each of which may be the key."""
        return expectations() | {"on_failure"}

    @classmethod
    def as_written(cls, data: WrittenDict, file: File) -> WrittenDict:
        """Turn ``{expect_…: {…}, on_failure: …}`` into its parts."""
        named = [key for key in data if key.startswith("expect_")]
        if len(named) != 1 and not any(key.startswith("expect_") for key in data.unknown):
            file.mistake(
                data,
                f"{file.label(data)} must name one expectation, e.g. {{expect_column_values_to_not_be_null: "
                "{column: …}}",
            )
        rest = WrittenDict({key: value for key, value in data.items() if key not in named})
        rest.place = data.place
        for name in named[:1]:
            if not isinstance(data[name], dict):
                file.mistake((*data.place, name), f"{name} must have arguments as pairs, e.g. {{column: …}}")
            return rest.having(expectation=name, arguments=plain(data[name]) if isinstance(data[name], dict) else {})
        return rest.having(expectation="")


class EventRules(Model):
    """How the events of a log become runs."""

    mode: Literal["states", "completions", "lifecycle"] = "states"
    ends: Texts = ()
    cancels: Texts = ()

    pauses: Texts = ()

    @classmethod
    def as_written(cls, data: WrittenDict, file: File) -> WrittenDict:
        """Note an activity with two meanings, and pauses of a log that has no states."""
        label = file.label(data)
        first: dict[Any, str] = {}
        for meaning in ("ends", "cancels", "pauses"):
            for activity in file.scalars(data.get(meaning)):
                other = first.setdefault(as_text(activity), meaning)
                if other != meaning:
                    file.mistake(activity, f"{label}.{meaning} {file.shown(activity)} is in `{other}` too; keep one")
        if "pauses" in data and data.get("mode") in ("completions", "lifecycle"):
            file.mistake(
                (*data.place, "pauses"),
                f"{label}.pauses is for mode states, this is {data['mode']}; remove it, and deliver the pauses as an "
                "entity of shape pauses",
            )
        return data


class Milestone(Model):
    """A step of a wide table: the columns with the times at which it begins and completes."""

    node: Text = Field(description="the node that this step is")
    from_: Text = Field(alias="from", description="the column with the time at which the step begins")
    to: Text = Field(description="the column with the time at which the step completes")
    promised_at: Text | None = None


def _length(value: Any) -> Any:
    value = as_text(value)
    if not isinstance(value, str):
        return value
    length_us, _ = length_of(value.strip())
    if not length_us:
        raise ValueError("is no time at all; write a length such as 30s, 1h or 1d")
    return timedelta(microseconds=length_us)


Length = Annotated[timedelta, BeforeValidator(_length)]


def _encoding(value: Any) -> Any:
    text = as_text(value)
    try:
        # Python has codecs that are no encodings of text, such as hex.
        is_known = isinstance(text, str) and "".encode(text) is not None
    except LookupError:
        is_known = False
    if isinstance(text, str) and not is_known:
        raise ValueError("is no encoding; write it like utf-8, utf-16, gb18030 or cp1252")
    return text


def _delimiter(value: Any) -> Any:
    text = {"tab": "\t"}.get(str(as_text(value)), as_text(value))
    if isinstance(text, str) and (len(text) != 1 or text in '"\r\n'):
        raise ValueError('must be one character, such as ";" or "|", or the word tab')
    return text


Encoding = Annotated[str, BeforeValidator(_encoding)]
Delimiter = Annotated[str, BeforeValidator(_delimiter)]


class Reconcile(Model):
    """What the source itself is asked about its rows, to be compared with what is in the warehouse."""

    count: bool = False
    sum: Text | None = None
    where: Text | None = None
    query: Text | None = None
    file: Text | None = None

    @property
    def measure(self) -> str:
        """What is compared, as people read it."""
        return f"sum of {self.sum}" if self.sum else "count"

    @classmethod
    def as_written(cls, data: WrittenDict, file: File) -> WrittenDict:
        """Note what says too little, or two things at once."""
        label = file.label(data)
        if "sum" in data and data.get("count"):
            file.mistake(data, f"{label} has both `count` and `sum`; keep one")
        if not data.get("count") and not any(key in data for key in ("sum", "query", "file")):
            file.mistake(data, f"{label} does not say what to compare; write {{count: true}} or {{sum: their column}}")
        for key, other in (("query", "where"), ("query", "file"), ("file", "where"), ("file", "sum")):
            if key in data and other in data:
                file.mistake((*data.place, other), f"{label} has both `{key}` and `{other}`; keep one")
        return data


class KeyList(Model):
    """Where the keys that exist now are listed, for ``deletions: key_sweep``: columns in the order of ``key``."""

    from_: Text | None = Field(None, alias="from")
    query: Text | None = None
    columns: Texts = ()


def _deletions(value: Any) -> Any:
    """Tell a way of saying it, or the name of a column, from an expression."""
    said = None if value is None else _column(value)
    if isinstance(said, Constant):
        raise ValueError("must be a column, {sql: an expression}, absent or key_sweep")
    return said


def _lag(value: Any) -> Any:
    text = as_text(value)
    return Decimal(text) if isinstance(text, str) and NUMBER.fullmatch(text.strip()) else _length(value)


class Entity(Model):
    """A table, query, set of files, path or function of one shape."""

    name: str = Field(alias="(name)")
    shape: Shape = Field(description="runs, events, milestones, pauses, feedback or outages")
    from_: Text | None = Field(None, alias="from")
    query: Text | None = None
    key: Texts = ()
    cursor: Text | None = None
    cursor_lag: Annotated[timedelta | Decimal | None, BeforeValidator(_lag)] = None
    deletions: Annotated[str | Expression | None, BeforeValidator(_deletions)] = None
    key_list: KeyList | None = Field(None, alias="keys")
    cursor_param: Text | None = None
    cursor_format: Text | None = None
    params: dict[str, Values] = Field(default_factory=dict)
    records: Text | None = None
    format: Literal["csv", "tsv", "jsonl", "json", "parquet", "xlsx", "xes", "ocel"] | None = None
    encoding: Encoding | None = None
    delimiter: Delimiter | None = None
    decimal: Literal[".", ","] = "."
    header_row: Whole | None = Field(None, ge=1)
    sheet: Text | None = None
    sheet_column: Text | None = None
    object_type: Text | None = None
    total: Text | None = None
    total_header: Text | None = None
    paging: Paging | None = None
    columns: dict[str, Column] = Field(description="ours: theirs, e.g. {work_order_id: ticket_id}")
    work_order_url: Text | None = None
    statuses: dict[Status, Texts] = Field(default_factory=dict)
    nodes: dict[Text, Text] = Field(default_factory=dict)
    kinds: dict[Feedback, Texts] = Field(default_factory=dict)
    services: dict[Text, Text] = Field(default_factory=dict)
    time_format: Text | None = None
    checks: tuple[Check, ...] = ()
    events: EventRules | None = None
    milestones: tuple[Milestone, ...] = ()
    drop: Texts = ()
    hash: Texts = ()
    reconcile: Reconcile | None = None

    @property
    def deletion_column(self) -> str | Expression | None:
        """What tells of each row whether it is deleted; None where nothing in a row does."""
        return None if self.deletions in (ABSENT, KEY_SWEEP) else self.deletions

    @classmethod
    def as_written(cls, data: WrittenDict, file: File) -> WrittenDict:
        """Check what depends on the shape, and fill in what it implies."""
        shape = data.get("shape")
        for message in (*_shape_mistakes(data, file), *personal_mistakes(data, file)):
            file.mistake(*message)
        filled = _same_place(data, data)
        columns = data.get("columns")
        if "statuses" not in data and isinstance(columns, dict) and "status" in columns:
            filled["statuses"] = {status: (status,) for status in STATUSES}
        if shape == "feedback" and "kinds" not in data:
            filled["kinds"] = {kind: (kind,) for kind in FEEDBACK}
        if shape == "events" and not isinstance(data.get("events"), dict):
            file.warn(data, f"{file.label(data)} does not say `events: {{mode: …}}`; it is read as mode states")
            filled["events"] = {"mode": "states"}
        return filled


def _settings(value: Any) -> Any:
    """Return settings as Python has them, with what the environment put into them kept out of sight."""
    if isinstance(value, dict):
        return {str(key): _settings(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_settings(item) for item in value]
    return SecretStr(str(value)) if is_from_environment(value) else plain(value)


def shown(value: Any) -> Any:
    """Return settings, headers or parameters with their secrets: for whoever sends them."""
    if isinstance(value, dict):
        return {key: shown(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [shown(item) for item in value]
    return value.get_secret_value() if isinstance(value, SecretStr) else value


class StoreOptions(Model):
    """How a bucket or a server is reached, beside what its URL says."""

    endpoint_url: Text | None = None
    region: Text | None = None
    key: Secret | None = None
    secret: Secret | None = None
    token: Secret | None = None
    password: Secret | None = None
    key_file: Text | None = None
    passphrase: Secret | None = None
    known_hosts: Text | None = None
    host_key: Text | None = None

    def secrets(self) -> list[str]:
        """Return what must never be shown."""
        found = [self.key, self.secret, self.token, self.password, self.passphrase]
        return [secret.get_secret_value() for secret in found if secret]


_OPTIONS = {
    "s3": ("endpoint_url", "region", "key", "secret", "token"),
    "sftp": ("password", "key_file", "passphrase", "known_hosts", "host_key"),
}


class Source(Model):
    """An IT system that records run times."""

    name: str = Field(alias="(name)")
    kind: Kind = Field(description="files, database, rest or python")
    connection: Annotated[SecretStr, BeforeValidator(as_text)] = Field(
        description="a folder, s3://… or sftp://… for kind files, a SQLAlchemy URL such as ${TICKETING_URL} for kind "
        "database, a base URL for kind rest, file.py:function for kind python"
    )
    time_zone: ZoneName = "UTC"
    expected_every: Length = timedelta(days=1)
    work_order_prefix: AnyText = ""
    timeout: Length | None = None
    retries: Whole = Field(5, ge=0, le=20)
    auth: Auth | None = None
    headers: dict[str, Value] = Field(default_factory=dict)
    options: StoreOptions = Field(default_factory=StoreOptions)
    settings: Annotated[dict[str, Any], BeforeValidator(_settings)] = Field(default_factory=dict)
    connections: Whole = Field(1, ge=1, le=16)
    entities: dict[str, Entity] = Field(description="the tables or files to pull, by a name of yours")

    def secrets(self) -> list[str]:
        """Return what must appear in no message, log or table, the longest first."""
        found = [self.headers, self.settings, [entity.params for entity in self.entities.values()]]
        secrets = {*_secrets(found), *(self.auth.secrets() if self.auth else ()), *self.options.secrets()}
        whole = self.connection.get_secret_value()
        if self.kind in ("database", "files"):
            with suppress(ValueError):
                password = urlsplit(whole).password or ""
                secrets |= {password, unquote(password)}
        if self.kind == "database":
            secrets.add(whole)
        # A password of a letter or two would blank out half a text, and guard nothing.
        return sorted((secret for secret in secrets if len(secret) > 2), key=len, reverse=True)

    def folder(self, home: Home) -> Path:
        """Return the folder of a ``files`` source; a relative one is relative to the home."""
        return home.root / self.connection.get_secret_value().removeprefix("file://")

    @classmethod
    def as_written(cls, data: WrittenDict, file: File) -> WrittenDict:
        """Name the entities, and check what depends on the kind."""
        filled = _same_place(data, data)
        filled.setdefault("time_zone", file.zone)
        of_kind = str(data.get("kind", ""))
        _only_of(_SOURCE_KEYS, of_kind, data, file)
        if "connection" in data and "kind" in data:
            file_mistake = _connection_mistake(str(as_text(data["kind"])), str(as_text(data["connection"])))
            if file_mistake:
                file.mistake(data["connection"], f"{file.label(data)}.connection {file_mistake}")
            if of_kind == "files":
                _options_mistakes(str(as_text(data["connection"])), data, file)
        if "entities" in data:
            where = (*data.place, "entities")
            entities = file.pairs(data["entities"], where, "name")
            if not entities:
                file.mistake(where, f"{file.label(where)} is empty; add what to pull from this source")
            filled["entities"] = _named(entities, file, "an entity")
            for name, entity in filled["entities"].items():
                _kind_mistakes(of_kind, entity, (*where, name), file)
                _reconcile_mistakes(data, entity, (*where, name), file)
                _change_mistakes(of_kind, entity, (*where, name), file)
        return filled


def read_sources(file: File) -> dict[str, Source] | None:
    """Return the source systems by name, or None after noting what is wrong with them."""
    content = file.load_yaml("it needs at least one source system; `commitments add-source` writes a first one")
    if content is None:
        return None
    content = file.known(content, ("sources",))
    written = file.pairs(content.get("sources"), ("sources",), "name")
    if not written and not file.mistakes:
        file.mistake(
            (), "there is no source system; add one under `sources:`, or let `commitments add-source` write it"
        )
    sources = {name: file.read(Source, data) for name, data in _named(written, file, "a source").items()}
    return {name: source for name, source in sources.items() if source is not None}


@cache
def expectations() -> frozenset[str]:
    """Return the names of all expectations, without importing Great Expectations, which takes seconds."""
    package = find_spec("great_expectations")
    folders = package.submodule_search_locations if package else None
    return frozenset(
        path.stem for folder in folders or () for path in Path(folder).glob("expectations/core/expect_*.py")
    )


def _same_place(data: WrittenDict, content: dict[str, Any]) -> WrittenDict:
    copy = WrittenDict(content)
    copy.place = data.place
    return copy


def _named(written: WrittenDict, file: File, what: str) -> dict[str, WrittenDict]:
    """Return the pairs under each name that may be one, with their names."""
    named = {}
    for name, data in written.items():
        place = (*written.place, name)
        if not NAME.fullmatch(name):
            good = re.sub(r"[^a-z0-9_]+", "_", name.lower()).strip("_").lstrip("0123456789_") or "name"
            file.mistake(
                place, f"'{name}' cannot name {what}; use small letters, digits and _, a letter first, e.g. {good}"
            )
        if data is None:
            file.mistake(place, f"{file.label(place)} is empty; describe it, or remove it")
        else:
            named[name] = file.pairs(data, place, "key").having(name=name)
    return named


def _connection_mistake(of_kind: str, connection: str) -> str | None:
    """Return what is wrong with a connection, without showing any of it: it may hold a password."""
    if of_kind == "database":
        # Not needed where all sources are files.
        from sqlalchemy.engine import make_url
        from sqlalchemy.exc import ArgumentError

        try:
            make_url(connection)
        except (ArgumentError, ValueError):
            return (
                "is no SQLAlchemy URL; write it like postgresql://user:${PASSWORD}@host/database or sqlite:///file.db"
            )
    elif of_kind == "rest":
        try:
            url = urlsplit(connection)
            is_base = url.scheme in ("http", "https") and bool(url.hostname) and (url.port or 1) > 0
        except ValueError:
            is_base = False
        if not is_base:
            return "is no base URL; write it like https://api.example.com/v2"
        if url.username or url.password:
            return "holds a user or a password; write them as `auth: {basic: {user: …, password: …}}`"
        if url.query or url.fragment:
            return "has a query; write it as `params` of the entities, and a key as `auth: {api_key: …}`"
    elif of_kind == "python":
        if not FUNCTION.fullmatch(connection.strip()):
            return (
                "names no function; write file.py:function, the file relative to the home, or package.module:function"
            )
    elif of_kind == "files" and "://" in connection and not connection.startswith("file://"):
        try:
            url = urlsplit(connection)
            is_known = url.scheme in _OPTIONS and bool(url.hostname) and (url.port or 1) > 0
        except ValueError:
            is_known = False
        if not is_known:
            return "is no place for files that is known; write a folder, s3://bucket/prefix or sftp://user@host/folder"
        if url.scheme == "s3" and "@" in url.netloc:
            return "holds credentials; write them as `options: {key: ${…}, secret: ${…}}`, or set the AWS_… variables"
    return None


def _options_mistakes(connection: str, data: WrittenDict, file: File) -> None:
    options = data.get("options")
    scheme = urlsplit(connection).scheme if "://" in connection else ""
    for key in options if isinstance(options, dict) else ():
        places = [name for name, keys in _OPTIONS.items() if key in keys]
        if places and scheme not in places:
            file.mistake(
                (*options.place, key), f"{file.label(options)}.{key} is for {places[0]}://, this is not; remove it"
            )


def _kind_mistakes(of_kind: str, entity: WrittenDict, place: tuple[str | int, ...], file: File) -> None:
    """Note what an entity may not say in a source of its kind."""
    label = file.label(place)
    _only_of(_ENTITY_KEYS, of_kind, entity, file)
    if "cursor" not in entity:
        for key in ("cursor_param", "cursor_format", "cursor_lag"):
            if key in entity:
                file.mistake((*place, key), f"{label}.{key} needs `cursor`: the column that tells when a row changed")
    if of_kind == "rest":
        _rest_mistakes(entity, place, file)
    elif of_kind == "database":
        is_table, is_query = entity.get("from") is not None, entity.get("query") is not None
        if is_table == is_query:
            both = "has both `from` and `query`; keep one" if is_table else "needs `from` (a table) or `query`"
            file.mistake(place, f"{label} {both}")
    elif of_kind == "files":
        if entity.get("from") is None:
            file.mistake(place, f"`from` is missing in {label}: the file to read, or a pattern such as runs_*.csv")
        if "cursor" in entity:
            file.warn((*place, "cursor"), f"{label}.cursor has no effect: files are compared by content; remove it")
        pattern = entity.get("from")
        is_ocel = entity.get("format") == "ocel" or str(pattern).lower().endswith(
            (".jsonocel", ".jsonocel.gz", ".sqlite")
        )
        if is_ocel and entity.get("object_type") is None:
            file.mistake(
                place,
                f"`object_type` is missing in {label}: the type of the objects that are the work orders, since an "
                "event of OCEL belongs to objects of several types",
            )
        if isinstance(pattern, str) and "format" not in entity and not _is_file_format(pattern):
            file.mistake(
                pattern,
                f"{label}.from {file.shown(pattern)} is no format that can be read; known: {', '.join(FILE_FORMATS)}, "
                "text also with .gz; or say its `format`",
            )


def _rest_mistakes(entity: WrittenDict, place: tuple[str | int, ...], file: File) -> None:
    label = file.label(place)
    path = entity.get("from")
    if path is None:
        file.mistake(place, f"`from` is missing in {label}: the path behind the base URL, e.g. /tickets")
    elif is_scalar(path) and "://" in str(path):
        file.mistake(path, f"{label}.from is a whole URL; write the path behind `connection`, e.g. /tickets")
    elif is_scalar(path) and set("?#") & set(str(path)):
        file.mistake(path, f"{label}.from has a query; write it as `params`, e.g. {{status: all}}")
    if "cursor" in entity and "cursor_param" not in entity:
        file.mistake(
            (*place, "cursor"),
            f"{label}.cursor needs `cursor_param`: the parameter that asks for what changed since, e.g. updated_since",
        )
    written = entity.get("cursor_format")
    if is_scalar(written):
        for message in _time_format_mistakes(written, file):
            file.mistake(*message)


# What only some kinds can make use of.
_SOURCE_KEYS = {
    "auth": ("rest",),
    "headers": ("rest",),
    "options": ("files",),
    "settings": ("python",),
    "timeout": ("files", "database", "rest", "python"),
    "retries": ("files", "database", "rest"),
}
_ENTITY_KEYS = {
    "from": ("files", "database", "rest"),
    "query": ("database",),
    "format": ("files",),
    "encoding": ("files",),
    "delimiter": ("files",),
    "header_row": ("files",),
    "sheet": ("files",),
    "sheet_column": ("files",),
    "object_type": ("files",),
    "params": ("rest",),
    "records": ("rest",),
    "total": ("rest",),
    "total_header": ("rest",),
    "paging": ("rest",),
    "cursor_param": ("rest",),
    "cursor_format": ("rest",),
    "cursor_lag": ("database", "rest", "python"),
    "keys": ("database",),
}


def _only_of(kinds: dict[str, tuple[str, ...]], of_kind: str, data: WrittenDict, file: File) -> None:
    for key, known in kinds.items():
        if of_kind in get_args(Kind) and of_kind not in known and data.get(key) is not None:
            file.mistake(
                (*data.place, key),
                f"{file.label(data)}.{key} is for kind {' and '.join(known)}, this is {of_kind}; remove it",
            )


def _secrets(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        value = value.values()
    if isinstance(value, SecretStr):
        yield value.get_secret_value()
    elif isinstance(value, Iterable) and not isinstance(value, str):
        for item in value:
            yield from _secrets(item)


def _reconcile_mistakes(source: WrittenDict, entity: WrittenDict, place: tuple[str | int, ...], file: File) -> None:
    """Note a control total that this source cannot be asked for."""
    of_kind, connection = str(source.get("kind")), str(as_text(source.get("connection")))
    reconcile, where = entity.get("reconcile"), (*place, "reconcile")
    if not isinstance(reconcile, dict):
        return
    if of_kind not in ("database", "files"):
        file.mistake(where, f"{file.label(where)} is for kind database and files, this is {of_kind}; remove it")
        return
    if of_kind == "files" and "://" in connection and not connection.startswith("file://"):
        file.mistake(where, f"{file.label(where)} reads control files of a folder; remove it, this is none")
        return
    of_row = as_text(entity.get("deletions")) not in (None, ABSENT, KEY_SWEEP)
    if of_row and not reconcile.keys() & {"where", "query", "file"}:
        file.warn(
            where, f"{file.label(where)} counts rows that `deletions` says are deleted; leave them out by `where`"
        )
    for key in reconcile:
        if (key == "file") != (of_kind == "files") and key in ("count", "sum", "where", "query", "file"):
            remedy = (
                "files cannot be asked; name the file that says how many rows there are with `file`"
                if of_kind == "files"
                else "a database is asked with `count`, `sum` or `query`"
            )
            file.mistake((*where, key), f"{file.label((*where, key))} is not for kind {of_kind}: {remedy}")


def _change_mistakes(of_kind: str, entity: WrittenDict, place: tuple[str | int, ...], file: File) -> None:
    """Note what an entity may not say about how it changes: cursor, lag, deletions."""
    label, said = file.label(place), as_text(entity.get("deletions"))
    has_cursor = entity.get("cursor") is not None
    lag = as_text(entity.get("cursor_lag"))
    if isinstance(lag, str) and NUMBER.fullmatch(lag.strip()) and of_kind != "database":
        file.mistake(
            (*place, "cursor_lag"),
            f"{label}.cursor_lag {file.shown((*place, 'cursor_lag'))} has no unit; write it like 1h (a number alone is "
            "for cursors of databases)",
        )
    if said == KEY_SWEEP:
        if of_kind != "database":
            file.mistake(
                (*place, "deletions"), f"{label}.deletions key_sweep is for databases; write absent, or a flag column"
            )
        elif not file.items(entity.get("key")):
            file.mistake((*place, "deletions"), f"{label}.deletions key_sweep needs a `key`; add it")
        elif not has_cursor:
            file.mistake(
                (*place, "deletions"),
                f"{label}.deletions key_sweep is for entities with a `cursor`; a whole pull shows by itself what is "
                "gone: write absent",
            )
    elif said == ABSENT and has_cursor and of_kind != "files":
        file.warn(
            (*place, "deletions"),
            f"{label}.deletions absent sees only whole pulls, and with a `cursor` those are `run --full-refresh`"
            + ("; key_sweep sees them every day" if of_kind == "database" else ""),
        )
    keys = entity.get("keys")
    if keys is None:
        return
    if said != KEY_SWEEP:
        file.mistake((*place, "keys"), f"{label}.keys is for deletions: key_sweep; remove it, or write that")
    elif isinstance(keys, dict):
        if (keys.get("from") is None) == (keys.get("query") is None):
            file.mistake((*place, "keys"), f"{label}.keys needs either `from` (a table) or `query`")
        columns = file.items(keys.get("columns"))
        if columns and len(columns) != len(file.items(entity.get("key"))):
            file.mistake(
                (*place, "keys", "columns"),
                f"{label}.keys.columns has not as many columns as `key`; name them in the order of `key`",
            )


def _is_file_format(pattern: str) -> bool:
    name = PurePosixPath(pattern.lower()).name.removesuffix(".gz")
    # A pattern such as runs.* takes what it finds.
    return name.endswith(FILE_FORMATS) or "*" in PurePosixPath(name).suffix or name.endswith(("*", "]", "}"))


Found = tuple[Any, str]


def _shape_mistakes(data: WrittenDict, file: File) -> Iterator[Found]:
    """Yield what an entity lacks, or has too much, for its shape."""
    shape = str(data.get("shape", ""))
    if shape not in COLUMNS:
        return
    label = file.label(data)
    if shape != "events" and not file.items(data.get("key")):
        yield data, f"`key` is missing in {label}: the columns that identify a row, e.g. [ticket_id, step_no]"
    for key, of_shape in _KEYS_OF_SHAPE.items():
        if key in data and shape != of_shape:
            yield (
                (*data.place, key),
                f"{label}.{key} is for shape {of_shape}, this is {shape}; remove it or change the shape",
            )
    if shape == "milestones" and not data.get("milestones"):
        yield (
            data,
            f"`milestones` is missing in {label}: its steps, e.g. - {{node: approve, from: ordered, to: approved}}",
        )
    if shape == "events" and "statuses" in data:
        yield (
            (*data.place, "statuses"),
            f"{label}.statuses is not for events; use `events: {{ends: […], cancels: […]}}`",
        )
    if shape in _OF_NO_RUN and "statuses" in data:
        yield (*data.place, "statuses"), f"{label}.statuses is not for {shape}, which have no status; remove it"
    if shape in ("feedback", "outages") and "nodes" in data:
        remedy = (
            "; write `services`, as process/node" if shape == "outages" else ", which is about the whole work order"
        )
        yield (*data.place, "nodes"), f"{label}.nodes is not for {shape}{remedy}; remove it"
    columns = data.get("columns")
    if isinstance(columns, dict):
        yield from _column_mistakes(shape, columns, data, file)
    yield from _repeated(file.scalars(data.get("key")), file, f"{label}.key")
    yield from _status_mistakes(data, file)
    yield from _ambiguous(data, "kinds", file)
    if is_scalar(data.get("time_format")):
        yield from _time_format_mistakes(data["time_format"], file)
    if is_scalar(data.get("work_order_url")) and "{work_order_id}" not in str(data["work_order_url"]):
        yield (
            data["work_order_url"],
            f"{label}.work_order_url has no {{work_order_id}}; put it where the number belongs",
        )


def _column_mistakes(shape: str, columns: dict[str, Any], data: WrittenDict, file: File) -> Iterator[Found]:
    place, label = (*data.place, "columns"), file.label(data)
    for column in columns:
        if column in COLUMNS[shape]:
            continue
        if shape == "milestones" and column in ("promised_at", "node", "started_at", "ended_at"):
            remedy = "give it to each step under `milestones`"
        elif shape == "events" and column in ("node", "status", "started_at", "ended_at"):
            remedy = "an event has `activity` and `at`; map those"
        elif shape in _OF_NO_RUN and any(column in known for known in COLUMNS.values()):
            remedy = f"{_OF_NO_RUN[shape]}; remove it"
        else:
            remedy = suggest(column, COLUMNS[shape])
        yield (*place, column), f"unknown column '{column}' for shape {shape} in {label}.columns; {remedy}"
    required = list(REQUIRED_COLUMNS[shape])
    rules = data.get("events")
    if shape == "events" and isinstance(rules, dict) and rules.get("mode") == "lifecycle":
        required.append("lifecycle")
    for column in required:
        if columns.get(column) is None:
            yield place, f"`{column}` is missing in {label}.columns: shape {shape} needs it; add {column}: their column"


def _status_mistakes(data: WrittenDict, file: File) -> Iterator[Found]:
    statuses = data.get("statuses")
    if not isinstance(statuses, dict):
        return
    label = file.label(data)
    columns = data.get("columns")
    if data.get("shape") == "milestones" and isinstance(columns, dict) and "status" not in columns:
        yield (*data.place, "statuses"), f"{label}.statuses has no column to look at; add status to columns"
    for status, words in statuses.items():
        if None in file.items(words):
            yield (
                (*data.place, "statuses", status),
                (
                    f"{label}.statuses.{status} contains an empty value; an empty cell has no status: give it one, "
                    "e.g. with status: {sql: \"coalesce(state, 'none')\"}"
                ),
            )
    yield from _ambiguous(data, "statuses", file)


def _ambiguous(data: WrittenDict, key: str, file: File) -> Iterator[Found]:
    """Yield the words of theirs that stand for two of ours."""
    first: dict[str, str] = {}
    mapped = data.get(key)
    for ours, words in mapped.items() if isinstance(mapped, dict) else ():
        for word in file.scalars(words):
            if (other := first.setdefault(str(as_text(word)), ours)) != ours:
                yield word, f"{file.label(data)}.{key}: {file.shown(word)} is both {other} and {ours}; keep one of them"


def _repeated(values: Iterable[Any], file: File, label: str) -> Iterator[Found]:
    seen = set()
    for value in values:
        if as_text(value) in seen:
            yield value, f"{label}: {file.shown(value)} is given twice; remove one"
        seen.add(as_text(value))


def _time_format_mistakes(written: Any, file: File) -> Iterator[Found]:
    text = str(as_text(written))
    if text in WORDS_FOR_TIMES:
        return
    label = f"{file.label(written)} {file.shown(written)}"
    directives = re.findall(r"%(-?.?)", text)
    if not directives:
        yield written, f"{label} is no time format; write it like %d/%m/%Y %H:%M, or as {' or '.join(WORDS_FOR_TIMES)}"
    for directive in directives:
        if directive not in TIME_DIRECTIVES:
            yield written, f"{label}: %{directive} is no part of a time; write it like %d/%m/%Y %H:%M"
