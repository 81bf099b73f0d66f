"""A home small enough to check by hand: two processes over two source systems, ten node runs."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

from pipelines.home import Home

# The end of this day is the `as_of` of every story told about it.
AS_OF = "2026-03-19"

ORGANISATION = """\
name: Tiny
business_time_zone: Asia/Shanghai
currency: CNY
"""

CALENDARS = """\
calendars:
  office:
    time_zone: Asia/Shanghai
    hours: {mon-fri: ["09:00-17:00"]}
    horizon: {from: 2025-01-01, to: 2031-01-01}
"""

PROCESSES = """\
processes:
  claims:
    name: Claims
    department: Claims office
    position: Head
    nodes:
      - {node: register, department: Front office, position: Agent}
      - {node: assess, department: Claims office, position: Assessor}
      - {node: pay, department: Treasury, position: Cashier}
  orders:
    name: Orders
    department: Sales
    position: Head
    nodes:
      - {node: enter, department: Front office, position: Clerk}
      - {node: deliver, department: Logistics, position: Driver}
"""

COMMITMENTS = """\
commitment_id,process,node,segment,calendar,commitment_limit,tolerance_limit,target_rate
K1,claims,register,,office,4h,8h,0.9
K2,claims,assess,,24x7,24h,48h,0.9
K3,claims,assess,gold,24x7,12h,24h,0.9
K4,claims,pay,,24x7,8h,16h,0.9
K5,claims,,,24x7,72h,120h,0.8
K6,orders,deliver,,24x7,24h,24h,0.9
"""

# The database stands outside the home, so that a copied home still finds it, or does not.
SOURCES = """\
sources:
  crm:
    kind: files
    connection: in
    entities:
      jobs:
        shape: runs
        from: jobs.csv
        key: [order_no, step]
        columns:
          {work_order_id: order_no, process: {value: claims}, node: step,
           started_at: opened, ended_at: closed, status: state, segment: class}
        statuses: {completed: [DONE], in_progress: [OPEN], cancelled: [VOID]}
        nodes: {REGISTER: register, ASSESS: assess, PAY: pay}
  wms:
    kind: database
    connection: ${TINY_WMS}
    entities:
      steps:
        shape: runs
        from: steps
        key: [id]
        columns:
          {work_order_id: order_no, process: {value: orders}, node: step,
           started_at: t_from, ended_at: t_to, status: state}
        statuses: {completed: [3], in_progress: [1], cancelled: [9]}
"""

# C1 keeps its first commitment to the minute, its second not quite, its third not at all.
JOBS = """\
order_no,step,opened,closed,state,class
C1,REGISTER,2026-02-02 09:00:00,2026-02-02 13:00:00,DONE,gold
C1,ASSESS,2026-02-02 13:00:00,2026-02-03 02:00:00,DONE,gold
C1,PAY,2026-02-03 02:00:00,2026-02-04 02:00:00,DONE,gold
C2,REGISTER,2026-02-06 16:00:00,2026-02-09 11:00:00,DONE,silver
C2,ASSESS,2026-02-09 11:00:00,2026-02-10 10:00:00,DONE,silver
C2,PAY,2026-02-10 10:00:00,,OPEN,silver
C3,REGISTER,2026-03-19 15:00:00,,OPEN,
C4,REGISTER,2026-03-16 09:00:00,2026-03-16 10:00:00,VOID,
"""

STEPS = [
    (1, "O1", "enter", "2026-02-10T01:00:00+00:00", "2026-02-10T02:00:00+00:00", 3),
    (2, "O1", "deliver", "2026-02-10T02:00:00+00:00", "2026-02-11T01:00:00+00:00", 3),
    (3, "O2", "enter", "2026-03-18T09:00:00+00:00", "2026-03-18T10:00:00+00:00", 3),
    (4, "O2", "deliver", "2026-03-18T10:00:00+00:00", None, 1),
]


def make_tiny_home(root: Path) -> Home:
    """Write the catalogue and the file source of the tiny home."""
    home = Home(root)
    home.catalogue.mkdir(parents=True)
    for name, text in {
        "organisation.yml": ORGANISATION,
        "calendars.yml": CALENDARS,
        "processes.yml": PROCESSES,
        "commitments.csv": COMMITMENTS,
        "sources.yml": SOURCES,
    }.items():
        (home.catalogue / name).write_text(text, encoding="utf-8")
    (root / "in").mkdir()
    (root / "in" / "jobs.csv").write_text(JOBS, encoding="utf-8")
    return home


def make_wms(file: Path) -> str:
    """Make the database source; its SQLAlchemy URL."""
    with sqlite3.connect(file) as con:
        con.execute("CREATE TABLE steps (id INTEGER PRIMARY KEY, order_no, step, t_from, t_to, state INTEGER)")
        con.executemany("INSERT INTO steps VALUES (?, ?, ?, ?, ?, ?)", STEPS)
    con.close()
    return f"sqlite:///{file}"


def commitments(home: Home, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command line as people call it."""
    return subprocess.run(
        [Path(sys.executable).parent / "commitments", *arguments],
        env={**os.environ, "COMMITMENTS_HOME": str(home.root)},
        capture_output=True,
        text=True,
        check=False,
    )
