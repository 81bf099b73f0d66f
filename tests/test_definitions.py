"""What Dagster sees."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from pathlib import Path

import dagster
import pytest
import yaml

from pipelines.catalogue import read_catalogue
from pipelines.home import Home
from pipelines.run import dagster_home

pytestmark = pytest.mark.xdist_group("built")


@pytest.fixture
def definitions(built_once: Home) -> dagster.Definitions:
    """The definitions of the tiny home."""
    from pipelines.definitions import definitions

    return definitions(built_once, read_catalogue(built_once))


def test_every_model_hangs_on_what_it_reads_and_whatever_is_published_on_the_gate(
    definitions: dagster.Definitions,
) -> None:
    graph = definitions.resolve_asset_graph()

    assert [
        key for key in graph.get_all_asset_keys() if key.path[0] == "staging" and not graph.get(key).parent_keys
    ] == []
    for name in ("warehouse", "parquet", "report"):
        [published] = [key for key in graph.get_all_asset_keys() if key.path == ["published", name]]
        above = {key.to_user_string() for key in graph.get_ancestor_asset_keys(published)}
        assert {"catalogue", "accepted", "accepted/crm/jobs", "landing/wms/steps"} <= above


def test_what_was_pulled_is_to_be_as_fresh_as_its_source_promises(definitions: dagster.Definitions) -> None:
    graph = definitions.resolve_asset_graph()

    policy = graph.get(dagster.AssetKey(["landing", "wms", "steps"])).freshness_policy

    assert policy.fail_window.to_timedelta() == timedelta(days=1)


def test_warnings_and_failed_runs_are_watched(definitions: dagster.Definitions) -> None:
    assert {sensor.name for sensor in definitions.sensors} == {"alerts", "failed_runs"}


@pytest.mark.parametrize(
    ("tick", "zone", "as_of"),
    [
        ("2026-03-20T00:30:00+08:00", "Asia/Shanghai", "2026-03-19T16:00:00+00:00"),
        ("2026-03-30T00:30:00+02:00", "Europe/Amsterdam", "2026-03-29T22:00:00+00:00"),
        # Half past midnight does not exist on this day, so the tick comes at one, when the day begins.
        ("2018-11-04T01:00:00-02:00", "America/Sao_Paulo", "2018-11-04T03:00:00+00:00"),
    ],
)
def test_the_nightly_run_judges_as_of_the_midnight_before(tick: str, zone: str, as_of: str) -> None:
    from pipelines.definitions import ended_at

    assert ended_at(datetime.fromisoformat(tick), zone) == as_of


def test_the_schedule_is_on_and_keeps_business_time(definitions: dagster.Definitions) -> None:
    [schedule] = definitions.schedules

    assert (schedule.cron_schedule, schedule.execution_timezone) == ("30 0 * * *", "Asia/Shanghai")
    assert schedule.default_status.value == "RUNNING"


def test_telemetry_of_dagster_dbt_and_great_expectations_is_off_in_what_we_ship(tmp_path: Path) -> None:
    from dagster import DagsterInstance

    from pipelines.warehouse import PROJECT

    with DagsterInstance.from_config(str(dagster_home(Home(tmp_path)))) as instance:
        assert not instance.telemetry_enabled
    flags = yaml.safe_load((PROJECT / "dbt_project.yml").read_text())["flags"]
    assert flags["send_anonymous_usage_stats"] is False
    # Great Expectations looks here; what it does in a run is seen where nothing phones home (test_run.py).
    assert os.environ["GX_ANALYTICS_ENABLED"].lower() == "false"
