"""What the sample of a table tells about each of its columns: filled or not, distinct, and whether it is a time."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import duckdb
import pandas as pd
import pyarrow as pa

from pipelines.conform import ISO_TIME, literal, quoted
from pipelines.proposal import words

# A column is a time when nearly all of it is; what is not will be quarantined, and shown by the first pull.
MOST = 0.95
# 1990 to 2100: a whole number outside is no time.
UNIX_FROM, UNIX_TO = 631_152_000, 4_102_444_800


@dataclass(frozen=True)
class TimeReading:
    """How the texts of a column are read as times."""

    format: str | None
    reason: str
    has_offset: bool = False
    is_guess: bool = False
    is_typed: bool = False
    """The source itself says that it is a time."""
    in_order_as_text: bool = False
    """So that a database can be asked for what is later."""


@dataclass
class Column:
    """A column of the sample."""

    name: str
    values: pd.Series
    """Texts, without blanks around them; missing where there is nothing, or a marker for nothing."""
    markers: tuple[str, ...] = ()
    time: TimeReading | None = None
    times: pd.Series | None = None
    """Microseconds since 1970, as far as they could be read."""

    @cached_property
    def filled(self) -> int:
        """How many rows have a value."""
        return int(self.values.notna().sum())

    @cached_property
    def distinct(self) -> int:
        """How many different values there are."""
        return int(self.values.nunique())

    @cached_property
    def is_unique(self) -> bool:
        """No value twice, and none missing."""
        return self.filled == len(self.values) == self.distinct

    @cached_property
    def is_whole_number(self) -> bool:
        """All digits."""
        return self.filled > 0 and bool(self.values.dropna().str.fullmatch(r"-?\d+").all())

    @cached_property
    def is_truth(self) -> bool:
        """Yes or no."""
        said = set(self.values.dropna().str.lower().unique())
        return bool(said) and said <= {"true", "false", "yes", "no", "t", "f", "y", "n", "0", "1", "ja", "nein"}

    @cached_property
    def by_count(self) -> dict[str, int]:
        """Each value with how often it occurs, the most frequent first."""
        return {str(value): int(count) for value, count in self.values.value_counts().items()}


@dataclass
class Profile:
    """The sample of one table or set of files."""

    rows: int
    copies: int
    """Rows that are exact copies of another one, and left out."""
    columns: dict[str, Column] = field(default_factory=dict)

    def named(self, phrases: Sequence[str], among: Sequence[str] | None = None) -> list[str]:
        """The columns whose names mean one of the phrases, the surest first."""
        ranks = {name: words.rank(name, phrases) for name in (self.columns if among is None else among)}
        return sorted((name for name in ranks if ranks[name] is not None), key=lambda name: ranks[name] or 0)


def profile(sample: pa.Table) -> Profile:
    """Look at every column of a sample."""
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'")
        con.register("everything", sample)
        names = sample.column_names
        listed = ", ".join(quoted(name) for name in names)
        con.execute(
            f"CREATE TABLE sample AS SELECT {listed}, min(row_of_sample) AS row_of_sample "
            f"FROM (SELECT *, row_number() OVER () AS row_of_sample FROM everything) GROUP BY {listed}"
        )
        (rows,) = con.execute("SELECT count(*) FROM sample").fetchone() or (0,)
        found = Profile(sample.num_rows, sample.num_rows - rows)
        for name in names:
            found.columns[name] = _column(con, name, sample.schema.field(name).type)
        return found


def _column(con: duckdb.DuckDBPyConnection, name: str, kind: pa.DataType) -> Column:
    text = f"nullif(trim({quoted(name)}::VARCHAR, ' ' || chr(9) || chr(10) || chr(13)), '')"
    markers = [
        str(value)
        for (value,) in con.execute(
            f"SELECT DISTINCT {text} FROM sample WHERE {text} IN ({', '.join(map(literal, words.NULL_MARKERS))})"
        ).fetchall()
    ]
    for marker in markers:
        text = f"nullif({text}, {literal(marker)})"
    values = con.execute(f"SELECT {text} AS v FROM sample ORDER BY row_of_sample").df()["v"]
    column = Column(name, values.where(values.notna(), None).astype("object"), tuple(sorted(markers)))
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        has_offset = pa.types.is_timestamp(kind) and kind.tz is not None
        column.time = TimeReading(None, "a time by its type", has_offset, is_typed=True, in_order_as_text=True)
        sql = f"epoch_us({quoted(name)}::TIMESTAMP)"
    else:
        column.time = _time_reading(column)
        sql = "NULL::BIGINT" if column.time is None else instant_sql(text, column.time.format)
    if column.time is not None:
        column.times = con.execute(f"SELECT ({sql})::DOUBLE AS t FROM sample ORDER BY row_of_sample").df()["t"]
    return column


def instant_sql(text: str, time_format: str | None) -> str:
    """Microseconds of a text; times without an offset are taken as they are, which is right for comparing them."""
    if time_format is None:
        return f"try(epoch_us(try_cast(replace({text}, ',', '.') AS TIMESTAMPTZ)))"
    if time_format in ("unix", "unix_ms"):
        factor = 1_000_000 if time_format == "unix" else 1_000
        return f"try_cast(try_cast({text} AS DECIMAL(28, 6)) * {factor} AS BIGINT)"
    return f"epoch_us(try_strptime({text}, {literal(time_format)}))"


# --- times --------------------------------------------------------------------------------------------------------

_CLOCKS = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p", " %H:%M:%S%z", " %H:%M%z")
_MONTHS = ("%d{0}%b{0}%Y", "%d{0}%B{0}%Y", "%b{0}%d{0}%Y", "%B{0}%d{0}%Y", "%d{0}%b{0}%y", "%b{0}%d,{0}%Y")


def _time_reading(column: Column) -> TimeReading | None:
    values = column.values.dropna().unique()
    if len(values) == 0:
        return None
    shape, count = Counter(re.sub(r"\d", "9", str(value))[:10] for value in values).most_common(1)[0]
    if shape.startswith("9999-99-99"):
        return _iso(values)
    if re.fullmatch(r"9{9,10}", shape) and column.is_whole_number:
        return _unix(column, values)
    if re.fullmatch(r"9{8}", shape) and count >= MOST * len(values):
        return _best(values, ("%Y%m%d",)) if words.rank(column.name, words.AT) is not None else None
    if re.match(r"9{4}[/.]9{1,2}[/.]9{1,2}", shape):
        return _best(values, tuple("%Y{0}%m{0}%d".format(shape[4]) + clock for clock in _CLOCKS))
    if found := re.match(r"9{1,2}([/.-])9{1,2}\1(9{2,4})", re.sub(r"\d", "9", str(values[0]))):
        sign, year = found[1], "%Y" if len(found[2]) == 4 else "%y"
        return _day_or_month_first(values, sign, year)
    if re.search(r"\d", str(values[0])) and re.search(r"[^\W\d]{3}", str(values[0])):
        sign = next((one for one in (" ", "-", "/", ".") if one in str(values[0])), " ")
        return _best(values, tuple(day.format(sign) + clock for day in _MONTHS for clock in _CLOCKS))
    return None


def _iso(values: Sequence[str]) -> TimeReading | None:
    matches = [re.match(ISO_TIME, value) for value in values]
    read = [match for match in matches if match]
    if len(read) < MOST * len(values):
        return None
    with_offset = sum(match[2] is not None for match in read)
    reason = "ISO 8601" + (
        f" with offset, e.g. {values[0]}" if with_offset == len(read) else f" without offset, e.g. {values[0]}"
    )
    if 0 < with_offset < len(read):
        reason = f"ISO 8601, {with_offset} of {len(read)} with offset"
    offsets = {match[2] for match in read}
    return TimeReading(None, reason, with_offset == len(read), in_order_as_text=len(offsets) == 1)


def _unix(column: Column, values: Sequence[str]) -> TimeReading | None:
    numbers = [int(value) for value in values]
    is_named = any(
        words.rank(column.name, phrases) is not None
        for phrases in (words.AT, words.START, words.END, words.CHANGED, words.PROMISED, ["ts", "unix", "epoch"])
    )
    if not is_named or words.words_of(column.name)[-1:] in (["id"], ["no"], ["number"]):
        return None
    for name, factor, what in (("unix", 1, "seconds"), ("unix_ms", 1000, "milliseconds")):
        if all(UNIX_FROM * factor <= number < UNIX_TO * factor for number in numbers):
            return TimeReading(name, f"{what} since 1970, e.g. {values[0]}", has_offset=True, in_order_as_text=True)
    return None


def _best(values: Sequence[str], formats: Sequence[str]) -> TimeReading | None:
    read = _read_by(values, formats)
    best = max(formats, key=lambda one: read[one])
    if read[best] < MOST * len(values):
        return None
    return TimeReading(best, f"like {values[0]}", has_offset="%z" in best, in_order_as_text=best.startswith("%Y"))


def _day_or_month_first(values: Sequence[str], sign: str, year: str) -> TimeReading | None:
    pairs = [(f"%d{sign}%m{sign}{year}{clock}", f"%m{sign}%d{sign}{year}{clock}") for clock in _CLOCKS]
    read = _read_by(values, [one for pair in pairs for one in pair])
    day_first, month_first = max(pairs, key=lambda pair: max(read[pair[0]], read[pair[1]]))
    best, other = (day_first, month_first) if read[day_first] >= read[month_first] else (month_first, day_first)
    if read[best] < MOST * len(values):
        return None
    if read[best] == read[other]:
        reason = f"day or month first? no value is over 12 (e.g. {values[0]}); a guess: swap %d and %m if it is wrong"
        return TimeReading(best, reason, has_offset="%z" in best, is_guess=True)
    place = 0 if best == day_first else 1
    tells = next((value for value in values if int(re.split(r"\D", value)[place]) > 12), values[0])
    first = "day" if best == day_first else "month"
    return TimeReading(best, f"{first} first: {tells} can be nothing else", has_offset="%z" in best)


def _read_by(values: Sequence[str], formats: Sequence[str]) -> dict[str, int]:
    """How many of the values each format reads, by the engine that will read them."""
    with duckdb.connect() as con:
        con.register("texts", pa.table({"v": pa.array(list(values), pa.string())}))
        counts = ", ".join(f"count(try_strptime(v, {literal(one)}))" for one in formats)
        found = con.execute(f"SELECT {counts} FROM texts").fetchone() or ()
    return dict(zip(formats, found, strict=True))
