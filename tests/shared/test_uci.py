"""What a ticketing system says of its service levels, against ours: UCI's log of ServiceNow incidents.

Its commitments are not in the log. From opening to closing by the clock, one limit a priority explains its word best:
one hour for high, eight for critical, 220 for moderate and 500 for low priority. The copy is cut off in its last case.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from pipelines.home import Home
from pipelines.run import run

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
LOG = DATA / "raw" / "uci_incident_event_log_VARIANT_kaggle_truncated.zip"

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not LOG.exists(), reason=f"the incidents are missing: no file {LOG}"),
]

CATALOGUE = {
    "organisation.yml": "{name: Incidents, business_time_zone: UTC, currency: EUR}\n",
    "processes.yml": "processes: {incident: {name: Incident, nodes: [{node: handle}]}}\n",
    "commitments.csv": """\
commitment_id,process,priority,calendar,commitment_limit,tolerance_limit,target_rate
P1,incident,1 - Critical,24x7,8h,16h,0.9
P2,incident,2 - High,24x7,1h,2h,0.9
P3,incident,3 - Moderate,24x7,220h,440h,0.9
P4,incident,4 - Low,24x7,500h,1000h,0.9
""",
    "sources.yml": """\
sources:
  servicenow:
    kind: database
    connection: ${INCIDENTS}
    time_zone: UTC
    entities:
      incidents:
        shape: runs
        query: >-
          SELECT number, opened_at, closed_at, incident_state, priority FROM log
          QUALIFY row_number() OVER (PARTITION BY number ORDER BY place DESC) = 1
        key: [number]
        columns:
          {work_order_id: number, process: {value: incident}, started_at: opened_at, ended_at: closed_at,
           status: incident_state, priority: priority}
        statuses: {completed: [Closed]}
        time_format: "%d/%m/%Y %H:%M"
""",
}


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """The published runs, each with what the log says of it."""
    folder = tmp_path_factory.mktemp("uci")
    with zipfile.ZipFile(LOG) as archive:
        archive.extractall(folder)
    [csv] = folder.glob("*.csv")
    with duckdb.connect(str(folder / "log.duckdb")) as con:
        con.execute(
            f"CREATE TABLE log AS SELECT *, row_number() OVER () AS place "
            f"FROM read_csv('{csv}', all_varchar = true, nullstr = '?', ignore_errors = true)"
        )
    home = Home(folder / "home")
    home.catalogue.mkdir(parents=True)
    for name, text in CATALOGUE.items():
        (home.catalogue / name).write_text(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("INCIDENTS", f"duckdb:///{folder / 'log.duckdb'}")
        assert run(home, "2017-03-31").exit_code == 0
    with duckdb.connect() as con:
        con.execute(f"ATTACH '{home.published / 'warehouse.duckdb'}' AS ours (READ_ONLY)")
        con.execute(f"ATTACH '{folder / 'log.duckdb'}' AS theirs (READ_ONLY)")
        con.execute(
            """
            CREATE TABLE judged AS
            SELECT run.*, said.made_sla = 'true' AS made_sla, said.waited
            FROM ours.marts.fct_run AS run
            JOIN (
                SELECT number, max_by(made_sla, place) AS made_sla,
                    bool_or(incident_state = 'Awaiting User Info') AS waited
                FROM theirs.log GROUP BY number
            ) AS said ON said.number = run.work_order_id
            WHERE run.scope = 'process' AND run.state IS NOT NULL
            """
        )
        yield con


def test_our_judgement_agrees_with_made_sla_in_all_but_one_in_fifty(judged: duckdb.DuckDBPyConnection) -> None:
    agreed = judged.execute(
        "SELECT priority, count(*), avg((is_commitment_kept = made_sla)::INT) FROM judged GROUP BY 1 ORDER BY 1"
    ).fetchall()

    assert [(priority, runs) for priority, runs, _ in agreed] == [
        ("1 - Critical", 220),
        ("2 - High", 337),
        ("3 - Moderate", 19_553),
        ("4 - Low", 658),
    ]
    assert [round(share, 3) for *_, share in agreed] == [0.991, 1.0, 0.978, 0.995]


def test_where_they_differ_the_customer_was_asked_or_the_limit_was_near(judged: duckdb.DuckDBPyConnection) -> None:
    """Ours knows nothing of the pauses that its clock may have had, nor of hours that its contract may have."""
    different = dict(
        judged.execute(
            """
            SELECT CASE WHEN made_sla THEN 'theirs alone' ELSE 'ours alone' END, count(*) FROM judged
            WHERE made_sla <> is_commitment_kept GROUP BY 1
            """
        ).fetchall()
    )
    [(waited_among_theirs, waited_in_all)] = judged.execute(
        "SELECT avg(waited::INT) FILTER (made_sla AND NOT is_commitment_kept), avg(waited::INT) FROM judged"
    ).fetchall()
    [(near,)] = judged.execute(
        "SELECT avg((limit_used_share BETWEEN 0.5 AND 1.0)::INT) FROM judged WHERE is_commitment_kept AND NOT made_sla"
    ).fetchall()

    print(different, waited_among_theirs, waited_in_all, near)
    assert sum(different.values()) < 0.025 * 20_769
    assert waited_among_theirs > 1.5 * waited_in_all
