"""What the yardsticks start from: accepted canonical rows, and the catalogue as plain tables.

``python -m tests.benchmark.staged HOME`` makes the rows from a synthetic source, for a home that has not been run.
"""

from __future__ import annotations

import argparse
from datetime import datetime
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from pipelines.calendars import lay_out, worked_before
from pipelines.catalogue import read_catalogue
from pipelines.catalogue.limits import limit_of
from pipelines.home import Home
from pipelines.zones import BEGINNING_US, END_US, instant_us, to_utc

from .measure import measured
from .synthesize import AS_OF, BEGIN


def accepted_runs(home: Path) -> str:
    """Return the glob of the accepted rows of shape runs; else what ``stage`` made."""
    made = home / "staged" / "runs.parquet"
    return str(made) if made.exists() else str(home / "accepted" / "runs" / "synthetic" / "*" / "*.parquet")


def stage(home: Path) -> None:
    """Make canonical rows from the synthetic source without landing and gate."""
    (home / "staged").mkdir(exist_ok=True)
    (source,) = (home / "source").glob("runs.*")
    with duckdb.connect() as database:
        database.execute("set enable_progress_bar = false")
        database.execute(
            f"""
            copy (
                select
                    md5(order_no || '/' || step) as run_id,
                    order_no as work_order_id,
                    process,
                    node,
                    customer_class as segment,
                    epoch_us(started::timestamptz) as started_us,
                    epoch_us(ended::timestamptz) as ended_us,
                    case state when 'DONE' then 'completed' when 'VOID' then 'cancelled' else 'in_progress' end
                        as reported_status
                from '{source}'
            ) to '{home / "staged" / "runs.parquet"}' (format parquet, compression zstd)
            """
        )


def catalogue_frames(home: Path) -> dict[str, pd.DataFrame]:
    """Return the tables that judge runs: commitment, calendar_interval (24x7 too), node, month."""
    catalogue = read_catalogue(Home(home), {})
    commitment = pd.DataFrame(
        [
            {
                "process": one.process,
                "node": one.node or "",
                "segment": one.segment or "",
                "calendar": one.calendar,
                "commitment_limit_us": limit_of(one.commitment_limit).us,
                "tolerance_limit_us": limit_of(one.tolerance_limit).us,
                "valid_from_us": BEGINNING_US if one.valid_from_us is None else one.valid_from_us,
                "valid_to_us": END_US if one.valid_to_us is None else one.valid_to_us,
            }
            for one in catalogue.commitments
        ]
    )
    # Round the clock is one long interval here, so that there is one arithmetic.
    laid_out = {"24x7": (np.array([0]), np.array([END_US]))}
    laid_out |= {name: lay_out(calendar) for name, calendar in catalogue.calendars.items() if name != "24x7"}
    interval = pd.concat(
        pd.DataFrame({"calendar": name, "from_us": starts, "to_us": ends, "before_us": worked_before(starts, ends)})
        for name, (starts, ends) in laid_out.items()
    )
    node = pd.DataFrame(
        [
            {"process": process, "node": node.node, "node_order": order, "is_final": node.final}
            for process, spec in catalogue.processes.items()
            for order, node in enumerate(spec.nodes, 1)
        ]
    )
    return {
        "commitment": commitment,
        "calendar_interval": interval.reset_index(drop=True),
        "node": node,
        "month": months(catalogue.organisation.business_time_zone, AS_OF),
    }


def months(zone: str, as_of: datetime) -> pd.DataFrame:
    """Return the business months that began before ``as_of``, with their instants."""
    starts = np.arange(np.datetime64(BEGIN.date(), "M"), np.datetime64(as_of.date(), "M") + 2)
    instants = to_utc(zone, starts.astype("datetime64[us]").astype(np.int64))
    frame = pd.DataFrame({"month": starts[:-1].astype(str), "from_us": instants[:-1], "to_us": instants[1:]})
    return frame[frame["from_us"] < instant_us(as_of)].reset_index(drop=True)


def main() -> None:
    """Stage as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("home", type=Path)
    home = parser.parse_args().home
    with measured("stage without landing and gate"):
        stage(home)


if __name__ == "__main__":
    main()
