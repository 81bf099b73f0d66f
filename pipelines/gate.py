"""The gate: which rows of a landed batch are accepted, quarantined or duplicates, and which batches are held whole.

All it writes is derived from landing. A decision file is the commit point of a batch: without it the batch has not been
judged, whatever else lies there. Batches of an entity are judged in the order in which they landed.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from statistics import median
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.catalogue.sources import ABSENT, KEY_SWEEP, Check, Entity, Source
from pipelines.conform import (
    CANONICAL,
    DELETED,
    ConformError,
    Landed,
    accepted_sql,
    columns_of_check,
    conform,
    connect,
    listed_keys_sql,
    literal,
    open_landed,
    quoted,
)
from pipelines.drift import Drift, drift, nearest
from pipelines.drift import said as said_of_types
from pipelines.errors import UserError
from pipelines.home import Home
from pipelines.landing import ACCEPTED_BY_HAND, ROW_NUMBER, Batch, Landing, accepted_by_hand_us
from pipelines.zones import DAY_US, instant_us
from quality_checks import batch as batch_suite
from quality_checks import events as events_suite
from quality_checks import feedback as feedback_suite
from quality_checks import milestones as milestones_suite
from quality_checks import outages as outages_suite
from quality_checks import pauses as pauses_suite
from quality_checks import runs as runs_suite
from quality_checks import validation
from quality_checks.validation import Finding, Rule

SLICE_ROWS = 1_000_000
FAR_FUTURE = "start_not_in_far_future"
FAR_FUTURE_US = 366 * DAY_US
USUAL_BATCHES = 5
REASON_LENGTH = 600
# What belongs to the accepted rows of a batch besides its decision, by the folder it lies in.
KEY = "key"
# What happens at an instant, and has no start and end.
AT_ONCE = ("events", "feedback")
SUITES = {
    "runs": runs_suite,
    "events": events_suite,
    "milestones": milestones_suite,
    "pauses": pauses_suite,
    "feedback": feedback_suite,
    "outages": outages_suite,
}
NAMES = {shape: suite.NAMES for shape, suite in SUITES.items()}
# What the gate sees of these is in the rows that landed.
OF_PULLING: dict[str, Any] = {
    **dict.fromkeys(("from_", "query", "cursor", "cursor_lag", "key_list", "drop", "hash"), True),
    "reconcile": {"count", "where", "query", "file"},
}

DECISION = {
    "source_system": "VARCHAR",
    "entity": "VARCHAR",
    "load_id": "VARCHAR",
    "landed_us": "BIGINT",
    "status": "VARCHAR",
    "pulled": "BIGINT",
    "accepted": "BIGINT",
    "quarantined": "BIGINT",
    "duplicates": "BIGINT",
    "held": "BIGINT",
    "deleted": "BIGINT",
    "reason": "VARCHAR",
    "gate_hash": "VARCHAR",
    "data_through_us": "BIGINT",
    "accepted_by_hand_us": "BIGINT",
    "holds_from_us": "BIGINT",
    "holds_to_us": "BIGINT",
}
QUARANTINED = {
    "source_system": "VARCHAR",
    "entity": "VARCHAR",
    "load_id": "VARCHAR",
    "landed_us": "BIGINT",
    "row_number": "BIGINT",
    "key_hash": "VARCHAR",
    "rule": "VARCHAR",
    "detail": "VARCHAR",
    "row": "VARCHAR",
    "work_order_id": "VARCHAR",
    "process": "VARCHAR",
    "node": "VARCHAR",
    "control_amount": "DECIMAL(38, 6)",
}
DRIFT = {
    "source_system": "VARCHAR",
    "entity": "VARCHAR",
    "load_id": "VARCHAR",
    "landed_us": "BIGINT",
    "column_name": "VARCHAR",
    "what": "VARCHAR",
    "type_before": "VARCHAR",
    "type_now": "VARCHAR",
    "is_used": "BOOLEAN",
}
RELEASE = {
    "source_system": "VARCHAR",
    "entity": "VARCHAR",
    "key_hash": "VARCHAR",
    "load_id": "VARCHAR",
    "landed_us": "BIGINT",
    "quarantined_load_id": "VARCHAR",
    "quarantined_row_number": "BIGINT",
}


@dataclass(frozen=True)
class Decision:
    """What became of one batch."""

    source_system: str
    entity: str
    load_id: str
    landed_us: int
    status: str
    pulled: int
    accepted: int
    quarantined: int
    duplicates: int
    held: int
    reason: str | None
    gate_hash: str
    data_through_us: int | None
    accepted_by_hand_us: int | None = None
    holds_from_us: int | None = None
    """The decision is the same for every ``as_of`` from here on, exclusive of ``holds_to_us``; null: no bound."""
    holds_to_us: int | None = None
    deleted: int | None = 0
    """Keys that were there before this batch and are not any more; those that no row said are in no other count."""

    def holds_at(self, as_of_us: int) -> bool:
        """Whether a judge at ``as_of_us`` would decide alike."""
        return (self.holds_from_us is None or self.holds_from_us <= as_of_us) and (
            self.holds_to_us is None or as_of_us < self.holds_to_us
        )


@dataclass
class Verdict:
    """What the gate did for one entity in one run."""

    judged: list[Decision] = field(default_factory=list)
    """Batches that were new, or judged otherwise than before."""
    held: list[Decision] = field(default_factory=list)
    """Batches that stand before the gate and that no later one has made pointless."""
    broken: Counter[str] = field(default_factory=Counter)
    """Rows in the judged batches by the rule that stopped them; a rule of whole batches counts all of their rows."""


def rule_names(entity: Entity) -> tuple[str, ...]:
    """Every rule that can stop a row or a batch of an entity, without importing Great Expectations."""
    return (*batch_suite.NAMES, *NAMES[entity.shape], *dict.fromkeys(check.expectation for check in entity.checks))


def judge(home: Home, source: Source, entity: Entity, as_of: datetime, *, accept_held: bool = False) -> Verdict:
    """Judge what has landed of an entity and was not, or by other rules, or is held; ``accept_held`` lets those in."""
    make_empty_files(home)
    gate = _Gate(home, source, entity, as_of)
    try:
        return gate.judge(accept_held)
    except (duckdb.IOException, duckdb.OutOfMemoryException) as problem:
        raise UserError(
            f"{source.name}.{entity.name}: cannot be checked: {str(problem).splitlines()[0]} "
            f"Make room on the disk of {home.root}, or in memory, and run again."
        ) from None
    except OSError as problem:
        if problem.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS):
            raise
        raise UserError(
            f"{source.name}.{entity.name}: cannot be checked: {problem.strerror}: {home.root}. "
            "Make room or give the right to write there, and run again."
        ) from None
    finally:
        shutil.rmtree(gate.temporary, ignore_errors=True)


def make_empty_files(home: Home) -> None:
    """Files of no rows, so that whoever reads all files of a kind finds one, with its columns."""
    wanted = {home.accepted / shape: columns for shape, columns in CANONICAL.items()}
    wanted |= {
        home.accepted / "decision": DECISION,
        home.accepted / "drift": DRIFT,
        home.quarantine / "row": QUARANTINED,
        home.quarantine / "release": RELEASE,
    }
    for folder, columns in wanted.items():
        file = folder / "_none" / "_none" / "none.parquet"
        schema = _schema(columns)
        if file.exists():
            with suppress(OSError, pa.ArrowInvalid):
                if pq.read_schema(file).equals(schema):
                    continue
        file.parent.mkdir(parents=True, exist_ok=True)
        temporary = file.with_name(".tmp-none")
        pq.write_table(schema.empty_table(), temporary, compression="zstd")
        temporary.replace(file)


def decisions(home: Home, source: str, entity: str) -> list[Decision]:
    """What was decided about an entity's batches, the oldest first."""
    folder = home.accepted / "decision" / source / entity
    found = []
    for file in sorted(folder.glob("*.parquet")) if folder.is_dir() else ():
        row = pq.read_table(file, partitioning=None).to_pylist()[0]
        found.append(Decision(**{name: row.get(name) for name in DECISION}))
    return found


def gate_hash(source: Source, entity: Entity) -> str:
    """Changes with whatever would let the gate decide otherwise: mapping, zone, suites, code."""
    mapping = entity.model_dump(mode="json", exclude=OF_PULLING)
    said = json.dumps([mapping, source.time_zone, source.work_order_prefix, _code_hash()], sort_keys=True, default=str)
    return hashlib.sha256(said.encode()).hexdigest()


@cache
def _code_hash() -> str:
    here = Path(__file__).parent
    files = [here / "conform.py", here / "drift.py", here / "gate.py", here / "zones.py"]
    files += sorted(Path(validation.__file__).parent.glob("*.py"))
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


class _Gate:
    def __init__(self, home: Home, source: Source, entity: Entity, as_of: datetime) -> None:
        self.home, self.source, self.entity = home, source, entity
        self.as_of_us = instant_us(as_of)
        self.hash = gate_hash(source, entity)
        self.temporary = home.accepted / f".tmp-gate-{source.name}-{entity.name}"
        self.batches: list[Batch] = []
        self.decided: dict[str, Decision] = {}

    # --- which batches

    def judge(self, accept_held: bool) -> Verdict:
        shutil.rmtree(self.temporary, ignore_errors=True)
        self._forget_other_shapes()
        self.batches = Landing(self.home).batches(self.source.name, self.entity.name)
        before = {decision.load_id: decision for decision in decisions(self.home, self.source.name, self.entity.name)}
        verdict, again = Verdict(), False
        for number, batch in enumerate(self.batches):
            old = before.get(batch.load_id)
            same_rules = old is not None and old.gate_hash == self.hash and old.holds_at(self.as_of_us)
            if old is not None and same_rules and not again and old.status == "accepted":
                self.decided[batch.load_id] = old
                continue
            if old is not None and old.status == "held" and accept_held:
                self._mark_accepted(batch)
            if not (old is not None and same_rules and old.status == "held" and not again):
                again = True
                self._forget(self.batches[number:])
            decision, broken = self._decide(batch)
            if decision.status == "accepted" and not again:
                # It stands before what was judged without it.
                again = True
                self._forget(self.batches[number + 1 :])
            self._write_decision(decision)
            self.decided[batch.load_id] = decision
            if decision != old:
                verdict.judged.append(decision)
                verdict.broken += broken
        verdict.held = [
            self.decided[batch.load_id] for number, batch in enumerate(self.batches) if self._still_waits(number, batch)
        ]
        return verdict

    def _still_waits(self, number: int, batch: Batch) -> bool:
        if self.decided[batch.load_id].status != "held":
            return False
        later = [one for one in self.batches[number + 1 :] if self.decided[one.load_id].status == "accepted"]
        if batch.files:
            return not {file["name"] for file in batch.files} <= {file["name"] for one in later for file in one.files}
        return not any(one.mode == ("keys" if batch.mode == "keys" else "whole") for one in later)

    def _forget(self, batches: Sequence[Batch]) -> None:
        # The newest first: whatever is interrupted, what is decided has everything decided before it.
        for batch in reversed(batches):
            self._file("decision", batch).unlink(missing_ok=True)

    def _forget_other_shapes(self) -> None:
        for shape in CANONICAL.keys() - {self.entity.shape}:
            shutil.rmtree(self.home.accepted / shape / self.source.name / self.entity.name, ignore_errors=True)

    def _mark_accepted(self, batch: Batch) -> None:
        mark = self._mark(batch)
        if mark.exists():
            return
        # A replay of a time before it must not see it; renamed, because an empty mark counts from the beginning.
        temporary = mark.with_name(f".{mark.name}")
        temporary.write_text(datetime.now(UTC).isoformat(), encoding="utf-8")
        _put(temporary, mark)

    def _mark(self, batch: Batch) -> Path:
        # Nobody's answer can be made again: it stands beside the batch, where a backup finds it.
        return self.home.landing / self.source.name / self.entity.name / f"{batch.load_id}{ACCEPTED_BY_HAND}"

    # --- one batch

    def _decide(self, batch: Batch) -> tuple[Decision, Counter[str]]:
        self.temporary.mkdir(parents=True, exist_ok=True)
        by_hand_us = accepted_by_hand_us(self._mark(batch))
        by_hand = by_hand_us is not None
        with connect(self.temporary) as con:
            if batch.mode == "keys":
                return self._decide_keys(con, batch, by_hand_us)
            landed = open_landed(con, batch, self.entity)
            drifted = self._drift(con, batch)
            held = self._batch_problems(con, batch, landed, drifted)
            conformed = self.temporary / "conformed.parquet"
            if not held or by_hand:
                try:
                    conform(con, batch, landed, self.source, self.entity, conformed)
                except ConformError as problem:
                    held.append(("columns_as_declared", f"the mapping cannot be applied: {problem}"))
                    by_hand = False
            if held and not by_hand:
                return self._hold(batch, held)
            con.execute(f"CREATE VIEW conformed AS FROM read_parquet({literal(str(conformed))})")
            holds = self._holds(con, batch)
            broken, stops = self._judge_rows(con, batch, landed)
            if stops and not by_hand:
                return self._hold(batch, stops, holds)
            needed = by_hand_us if held or stops else None
            return self._accept(con, batch, landed, broken, {**holds, "accepted_by_hand_us": needed})

    def _decide_keys(
        self, con: duckdb.DuckDBPyConnection, batch: Batch, by_hand_us: int | None
    ) -> tuple[Decision, Counter[str]]:
        """A list of the keys that exist brings no rows: it says which are gone, and which are back as they were."""
        held = self._batch_problems(con, batch, Landed({}), [])
        if held and by_hand_us is None:
            return self._hold(batch, held)
        earlier = self._accepted_before(batch)
        applies = self.entity.deletions == KEY_SWEEP and set(self.entity.key) <= set(batch.columns)
        parts = ", ".join(literal(str(part)) for part in batch.parts)
        listed = "SELECT NULL::BIGINT AS row_number, NULL::VARCHAR AS key_hash WHERE false"
        if applies:
            listed = listed_keys_sql(f"read_parquet([{parts}])", self.source, self.entity)
        con.execute(f"CREATE TEMP TABLE existing AS {listed}")
        con.execute("CREATE TEMP TABLE valid AS SELECT row_number, key_hash FROM existing WHERE false")
        self._imply(con, earlier, KEY_SWEEP if applies else None)
        con.execute(
            """
            INSERT INTO implied
            SELECT k.key_hash, k.version + 1, k.live_version, min(e.row_number), NULL
            FROM latest AS k JOIN existing AS e USING (key_hash)
            WHERE k.live_version < k.version GROUP BY ALL
            """
        )
        self._copy(con, self._implied_sql(batch, earlier), self._file(self.entity.shape, batch))
        nothing = ", ".join(f"NULL::{kind} AS {name}" for name, kind in QUARANTINED.items())
        self._copy(con, f"SELECT {nothing} WHERE false", self._file("row", batch))
        self._copy(con, self._release_sql(batch, earlier), self._file("release", batch))
        deleted, back = con.execute(
            "SELECT count(*) FILTER (deleted_by IS NOT NULL), count(*) FILTER (deleted_by IS NULL) FROM implied"
        ).fetchone() or (0, 0)
        return self._decision(
            batch,
            "accepted",
            accepted=back,
            duplicates=batch.rows - back,
            deleted=deleted,
            accepted_by_hand_us=by_hand_us if held else None,
        ), Counter()

    def _holds(self, con: duckdb.DuckDBPyConnection, batch: Batch) -> dict[str, int | None]:
        """From when to when ``as_of`` may lie for the same decision: only starts in the far future depend on it."""
        columns = sorted(
            {
                column
                for rule in self._suite(batch)
                if rule.name == FAR_FUTURE
                for column in columns_of_check(rule.arguments)
            }
        )
        starts = " UNION ALL ".join(f"SELECT {column} - {FAR_FUTURE_US} AS at_us FROM conformed" for column in columns)
        row = con.execute(
            f"SELECT max(at_us) FILTER (at_us <= {self.as_of_us}), min(at_us) FILTER (at_us > {self.as_of_us}) "
            f"FROM ({starts}) WHERE at_us > {batch.landed_us}"
        ).fetchone()
        from_us, to_us = row or (None, None)
        return {"holds_from_us": from_us, "holds_to_us": to_us}

    def _drift(self, con: duckdb.DuckDBPyConnection, batch: Batch) -> list[Drift]:
        """How its columns differ from those of what was accepted before it; noted, whatever becomes of the batch."""
        found = drift(con, self.source, self.entity, batch, self._rows_before(batch))
        file = self._file("drift", batch)
        if not found:
            file.unlink(missing_ok=True)
            return found
        of_batch = {
            "source_system": self.source.name,
            "entity": self.entity.name,
            "load_id": batch.load_id,
            "landed_us": batch.landed_us,
        }
        temporary = self.temporary / "drift.parquet"
        rows = pa.Table.from_pylist([of_batch | vars(one) for one in found], schema=_schema(DRIFT))
        pq.write_table(rows, temporary, compression="zstd")
        _put(temporary, file)
        return found

    def _accepted_before(self, batch: Batch) -> list[Batch]:
        return [
            one
            for one in self.batches
            if one.load_id < batch.load_id and self.decided[one.load_id].status == "accepted"
        ]

    def _rows_before(self, batch: Batch) -> list[Batch]:
        """A list of keys has other columns than the rows."""
        return [one for one in self._accepted_before(batch) if one.mode != "keys"]

    def _perhaps(self, con: duckdb.DuckDBPyConnection, batch: Batch, landed: Landed) -> str:
        """What the lost columns may be called now."""
        before = self._rows_before(batch)
        found = {name: nearest(con, name, batch, before, self.entity) for name in landed.lost}
        likely = [f"{new!r} may be {name!r} under a new name" for name, new in found.items() if new]
        return f" ({'; '.join(likely)})" if likely else ""

    def _batch_problems(
        self, con: duckdb.DuckDBPyConnection, batch: Batch, landed: Landed, drifted: Sequence[Drift]
    ) -> list[tuple[str, str]]:
        import pandas as pd

        now, least, said = self._volume(batch)
        cut = self._cut_file(batch)
        retyped = said_of_types([one for one in drifted if one.what == "retyped" and one.is_used])
        frame = pd.DataFrame(
            {
                "missing_columns": pd.Series([", ".join(landed.missing) or None], dtype="object"),
                "rows_of_usual": [now],
                "least_rows": [least],
                "cut_file": pd.Series([cut], dtype="object"),
                "retyped_columns": pd.Series([retyped or None], dtype="object"),
            }
        )
        said_of = {
            "columns_as_declared": f"the batch lacks {', '.join(landed.missing)}, which sources.yml names"
            f"{self._perhaps(con, batch, landed)}: correct the source, or the mapping.",
            "types_as_before": f"{retyped}: see whether the mapping still reads it rightly.",
            "volume": f"{said}, less than half of what is usual: see whether the source was cut short.",
            "last_line": f"{cut} does not end with a line end, as every file before it did: see whether it was cut off "
            "in its last value.",
        }
        return [
            (finding.rule.name, said_of[finding.rule.name])
            for finding in validation.validate(frame, batch_suite.rules())
            if not finding.success
        ]

    def _cut_file(self, batch: Batch) -> str | None:
        """A file whose last line is open, where none was so far; what is accepted by hand shows how files end now."""
        ended = [
            file["ends_with_newline"]
            for one in self.batches
            if one.load_id < batch.load_id and self.decided[one.load_id].status == "accepted"
            for file in one.files
            if "ends_with_newline" in file
        ]
        if not ended or not all(ended):
            return None
        return next((file["name"] for file in batch.files if file.get("ends_with_newline") is False), None)

    def _volume(self, batch: Batch) -> tuple[float, float, str]:
        """Rows that can be compared, the least that is unsuspicious, and both in words."""
        earlier = [one for one in self._accepted_before(batch) if one.mode == batch.mode]
        # What would delete is compared with what there is, also the first time.
        known = [] if earlier or self.entity.deletions not in (ABSENT, KEY_SWEEP) else [self._live_keys(batch)]
        if batch.mode not in ("whole", "keys") or not (earlier or known):
            return float(batch.rows), 0.0, ""
        if not batch.files:
            history = [one.rows for one in earlier[-USUAL_BATCHES:]] or known
            # Who accepted a small batch by hand has said that this is how many there are now.
            usual = min(median(history), history[-1])
            return float(batch.rows), usual / 2, f"{batch.rows:,} rows, where {usual:,.0f} are usual"
        of_file = {file["name"]: file.get("rows") or 0 for one in earlier for file in one.files}
        shrunk = [
            (file["name"], file.get("rows") or 0, of_file[file["name"]])
            for file in batch.files
            if file["name"] in of_file and (file.get("rows") or 0) < of_file[file["name"]] / 2
        ]
        if not shrunk:
            return float(batch.rows), 0.0, ""
        name, rows, usual = shrunk[0]
        more = f" (and {len(shrunk) - 1} more files)" if len(shrunk) > 1 else ""
        return float(rows), usual / 2, f"{name} has {rows:,} rows, where it had {usual:,}{more}"

    def _live_keys(self, batch: Batch) -> int:
        relation = self._all(self.entity.shape, self._accepted_before(batch), CANONICAL[self.entity.shape])
        with connect(self.temporary) as con:
            row = con.execute(
                "SELECT count(*) FROM (SELECT arg_max(content_hash, version) AS content_hash "
                f"FROM {relation} GROUP BY key_hash) WHERE content_hash <> '{DELETED}'"
            ).fetchone()
        return row[0] if row else 0

    def _hold(
        self, batch: Batch, why: Sequence[tuple[str, str]], holds: dict[str, int | None] | None = None
    ) -> tuple[Decision, Counter[str]]:
        for kind in (self.entity.shape, KEY, "row", "release"):
            self._file(kind, batch).unlink(missing_ok=True)
        reason = " ".join(f"{rule}: {said}" for rule, said in why)
        if len(reason) > REASON_LENGTH:
            reason = reason[:REASON_LENGTH] + " …"
        return self._decision(batch, "held", held=batch.rows, reason=reason, **(holds or {})), Counter(
            {rule: max(batch.rows, 1) for rule, _ in why}
        )

    # --- rows

    def _suite(self, batch: Batch) -> list[Rule]:
        latest_us = max(self.as_of_us, batch.landed_us) + FAR_FUTURE_US
        if self.entity.shape == "milestones":
            return milestones_suite.rules(latest_us, len(self.entity.milestones))
        return SUITES[self.entity.shape].rules(latest_us)

    def _judge_rows(
        self, con: duckdb.DuckDBPyConnection, batch: Batch, landed: Landed
    ) -> tuple[pa.Table, list[tuple[str, str]]]:
        """Table (row_number, rule_number, rule, others) of broken rows, and why the batch must stop if it must."""
        names = list(NAMES[self.entity.shape])
        rows: list[np.ndarray] = []
        rules: list[np.ndarray] = []

        def note(numbers: np.ndarray, rule: int) -> None:
            rows.append(numbers)
            rules.append(np.full(len(numbers), rule, dtype=np.int32))

        stops: list[tuple[str, str]] = []
        if batch.rows:
            suite = self._suite(batch)
            columns = sorted({column for rule in suite for column in columns_of_check(rule.arguments)})
            kinds = {name: kind for name, kind, *_ in con.execute("DESCRIBE conformed").fetchall()}
            # The suite asks of a text only whether there is one: a million texts need not become objects of Python.
            selected = ", ".join(
                f"CASE WHEN {name} IS NOT NULL THEN 1::FLOAT END AS {name}" if kinds[name] == "VARCHAR" else name
                for name in columns
            )
            for part in con.execute(f"SELECT row_number, {selected} FROM conformed").to_arrow_reader(SLICE_ROWS):
                frame = part.to_pandas()
                numbers = frame.pop("row_number").to_numpy()
                for finding in validation.validate(frame, suite):
                    if finding.problem:
                        raise RuntimeError(f"{finding.rule.name}: {finding.problem}")
                    if finding.positions:
                        note(numbers[finding.positions], names.index(finding.rule.name))
            for number, check in enumerate(self.entity.checks):
                names.append(check.expectation)
                found, reason = self._check(con, landed, check, number)
                if reason is not None:
                    stops.append((check.expectation, reason))
                else:
                    note(found, len(names) - 1)
        table = pa.table(
            {
                "row_number": np.concatenate(rows) if rows else np.empty(0, dtype=np.int64),
                "rule_number": np.concatenate(rules) if rules else np.empty(0, dtype=np.int32),
            }
        )
        con.register("all_broken", table)
        con.register("rule_names", pa.table({"rule_number": np.arange(len(names), dtype=np.int32), "rule": names}))
        broken = con.execute(
            "SELECT row_number, min(rule_number) AS rule_number, min_by(rule, rule_number) AS rule, "
            "string_agg(DISTINCT rule, ', ' ORDER BY rule) AS rules "
            "FROM all_broken JOIN rule_names USING (rule_number) "
            # Systems empty what they delete: of such a row nothing but its key is asked.
            "WHERE rule = 'key_present' OR row_number NOT IN "
            "(SELECT row_number FROM conformed WHERE deleted_by IS NOT NULL) "
            "GROUP BY row_number ORDER BY row_number"
        ).to_arrow_table()
        return broken, stops

    def _check(
        self, con: duckdb.DuckDBPyConnection, landed: Landed, check: Check, number: int
    ) -> tuple[np.ndarray, str | None]:
        """The rows that break a check of the entity, or why the batch must stop because of it."""
        bad: list[np.ndarray] = []
        findings: list[Finding] = []
        for numbers, unreadable, frame, arguments in self._frames(con, landed, check):
            (finding,) = validation.validate(frame, [Rule(check.expectation, check.expectation, arguments)])
            if finding.problem:
                return np.empty(0, np.int64), f"the check cannot be applied: {finding.problem}"
            findings.append(finding)
            if not finding.success and finding.positions:
                bad.append(numbers[finding.positions])
            if unreadable.any():
                bad.append(numbers[unreadable])
        found = np.unique(np.concatenate(bad)) if bad else np.empty(0, np.int64)
        failed = [finding for finding in findings if not finding.success]
        if failed and failed[0].positions is None:
            observed = "" if failed[0].observed is None else f" (it is {failed[0].observed})"
            return found, f"does not hold for the batch{observed}."
        if check.on_failure == "stop" and (failed or len(found)):
            return found, f"does not hold for {len(found):,} rows, the first of them row {found[0]:,}."
        return found, None

    def _frames(
        self, con: duckdb.DuckDBPyConnection, landed: Landed, check: Check
    ) -> Iterator[tuple[np.ndarray, np.ndarray, Any, dict[str, Any]]]:
        """Row numbers, rows whose number is none, the frame and the arguments: in slices where that is the same."""
        import pandas as pd

        arguments = dict(check.arguments)
        named = columns_of_check(arguments)
        if not named:
            # About the table itself: its columns by name, its rows by count.
            rows = con.execute("SELECT count(*) FROM landed").fetchone()
            index = range(rows[0] if rows and "row_count" in check.expectation else 0)
            frame = pd.DataFrame({name: pd.Series(dtype="object", index=index) for name in landed.columns}, index=index)
            yield np.arange(len(frame)) + 1, np.zeros(len(frame), dtype=bool), frame, arguments
            return
        # As the source writes it, which may differ in case from what the catalogue says.
        names = {name: landed.name(name) or name for name in named}
        for key in ("column", "column_A", "column_B"):
            if key in arguments:
                arguments[key] = names[str(arguments[key])]
        if isinstance(arguments.get("column_list"), list | tuple):
            arguments["column_list"] = [names[str(name)] for name in arguments["column_list"]]
        numeric = _compares_numbers(check)
        selected, lost = [], []
        for name in dict.fromkeys(names.values()):
            kind = landed.columns.get(name, "NULL")
            if name not in landed.columns:
                selected.append(f"NULL::VARCHAR AS {quoted(name)}")
            elif numeric and kind == "VARCHAR":
                number = f"try_cast({self._with_point(quoted(name))} AS DOUBLE)"
                selected.append(f"{number} AS {quoted(name)}")
                lost.append(f"(nullif(trim({quoted(name)}), '') IS NOT NULL AND {number} IS NULL)")
            elif kind.startswith("DECIMAL") or (numeric and kind == "HUGEINT"):
                selected.append(f"{quoted(name)}::DOUBLE AS {quoted(name)}")
            elif kind == "VARCHAR":
                # An empty cell is null, here as in the mapping.
                selected.append(f"nullif({quoted(name)}, '') AS {quoted(name)}")
            else:
                selected.append(quoted(name))
        sql = (
            f"SELECT {ROW_NUMBER} AS _gate_row, {' OR '.join(lost) or 'false'} AS _gate_lost, {', '.join(selected)} "
            "FROM landed"
        )
        whole = _needs_whole_batch(check)
        reader = con.execute(sql).to_arrow_reader(SLICE_ROWS)
        slices = [reader.read_all()] if whole else (pa.Table.from_batches([part]) for part in reader)
        for part in slices:
            frame = part.to_pandas()
            numbers, unreadable = frame.pop("_gate_row").to_numpy(), frame.pop("_gate_lost").to_numpy(dtype=bool)
            yield numbers, unreadable, frame, arguments

    def _with_point(self, text: str) -> str:
        """A number as the engine reads it; where the comma is its point, points stand between the thousands."""
        return f"replace(replace({text}, '.', ''), ',', '.')" if self.entity.decimal == "," else text

    # --- what is written

    def _accept(
        self,
        con: duckdb.DuckDBPyConnection,
        batch: Batch,
        landed: Landed,
        broken: pa.Table,
        noted: dict[str, int | None],
    ) -> tuple[Decision, Counter[str]]:
        con.register("broken", broken)
        con.execute(
            "CREATE TEMP TABLE valid AS SELECT row_number, key_hash, content_hash FROM conformed "
            "ANTI JOIN broken USING (row_number)"
        )
        earlier = self._accepted_before(batch)
        con.execute(
            "CREATE TEMP TABLE known AS SELECT key_hash, arg_max(content_hash, version) AS content_hash, "
            "max(version) AS version, min(first_load_id) AS first_load_id, min(first_row_number) AS first_row_number "
            f"FROM {self._all(self.entity.shape, earlier, CANONICAL[self.entity.shape])} "
            "SEMI JOIN valid USING (key_hash) GROUP BY key_hash"
        )
        load = literal(batch.load_id)
        con.execute(
            f"""
            CREATE TEMP TABLE fresh AS
            SELECT row_number,
                   (coalesce(earlier, 0)
                       + sum(is_new::INTEGER) OVER (PARTITION BY key_hash ORDER BY row_number))::INTEGER AS version,
                   coalesce(first_load_id, {load}) AS first_load_id,
                   coalesce(first_row_number, min(row_number) OVER (PARTITION BY key_hash)) AS first_row_number,
                   is_new
            FROM (
                SELECT v.row_number, v.key_hash, k.version AS earlier, k.first_load_id, k.first_row_number,
                       v.content_hash IS DISTINCT FROM coalesce(
                           lag(v.content_hash) OVER (PARTITION BY v.key_hash ORDER BY v.row_number), k.content_hash
                       ) AS is_new
                FROM valid AS v LEFT JOIN known AS k USING (key_hash)
            )
            QUALIFY is_new
            """
        )
        con.execute(f"CREATE TEMP VIEW existing AS {self._existing_sql(con, batch, earlier)}")
        self._imply(con, earlier, ABSENT if self.entity.deletions == ABSENT and batch.mode == "whole" else None)
        accepted_rows = accepted_sql(self.entity.shape, self.entity)
        self._copy(
            con,
            f"{accepted_rows} UNION ALL BY NAME {self._implied_sql(batch, earlier)}",
            self._file(self.entity.shape, batch),
        )
        self._copy(con, self._quarantine_sql(landed), self._file("row", batch))
        self._copy(con, self._release_sql(batch, earlier), self._file("release", batch))
        accepted, deleted = con.execute(
            "SELECT (SELECT count(*) FROM fresh), (SELECT count(*) FROM implied) + "
            "(SELECT count(*) FROM fresh JOIN conformed USING (row_number) "
            "WHERE deleted_by IS NOT NULL AND version > 1)"
        ).fetchone() or (0, 0)
        through = self._data_through(con, batch)
        decision = self._decision(
            batch,
            "accepted",
            accepted=accepted,
            quarantined=broken.num_rows,
            duplicates=batch.rows - accepted - broken.num_rows,
            deleted=deleted,
            data_through_us=through,
            **noted,
        )
        return decision, Counter(broken.column("rule").to_pylist())

    # --- what is gone

    def _existing_sql(self, con: duckdb.DuckDBPyConnection, batch: Batch, earlier: Sequence[Batch]) -> str:
        """Keys that are there after this batch: its own, and those of files that it does not deliver again."""
        here = "SELECT row_number, key_hash FROM conformed WHERE key_hash IS NOT NULL"
        if self.entity.deletions != ABSENT or not batch.files:
            return here
        self._copy(con, f"SELECT {literal(batch.load_id)} AS load_id, * FROM ({here})", self._file(KEY, batch))
        delivered = {file["name"] for file in batch.files}
        spans = []
        for one in reversed(earlier):
            for file in one.files:
                if file["name"] not in delivered:
                    delivered.add(file["name"])
                    first = file.get("first_row") or 1
                    spans.append(f"({literal(one.load_id)}, {first}, {first + (file.get('rows') or 0) - 1})")
        if not spans:
            return here
        keys = self._all(KEY, [one for one in earlier if one.files], {})
        return (
            f"{here} UNION ALL SELECT NULL, key_hash FROM {keys} AS k "
            f"JOIN (VALUES {', '.join(spans)}) AS s(load_id, first_row, last_row) "
            "ON k.load_id = s.load_id AND k.row_number BETWEEN s.first_row AND s.last_row"
        )

    def _imply(self, con: duckdb.DuckDBPyConnection, earlier: Sequence[Batch], deleted_by: str | None) -> None:
        """Versions that no row says: what is known and not ``existing`` is gone, where ``deleted_by`` tells so."""
        con.execute(
            "CREATE TEMP TABLE latest AS SELECT key_hash, max(version) AS version, "
            "max(version) FILTER (deleted_by IS NULL) AS live_version "
            f"FROM {self._all(self.entity.shape, earlier if deleted_by else [], CANONICAL[self.entity.shape])} "
            "GROUP BY key_hash"
        )
        con.execute(
            "CREATE TEMP TABLE implied AS SELECT key_hash, version + 1 AS version, version AS copied_version, "
            f"NULL::BIGINT AS row_number, {literal(deleted_by or '')} AS deleted_by "
            "FROM latest ANTI JOIN existing USING (key_hash) WHERE live_version = version"
        )
        # Whose rows are in quarantine is gone too, and nobody will correct it.
        con.execute(
            "CREATE TEMP TABLE done_with AS SELECT key_hash, max(row_number) AS last_row FROM valid GROUP BY key_hash"
        )
        if deleted_by:
            con.execute(
                "INSERT INTO done_with SELECT DISTINCT key_hash, 0 "
                f"FROM {self._all('row', earlier, QUARANTINED)} ANTI JOIN existing USING (key_hash)"
            )

    def _implied_sql(self, batch: Batch, earlier: Sequence[Batch]) -> str:
        said = {
            "load_id": literal(batch.load_id),
            "landed_us": f"{batch.landed_us}::BIGINT",
            "row_number": "i.row_number",
            "version": "i.version::INTEGER",
            "deleted_by": "i.deleted_by",
            "content_hash": f"CASE WHEN i.deleted_by IS NULL THEN a.content_hash ELSE '{DELETED}' END",
        }
        columns = CANONICAL[self.entity.shape]
        selected = ", ".join(f"{said.get(name, f'a.{name}')} AS {name}" for name in columns)
        return (
            f"SELECT {selected} FROM {self._all(self.entity.shape, earlier, columns)} AS a "
            "JOIN implied AS i ON a.key_hash = i.key_hash AND a.version = i.copied_version"
        )

    def _deletion_said(self) -> str:
        column = self.entity.deletion_column
        return f"{column if isinstance(column, str) else 'the expression of `deletions`'} '"

    # --- quarantine

    def _quarantine_sql(self, landed: Landed) -> str:
        pairs = ", ".join(f"{literal(name)}: l.{quoted(name)}" for name in landed.columns)
        row = f"to_json({{{pairs}}})::VARCHAR" if pairs else "'{}'"
        columns = {
            **{name: f"c.{name}" for name in QUARANTINED},
            "rule": "b.rule",
            "detail": f"{self._detail(landed)} || "
            "CASE WHEN b.rules <> b.rule THEN ' (all: ' || b.rules || ')' ELSE '' END",
            "row": row,
        }
        selected = ", ".join(f"({sql})::{QUARANTINED[name]} AS {name}" for name, sql in columns.items())
        return (
            f"SELECT {selected} FROM broken AS b JOIN conformed AS c USING (row_number) "
            f"JOIN landed AS l ON l.{ROW_NUMBER} = b.row_number ORDER BY b.row_number"
        )

    def _detail(self, landed: Landed) -> str:
        entity = self.entity
        named = {
            ours: theirs if isinstance(theirs, str) else "the expression in sources.yml"
            for ours, theirs in entity.columns.items()
        }
        start = "c.at_us" if entity.shape in AT_ONCE else "c.started_us"
        far = "' is more than a year ahead: correct it in the source'"
        said = {
            "key_present": literal(f"no key: {', '.join(entity.key)} is empty"),
            "work_order_present": literal(f"no work order number: {named.get('work_order_id')} is empty"),
            "deletion_readable": f"{literal(self._deletion_said())} || c.unreadable_deletion || "
            "''' says neither yes nor no: translate it, deletions: {sql: …}'",
            "process_present": literal(f"no process: {named.get('process')} is empty"),
            "activity_present": literal(f"no activity: {named.get('activity')} is empty"),
            "times_readable": "'no time that can be read, of the years 1900 to 2100: ' || c.unreadable_times",
            "start_present": literal(f"no start: {named.get('started_at', named.get('at'))} is empty"),
        }
        if entity.shape in ("runs", "pauses", "outages"):
            said["end_not_before_start"] = (
                f"'ends ' || {_time('c.ended_us')} || ' before it starts, ' || {_time('c.started_us')}"
            )
        if entity.shape == "runs":
            said |= {
                "status_mapped": "'status ' || coalesce('''' || c.status_text || '''', '(empty)') || "
                "' is in none of `statuses`: add it in sources.yml'",
                "completed_has_end": literal(f"completed without an end: {named.get('ended_at')} is empty"),
            }
        if entity.shape == "feedback":
            said |= {
                "time_present": literal(f"no time: {named.get('at')} is empty"),
                "kind_mapped": "'kind ' || coalesce('''' || c.kind_text || '''', '(empty)') || "
                "' is in none of `kinds`: add it in sources.yml'",
                "numbers_readable": "'no number: ' || c.unreadable_numbers",
                "rating_on_scale": "'rating ' || coalesce(format('{:g}', c.value), '(empty)') || ' is not between the "
                "worst, ' || coalesce(format('{:g}', c.worst), '(empty)') || ', and the best, ' || "
                "coalesce(format('{:g}', c.scale), '(empty)')",
                "expectation_has_length": "'an expectation of ' || coalesce(format('{:g}', c.value), '(empty)') || "
                "' hours'",
                "unit_known": "'unit ''' || c.unknown_unit || ''' is neither hours nor working_hours: translate it'",
            }
        if entity.shape == "outages":
            said |= {
                "service_mapped": "'service ' || coalesce('''' || c.service || ''' is in none of `services`: add it in "
                "sources.yml', '(empty)')",
                "planned_readable": "'planned ''' || c.unreadable_planned || ''' is neither yes nor no: translate it'",
            }
        if entity.shape == "milestones":
            steps = list(enumerate(entity.milestones))
            froms = ", ".join(f"c.from_{i}_us" for i, _ in steps)
            said |= {
                "step_has_start": _first(
                    (
                        f"c.to_{i}_us IS NOT NULL AND c.from_{i}_us IS NULL",
                        literal(f"step {step.node}: {step.to} is filled and {step.from_} is empty"),
                    )
                    for i, step in steps
                ),
                "end_not_before_start": _first(
                    (
                        f"c.to_{i}_us < c.from_{i}_us",
                        f"{literal(f'step {step.node}: {step.to} ')} || {_time(f'c.to_{i}_us')} || "
                        f"{literal(f' is before {step.from_} ')} || {_time(f'c.from_{i}_us')}",
                    )
                    for i, step in steps
                ),
                "start_not_in_far_future": f"'a step begins ' || {_time(f'greatest({froms})')} || ', which' || {far}",
            }
        else:
            said["start_not_in_far_future"] = f"'start ' || {_time(start)} || {far}"
        first_check = len(NAMES[entity.shape])
        whens = [
            f"WHEN b.rule_number = {list(NAMES[entity.shape]).index(name)} THEN {sql}"
            for name, sql in said.items()
            if name in NAMES[entity.shape]
        ]
        for number, check in enumerate(entity.checks):
            values = [
                f"{literal(name + ' = ')} || coalesce('''' || left(l.{quoted(name)}::VARCHAR, 100) || '''', '(empty)')"
                for name in (landed.name(column) for column in columns_of_check(check.arguments))
                if name is not None
            ]
            shown = " || ', ' || ".join(values) or "''"
            whens.append(f"WHEN b.rule_number = {first_check + number} THEN {shown}")
        return f"coalesce(CASE {' '.join(whens)} END, b.rule)"

    def _release_sql(self, batch: Batch, earlier: Sequence[Batch]) -> str:
        """Quarantined rows that nothing has released yet, and whose key is valid now, or gone."""
        here = self._file("row", batch)
        rows = self._all("row", earlier, QUARANTINED)
        done = self._all("release", earlier, RELEASE)
        load = literal(batch.load_id)
        return f"""
            SELECT q.source_system, q.entity, q.key_hash, {load} AS load_id, {batch.landed_us}::BIGINT AS landed_us,
                   q.load_id AS quarantined_load_id, q.row_number AS quarantined_row_number
            FROM (FROM {rows} UNION ALL BY NAME FROM read_parquet({literal(str(here))})) AS q
            JOIN done_with AS v USING (key_hash)
            ANTI JOIN (FROM {done}) AS r
                ON r.quarantined_load_id = q.load_id AND r.quarantined_row_number = q.row_number
            WHERE q.load_id < {load} OR q.row_number < v.last_row
            ORDER BY quarantined_load_id, quarantined_row_number
        """

    def _data_through(self, con: duckdb.DuckDBPyConnection, batch: Batch) -> int | None:
        instants = ["at_us"] if self.entity.shape in AT_ONCE else ["started_us", "ended_us"]
        found = ", ".join(f"max({name}) FILTER ({name} <= {batch.landed_us})" for name in (*instants, "changed_us"))
        file = literal(str(self._file(self.entity.shape, batch)))
        row = con.execute(f"SELECT greatest({found}) FROM read_parquet({file})").fetchone()
        return row[0] if row else None

    def _all(self, kind: str, batches: Sequence[Batch], columns: dict[str, str]) -> str:
        files = [str(self._file(kind, batch)) for batch in batches]
        if not files:
            empty = ", ".join(f"NULL::{type_} AS {name}" for name, type_ in columns.items())
            return f"(SELECT {empty} WHERE false)"
        return f"read_parquet([{', '.join(literal(file) for file in files)}], hive_partitioning = false)"

    def _file(self, kind: str, batch: Batch) -> Path:
        root = self.home.quarantine if kind in ("row", "release") else self.home.accepted
        return root / kind / self.source.name / self.entity.name / f"{batch.load_id}.parquet"

    def _copy(self, con: duckdb.DuckDBPyConnection, sql: str, file: Path) -> None:
        temporary = self.temporary / "writing.parquet"
        con.execute(f"COPY ({sql}) TO {literal(str(temporary))} (FORMAT parquet, COMPRESSION zstd)")
        _put(temporary, file)

    def _decision(self, batch: Batch, status: str, reason: str | None = None, **counts: Any) -> Decision:
        zero = {"accepted": 0, "quarantined": 0, "duplicates": 0, "held": 0, "deleted": 0, "data_through_us": None}
        return Decision(
            source_system=self.source.name,
            entity=self.entity.name,
            load_id=batch.load_id,
            landed_us=batch.landed_us,
            status=status,
            pulled=batch.rows,
            reason=reason,
            gate_hash=self.hash,
            **{**zero, **counts},
        )

    def _write_decision(self, decision: Decision) -> None:
        self.temporary.mkdir(parents=True, exist_ok=True)
        temporary = self.temporary / "decision.parquet"
        row = {name: [getattr(decision, name)] for name in DECISION}
        pq.write_table(pa.table(row, schema=_schema(DECISION)), temporary, compression="zstd")
        folder = self.home.accepted / "decision" / self.source.name / self.entity.name
        _put(temporary, folder / f"{decision.load_id}.parquet")


def _compares_numbers(check: Check) -> bool:
    if not check.expectation.startswith("expect_column") or "length" in check.expectation:
        return False
    limits = [check.arguments.get(name) for name in ("min_value", "max_value")]
    values = check.arguments.get("value_set")
    limits += list(values) if isinstance(values, list | tuple) else []
    said = [limit for limit in limits if limit is not None]
    counts = ("unique_value_count", "proportion", "regex", "to_be_null", "to_not_be_null")
    return (
        bool(said)
        and all(isinstance(one, int | float) for one in said)
        and not any(word in check.expectation for word in counts)
    )


def _needs_whole_batch(check: Check) -> bool:
    by_row = check.expectation.startswith(("expect_column_values_", "expect_column_pair_values_"))
    by_row = by_row or check.expectation.startswith("expect_column_value_lengths_")
    across = ("unique", "increasing", "decreasing", "z_scores")
    return not by_row or any(word in check.expectation for word in across) or "mostly" in check.arguments


def _time(us: str) -> str:
    return f"strftime(make_timestamp({us}), '%Y-%m-%d %H:%M:%S UTC')"


def _first(cases: Any) -> str:
    return "CASE " + " ".join(f"WHEN {condition} THEN {sql}" for condition, sql in cases) + " END"


def _schema(columns: dict[str, str]) -> pa.Schema:
    types = {
        "VARCHAR": pa.string(),
        "BIGINT": pa.int64(),
        "INTEGER": pa.int32(),
        "BOOLEAN": pa.bool_(),
        "DOUBLE": pa.float64(),
        "DECIMAL(38, 6)": pa.decimal128(38, 6),
    }
    return pa.schema([(name, types[kind]) for name, kind in columns.items()])


def _put(temporary: Path, file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with temporary.open("rb") as written:
        os.fsync(written.fileno())
    temporary.replace(file)
