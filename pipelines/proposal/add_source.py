"""`commitments add-source`: look, propose, check, try, and only then write."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, get_args
from urllib.parse import parse_qsl, urlsplit
from zoneinfo import available_timezones

import pyarrow as pa
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pipelines.catalogue.crosschecks import declared_processes
from pipelines.catalogue.organisation import read_organisation
from pipelines.catalogue.processes import read_processes
from pipelines.catalogue.reading import VARIABLE, VARIABLE_NAME, File
from pipelines.catalogue.sources import NAME, Source
from pipelines.errors import UserError
from pipelines.home import Home
from pipelines.proposal import listing, written
from pipelines.proposal.inference import NothingToMeasureError, Proposal, propose
from pipelines.proposal.profile import profile
from pipelines.proposal.trial import Tried, checked, scratch_home, try_first_pull

Say = Callable[[str], None]
VALUES_SHOWN = 12


@dataclass
class Added:
    """What was found, what is proposed, and where it was written, if it was."""

    name: str
    kind: str
    lines: str
    """The entry of sources.yml."""
    processes: str
    """What processes.yml lacks."""
    entities: list[dict[str, Any]] = field(default_factory=list)
    skipped: list[dict[str, str]] = field(default_factory=list)
    """Tables or files of which nothing is proposed, with the reason."""
    file: Path | None = None

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "source": self.name,
            "kind": self.kind,
            "sources_yml": self.lines,
            "processes_yml": self.processes or None,
            "entities": self.entities,
            "skipped": self.skipped,
            "written": str(self.file) if self.file else None,
        }


def add_source(
    home: Home,
    kind: str,
    name: str,
    connection: str,
    *,
    entities: Sequence[str] = (),
    time_zone: str | None = None,
    dry_run: bool = False,
    say: Say = lambda line: None,
) -> Added:
    """Propose the entry of a source system, try it on a sample, and add it to sources.yml unless it is a dry run."""
    file = home.catalogue / "sources.yml"
    before = _before(file, name)
    _check_arguments(kind, name, connection, time_zone)
    declared, own_zone = _declared(home)
    zone = time_zone or own_zone or "UTC"
    source = Source(name=name, kind=kind, connection=_resolved(connection, name), time_zone=zone, entities={})

    say(f"Looking at {name} ...")
    subjects = listing.listed(source, home, entities)
    proposals, samples, skipped = _proposals(source, subjects, home, declared, say, is_asked=bool(entities))
    if not proposals:
        reasons = "\n".join(f"  {one['from']}: {one['reason']}" for one in skipped)
        raise UserError(
            f"{name}: nothing there can be measured as it is:\n{reasons}\nSee the shapes in docs/catalogue.md."
        )

    settings: dict[str, Any] = {"kind": kind, "connection": connection}
    why = {"entities": _left_out(skipped)} if skipped else {}
    if not all(proposal.has_offsets for proposal in proposals):
        settings["time_zone"] = zone
        why["time_zone"] = "of times without an offset; " + (
            "as you said" if time_zone else "a guess: the organisation's; correct it if its clocks are others"
        )
    lines = written.entry(name, settings, proposals, why)
    needed: dict[str, list[str]] = {}
    for proposal in proposals:
        if proposal.process:
            needed[proposal.process] = list(dict.fromkeys([*needed.get(proposal.process, []), *proposal.nodes]))
    processes = written.process_lines(needed, declared)
    text = written.inserted(before, lines, name, f"{home.catalogue.name}/{file.name}")

    say("Trying the first pull on the rows looked at ...")
    tried = _tried(home, name, connection, lines, {**declared, **needed}, zone, samples)
    added = Added(
        name=name,
        kind=kind,
        lines=lines,
        processes=processes,
        entities=[
            {"entity": one.name, "from": one.entity.get("from"), "shape": one.shape, **asdict(tried[one.name])}
            for one in proposals
        ],
        skipped=skipped,
    )
    if not dry_run:
        written.write(file, text)
        added.file = file
    return added


def show(added: Added, console: Console) -> None:
    """Print the proposal, what the first pull would give, and what to do next."""
    console.print(added.lines.rstrip(), markup=False, highlight=False, soft_wrap=True)
    for entity in added.entities:
        console.print()
        _show_trial(f"{added.name}.{entity['entity']}", entity, console)
    if added.processes:
        console.print("\nprocesses.yml lacks this; paste it there, or change `process` above:\n", highlight=False)
        console.print(added.processes.rstrip(), markup=False, highlight=False, soft_wrap=True)
    if added.file:
        console.print(
            f"\nWritten to {added.file}. Read it, adjust it, then: commitments check, commitments run.",
            highlight=False,
            soft_wrap=True,
        )
    else:
        console.print("\nA dry run: nothing was written.", highlight=False)


def _show_trial(name: str, entity: Mapping[str, Any], console: Console) -> None:
    console.print(
        f"{name}: of the {entity['rows']:,} rows looked at the first pull would accept {entity['accepted']:,}, "
        f"quarantine {entity['quarantined']:,}, {entity['duplicates']:,} are duplicates.",
        highlight=False,
        soft_wrap=True,
    )
    if entity["held"]:
        console.print(f"  It would be held: {entity['held']}", markup=False, highlight=False, soft_wrap=True)
    for rule, count in entity["broken"].items():
        example = entity["examples"].get(rule)
        if example is None:
            continue
        row = {key: value for key, value in example["row"].items() if value not in (None, "")}
        shown = ", ".join(f"{key}={value}" for key, value in list(row.items())[:VALUES_SHOWN])
        console.print(
            f"  {count:,} by {rule}, e.g. {example['detail']}: {shown}", markup=False, highlight=False, soft_wrap=True
        )
    if not entity["first_runs"]:
        return
    several = len({run["process"] for run in entity["first_runs"]}) > 1
    table = Table(box=box.SIMPLE, title=f"the first of {entity['runs']:,} runs (times in UTC)", title_justify="left")
    for column in ("work order", *(["process"] if several else []), "node", "started", "ended", "status"):
        table.add_column(column, overflow="fold")
    for run in entity["first_runs"]:
        cells = [run["work_order_id"], *([run["process"]] if several else []), run["node"] or "(the whole process)"]
        cells += ["" if run[one] is None else f"{run[one]:%Y-%m-%d %H:%M:%S}" for one in ("started_at", "ended_at")]
        table.add_row(*(escape(str(cell)) for cell in [*cells, run["reported_status"]]))
    console.print(table)


# --- before anything is looked at ---------------------------------------------------------------------------------


def _before(file: Path, name: str) -> str:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as problem:
        raise UserError(f"{file}: cannot be read ({problem}); mend it first, `commitments check` says more.") from None
    if name in written.names_in(text):
        raise UserError(
            f"{file}: there is a source {name!r} already; take another name, or remove that entry first. "
            "Nothing was written."
        )
    return text


def _check_arguments(kind: str, name: str, connection: str, time_zone: str | None) -> None:
    kinds = get_args(Source.model_fields["kind"].annotation)
    if kind not in kinds:
        raise UserError(f"{kind!r} is no kind of source; known: {', '.join(kinds)}.")
    if not NAME.fullmatch(name):
        raise UserError(f"{name!r} cannot name a source; use small letters, digits and _, a letter first.")
    if time_zone is not None and time_zone not in available_timezones():
        raise UserError(f"{time_zone!r} is no time zone; write it like Europe/Amsterdam or Asia/Shanghai.")
    if _has_literal_secret(connection):
        raise UserError(
            "The connection holds a password, which would stand in sources.yml for everybody to read. Put it into an "
            "environment variable and write its name: "
            "CRM_PASSWORD=… commitments add-source … --connection 'postgresql://reader:${CRM_PASSWORD}@host/database' "
            "(in single quotes, so that the shell leaves it alone)."
        )


def _has_literal_secret(connection: str) -> bool:
    try:
        parts = urlsplit(connection)
        secrets = [parts.password or ""]
    except ValueError:
        return False
    query = parse_qsl(parts.query)
    secrets += [value for key, value in query if re.search(r"pass|pwd|token|secret|key", key, re.IGNORECASE)]
    # ODBC has its own connection string within the URL.
    secrets += [found for _, value in query for found in re.findall(r"(?i)(?:pwd|password)=([^;]*)", value)]
    return any(secret and not VARIABLE.fullmatch(secret) for secret in secrets)


def _resolved(connection: str, name: str) -> str:
    def value(match: re.Match[str]) -> str:
        if not VARIABLE_NAME.fullmatch(match[1]):
            raise UserError(f"{name}: '{match[0]}' names no environment variable; write ${{NAME}}.")
        if match[1] not in os.environ:
            raise UserError(f"{name}: the environment variable {match[1]} is not set; set it, then run this again.")
        return os.environ[match[1]]

    return VARIABLE.sub(value, connection)


def _declared(home: Home) -> tuple[dict[str, list[str]], str | None]:
    """The processes with their nodes, and the business time zone, as far as they can be read."""
    processes = File(home.catalogue / "processes.yml", "processes.yml", os.environ)
    organisation = read_organisation(File(home.catalogue / "organisation.yml", "organisation.yml", os.environ))
    read = read_processes(processes)
    if read is not None:
        declared = {name: [node.node for node in process.nodes] for name, process in read.items()}
    else:
        declared = {name: sorted(nodes or ()) for name, nodes in (declared_processes(processes) or {}).items()}
    return declared, organisation.business_time_zone if organisation else None


# --- what is proposed ---------------------------------------------------------------------------------------------


def _proposals(
    source: Source,
    subjects: Sequence[listing.Subject],
    home: Home,
    declared: Mapping[str, Sequence[str]],
    say: Say,
    *,
    is_asked: bool,
) -> tuple[list[Proposal], dict[str, pa.Table], list[dict[str, str]]]:
    proposals: list[Proposal] = []
    samples: dict[str, pa.Table] = {}
    skipped: list[dict[str, str]] = []
    for subject, name in listing.entity_names(subjects).items():
        try:
            sample = listing.sample(source, subject, home)
            say(_listed(subject, sample))
            proposals.append(propose(subject, profile(sample), name, source.kind, declared))
            samples[name] = sample
        except NothingToMeasureError as nothing:
            skipped.append({"from": subject.from_ or name, "reason": str(nothing)})
        except listing.SourceError as problem:
            # One broken file among many is a finding; one that was asked for, or all there is, is the answer.
            if is_asked or len(subjects) == 1:
                raise
            skipped.append({"from": subject.from_ or name, "reason": str(problem)})
    return proposals, samples, skipped


def _listed(subject: listing.Subject, sample: pa.Table) -> str:
    said = [f"{sample.num_columns} columns", f"{sample.num_rows:,} rows looked at"]
    if subject.rows is not None:
        said.append(f"about {subject.rows:,} in all")
    if subject.primary_key:
        said.append(f"primary key {', '.join(subject.primary_key)}")
    if subject.note:
        said.append(subject.note)
    return f"  {subject.from_ or subject.name}: {', '.join(said)}"


def _left_out(skipped: Sequence[Mapping[str, str]]) -> str:
    return "left out: " + "; ".join(f"{one['from']} ({one['reason']})" for one in skipped)


def _tried(
    home: Home,
    name: str,
    connection: str,
    lines: str,
    processes: Mapping[str, Sequence[str]],
    zone: str,
    samples: Mapping[str, pa.Table],
) -> dict[str, Tried]:
    files = {
        "organisation.yml": f"{{name: A trial, business_time_zone: {zone}, currency: EUR}}\n",
        "sources.yml": f"sources:\n{lines}",
        "processes.yml": written.process_lines(processes or {name: []}, {}),
    }
    with scratch_home(files) as scratch:
        return try_first_pull(scratch, checked(scratch), name, samples)
