"""Where a pull begins and ends: what landed last says it, and what a pull brings again is told from what is new."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.sources.personal import Protection
from pipelines.sources.pulled import Progress, Pulled, SourceError

if TYPE_CHECKING:
    from pipelines.catalogue.sources import Entity, Source
    from pipelines.landing import Batch

NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")
UNIX = {"unix": 1, "unix_ms": 1000}


def begin(entity: Entity, history: Sequence[Batch], origin: str, full_refresh: bool) -> tuple[Pulled, str | None]:
    """Return a pull that goes on where the last one stood, and the hash of the rows that will come again."""
    pulled = Pulled(
        mode="whole", batches=iter(()), origin=origin, cursor_column=entity.cursor, always_land=full_refresh
    )
    newest = None if full_refresh else standing(history, entity.cursor, origin)
    if newest is None:
        return pulled, None
    pulled.mode = "cursor"
    pulled.cursor_from, pulled.cursor_type = newest["cursor_to"], newest["cursor_type"]
    return pulled, newest["cursor_ties"]


def standing(history: Sequence[Batch], cursor: str | None, origin: str) -> dict[str, Any] | None:
    """Return the manifest of the newest batch that says where the cursor stands; None where none does.

    In another table, query or column the old place means nothing; a range pulled again and a list of keys move nothing.
    """
    newest = next((one.manifest for one in reversed(history) if one.mode not in ("backfill", "keys")), None)
    if newest is None or cursor is None or newest["cursor_to"] is None:
        return None
    return newest if (newest["cursor_column"], newest["origin"]) == (cursor, origin) else None


def conclude(pulled: Pulled, rows: int, place: tuple[str, str] | None, ties: str, known_ties: str | None) -> None:
    """Note where the cursor stands after the last row (its text and type; None: where it stood), and if that is new."""
    if place is None:
        pulled.cursor_to = pulled.cursor_from
    else:
        pulled.cursor_to, pulled.cursor_type = place
    pulled.cursor_ties = ties
    stands_still = pulled.mode == "cursor" and pulled.cursor_to == pulled.cursor_from
    pulled.unchanged = stands_still and (rows == 0 or ties == known_ties)
    # A first pull that finds nothing, found again, is nothing new either.
    pulled.content_hash = f"{rows}:{ties}" if place is None else None


def followed(
    source: Source,
    entity: Entity,
    pulled: Pulled,
    known_ties: str | None,
    batches: Iterable[pa.RecordBatch],
    progress: Progress | None,
) -> Iterator[pa.RecordBatch]:
    """Pass on rows that come in no order, and note what only their end shows."""
    latest = Latest(source, entity, pulled.cursor_from) if entity.cursor else None
    content = Content()
    rows = 0
    columns: dict[str, None] = {}
    # Before anything is made of the rows: a hash of one row would betray what it hides.
    protection = Protection(source, entity)
    for batch in map(protection, batches):
        rows += batch.num_rows
        columns.update(dict.fromkeys(batch.schema.names))
        (latest or content).add(batch)
        if progress is not None:
            progress(rows)
        yield batch
    if latest is None:
        pulled.content_hash = content.hash()
        return
    if rows and entity.cursor not in columns:
        raise SourceError(
            source.name,
            entity.name,
            f"there is no column {entity.cursor!r}, the declared cursor (there are {', '.join(columns)}): "
            "correct `cursor` in sources.yml.",
        )
    conclude(pulled, rows, latest.place(), latest.ties(), known_ties)


def future() -> datetime:
    """Return from when on a cursor is not believed, in UTC without saying so.

    One row dated 2062 must not keep the cursor from all that changes until then; two days cover every zone.
    """
    return datetime.now(UTC).replace(tzinfo=None) + timedelta(days=2)


class Content:
    """A hash of rows in any order: sources promise none, and the same rows in another order are no news."""

    def __init__(self) -> None:
        """Of no rows."""
        import duckdb

        self._duckdb = duckdb.connect(":memory:", config={"threads": "1"})
        self.reset()

    def reset(self) -> None:
        """Forget all rows."""
        self._rows, self._sum, self._xor = 0, 0, 0

    def add(self, batch: pa.RecordBatch) -> None:
        """Take in more rows."""
        if not batch.num_rows or not batch.num_columns:
            self._rows += batch.num_rows
            return
        self._duckdb.register("rows", batch)
        found = self._duckdb.execute("SELECT sum(hash(rows)), bit_xor(hash(rows)) FROM rows").fetchone()
        self._duckdb.unregister("rows")
        self._rows += batch.num_rows
        self._sum += int(found[0])
        self._xor ^= int(found[1])

    def by_code(self, batch: pa.RecordBatch, codes: pa.Array) -> list[tuple[int, int, int, int]]:
        """Return code, number, sum and xor of the rows of each code, without taking them in."""
        self._duckdb.register("rows", batch)
        self._duckdb.register("codes", pa.table({"code": codes}))
        found = self._duckdb.execute(
            "SELECT code, count(*), sum(hash(rows)), bit_xor(hash(rows)) FROM rows POSITIONAL JOIN codes GROUP BY code"
        ).fetchall()
        self._duckdb.unregister("rows")
        self._duckdb.unregister("codes")
        return [tuple(map(int, row)) for row in found]  # type: ignore[misc]

    def hash(self) -> str:
        """Return what is the same for the same rows."""
        return f"{self._rows}-{self._sum:x}-{self._xor:x}"


class Latest:
    """Where the cursor stands after rows in no order, and a hash of the rows that the next pull will bring again."""

    def __init__(self, source: Source, entity: Entity, start: str | None) -> None:
        """``start`` is the text of where it stood."""
        self._source, self._entity = source, entity
        self._future = future()
        self._always = Content()
        self._near: dict[Any, list[int]] = {}
        self._last: Any = None
        self.text: str | None = start
        if start is not None:
            self._last = self._place(start)

    def add(self, batch: pa.RecordBatch) -> None:
        """Take in more rows."""
        assert self._entity.cursor is not None
        if not batch.num_rows:
            return
        if self._entity.cursor not in batch.schema.names:
            self._always.add(batch)
            return
        encoded = batch.column(self._entity.cursor).dictionary_encode()
        values = encoded.dictionary.to_pylist()
        places = [self._place(value) for value in values]
        behind = [not (isinstance(place, datetime) and place > self._future) for place in places]
        for value, place, is_behind in zip(values, places, behind, strict=True):
            if is_behind and (self._last is None or self._is_after(place, self._last)):
                self._last, self.text = place, value.isoformat() if isinstance(value, date) else str(value)
        near = [is_behind and self._is_near(place) for place, is_behind in zip(places, behind, strict=True)]
        # Rows without a value come every time, or would be missed: nothing else tells when one of them changes.
        self._always.add(batch.filter(_of(encoded.indices, [not it for it in behind], of_null=True)))
        chosen = _of(encoded.indices, near, of_null=False)
        for code, *sums in self._always.by_code(batch.filter(chosen), encoded.indices.filter(chosen)):
            rows, total, xor = self._near.get(places[code], [0, 0, 0])
            self._near[places[code]] = [rows + sums[0], total + sums[1], xor ^ sums[2]]
        self._near = {place: sums for place, sums in self._near.items() if self._is_near(place)}

    def ties(self) -> str:
        """Return the hash of the rows within the lag of the cursor, and of those that come every time."""
        rows, total, xor = 0, 0, 0
        for more in self._near.values():
            rows, total, xor = rows + more[0], total + more[1], xor ^ more[2]
        return f"{rows}-{total:x}-{xor:x}+{self._always.hash()}"

    def place(self) -> tuple[str, str] | None:
        """Return text and type of where the cursor stands; None before the first row."""
        if self.text is None:
            return None
        return self.text, {datetime: "datetime", Decimal: "decimal", str: "text"}[type(self._last)]

    def _is_near(self, place: Any) -> bool:
        if not self._entity.cursor_lag or not isinstance(self._last, datetime):
            return bool(place == self._last)
        return bool(place >= self._last - self._entity.cursor_lag)

    def _is_after(self, place: Any, other: Any) -> bool:
        if type(place) is not type(other):
            raise SourceError(
                self._source.name,
                self._entity.name,
                f"the cursor {self._entity.cursor!r} has values of different kinds ({place} and {other}), "
                "of which none is the later one: name another column in `cursor` in sources.yml, or run once with "
                "--full-refresh.",
            )
        return bool(place > other)

    def _place(self, value: Any) -> Any:
        return instant_of_cursor(value, self._entity.time_format) or _number_or_text(value)


def since(source: Source, entity: Entity, start: str) -> str:
    """Return where a pull is to begin, in the words of the source: the lag before where the cursor stood."""
    if not entity.cursor_lag and not entity.cursor_format:
        return start
    instant = _moment(start, entity.time_format)
    if instant is None:
        raise SourceError(
            source.name,
            entity.name,
            f"the cursor {entity.cursor!r} stands at {start!r}, which is no time: remove `cursor_lag` and "
            "`cursor_format` in sources.yml, or give the `time_format` in which it is written.",
        )
    with_offset, written = instant
    with_offset -= entity.cursor_lag or timedelta()
    form = entity.cursor_format or written
    if form in UNIX:
        if with_offset.tzinfo is None:
            with_offset = with_offset.replace(tzinfo=ZoneInfo(source.time_zone))
        number = Decimal((with_offset - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)) / 1_000_000
        # Rounded down: a second too early brings a row twice, one too late misses it.
        return str(int(number * UNIX[form] // 1))
    if form:
        return with_offset.strftime(form.replace("%-", "%"))
    text = with_offset.isoformat(sep="T" if "T" in start else " ")
    return text.removesuffix("+00:00") + "Z" if start.upper().endswith("Z") else text


def instant_of_cursor(value: Any, time_format: str | None) -> datetime | None:
    """Return a value as an instant in UTC without saying so, to be compared; None where it is no time."""
    if isinstance(value, datetime):
        return (value.astimezone(UTC) if value.tzinfo else value).replace(tzinfo=None)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)
    found = _moment(str(value), time_format) if isinstance(value, str | int | float | Decimal) else None
    return instant_of_cursor(found[0], None) if found else None


def _moment(text: str, time_format: str | None) -> tuple[datetime, str | None] | None:
    """The time that a text is, and the format in which it is written (None: ISO 8601)."""
    if time_format in UNIX:
        if NUMBER.fullmatch(text):
            microseconds = int(Decimal(text) * 1_000_000 / UNIX[time_format])
            return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds), time_format
        return None
    readers: list[tuple[Callable[[str], datetime], str | None]] = [(datetime.fromisoformat, None)]
    if time_format:
        readers.insert(0, (lambda it: datetime.strptime(it, time_format.replace("%-", "%")), time_format))
    for read, form in readers:
        # 20260105 is a number to whoever compares it, and fromisoformat would take it for a date.
        if form or not NUMBER.fullmatch(text):
            try:
                return read(text), form
            except ValueError:
                continue
    return None


def _number_or_text(value: Any) -> Any:
    text = str(value)
    return Decimal(text) if not isinstance(value, bool) and NUMBER.fullmatch(text) else text


def _of(codes: pa.Array, chosen: list[bool], of_null: bool) -> pa.Array:
    """Which rows have a chosen code."""
    return pc.fill_null(pc.take(pa.array(chosen, pa.bool_()), codes), of_null)
