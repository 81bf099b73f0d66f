# Two commands: `make run` and `make test`. Both make what they need first.
.PHONY: run test servers lint serve dashboards test-dashboards benchmark benchmark-working-time benchmark-pulling labels clean environment browser
.DEFAULT_GOAL := help

READY := .venv/.ready
BIN := .venv/bin
HOME_FOLDER ?= data
PORT ?= 8088
PEERS := .venv-benchmark/.ready
SUPERSET := .venv-superset/.ready

help:
	@echo "make run        the sample organisation: make its source systems, pull, check, build, publish, report"
	@echo "make test       lint and the whole test suite"
	@echo "make lint       only the lint"
	@echo "make serve      Dagster's web server and the daily schedule, over the sample organisation"
	@echo "make dashboards Superset with the dashboards, over what make run published"
	@echo "make test-dashboards  imports them into a Superset of its own and looks at each; apart from make test"
	@echo "make benchmark  seconds and memory at a million and at ten million runs; working time and pulling beside other packages"
	@echo "make labels     bring the report's translations up to date with its English texts"
	@echo "make clean      remove everything that was made, but not data/"

environment: $(READY)

# A name on the path may be a shim that only complains: what counts is what runs.
$(READY): pyproject.toml uv.lock
	@set -e; \
	unset VIRTUAL_ENV PYTHONHOME PYTHONPATH; \
	if ! $(BIN)/python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null; then \
		found=; \
		for name in $(PYTHON) python3.12 python3.11 python3.13 python3 python; do \
			if $$name -c 'import ensurepip, sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' \
				>/dev/null 2>&1; then found=$$name; break; fi; \
		done; \
		if [ -z "$$found" ]; then \
			echo "Python 3.11, 3.12 or 3.13 with venv is needed (on Debian: apt-get install python3 python3-venv)," >&2; \
			echo "or say where one is: make PYTHON=/path/to/python" >&2; exit 1; \
		fi; \
		echo "Creating .venv with $$($$found --version) ..."; \
		rm -rf .venv; $$found -m venv .venv; \
	fi; \
	[ -x $(BIN)/uv ] || $(BIN)/python -m pip install --quiet --disable-pip-version-check 'uv>=0.9'; \
	echo "Installing what uv.lock says ..."; \
	UV_COMPILE_BYTECODE=1 UV_PROJECT_ENVIRONMENT=.venv UV_PYTHON_DOWNLOADS=never \
		$(BIN)/uv sync --quiet --frozen --inexact --all-extras --group dev --python $(BIN)/python; \
	touch $(READY)

run: $(READY)
	@$(BIN)/python -m pipelines.sample_organisation --home $(HOME_FOLDER) run -- $(BIN)/commitments run --home $(HOME_FOLDER)

serve: $(READY)
	@$(BIN)/python -m pipelines.sample_organisation --home $(HOME_FOLDER) run -- $(BIN)/commitments serve --home $(HOME_FOLDER)

test: $(READY) lint browser servers
	@$(BIN)/pytest -n 2 --dist loadgroup

lint: $(READY)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@said=$$($(BIN)/sqlfluff lint --disable-progress-bar dbt_project/models dbt_project/tests 2>&1) \
		|| { echo "$$said"; exit 1; }

# The report is looked at in a real browser; without one those tests are skipped and say so.
browser:
	@if ! command -v chromium >/dev/null && ! command -v chromium-browser >/dev/null && ! command -v google-chrome >/dev/null; then \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
			echo "Installing chromium, in which the report is looked at ..."; \
			(apt-get install -y -qq chromium || (apt-get update -qq && apt-get install -y -qq chromium)) >/dev/null 2>&1 \
				|| echo "chromium could not be installed; the tests that need it are skipped"; \
		else \
			echo "No chromium: the tests that look at the report are skipped (on Debian: apt-get install chromium)"; \
		fi; \
	fi

# Sources are proved on real servers; PostgreSQL comes with the environment.
servers:
	@if [ ! -x /usr/sbin/mariadbd ] && ! command -v mariadbd >/dev/null; then \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
			echo "Installing mariadb-server, on which a kind of source is proved ..."; \
			(export DEBIAN_FRONTEND=noninteractive; install="apt-get install -y -qq --no-install-recommends mariadb-server"; \
				$$install || (apt-get update -qq && $$install)) >/dev/null 2>&1 \
				|| echo "mariadb-server could not be installed; the tests that need it are skipped"; \
		else \
			echo "No MariaDB server: its tests are skipped (on Debian: apt-get install mariadb-server)"; \
		fi; \
	fi

dashboards: $(READY) $(SUPERSET)
	@$(BIN)/python -m pipelines.dashboards --home $(HOME_FOLDER) --port $(PORT)

test-dashboards: $(READY) $(SUPERSET) browser
	@$(BIN)/pytest tests/dashboards -m dashboards

# Superset wants other versions of what this project stands on, and Python 3.11.
$(SUPERSET): pipelines/dashboards/requirements.txt | $(READY)
	@if ! python3.11 -c '' >/dev/null 2>&1; then \
		echo "Superset needs Python 3.11 (python3.11 on the path; on Debian 12: apt-get install python3.11-venv)" >&2; exit 1; \
	fi
	@echo "Installing Superset into .venv-superset ..."
	@$(BIN)/uv venv --quiet --clear --python "$$(python3.11 -c 'import sys; print(sys.executable)')" .venv-superset
	@$(BIN)/uv pip install --quiet --python .venv-superset/bin/python -r pipelines/dashboards/requirements.txt
	@touch $(SUPERSET)

benchmark: $(READY)
	@$(BIN)/python -m tests.benchmark
	@$(MAKE) --no-print-directory benchmark-working-time
	@$(MAKE) --no-print-directory benchmark-pulling

benchmark-pulling: $(READY)
	@$(MAKE) --no-print-directory $(PEERS) || echo "The packages to compare with could not be installed; they are left out" >&2
	@$(BIN)/python -m tests.benchmark.pulling

benchmark-working-time: $(READY)
	@$(MAKE) --no-print-directory $(PEERS) || echo "The packages to compare with could not be installed; they are left out" >&2
	@$(BIN)/python -m tests.benchmark.working_time

# What is compared with has an environment of its own: none of it is a dependency, and pm4py is AGPL.
$(PEERS): $(READY) tests/benchmark/working_time/peers.txt
	@$(BIN)/uv venv --quiet --clear --python $(BIN)/python .venv-benchmark
	@$(BIN)/uv pip install --quiet --python .venv-benchmark/bin/python -r tests/benchmark/working_time/peers.txt
	@touch $(PEERS)

labels: $(READY)
	@$(BIN)/python -m pipelines.publish.report.labels.used

clean:
	rm -rf .venv .venv-benchmark .venv-superset .pytest_cache .ruff_cache .hypothesis dbt_project/target dbt_project/logs
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
