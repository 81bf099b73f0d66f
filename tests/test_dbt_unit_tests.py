"""The business rules, told in made-up rows beside the models: dbt runs them over a warehouse with the same columns."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.home import Home
from pipelines.warehouse import PROJECT, WAREHOUSE, WORK

pytestmark = pytest.mark.xdist_group("built")

# In a process of its own: dbt keeps connections and settings for as long as its process lives.
RUN = "import sys; from dbt.cli.main import dbtRunner; sys.exit(not dbtRunner().invoke(sys.argv[1:]).success)"


def test_every_business_rule_told_beside_the_models_holds(built_once: Home, tmp_path: Path) -> None:
    shutil.copy(built_once.root / "published" / WAREHOUSE, tmp_path / WAREHOUSE)
    shutil.copy(built_once.warehouse / WORK, tmp_path / WORK)

    ran = subprocess.run(
        [
            *(sys.executable, "-c", RUN),
            *("--no-use-colors", "--no-send-anonymous-usage-stats"),
            *("test", "--select", "test_type:unit"),
            *("--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT)),
            *("--target-path", str(tmp_path / "target"), "--log-path", str(tmp_path / "logs")),
        ],
        env={
            **os.environ,
            "COMMITMENTS_WAREHOUSE": str(tmp_path / WAREHOUSE),
            "COMMITMENTS_WORK": str(tmp_path / WORK),
            "COMMITMENTS_TEMP": str(tmp_path / "spill"),
            "DO_NOT_TRACK": "1",
        },
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.returncode == 0, ran.stdout + ran.stderr
    results = json.loads((tmp_path / "target" / "run_results.json").read_text())["results"]
    assert {result["status"] for result in results} == {"pass"}
    # Fewer would mean that the selection, not the rules, had gone wrong.
    assert len(results) > 15
