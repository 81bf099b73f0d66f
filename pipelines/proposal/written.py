"""A proposal as YAML with its reasons as comments, and how it gets into the files of the catalogue."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, ScalarNode

from pipelines.errors import UserError
from pipelines.proposal.inference import Proposal

COMMENT_WIDTH = 110
ORDER = ("shape", "from", "key", "cursor", "columns", "statuses", "nodes", "time_format", "events", "milestones")
WHAT_TO_SAY = "new; say department and position of who answers, and put the nodes in order: the last completes it"
HEADER = "# The source systems, and how their columns and words map to ours. `columns` reads: ours: theirs.\n"


def entry(name: str, settings: Mapping[str, Any], proposals: Sequence[Proposal], why: Mapping[str, str]) -> str:
    """The lines of one source below ``sources:``, indented by two; ``why`` has reasons by the key of the source."""
    source = CommentedMap()
    for key, value in settings.items():
        source[key] = value
    source["entities"] = CommentedMap()
    for proposal in proposals:
        source["entities"][proposal.name] = _entity(proposal)
    for key, reason in why.items():
        _comment(source, key, [reason], 4)
    return textwrap.indent(_dumped({name: source}), "  ")


def process_lines(processes: Mapping[str, Sequence[str]], declared: Mapping[str, Sequence[str]]) -> str:
    """What processes.yml lacks, to be pasted into it; nodes of a process that is there as comments."""
    new, added = CommentedMap(), ""
    for process, nodes in processes.items():
        missing = [_flow({"node": node}) for node in nodes if node not in declared.get(process, ())]
        if process not in declared:
            new[process] = CommentedMap({"name": process.replace("_", " ").capitalize()})
            if missing:
                new[process]["nodes"] = CommentedSeq(missing)
                _comment(new, process, [WHAT_TO_SAY], 4)
        elif missing:
            listed = textwrap.indent(_dumped(CommentedSeq(missing)), "  #   ")
            added += f"  # {process} is there; what runs in these nodes would be uncommitted, add them to it:\n{listed}"
    return (_dumped({"processes": new}) if new else "processes:\n" if added else "") + added


def inserted(text: str, lines: str, name: str, file: str) -> str:
    """The text of a sources.yml with one more entry at its end; nothing else of it changes."""
    if not text.strip():
        return f"{HEADER}sources:\n\n{lines}"
    try:
        root = YAML(typ="safe", pure=True).compose(text)
    except YAMLError:
        root = None
        problem = "it is not YAML that can be read; `commitments check` says why"
    else:
        problem = "it has no `sources:` of its own lines; write them one under the other"
    if root is None and not any(line.split("#")[0].strip() for line in text.splitlines()):
        return f"{text.rstrip()}\nsources:\n\n{lines}"
    sources = _sources_of(root)
    if isinstance(sources, MappingNode) and not sources.value and sources.flow_style:
        # `sources: {}`
        head, tail = text[: sources.start_mark.index], text[sources.end_mark.index :]
        return f"{head.rstrip()}{tail.rstrip()}\n\n{lines}"
    if isinstance(sources, ScalarNode) and sources.value == "":
        return f"{text.rstrip()}\n\n{lines}"
    if not isinstance(sources, MappingNode) or sources.flow_style or not sources.value:
        raise UserError(f"{file}: the entry cannot be added: {problem}; nothing was written.")
    first = sources.value[0][0]
    lines = textwrap.indent(textwrap.dedent(lines), " " * first.start_mark.column)
    return f"{text.rstrip()}\n\n{lines}"


def names_in(text: str) -> list[str]:
    """The names of the sources that a sources.yml has, as far as it can be read."""
    try:
        sources = _sources_of(YAML(typ="safe", pure=True).compose(text)) if text.strip() else None
    except YAMLError:
        return []
    return [key.value for key, _ in sources.value] if isinstance(sources, MappingNode) else []


def write(file: Path, text: str) -> None:
    """Replace a file whole, or leave it as it is."""
    temporary = file.with_name(f".{file.name}.tmp")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("w", encoding="utf-8") as written:
            written.write(text)
            written.flush()
            os.fsync(written.fileno())
        if file.exists():
            temporary.chmod(file.stat().st_mode & 0o777)
        temporary.replace(file)
    except OSError as problem:
        temporary.unlink(missing_ok=True)
        raise UserError(f"{file}: cannot be written ({problem.strerror}); see to its rights, or to the disk.") from None


def _sources_of(root: Any) -> Any:
    if not isinstance(root, MappingNode):
        return None
    return next((value for key, value in root.value if key.value == "sources"), None)


def _entity(proposal: Proposal) -> CommentedMap:
    entity = CommentedMap()
    for key in ORDER:
        if key not in proposal.entity:
            continue
        value = proposal.entity[key]
        if key == "columns":
            entity[key] = CommentedMap({ours: _flow(theirs) for ours, theirs in value.items()})
        elif key == "milestones":
            entity[key] = CommentedSeq([_flow(step) for step in value])
        elif key == "key" or key in ("statuses", "nodes"):
            entity[key] = _flow(value)
        elif key == "events":
            entity[key] = CommentedMap({rule: _flow(said) for rule, said in value.items()})
        else:
            entity[key] = value
    for place, reasons in proposal.reasons.items():
        _explain(entity, place, reasons, proposal)
    if proposal.notes:
        _comment(entity, "shape", [*proposal.reasons.get(("shape",), []), *proposal.notes], 8)
    return entity


def _explain(entity: CommentedMap, place: tuple[str, ...], reasons: Sequence[str], proposal: Proposal) -> None:
    if not reasons or place[0] not in entity:
        return
    if len(place) == 1:
        _comment(entity, place[0], reasons, 8)
    elif place[0] == "milestones":
        at = next(i for i, step in enumerate(proposal.entity["milestones"]) if step["node"] == place[1])
        _comment(entity["milestones"], at, reasons, 10)
    elif place[1] in entity[place[0]]:
        _comment(entity[place[0]], place[1], reasons, 10)


def _comment(where: Any, key: Any, reasons: Sequence[str], indent: int) -> None:
    lines = textwrap.wrap("; ".join(reasons), COMMENT_WIDTH - indent, break_long_words=False, break_on_hyphens=False)
    where.ca.items.pop(key, None)
    where.yaml_set_comment_before_after_key(key, before="\n".join(lines), indent=indent - 2)


def _flow(value: Any) -> Any:
    if isinstance(value, dict):
        flow = CommentedMap({key: _flow(item) for key, item in value.items()})
        flow.fa.set_flow_style()
        return flow
    if isinstance(value, list | tuple):
        listed = CommentedSeq([_flow(item) for item in value])
        listed.fa.set_flow_style()
        return listed
    return value


def _dumped(content: Any) -> str:
    yaml = YAML()
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.width = 10_000
    yaml.allow_unicode = True
    stream = StringIO()
    yaml.dump(content, stream)
    return stream.getvalue()
