"""What a changed catalogue changed: the runs that would be in another state had only time gone on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from pipelines.conform import literal
from pipelines.home import Home
from pipelines.published import rows
from pipelines.warehouse import memory_limit

EXAMPLES = 5


@dataclass(frozen=True)
class CatalogueChange:
    """Runs that the new catalogue judges otherwise than the one before, on the same deliveries."""

    states: int
    transitions: list[dict[str, Any]]
    owners: int
    commitments: int
    examples: list[dict[str, Any]]

    def __str__(self) -> str:
        """One line for people."""
        moves = ", ".join(f"{one['runs']:,} {one['before']} → {one['now']}" for one in self.transitions[:EXAMPLES])
        more = len(self.transitions) - EXAMPLES
        if more > 0:
            moves += f", {more} other changes"
        return (
            f"changed since the last publication: {self.states:,} runs changed state because of it"
            f"{f' ({moves})' if moves else ''}, {self.owners:,} other owner, {self.commitments:,} other commitment"
        )


def catalogue_change(home: Home, built: Path) -> CatalogueChange | None:
    """Compare what is published with what was built and is not yet; None where both had the same catalogue."""
    published = home.published / "warehouse.duckdb"
    if not published.exists():
        return None
    with duckdb.connect() as con:
        con.execute(f"SET TimeZone = 'UTC'; SET memory_limit = '{memory_limit() // 1024**2}MiB'")
        con.execute(f"SET temp_directory = {literal(str(home.warehouse / 'spill'))}")
        for name, file in (("old", published), ("new", built)):
            con.execute(f"ATTACH {literal(str(file))} AS {name} (READ_ONLY)")
        [hashes] = rows(
            con,
            "SELECT (SELECT catalogue_hash FROM old.marts.publication) AS before, "
            "(SELECT catalogue_hash FROM new.marts.publication) AS now",
        )
        if hashes["before"] == hashes["now"]:
            return None
        con.execute(COMPARED)
        [counts] = rows(
            con,
            """
            SELECT count(*) FILTER (before IS DISTINCT FROM now) AS states,
                   count(*) FILTER (is_in_both AND has_other_owner) AS owners,
                   count(*) FILTER (is_in_both AND has_other_commitment) AS commitments
            FROM compared
            """,
        )
        transitions = rows(
            con,
            "SELECT before, now, count(*) AS runs FROM compared WHERE before IS DISTINCT FROM now "
            "GROUP BY before, now ORDER BY runs DESC, before, now",
        )
        examples = rows(
            con,
            "SELECT run_id, scope, work_order_id, process, node, before, now FROM compared "
            f"WHERE before IS DISTINCT FROM now ORDER BY work_order_id, scope, node, run_id LIMIT {EXAMPLES}",
        )
    return CatalogueChange(counts["states"], transitions, counts["owners"], counts["commitments"], examples)


COMPARED = """
CREATE TEMP TABLE compared AS
WITH instants AS (
    SELECT old.as_of AS old_as_of, new.as_of AS new_as_of, strftime(old.known_at, '%Y%m%dT%H%M%S%fZ') AS known_load_id
    FROM old.marts.publication AS old CROSS JOIN new.marts.publication AS new
),
-- What was delivered since may change a state by itself, that of other runs of the work order too.
delivered_since AS (
    SELECT DISTINCT run.process, run.work_order_id
    FROM new.detail.run_source_row AS delivery
    JOIN new.marts.fct_run AS run USING (run_id)
    CROSS JOIN instants
    WHERE delivery.load_id > instants.known_load_id
    UNION
    SELECT removed.process, removed.work_order_id
    FROM new.marts.removed_run AS removed
    CROSS JOIN instants
    WHERE removed.load_id > instants.known_load_id
),
-- Where each run of then would stand by now, had only time gone on: its states are known in advance.
before AS (
    SELECT run.*, coalesce(state_interval.state, 'uncommitted') AS state_now
    FROM old.marts.fct_run AS run
    CROSS JOIN instants
    LEFT JOIN old.marts.fct_state_interval AS state_interval
        ON run.run_id = state_interval.run_id
        AND state_interval.entered_at < instants.new_as_of
        AND (state_interval.left_at >= instants.new_as_of OR state_interval.left_at IS NULL)
    WHERE run.started_at < instants.new_as_of
)
SELECT coalesce(now.run_id, before.run_id) AS run_id,
       coalesce(now.scope, before.scope) AS scope,
       coalesce(now.work_order_id, before.work_order_id) AS work_order_id,
       coalesce(now.process, before.process) AS process,
       coalesce(now.node, before.node) AS node,
       CASE WHEN before.run_id IS NULL THEN 'not there' ELSE before.state_now END AS before,
       CASE WHEN now.run_id IS NULL THEN 'not there' ELSE coalesce(now.state, 'uncommitted') END AS now,
       before.run_id IS NOT NULL AND now.run_id IS NOT NULL AS is_in_both,
       before.department IS DISTINCT FROM now.department OR before.position IS DISTINCT FROM now.position
           AS has_other_owner,
       before.commitment_id IS DISTINCT FROM now.commitment_id AS has_other_commitment
FROM before
FULL JOIN new.marts.fct_run AS now ON before.run_id = now.run_id
CROSS JOIN instants
LEFT JOIN delivered_since
    ON coalesce(now.process, before.process) = delivered_since.process
    AND coalesce(now.work_order_id, before.work_order_id) = delivered_since.work_order_id
WHERE delivered_since.work_order_id IS NULL
    -- What began or ended since did so by itself.
    AND (now.started_at IS NULL OR now.started_at < instants.old_as_of)
    AND (now.ended_at IS NULL OR now.ended_at < instants.old_as_of)
    -- Also where somebody goes back in time: then that has not ended yet, and nothing says how it stood.
    AND (now.run_id IS NOT NULL OR before.ended_at IS NULL OR before.ended_at < instants.new_as_of)
"""
