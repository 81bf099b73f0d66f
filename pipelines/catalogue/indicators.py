"""indicators.yml: what is measured of a service period by period, and what it meant from when on."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, ValidationInfo

from pipelines.catalogue.base import Model, Text, a_number, as_text
from pipelines.catalogue.commitments import ROUND_THE_CLOCK
from pipelines.catalogue.reading import File, WrittenDict
from pipelines.catalogue.times import Instant, LengthUs, length_of

Kind = Literal[
    "response_time",
    "resolution_time",
    "availability",
    "satisfaction",
    "complaints",
    "first_time_right",
    "backlog_age",
]
Measure = Literal["median", "mean", "share_within"]

# The first is what holds where nothing is said.
MEASURES: dict[str, tuple[Measure, ...]] = {
    "response_time": ("median", "share_within"),
    "resolution_time": ("median", "share_within"),
    "backlog_age": ("median", "mean"),
}
# What only some kinds can make use of.
_ONLY_OF = {
    "node": ("response_time", "availability"),
    "calendar": ("availability", "backlog_age"),
    "measure": tuple(MEASURES),
    "within": ("response_time", "resolution_time"),
    "segments": tuple(kind for kind in Kind.__args__ if kind != "availability"),
}
SECONDS, SHARE, PER_THOUSAND = "seconds", "share", "per 1,000 work orders"


def unit_of(kind: str | None, measure: str | None) -> str:
    """Return what the values of an indicator are in."""
    if measure in ("median", "mean"):
        return SECONDS
    return PER_THOUSAND if kind == "complaints" else SHARE


def _target(value: Any, info: ValidationInfo) -> Any:
    unit, text = unit_of(info.data.get("kind"), info.data.get("measure")), as_text(value)
    if unit == SECONDS and isinstance(text, str):
        return length_of(text.strip())[0] / 1_000_000
    number = a_number(value)
    if unit == SHARE and isinstance(text, str) and not 0 <= float(number) <= 1:
        raise ValueError("must be a share from 0 to 1; write 90% as 0.9")
    return number


class IndicatorVersion(Model):
    """What an indicator means from ``valid_from_us`` on; null: from the beginning."""

    kind: Kind = Field(description="what is measured, e.g. response_time, satisfaction, backlog_age")
    process: Text = Field(description="a process of processes.yml")
    node: Text | None = None
    measure: Measure | None = None
    within_us: LengthUs | None = Field(None, alias="within", ge=1)
    by_segment: bool = Field(False, alias="segments")
    calendar: Text = ROUND_THE_CLOCK
    target: Annotated[float | None, BeforeValidator(_target)] = Field(None, ge=0)
    valid_from_us: Instant | None = Field(None, alias="valid_from")

    @property
    def unit(self) -> str:
        """seconds, share, or per 1,000 work orders."""
        return unit_of(self.kind, self.measure)

    @property
    def is_higher_better(self) -> bool:
        """Times, complaints and backlogs are better the smaller they are."""
        return self.unit == SHARE

    @classmethod
    def as_written(cls, data: WrittenDict, file: File) -> WrittenDict:
        """Note what the kind has no use for, and which measure of a time is meant."""
        kind, label = str(data.get("kind")), file.label(data)
        if kind not in Kind.__args__:
            return data
        for key, kinds in _ONLY_OF.items():
            if key in data and kind not in kinds:
                file.mistake(data[key], f"{label}.{key} is for {', '.join(kinds)}, this is {kind}; remove it")
        measures = MEASURES.get(kind, ())
        if measures:
            measure = str(data.setdefault("measure", measures[0]))
            if measure in Measure.__args__ and measure not in measures:
                file.mistake(
                    data["measure"],
                    f"{label}.measure {file.shown(data['measure'])} is none of {kind}; known: {', '.join(measures)}",
                )
            if (measure == "share_within") != ("within" in data):
                remedy = "add it, e.g. within: 4h" if measure == "share_within" else "write measure: share_within too"
                file.mistake(data, f"{label}: `within` and measure share_within belong together; {remedy}")
        return data


class Indicator(Model):
    """A figure of service quality; ``versions`` follow one another in time."""

    indicator: str = Field(alias="(indicator)")
    name: Text = Field(default_factory=lambda data: data["indicator"])
    versions: tuple[IndicatorVersion, ...]

    also_written: ClassVar[frozenset[str]] = IndicatorVersion.keys()

    @classmethod
    def as_written(cls, data: WrittenDict, file: File) -> WrittenDict:
        """Let what stands beside `versions` hold for all of them; without `versions` it is the only one."""
        versions = written_versions(data)
        for key in IndicatorVersion.keys() & data.keys():
            del data[key]
        if data.get("versions") == []:
            file.mistake((*data.place, "versions"), f"{file.label(data)}.versions is empty; add one, or remove it")
        seen: set[Any] = set()
        for version in versions:
            start = as_text(version.get("valid_from"))
            if start in seen:
                when = "no valid_from" if start is None else f"valid_from {file.shown(version['valid_from'])}"
                file.mistake(version, f"{file.label(version)}: a version before it has {when} too; give each its own")
            seen.add(start)
        if versions or "versions" not in data:
            data["versions"] = versions
        return data


def written_versions(written: Any) -> list[WrittenDict]:
    """Return the versions of an indicator as they are written, each with what holds for all."""
    if not isinstance(written, WrittenDict):
        return []
    of_versions = IndicatorVersion.keys()
    shared = {key: value for key, value in written.items() if key in of_versions}
    listed = written.get("versions")
    found = []
    for version in [WrittenDict()] if listed is None else listed if isinstance(listed, list) else []:
        if isinstance(version, WrittenDict):
            merged = WrittenDict({**shared, **version})
            merged.place = written.place if listed is None else version.place
            found.append(merged)
    return found


def read_indicators(file: File) -> dict[str, Indicator]:
    """Return the indicators by name, after noting what is wrong with them; a home without the file has none."""
    if not file.path.exists():
        return {}
    content = file.load_yaml("it needs `indicators:`, or can be removed")
    if content is None:
        return {}
    content = file.known(content, ("indicators",))
    indicators = {}
    for name, data in file.pairs(content.get("indicators"), ("indicators",), "indicator").items():
        described = file.pairs(data, ("indicators", name), "key")
        indicator = file.read(Indicator, described.having(indicator=name))
        if indicator is not None:
            in_order = sorted(
                indicator.versions, key=lambda one: (one.valid_from_us is not None, one.valid_from_us or 0)
            )
            indicators[name] = indicator.model_copy(update={"versions": tuple(in_order)})
    return indicators
