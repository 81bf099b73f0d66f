"""The warehouse is built here and nowhere else: dbt in this process, into files that nobody reads yet."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pipelines.errors import UserError
from pipelines.home import Home
from pipelines.landing import CONTROL, PUBLICATION, CatalogueBatch, code_version
from pipelines.zones import instant_us

PROJECT = Path(__file__).resolve().parents[1] / "dbt_project"
WAREHOUSE = "warehouse.duckdb"
WORK = "work.duckdb"

# Half of the memory leaves room for Python and for what else runs on the machine; more than 6 GB brought no speed.
MEMORY_SHARE = 0.5
MEMORY_AT_MOST = 6 * 1024**3

OnNode = Callable[[str, int, int], None]


class BuildError(UserError):
    """A model or a test failed; what is published stays as it is. ``nodes`` are those that ended before."""

    def __init__(self, message: str, nodes: Sequence[Node] = ()) -> None:
        """Name each model or test that failed."""
        super().__init__(message)
        self.nodes = list(nodes)


@dataclass(frozen=True)
class Node:
    """What became of one model or test."""

    unique_id: str
    name: str
    kind: str
    status: str
    seconds: float
    failures: int
    message: str
    description: str = ""

    @property
    def is_failed(self) -> bool:
        """Whether it stopped the build."""
        return self.status in {"error", "fail", "runtime error"}


@dataclass
class Built:
    """A finished build: the file to publish, and every model and test by the order in which it ended."""

    file: Path
    nodes: list[Node] = field(default_factory=list)

    @property
    def warnings(self) -> list[Node]:
        """Tests that list something without stopping anything."""
        return [node for node in self.nodes if node.status == "warn"]


def variables(
    home: Home,
    catalogue: CatalogueBatch,
    *,
    as_of: datetime,
    known_at: datetime,
    built_at: datetime,
    publication_id: str,
) -> dict[str, Any]:
    """What the models are told: they read no clock and know no path of their own."""
    return {
        "as_of_us": instant_us(as_of),
        "known_at_us": instant_us(known_at),
        "accepted_path": str(home.accepted),
        "quarantine_path": str(home.quarantine),
        "catalogue_path": str(catalogue.folder),
        "publication_id": publication_id,
        "built_at_us": instant_us(built_at),
        "code_version": code_version(),
        "catalogue_hash": catalogue.hash,
        "catalogue_tables_hash": catalogue.manifest["tables_hash"],
        "publication_path": str(home.landing / PUBLICATION),
        "control_path": str(home.landing / CONTROL),
        "alert_path": str(home.alerts / "alert.parquet"),
    }


def build(home: Home, variables: Mapping[str, Any], on_node: OnNode | None = None, models: Sequence[str] = ()) -> Built:
    """Build every model, or ``models``, and run the data tests, into fresh files; raise BuildError where one fails."""
    from dbt.cli.main import dbtRunner

    clean(home)
    parsed = parse(home)
    manifest = _read_parsed(parsed)
    counted = _Counted(manifest, on_node)
    with _environment(home), _interruptible():
        try:
            answer = dbtRunner(manifest=manifest, callbacks=[counted]).invoke(
                [
                    "build",
                    *_where(home),
                    *("--target-path", str(home.warehouse / "dbt" / "target")),
                    # Unit tests ask whether the SQL is right, which a day's data does not change.
                    *("--exclude-resource-type", "unit_test"),
                    *(("--select", *models) if models else ()),
                    *("--vars", json.dumps(dict(variables))),
                    "--no-write-json",
                ]
            )
        finally:
            _close_connections()
    built = Built(home.warehouse / WAREHOUSE, _nodes(answer.result))
    if answer.exception is not None and not isinstance(answer.exception, Exception):
        # An interrupt, which dbtRunner keeps to itself.
        raise answer.exception
    if not answer.success:
        raise BuildError(_what_failed(built, answer.exception, home), built.nodes)
    return built


def compiled(home: Home, variables: Mapping[str, Any], models: Sequence[str]) -> list[Any]:
    """The SQL of ``models`` without building any: nodes with ``relation_name`` and ``compiled_code``, parents first."""
    from dbt.cli.main import dbtRunner

    manifest = _read_parsed(parse(home))
    with _environment(home):
        try:
            answer = dbtRunner(manifest=manifest).invoke(
                [
                    *("compile", *_where(home), "--quiet", "--no-write-json"),
                    *("--select", *models),
                    *("--target-path", str(home.warehouse / "dbt" / "target")),
                    *("--vars", json.dumps(dict(variables))),
                ]
            )
        finally:
            _close_connections()
    if not answer.success:
        raise BuildError(f"The dbt project in {PROJECT} cannot be compiled: {_one_line(answer.exception)}")
    by_id = {one.node.unique_id: one.node for one in answer.result.results if one.node.resource_type == "model"}
    ordered: dict[str, Any] = {}

    def add(unique_id: str) -> None:
        for parent in by_id[unique_id].depends_on.nodes:
            if parent in by_id and parent not in ordered:
                add(parent)
        ordered[unique_id] = by_id[unique_id]

    for unique_id in by_id:
        add(unique_id)
    return list(ordered.values())


def clean(home: Home) -> None:
    """Remove what an earlier build left: every build is whole, and a stale .wal would spoil the next file."""
    home.warehouse.mkdir(parents=True, exist_ok=True)
    for name in (WAREHOUSE, WORK):
        for path in home.warehouse.glob(f"{name}*"):
            path.unlink()
    for name in ("spill", "pulls"):
        shutil.rmtree(home.warehouse / name, ignore_errors=True)


def parse(home: Home) -> Path:
    """The folder with the parsed dbt project; parsed again only when a file of it or dbt itself changed."""
    kept = home.warehouse / "dbt"
    folder = kept / f"parsed-{_project_hash()}"
    if (folder / "manifest.json").exists():
        return folder
    from dbt.cli.main import dbtRunner

    temporary = kept / f".tmp-{os.getpid()}"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    with _environment(home):
        try:
            answer = dbtRunner().invoke(["parse", *_where(home), "--target-path", str(temporary)])
        finally:
            _close_connections()
    if not answer.success:
        shutil.rmtree(temporary, ignore_errors=True)
        raise BuildError(f"The dbt project in {PROJECT} cannot be parsed: {_one_line(answer.exception)}")
    for path in kept.glob("parsed-*"):
        if path != folder:
            shutil.rmtree(path, ignore_errors=True)
    try:
        temporary.rename(folder)
    except OSError:
        # The web server and the daemon start together: the other one was quicker, with the same result.
        shutil.rmtree(temporary, ignore_errors=True)
    return folder


def lend_parsed(home: Home, other: Home) -> None:
    """Spare another home a parse of the same dbt project, where this one has it."""
    name = f"parsed-{_project_hash()}"
    # A run beside may be replacing it: then the other one parses for itself.
    with suppress(OSError, shutil.Error):
        shutil.copytree(home.warehouse / "dbt" / name, other.warehouse / "dbt" / f".tmp-{name}")
        (other.warehouse / "dbt" / f".tmp-{name}").rename(other.warehouse / "dbt" / name)


def memory_limit() -> int:
    """Bytes that DuckDB may use: COMMITMENTS_MEMORY says otherwise."""
    available = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for limit in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            available = min(available, int(Path(limit).read_text()))
        except (OSError, ValueError):
            continue
    return min(int(available * MEMORY_SHARE), MEMORY_AT_MOST)


@contextmanager
def _environment(home: Home) -> Iterator[None]:
    """What profiles.yml asks for."""
    wanted = {
        "COMMITMENTS_WAREHOUSE": str(home.warehouse / WAREHOUSE),
        "COMMITMENTS_WORK": str(home.warehouse / WORK),
        "COMMITMENTS_TEMP": str(home.warehouse / "spill"),
        "COMMITMENTS_MEMORY": os.environ.get("COMMITMENTS_MEMORY") or f"{memory_limit() // 1024**2}MiB",
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DO_NOT_TRACK": "1",
    }
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let a signal be a KeyboardInterrupt, at which dbt cancels its queries; on Dagster's own it waits for them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, signal.default_int_handler) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _where(home: Home) -> list[str]:
    return [
        *("--project-dir", str(PROJECT)),
        *("--profiles-dir", str(PROJECT)),
        *("--log-path", str(home.warehouse / "logs")),
        *("--log-level", "none"),
        *("--log-level-file", "info"),
        "--no-use-colors",
        "--no-version-check",
        "--no-send-anonymous-usage-stats",
    ]


def _read_parsed(folder: Path) -> Any:
    """The manifest as dbt itself keeps it: handed over it spares a second parse, which new vars would force."""
    from dbt.contracts.graph.manifest import Manifest
    from dbt.parser.manifest import extended_mashumuro_decoder

    return Manifest.from_msgpack((folder / "partial_parse.msgpack").read_bytes(), decoder=extended_mashumuro_decoder)


def _close_connections() -> None:
    """DbtRunner leaves the DuckDB file open, with a live .wal."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.adapters.factory import reset_adapters

    environment = DuckDBConnectionManager._ENV
    if environment is not None:
        environment.close()
    DuckDBConnectionManager.close_all_connections()
    reset_adapters()


@cache
def _project_hash() -> str:
    digest = hashlib.sha256(f"{version('dbt-core')} {version('dbt-duckdb')}".encode())
    for path in sorted(PROJECT.rglob("*")):
        if path.suffix in {".sql", ".yml", ".md", ".csv", ".py"} and not {"target", "logs"} & set(path.parts):
            digest.update(f"{path.relative_to(PROJECT)}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


class _Counted:
    """Turns dbt's events into progress: which model is being built, and how many there are."""

    def __init__(self, manifest: Any, on_node: OnNode | None) -> None:
        self._on_node = on_node
        self._done = 0
        self._models = sum(node.resource_type == "model" for node in manifest.nodes.values())

    def __call__(self, event: Any) -> None:
        if self._on_node is None or event.info.name not in {"NodeStart", "NodeFinished"}:
            return
        node = event.data.node_info
        if node.resource_type != "model":
            return
        if event.info.name == "NodeFinished":
            self._done += 1
        self._on_node(node.node_name, self._done, self._models)


def _nodes(result: Any) -> list[Node]:
    return [
        Node(
            unique_id=one.node.unique_id,
            name=one.node.name,
            kind=str(one.node.resource_type),
            status=str(one.status),
            seconds=float(one.execution_time or 0),
            failures=int(one.failures or 0),
            message=str(one.message or ""),
            description=str(getattr(one.node, "description", "") or ""),
        )
        for one in getattr(result, "results", None) or []
    ]


def _what_failed(built: Built, problem: BaseException | None, home: Home) -> str:
    failed = [node for node in built.nodes if node.is_failed]
    log = home.warehouse / "logs" / "dbt.log"
    if not failed:
        return f"The warehouse could not be built: {_one_line(problem)} (log: {log})"
    lines = [f"The warehouse could not be built; what is published stays as it was (log: {log}):"]
    lines += [f"  {node.kind} {node.name}: {_one_line(node.message)}" for node in failed[:20]]
    return "\n".join(lines)


def _one_line(problem: object) -> str:
    return " ".join(str(problem or "no reason given").split())[:500]
