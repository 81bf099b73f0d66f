"""alerts.yml: who is told of what, where, and when not to disturb them."""

from __future__ import annotations

from itertools import product
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

from pipelines.catalogue.base import Model, Number, Text, Texts, as_text, one_or_more
from pipelines.catalogue.reading import File, WrittenDict, suggest
from pipelines.catalogue.times import LengthUs

Trigger = Literal[
    "before_leaving_normal", "left_normal", "left_acceptable", "budget_burning", "source_stale", "run_failed"
]
OF_RUNS: tuple[Trigger, ...] = ("before_leaving_normal", "left_normal", "left_acceptable")
FILTERS = ("process", "node", "department", "position", "segment", "service_level", "location", "priority")


def _address(address: SecretStr) -> SecretStr:
    # Apprise is slow to import, and most homes have no alerts.
    from apprise import Apprise

    if not Apprise().add(address.get_secret_value()):
        raise ValueError(
            "is no address that Apprise knows, e.g. mailtos://user:password@host?to=desk@example.com, slack://…, "
            "jsons://host/path for a webhook"
        )
    return address


Address = Annotated[SecretStr, BeforeValidator(as_text), AfterValidator(_address)]


class Rule(Model):
    """What somebody is told of: the triggers, the runs that they are about, and the channels it goes to."""

    rule: str = Field(alias="(rule)")
    on: Annotated[tuple[Trigger, ...], BeforeValidator(one_or_more)] = Field(
        min_length=1,
        description="one or more of before_leaving_normal, left_normal, left_acceptable, budget_burning, source_stale, "
        "run_failed",
    )
    to: Texts = Field(min_length=1, description="one or more names of `channels`")
    lead_us: LengthUs | None = Field(None, alias="lead", ge=1)
    scope: Literal["node", "process"] | None = None
    process: Texts = ()
    node: Texts = ()
    department: Texts = ()
    position: Texts = ()
    segment: Texts = ()
    service_level: Texts = ()
    location: Texts = ()
    priority: Texts = ()
    source: Texts = ()
    burn_rate: Number = Field(2.0, gt=0)
    digest: bool = False
    only_in: Text | None = None
    escalate_after_us: LengthUs | None = Field(None, alias="escalate_after", ge=1)
    escalate_to: Texts = Field((), min_length=1)

    @classmethod
    def as_written(cls, data: WrittenDict, file: File) -> WrittenDict:
        """Note what belongs together and stands alone."""
        label = file.label(data)
        triggers = [as_text(trigger) for trigger in file.items(data.get("on"))]
        if ("before_leaving_normal" in triggers) != ("lead" in data):
            remedy = "add it, e.g. lead: 2h (working time)" if "lead" not in data else "remove it"
            file.mistake(data, f"{label}: `lead` and before_leaving_normal belong together; {remedy}")
        unknown = [name for name in FILTERS[2:] if name in data and "budget_burning" in triggers]
        if unknown:
            file.mistake(
                data,
                f"{label}: a budget is that of a commitment and has no {', '.join(unknown)}; "
                "give budget_burning a rule of its own, by process, node or scope",
            )
        if ("escalate_after" in data) != ("escalate_to" in data):
            file.mistake(data, f"{label}: `escalate_after` and `escalate_to` belong together; add the other one")
        return data

    def selections(self) -> list[tuple[str | None, ...]]:
        """Every combination of what the filters name, in the order of FILTERS; null stands for any."""
        return list(product(*(getattr(self, name) or (None,) for name in FILTERS)))


class Alerts(Model):
    """Channels by name, each one or more addresses of Apprise, and rules by name."""

    channels: dict[str, tuple[Address, ...]] = Field(default_factory=dict)
    rules: dict[str, Rule] = Field(default_factory=dict)

    def secrets(self) -> list[str]:
        """Return what must appear in no message, log or table, the longest first."""
        addresses = {address.get_secret_value() for channel in self.channels.values() for address in channel}
        return sorted(addresses, key=len, reverse=True)


class _Channel(Model):
    """A channel while it is read."""

    addresses: Annotated[tuple[Address, ...], BeforeValidator(one_or_more)] = Field(min_length=1, alias="(addresses)")


def read_alerts(file: File) -> Alerts:
    """Return the alerts, after noting what is wrong with them; a home without the file has none."""
    if not file.path.exists():
        return Alerts()
    content = file.load_yaml("it needs `channels:` and `rules:`, or can be removed")
    if content is None:
        return Alerts()
    content = file.known(content, ("channels", "rules"))
    written = file.pairs(content.get("channels"), ("channels",), "channel")
    channels = {}
    for name, addresses in written.items():
        data = WrittenDict({"(addresses)": addresses})
        data.place = (*written.place, name)
        channel = file.read(_Channel, data)
        if channel is not None:
            channels[name] = channel.addresses
    rules = {}
    for name, data in file.pairs(content.get("rules"), ("rules",), "rule").items():
        described = file.pairs(data, ("rules", name), "key")
        for key in ("to", "escalate_to"):
            for channel_name in file.scalars(described.get(key)):
                if as_text(channel_name) not in written:
                    remedy = suggest(str(channel_name), written)
                    file.mistake(channel_name, f"channel {file.shown(channel_name)} is not in `channels`; {remedy}")
        rule = file.read(Rule, described.having(rule=name))
        if rule is not None:
            rules[name] = rule
    return Alerts(channels=channels, rules=rules)
