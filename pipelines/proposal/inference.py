"""From the sample of a table to the entity that maps it, each choice with its reason in words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from typing import Any

import duckdb
import pandas as pd

from pipelines.catalogue.sources import STATUSES
from pipelines.conform import literal, quoted
from pipelines.proposal import words
from pipelines.proposal.listing import FILES_LOOKED_AT, ROWS_LOOKED_AT, Subject
from pipelines.proposal.profile import MOST, Column, Profile

# Beyond it a qualifier tells work orders apart instead of grouping them.
MOST_KINDS = {"priority": 20, "segment": 50, "service_level": 50, "location": 1000, "department": 500, "position": 500}
MOST_STATUSES = 40
# Of the occurrences of an activity, how many must stand at the end of their work order for it to be an ending.
MOSTLY_LAST = 0.9
CANCELS_LAST = 0.6
# Updates of a row that leave its state as it was; fewer are work orders that come back.
MANY_REPEATS = 0.05
MOST_ACTIVITIES = 500


@dataclass
class Proposal:
    """An entity of sources.yml as it would be written, and why."""

    name: str
    entity: dict[str, Any]
    reasons: dict[tuple[str, ...], list[str]]
    process: str
    nodes: list[str] = field(default_factory=list)
    """In the order in which work orders pass through them, as far as the sample tells."""
    has_offsets: bool = True
    notes: list[str] = field(default_factory=list)

    @property
    def shape(self) -> str:
        """runs, events, milestones or pauses."""
        return str(self.entity["shape"])


class NothingToMeasureError(Exception):
    """A table without run times; the message says what is missing."""


def propose(
    subject: Subject, profiled: Profile, name: str, kind: str, processes: Mapping[str, Sequence[str]]
) -> Proposal:
    """Propose the entity of a table or set of files; ``processes`` are those that are declared, with their nodes."""
    return _Inference(subject, profiled, name, kind, processes).proposal()


class _Inference:
    def __init__(
        self, subject: Subject, profiled: Profile, name: str, kind: str, processes: Mapping[str, Sequence[str]]
    ) -> None:
        self.subject, self.profile, self.name, self.kind, self.processes = subject, profiled, name, kind, processes
        self.columns = profiled.columns
        self.entity: dict[str, Any] = {}
        self.mapped: dict[str, Any] = {}
        self.reasons: dict[tuple[str, ...], list[str]] = {}
        self.notes: list[str] = []
        self.nodes: list[str] = []
        self.process = ""
        times = [column for column in self.columns.values() if column.time is not None and column.filled]
        self.promises = self.profile.named(words.PROMISED, self._names(times))
        self.promises = [one for one in self.promises if words.rank(one, words.START) is None or len(times) > 2]
        self.times = [one for one in times if one.name not in self.promises]

    def proposal(self) -> Proposal:
        if not self.columns or not self.profile.rows:
            raise NothingToMeasureError("it has no rows to look at")
        if not self.times:
            raise NothingToMeasureError("no column is a time at which something began, ended or happened")
        case = self._work_order()
        activity = self._activity(case)
        varying = self._varying(case)
        pair = self._pair(varying, allow_any_two=case.is_unique)
        if pair and self._is_pauses():
            self._pauses(case, pair)
        elif self._is_repeated(case):
            if pair is not None:
                self._runs(case, activity, pair)
            elif activity is not None and varying:
                self._events(case, activity, varying)
            elif activity is None:
                raise NothingToMeasureError(f"{case.name} repeats, but no column names an activity, step or status")
            else:
                raise NothingToMeasureError(f"no time differs between the rows of one {case.name}")
        elif len(self._moments()) > 2:
            self._milestones(case)
        elif pair is not None:
            self._runs(case, activity if activity and words.rank(activity.name, words.STATUS) is None else None, pair)
        else:
            raise NothingToMeasureError(
                f"a row a {case.name} with one time only ({self.times[0].name}): a run needs a start and an end"
            )
        self._keep_copies()
        return Proposal(
            name=self.name,
            entity=self.entity,
            reasons=self.reasons,
            process=self.process,
            nodes=self.nodes,
            has_offsets=self._has_offsets(),
            notes=self.notes,
        )

    # --- what the columns are

    def _work_order(self) -> Column:
        """The column that says which work order a row is about."""
        own = {word.rstrip("s") for word in words.words_of(self.name)}
        best: tuple[float, Column] | None = None
        for place, column in enumerate(self.columns.values()):
            said = words.words_of(column.name)
            at = words.rank(column.name, words.WORK_ORDER)
            is_odd = column.time is not None or column.is_truth or column.filled < MOST * len(column.values)
            if is_odd or column.distinct < 2 or (at != 0 and words.DESCRIBES & set(said)):
                continue
            # What the XES standard names the case is it.
            score = 0.0 if at is None else 60.0 if at == 0 else 30 - at
            score += 10 if said[-1:] and said[-1] in words.IDENTIFIES else 0
            score += 6 if own & {word.rstrip("s") for word in said} else 0
            score -= 20 if words.OTHER_PARTIES & set(said) else 0
            score += 1 / (1 + place)
            # A number of the row itself tells rows apart where something else, which repeats, tells work orders.
            if (column.name,) == self.subject.primary_key and at is not None and words.WORK_ORDER[at] in ("id", "no"):
                score -= 12
            if score > 0.5 and (best is None or score > best[0]):
                best = (score, column)
        if best is None:
            raise NothingToMeasureError("no column looks like the number of a work order (case, ticket, order …)")
        return best[1]

    def _is_repeated(self, case: Column) -> bool:
        return case.distinct < MOST * case.filled

    def _activity(self, case: Column) -> Column | None:
        """The column that says what happened, or in which step or status a work order is."""
        for phrases in (words.ACTIVITY, words.STATUS):
            for name in self.profile.named(phrases):
                column, said = self.columns[name], words.words_of(name)
                fits = 2 <= column.distinct <= min(MOST_ACTIVITIES, max(2, len(column.values) // 2))
                is_text = column.time is None and not column.is_truth and not column.is_whole_number
                named = said[-1:] and said[-1] in words.IDENTIFIES
                if fits and is_text and not named and column is not case and column.filled >= MOST * len(column.values):
                    return column
        return None

    def _varying(self, case: Column) -> list[Column]:
        """Times that differ between the rows of a work order: the others are attributes of it."""
        if not self._is_repeated(case):
            return self.times
        found = []
        for column in self.times:
            assert column.times is not None
            by_case = column.times.groupby(case.values)
            many = by_case.count() > 1
            if not many.any() or (by_case.nunique()[many] > 1).mean() > 0.1:
                found.append(column)
        return found

    def _moments(self) -> list[Column]:
        """Times of steps: not those at which the row itself was changed."""
        changed = self.profile.named(words.CHANGED, self._names(self.times))
        return [column for column in self.times if column.name not in changed]

    def _pair(self, times: Sequence[Column], *, allow_any_two: bool) -> tuple[Column, Column] | None:
        """Start and end of one row."""
        changed = set(self.profile.named(words.CHANGED, self._names(times)))
        left = [column for column in times if column.name not in changed]
        starts = self.profile.named(words.START, self._names(left))
        ends = [name for name in self.profile.named(words.END, self._names(left)) if name not in starts[:1]]
        if starts and not ends and len(left) == 2:
            ends = [column.name for column in left if column.name != starts[0]]
        if (not starts or not ends) and len(left) == 2 and allow_any_two:
            first, second = left
            assert first.times is not None
            assert second.times is not None
            is_reversed = (first.times > second.times).sum() > (first.times < second.times).sum()
            starts, ends = [first.name], [second.name]
            if is_reversed:
                starts, ends = ends, starts
        if not starts or not ends:
            return None
        start, end = self.columns[starts[0]], self.columns[ends[0]]
        assert start.times is not None
        assert end.times is not None
        both = start.times.notna() & end.times.notna()
        if both.any() and (end.times[both] >= start.times[both]).mean() < 0.8:
            return None
        return start, end

    def _is_pauses(self) -> bool:
        return any(words.rank(one, words.PAUSES) is not None for one in (self.name, self.subject.name))

    # --- shapes

    def _begin(self, shape: str, why: str, case: Column, nodes: Iterable[str] = ()) -> None:
        self.entity["shape"] = shape
        self._because(("shape",), why)
        if self.subject.from_:
            self.entity["from"] = self.subject.from_
        if self.subject.note:
            self._because(("from",), self.subject.note)
        repeats = "repeats" if self._is_repeated(case) else "is different in every row"
        self.mapped["work_order_id"] = case.name
        self._because(("columns", "work_order_id"), f"{case.name} {repeats}: {case.distinct:,} of {case.filled:,} rows")
        self._process(list(nodes))

    def _finish(self, key: list[str], taken: Iterable[str]) -> None:
        if key:
            self.entity["key"] = key
        self._cursor()
        self._time_format()
        self._qualifiers(set(taken) | {one for one in self.mapped.values() if isinstance(one, str)})
        self.entity["columns"] = self.mapped

    def _runs(self, case: Column, activity: Column | None, pair: tuple[Column, Column]) -> None:
        start, end = pair
        each = f"a visit to a {activity.name}" if activity else "the passage of a work order through the whole process"
        self._begin(
            "runs",
            f"a row is {each}, from {start.name} to {end.name}",
            case,
            activity.by_count if activity else (),
        )
        if activity is not None:
            self.mapped["node"] = self._source(activity)
            self._nodes_of(case, activity, start)
        self.mapped["started_at"] = self._source(start)
        self.mapped["ended_at"] = self._source(end)
        self._status(end, {case.name, *([activity.name] if activity else [])})
        self._promise()
        self._changed({start.name, end.name})
        parts = [case.name, *([activity.name] if activity else []), start.name]
        self._finish(self._key(case, parts), [*parts, end.name])

    def _pauses(self, case: Column, pair: tuple[Column, Column]) -> None:
        start, end = pair
        self._begin("pauses", f"its name says that something waited, from {start.name} to {end.name}", case)
        node = next((one for one in self.profile.named(words.ACTIVITY) if self.columns[one].time is None), None)
        if node is not None:
            self.mapped["node"] = self._source(self.columns[node])
        else:
            self._because(
                ("columns", "work_order_id"), "no node: a pause stops the clock of every node and the process"
            )
        self.mapped["started_at"] = self._source(start)
        self.mapped["ended_at"] = self._source(end)
        self._changed({start.name, end.name})
        self._finish(self._key(case, [case.name, start.name]), [*self.columns])

    def _milestones(self, case: Column) -> None:
        moments = self._in_order(self._moments())
        self._begin("milestones", f"a row a {case.name}, with a column for each moment ({len(moments)} of them)", case)
        common = _common_words([column.name for column in moments])
        steps = []
        for before, after in pairwise(moments):
            step = {"node": _short(after.name, common), "from": before.name, "to": after.name}
            steps.append(step)
            self._because(("milestones", step["node"]), *self._step_reasons(before, after))
        self.nodes = [step["node"] for step in steps]
        for promise in self.promises:
            self._promise_of_step(promise, steps)
        markers = sorted({marker for column in moments for marker in column.markers})
        if markers:
            self._because(
                ("milestones",), f"{', '.join(markers)} in a time is no time: such rows are quarantined; use a query"
            )
        self._because(("milestones",), "in the order in which the moments follow one another in most rows")
        self._cancelled_orders({case.name})
        self._changed({column.name for column in moments})
        self._use_declared_names(self.nodes)
        self._finish(self._key(case, [case.name]), [column.name for column in moments])
        self.entity["milestones"] = steps

    def _events(self, case: Column, activity: Column, varying: list[Column]) -> None:
        at = self._at(varying)
        lifecycle = self._lifecycle(activity)
        mode, why, is_sub_status = self._mode(activity, lifecycle)
        self._begin(
            "events",
            f"{case.name} repeats, {activity.name} says what happened, {at.name} when",
            case,
            activity.by_count,
        )
        self.mapped["activity"] = self._source(activity)
        said = activity
        if is_sub_status and lifecycle is not None:
            sql = f"{_identifier(activity.name)} || '/' || {_identifier(lifecycle.name)}"
            self.mapped["activity"] = {"sql": sql}
            self._because(
                ("columns", "activity"), f"{lifecycle.name} is a status within {activity.name}: both together"
            )
            both = activity.values.str.cat(lifecycle.values, sep="/")
            said = Column(f"{activity.name}/{lifecycle.name}", both)
        self.mapped["at"] = self._source(at)
        if mode == "lifecycle" and lifecycle is not None:
            self.mapped["lifecycle"] = lifecycle.name
        rules: dict[str, Any] = {"mode": mode}
        self._because(("events", "mode"), why)
        rules |= self._endings(case, said, at, mode)
        self._nodes_of(case, said, at, [*rules.get("pauses", []), *(rules.get("ends", []) if mode == "states" else [])])
        if mode == "states":
            self.nodes = [one for one in self.nodes if one not in rules.get("cancels", [])]
        self._promise()
        self._changed({at.name})
        self.entity["events"] = rules
        self._finish(
            self._event_key(),
            [case.name, activity.name, at.name, *([lifecycle.name] if lifecycle else [])],
        )

    # --- events

    def _at(self, varying: list[Column]) -> Column:
        names = self._names(varying)
        named = self.profile.named(words.AT, names)
        changed = [name for name in self.profile.named(words.CHANGED, names) if name not in named]
        at = self.columns[[*named, *changed, *names][0]]
        others = [name for name in names if name != at.name]
        reason = f"{at.time.reason}" if at.time else ""
        if others:
            reason += f"; {', '.join(others)} differ between the events of a work order too"
        self._because(("columns", "at"), reason)
        constant = [column.name for column in self.times if column.name not in names]
        if constant:
            self._because(("columns", "at"), f"the same in all events of a work order: {', '.join(constant)}")
        return at

    def _lifecycle(self, activity: Column) -> Column | None:
        found = [name for name in self.profile.named(words.LIFECYCLE) if name != activity.name]
        return self.columns[found[0]] if found and self.columns[found[0]].filled else None

    def _mode(self, activity: Column, lifecycle: Column | None) -> tuple[str, str, bool]:
        if lifecycle is not None:
            said = {value.lower(): count for value, count in lifecycle.by_count.items()}
            if {"start", "complete"} <= said.keys():
                ignored = sorted(said.keys() - {"start", "complete"})
                more = f" ({', '.join(ignored)} begins and ends nothing)" if ignored else ""
                return "lifecycle", f"{lifecycle.name} has both start and complete{more}", False
            foreign = sum(count for value, count in said.items() if value not in words.XES_TRANSITIONS)
            if foreign > sum(said.values()) / 2:
                shown = ", ".join(list(lifecycle.by_count)[:3])
                return "states", f"{lifecycle.name} has words that last ({shown}): each holds until the next", True
            if set(said) == {"complete"}:
                return (
                    "completions",
                    f"{lifecycle.name} is always complete: an event says that something is done, which began at the "
                    "event before",
                    False,
                )
        lasting = sum(count for value, count in activity.by_count.items() if words.begins_with(value, words.LASTS))
        if words.rank(activity.name, words.STATUS) is not None:
            return "states", f"{activity.name} is a status: it lasts until the next one", False
        if lasting > activity.filled / 2:
            shown = ", ".join(list(activity.by_count)[:3])
            return "states", f"most of {activity.name} are words that last ({shown}): each holds until the next", False
        shown = ", ".join(list(activity.by_count)[:2])
        return (
            "completions",
            f"{activity.name} names what was done ({shown}): it began at the event before. If an event is logged when "
            "something begins: states",
            False,
        )

    def _endings(self, case: Column, activity: Column, at: Column, mode: str) -> dict[str, list[str]]:
        """Activities that end or cancel a work order, and those in which its clock stands still."""
        last = self._is_last(case, activity, at)
        found: dict[str, list[str]] = {"ends": [], "cancels": [], "pauses": []}
        doubtful: dict[str, list[str]] = {"ends": [], "cancels": [], "pauses": []}
        for value in activity.by_count:
            status = words.status_of(value)
            meaning = {"completed": "ends", "cancelled": "cancels"}.get(status or "")
            if mode == "states" and words.begins_with(value, words.WAITS):
                is_theirs = words.begins_with(value, words.WHOM_WE_WAIT_FOR)
                (found if is_theirs else doubtful)["pauses"].append(value)
            elif meaning == "cancels" or (meaning == "ends" and mode == "states"):
                is_last = last.get(value, 0) >= (MOSTLY_LAST if meaning == "ends" else CANCELS_LAST)
                (found if is_last else doubtful)[meaning].append(value)
        for meaning, why in {
            "ends": "the last event of nearly all work orders that reach it",
            "cancels": "its word says so, and mostly no event follows",
            "pauses": "we wait for the customer: the clock of the node before stands still",
        }.items():
            if found[meaning]:
                self._because(("events", meaning), why)
        place = ("events", "mode")
        if mode == "states" and (again := self._repeats(case, activity, at)) > MANY_REPEATS:
            self._because(
                place, f"{again:.0%} of the events name the state that holds already: each is a run of its own"
            )
        if doubtful["ends"] or doubtful["cancels"]:
            shown = ", ".join([*doubtful["ends"], *doubtful["cancels"]])
            self._because(place, f"no ends or cancels, since other events follow: {shown}")
        if doubtful["pauses"]:
            self._because(
                place,
                f"waits that count (if the promise stands still there, add to pauses): {', '.join(doubtful['pauses'])}",
            )
        return {meaning: values for meaning, values in found.items() if values}

    def _repeats(self, case: Column, activity: Column, at: Column) -> float:
        """How large a share of the events names the activity of the event before."""
        assert at.times is not None
        frame = pd.DataFrame({"case": case.values, "activity": activity.values, "at": at.times})
        frame = frame.sort_values("at", kind="stable")
        return float((frame.groupby("case", sort=False)["activity"].shift() == frame["activity"]).mean())

    def _is_last(self, case: Column, activity: Column, at: Column) -> dict[str, float]:
        """How large a share of the occurrences of each activity stands at the end of its work order."""
        assert at.times is not None
        frame = pd.DataFrame({"case": case.values, "activity": activity.values, "at": at.times})
        frame = frame.sort_values("at", kind="stable")
        is_last = ~frame.duplicated("case", keep="last")
        # An activity that is repeated at the end is at the end.
        following = frame.groupby("case", sort=False)["activity"].shift(-1)
        shares = (is_last | (following == frame["activity"])).groupby(frame["activity"]).mean()
        return {str(value): float(share) for value, share in shares.items()}

    def _nodes_of(self, case: Column, activity: Column, at: Column, without: Sequence[str] = ()) -> None:
        assert at.times is not None
        frame = pd.DataFrame({"case": case.values, "activity": activity.values, "at": at.times})
        frame = frame.dropna().sort_values("at", kind="stable").drop_duplicates(["case", "activity"])
        place = frame.groupby("case").cumcount() / frame.groupby("case")["case"].transform("size")
        ordered = place.groupby(frame["activity"]).mean().sort_values(kind="stable")
        self.nodes = [str(value) for value in ordered.index if value not in without]
        self._use_declared_names(self.nodes)

    # --- columns of ours

    def _process(self, nodes: list[str]) -> None:
        column = next((one for one in self.profile.named(words.PROCESS) if 1 <= self.columns[one].distinct <= 50), None)
        if column is not None and words.words_of(column)[-1] not in words.IDENTIFIES:
            self.mapped["process"] = self._source(self.columns[column])
            names = ", ".join(list(self.columns[column].by_count)[:5])
            self._because(("columns", "process"), f"it names the process ({names}): each must be in processes.yml")
            return
        ours = {name: {_plain(node) for node in known} for name, known in self.processes.items()}
        theirs = {_plain(node) for node in nodes}
        alike = max(ours, key=lambda name: len(ours[name] & theirs), default=None)
        if alike is not None and len(ours[alike] & theirs) > len(theirs) / 2:
            self.process, why = alike, "most of its nodes are those of this process"
        elif self.name in self.processes:
            self.process, why = self.name, "the process of this name"
        else:
            self.process, why = self.name, "a guess from the name; it must be in processes.yml"
        self.mapped["process"] = {"value": self.process}
        self._because(("columns", "process"), why)

    def _use_declared_names(self, nodes: list[str]) -> None:
        """Map their nodes to ours where only the spelling differs, and note how they are called then."""
        declared = {_plain(node): node for node in self.processes.get(self.process, ())}
        renamed = {
            node: declared[_plain(node)]
            for node in nodes
            if _plain(node) in declared and declared[_plain(node)] != node
        }
        if renamed and self.entity["shape"] != "milestones":
            self.entity["nodes"] = renamed
            self._because(("nodes",), "their spelling: ours")
        self.nodes = list(dict.fromkeys(renamed.get(node, node) for node in nodes))

    def _status(self, end: Column, taken: set[str]) -> None:
        status = self._status_column(taken)
        if status is None:
            sql = f"CASE WHEN {self._text(end)} IS NULL THEN 'in_progress' ELSE 'completed' END"
            self.mapped["status"] = {"sql": sql}
            self._because(("columns", "status"), "no column says so: what has an end is completed")
            return
        self.mapped["status"] = self._source(status)
        statuses: dict[str, list[str]] = {one: [] for one in STATUSES}
        is_ended = end.values.notna()
        guesses, odd = [], []
        for value, count in status.by_count.items():
            ended = float(is_ended[status.values == value].mean())
            said = words.status_of(value)
            if said is None:
                said = "completed" if ended >= 0.9 else "in_progress"
                guesses.append(f"{value} ({said}: {ended:.0%} have an end)")
            elif said == "completed" and ended < 0.5:
                odd.append(f"{value}: {1 - ended:.0%} of its {count:,} rows have no end and would be quarantined")
            statuses[said].append(value)
        self.entity["statuses"] = {one: values for one, values in statuses.items() if values}
        self._because(("statuses",), "by their words")
        if guesses:
            self._because(("statuses",), f"not known, by whether there is an end: {'; '.join(guesses)}")
        if odd:
            self._because(("statuses",), *odd)

    def _status_column(self, taken: set[str]) -> Column | None:
        for name in self.profile.named(words.STATUS):
            column = self.columns[name]
            is_word = column.time is None and words.words_of(name)[-1:] != ["id"]
            if name not in taken and is_word and 1 <= column.distinct <= MOST_STATUSES and column.filled:
                return column
        return None

    def _cancelled_orders(self, taken: set[str]) -> None:
        status = self._status_column(taken)
        if status is None:
            return
        cancelled = [value for value in status.by_count if words.status_of(value) == "cancelled"]
        others = [value for value in status.by_count if value not in cancelled]
        if not cancelled:
            self.notes.append(f"{status.name} has no word for cancelled ({', '.join(others[:6])}): the times tell")
            return
        self.mapped["status"] = self._source(status)
        self.entity["statuses"] = {"cancelled": cancelled}
        self._because(("statuses",), f"the others leave it to the times: {', '.join(others[:8])}")

    def _promise(self) -> None:
        if self.promises:
            self.mapped["promised_at"] = self._source(self.columns[self.promises[0]])
            others = self.promises[1:]
            self._because(
                ("columns", "promised_at"),
                "its name says until when" + (f"; as {', '.join(others)}" if others else ""),
            )

    def _promise_of_step(self, promise: str, steps: list[dict[str, str]]) -> None:
        said = {word[:6] for word in words.words_of(promise)}
        alike = [
            (len(said & {word[:6] for word in words.words_of(step["to"])}), place) for place, step in enumerate(steps)
        ]
        place = max(alike)[1]
        if "promised_at" not in steps[place]:
            steps[place]["promised_at"] = promise
            self._because(("milestones", steps[place]["node"]), f"promised_at: {promise} names it")

    def _changed(self, taken: set[str]) -> None:
        free = [name for name in self.profile.named(words.CHANGED) if name not in taken]
        found = [name for name in free if self.columns[name].time is not None]
        if found:
            self.mapped["changed_at"] = self._source(self.columns[found[0]])

    def _qualifiers(self, taken: set[str]) -> None:
        if self.entity["shape"] == "pauses":
            return
        for ours, phrases in words.QUALIFIERS.items():
            for name in self.profile.named(phrases):
                column = self.columns[name]
                if name in taken or column.time is not None or column.is_truth or not column.distinct:
                    continue
                most = MOST_KINDS.get(ours)
                repeats = column.distinct <= max(1, column.filled // 2)
                is_sparse = column.filled < 0.1 * self.profile.rows
                # One value for all tells no work order from another.
                if most is not None and (not 2 <= column.distinct <= most or not repeats or is_sparse):
                    continue
                if ours == "customer_id" and words.rank(name, ["name", "email", "phone"]) is not None:
                    continue
                self.mapped[ours] = self._source(column)
                taken.add(name)
                others = [one for one in self.profile.named(phrases) if one not in taken]
                shown = ", ".join(list(column.by_count)[:3])
                reason = f"{column.distinct:,} different: {shown}{', …' if column.distinct > 3 else ''}"
                if others:
                    reason += f"; or {', '.join(others[:4])}"
                if most is not None:
                    self._because(("columns", ours), reason)
                if ours in ("department", "position"):
                    self._because(
                        ("columns", ours), "it wins over the owner in processes.yml: remove it if that one is right"
                    )
                break

    # --- keys, cursors, formats

    def _key(self, case: Column, parts: list[str]) -> list[str]:
        if self.subject.primary_key:
            self._because(("key",), "its primary key")
            return list(self.subject.primary_key)
        rows = f"no value twice in the {self._rows()}"
        if case.is_unique:
            self._because(("key",), rows)
            return [case.name]
        single = [one for one in self.columns.values() if one.is_unique and self._names_a_row(one)]
        if single:
            self._because(("key",), rows)
            return [single[0].name]
        steps = [
            column.name
            for column in self.columns.values()
            if column.name not in parts and column.time is None and self._names_a_row(column)
        ]
        others = [
            one.name for one in self.columns.values() if words.words_of(one.name)[-1:] == ["id"] and one is not case
        ]
        for key in ([case.name, *parts[1:-1]], *([case.name, one] for one in [*steps, *others]), parts):
            if self._is_key(key):
                self._because(("key",), rows)
                return key
        self._because(("key",), f"nothing is different in every row of the {self._rows()}: of equal keys the last wins")
        return parts

    def _names_a_row(self, column: Column) -> bool:
        said = words.words_of(column.name)
        is_named = bool(set(said[-1:]) & (words.IDENTIFIES | {"seq", "sequence", "sequential", "line", "pos", "step"}))
        return is_named and not (words.OTHER_PARTIES & set(said) - {"item"}) and column.filled == len(column.values)

    def _is_key(self, names: Sequence[str]) -> bool:
        frame = pd.DataFrame({name: self.columns[name].values for name in names})
        return not frame.duplicated().any()

    def _event_key(self) -> list[str]:
        if self.subject.primary_key:
            self._because(("key",), "its primary key")
            return list(self.subject.primary_key)
        no_key = "no key: an event is known by its work order, activity and time"
        single = [one.name for one in self.columns.values() if one.is_unique and self._names_a_row(one)]
        is_all = self.profile.rows < ROWS_LOOKED_AT and len(self.subject.files) <= FILES_LOOKED_AT
        if single and is_all:
            self._because(("key",), f"no value twice in the {self._rows()}, which is all there is")
            return single[:1]
        if single:
            # A key that comes again would make one event of two, and nobody would see it.
            no_key += f"; {single[0]} is different in all {self._rows()}: make it the key if no number comes again"
        self._because(("shape",), no_key)
        return []

    def _cursor(self) -> None:
        if self.kind != "database":
            return
        key = self.subject.primary_key
        if self.entity["shape"] == "events" and len(key) == 1 and self.columns[key[0]].is_whole_number:
            self.entity["cursor"] = key[0]
            self._because(("cursor",), f"events are added with rising {key[0]}: later pulls bring only the new ones")
            return
        for name in self.profile.named(words.CHANGED):
            column = self.columns[name]
            if column.time is not None and column.time.in_order_as_text and column.filled == len(column.values):
                self.entity["cursor"] = name
                self._because(("cursor",), f"later pulls bring only what changed: right if every change sets {name}")
                return

    def _time_format(self) -> None:
        used = [self.columns[name] for name in self._times_used()]
        formats = {column.time.format for column in used if column.time and not column.time.is_typed}
        others = [one for one in formats if one is not None]
        if not others:
            return
        by_use = sorted(others, key=lambda one: -sum(c.time is not None and c.time.format == one for c in used))
        self.entity["time_format"] = by_use[0]
        first = next(column for column in used if column.time and column.time.format == by_use[0])
        assert first.time is not None
        self._because(("time_format",), f"{first.name}: {first.time.reason}")
        if len(others) > 1:
            self._because(("time_format",), f"other columns are written otherwise ({', '.join(by_use[1:])}): use sql")

    def _times_used(self) -> list[str]:
        steps = self.entity.get("milestones") or []
        named = [step[part] for step in steps for part in ("from", "to", "promised_at") if part in step]
        ours = ("started_at", "ended_at", "at", "promised_at", "changed_at")
        for one in ours:
            column = self.mapped.get(one)
            if isinstance(column, str):
                named.append(column)
            elif isinstance(column, dict):
                named += [name for name in self.columns if _identifier(name) in column.get("sql", "")]
        if self.entity["shape"] == "milestones":
            named += [column.name for column in self._moments()]
        return list(dict.fromkeys(named))

    def _has_offsets(self) -> bool:
        used = [self.columns[name].time for name in self._times_used()]
        return all(time.has_offset for time in used if time is not None)

    # --- small things

    def _in_order(self, moments: list[Column]) -> list[Column]:
        frame = pd.DataFrame({column.name: column.times for column in moments})
        since_first = frame.sub(frame.min(axis=1), axis=0).median().fillna(float("inf"))
        return [self.columns[str(name)] for name in since_first.sort_values(kind="stable").index]

    def _step_reasons(self, before: Column, after: Column) -> list[str]:
        assert before.times is not None
        assert after.times is not None
        reversed_ = int((after.times < before.times).sum())
        headless = int((after.times.notna() & before.times.isna()).sum())
        said = []
        if reversed_:
            said.append(
                f"{reversed_:,} of {self.profile.rows:,} rows have {after.name} before {before.name}: quarantined"
            )
        if headless:
            said.append(f"{headless:,} rows have {after.name} without {before.name}: quarantined")
        return said

    def _source(self, column: Column) -> Any:
        """The column, without its markers for nothing."""
        if not column.markers:
            return column.name
        return {"sql": self._text(column)}

    def _text(self, column: Column) -> str:
        sql = _identifier(column.name)
        for marker in column.markers:
            sql = f"nullif({sql}, {literal(marker)})"
        return sql

    def _rows(self) -> str:
        return f"{self.profile.rows:,} rows looked at"

    def _keep_copies(self) -> None:
        if self.profile.copies:
            self.notes.append(f"{self.profile.copies:,} of the rows looked at are exact copies of others")

    def _because(self, place: tuple[str, ...], *reasons: str) -> None:
        self.reasons.setdefault(place, []).extend(reason for reason in reasons if reason)

    @staticmethod
    def _names(columns: Iterable[Column]) -> list[str]:
        return [column.name for column in columns]


@cache
def _reserved() -> frozenset[str]:
    with duckdb.connect() as con:
        found = con.execute(
            "SELECT keyword_name FROM duckdb_keywords() WHERE keyword_category <> 'unreserved'"
        ).fetchall()
    return frozenset(str(word) for (word,) in found)


def _identifier(name: str) -> str:
    """A column in SQL, without quotes where it needs none: YAML would have to escape them."""
    is_plain = re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) and name.lower() not in _reserved()
    return name if is_plain else quoted(name)


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", " ", name.lower()).strip()


def _common_words(names: Sequence[str]) -> set[str]:
    sets = [set(words.words_of(name)) for name in names]
    return set.intersection(*sets) | {"at", "date", "dt", "timestamp", "time", "on", "datetime", "ts"}


def _short(name: str, common: set[str]) -> str:
    kept = [word for word in words.words_of(name) if word not in common]
    return "_".join(kept) or "_".join(words.words_of(name))
