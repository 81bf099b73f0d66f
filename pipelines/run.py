"""The daily job as a function: what each stage of a run does, and what the run came to."""

from __future__ import annotations

import logging
import os
import threading
import time
import traceback
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from pipelines.as_of import read_as_of
from pipelines.catalogue import Catalogue, Entity, Source, read_catalogue
from pipelines.errors import Stopped, UnexpectedError, UserError
from pipelines.home import Home
from pipelines.landing import LOAD_ID_FORMAT, Batch, CatalogueBatch, Landing
from pipelines.lock import exclusive
from pipelines.outcome import EntityOutcome, HeldBatch, Outcome, read_published
from pipelines.progress import Progress
from pipelines.zones import instant_us

if TYPE_CHECKING:
    from pipelines.recomputed import CatalogueChange
    from pipelines.sources import Pulled
    from pipelines.warehouse import Built

# Pulls mostly wait for other systems; more at once would make their rows compete for two cores and for memory.
SOURCES_AT_ONCE = 4
SECONDS_TO_STOP = 5.0
JOB = "daily"
LOG_BYTES = 5 * 1024 * 1024

DAGSTER_YAML = """\
# Written by `commitments`: nothing phones home.
telemetry:
  enabled: false
# A step's output is in the log of the run; catching it would take the terminal away from the progress shown there.
compute_logs:
  module: dagster._core.storage.noop_compute_log_manager
  class: NoOpComputeLogManager
"""

for _name, _value in {
    "GX_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    "DAGSTER_DISABLE_TELEMETRY": "1",
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
}.items():
    os.environ.setdefault(_name, _value)


class Daily:
    """One daily run of a home, stage by stage; Dagster's assets are thin around it."""

    def __init__(
        self,
        home: Home,
        catalogue: Catalogue,
        as_of: datetime | None = None,
        *,
        sources: Sequence[str] = (),
        full_refresh: bool = False,
        backfill: str | None = None,
        accept_held: Sequence[str] = (),
        progress: Progress | None = None,
    ) -> None:
        """Nothing is read or written before a stage is called; ``as_of`` is now where it is not given."""
        self.home = home
        self.catalogue = catalogue
        self.now = datetime.now(UTC)
        self.as_of = as_of or self.now
        self.asked = frozenset(_known(sources, catalogue, "--source") or catalogue.sources)
        self.full_refresh = full_refresh
        self.backfill = None if backfill is None else _range(backfill, sources, catalogue, full_refresh)
        self.accept_held = frozenset(_known(accept_held, catalogue, "--accept-held"))
        self.progress = progress or Progress()
        self.publication_id = self.now.strftime(LOAD_ID_FORMAT)
        self.landing = Landing(home)
        self.entities: dict[tuple[str, str], EntityOutcome] = {}
        self.findings: list[dict[str, Any]] = []
        self.notes: list[str] = []
        self.not_fed: list[str] = []
        self.control_totals: list[dict[str, Any]] = []
        self.catalogue_change: CatalogueChange | None = None
        self.failure: BaseException | None = None
        self.stopping = threading.Event()
        self._landed_catalogue: CatalogueBatch | None = None
        self._built: Path | None = None
        self._began = time.monotonic()

    # --- what is there before anything is pulled

    def tidy(self) -> None:
        """Remove what runs that were killed left behind."""
        from pipelines.publish import remove_old_versions
        from pipelines.replay import remove_killed
        from pipelines.warehouse import clean

        self.landing.remove_leftovers()
        # Of a run that was killed between showing and noting.
        self._note()
        remove_old_versions(self.home)
        remove_killed(self.home)
        clean(self.home)

    def land_catalogue(self) -> CatalogueBatch:
        """Let the catalogue of the day become history, and say which version is in force."""
        from pipelines.catalogue.tables import catalogue_tables

        self.progress.stage("Reading the catalogue")
        self._landed_catalogue = self.landing.land_catalogue(self.catalogue, catalogue_tables(self.catalogue), self.now)
        return self._landed_catalogue

    # --- source systems

    def bring(self, wanted: Iterable[tuple[str, str]] | None = None) -> Iterator[EntityOutcome]:
        """Pull and judge entities, several sources at once, each as soon as it is in; one that fails stops no other."""
        everything = [(source.name, name) for source in self.catalogue.sources.values() for name in source.entities]
        chosen = [one for one in everything if wanted is None or one in set(wanted)]
        self.progress.stage("Pulling and checking the sources")
        outcomes = {one: EntityOutcome(*one) for one in chosen}
        self.entities |= outcomes
        with _Pulls(self, [one for one in chosen if one[0] in self.asked]) as pulls:
            # What is not pulled may still be held, or judged by rules that have changed since.
            for one in chosen:
                if one[0] not in self.asked:
                    self._judge(outcomes[one])
                    yield outcomes[one]
            for one, problem in pulls:
                outcomes[one].problem = problem
                self._judge(outcomes[one])
                yield outcomes[one]
        if self.control_totals:
            self.landing.land_control_totals(self.control_totals)
            self.control_totals = []
        if len(chosen) == len(everything):
            self._judge_what_is_no_longer_declared()

    def pull(self, source: Source, entity: str) -> list[Batch]:
        """Land what an entity has to say; nothing where nothing is new."""
        from pipelines.sources import list_keys, pull

        what = f"{source.name}.{entity}"

        def so_far(rows: int) -> None:
            if self.stopping.is_set():
                raise Stopped
            self.progress.rows(what, rows)

        self.progress.begin(what)
        declared = source.entities[entity]
        pulled = pull(
            source,
            declared,
            self.landing.batches(source.name, entity),
            self.home,
            full_refresh=self.full_refresh,
            progress=so_far,
            backfill=self.backfill,
        )
        landed, last = [], None
        while pulled is not None:
            landed.append(self.landing.land(source.name, entity, pulled, datetime.now(UTC)))
            if pulled.problem is not None:
                raise pulled.problem
            last, pulled = pulled, pulled.rest
        # After the rows: one that comes in between is in the list, and one that goes is missed there.
        if self.backfill is None and (keys := list_keys(source, declared, self.home, so_far)) is not None:
            landed.append(self.landing.land(source.name, entity, keys, datetime.now(UTC)))
        batches = [batch for batch in landed if batch is not None]
        self._note_control_total(source, declared, last, batches)
        rows = sum(batch.rows for batch in batches if batch.mode != "keys")
        self.progress.end(what, f"{rows:,} rows landed" if batches else "nothing new")
        return batches

    def _note_control_total(
        self, source: Source, entity: Entity, pulled: Pulled | None, landed: Sequence[Batch]
    ) -> None:
        from pipelines.sources.control_total import control_total

        total = control_total(self.home, source, entity, pulled)
        if total is None or entity.reconcile is None:
            return
        # What has landed by now is what it is compared with.
        asked_at = max([datetime.now(UTC), *(batch.landed_at for batch in landed)])
        self.control_totals.append(
            {
                "source_system": source.name,
                "entity": entity.name,
                "measure": entity.reconcile.measure,
                "asked_us": instant_us(asked_at),
                "source_value": total,
            }
        )

    def _judge(self, outcome: EntityOutcome) -> None:
        """Let the gate decide about everything of an entity that it has not decided for good."""
        # Great Expectations is slow to import, and pulls go on meanwhile.
        from pipelines.gate import judge

        source = self.catalogue.sources[outcome.source_system]
        try:
            verdict = judge(
                self.home,
                source,
                source.entities[outcome.entity],
                self.as_of,
                accept_held=source.name in self.accept_held,
            )
        except Exception as problem:
            # Of this source nothing new comes in; the others go on.
            said = self.explain_problem(outcome.name, problem)
            outcome.problem = f"{outcome.problem}; {said}" if outcome.problem else said
            self.progress.end(outcome.name, f"could not be checked: {said.removeprefix(f'{outcome.name}: ')}")
            return
        outcome.held_batches = [
            HeldBatch(held.load_id, held.held, held.reason or "no reason given") for held in verdict.held
        ]
        if not verdict.judged:
            return
        outcome.load_ids = [decision.load_id for decision in verdict.judged]
        for count in ("pulled", "accepted", "quarantined", "duplicates", "held", "deleted"):
            setattr(outcome, count, sum(getattr(decision, count) or 0 for decision in verdict.judged))
        outcome.broken = dict(verdict.broken)
        self.progress.end(
            outcome.name,
            f"checked: {outcome.accepted:,} accepted, {outcome.quarantined:,} quarantined, "
            f"{outcome.duplicates:,} duplicates, {outcome.held:,} held"
            + (f", {outcome.deleted:,} deleted" if outcome.deleted else ""),
        )

    def _judge_what_is_no_longer_declared(self) -> None:
        """What a source delivered before it was taken out of sources.yml stays, and is judged as all else is."""
        from pipelines.gate import judge
        from pipelines.rules import no_longer_declared

        try:
            for source, entity in no_longer_declared(self.home, self.catalogue.sources):
                judge(self.home, source, entity, self.as_of)
        except Exception as problem:
            self.notes.append(self.explain_problem("what sources.yml no longer declares", problem))

    # --- warehouse

    def build(self, models: Sequence[str] = ()) -> Built:
        """Build the warehouse into a file of its own; ``models`` alone where somebody needs no more of it."""
        from pipelines import journal, warehouse
        from pipelines.alerts import outbox

        self.progress.stage("Building the warehouse")
        journal.make_empty_files(self.home)
        self.landing.make_empty_control_totals()
        outbox.export(self.home)
        built = warehouse.build(self.home, self._variables(), self.progress.step, models)
        self._built = built.file
        self.findings = [
            {"name": node.name, "rows": node.failures, "description": node.description} for node in built.warnings
        ]
        return built

    def _variables(self) -> dict[str, Any]:
        from pipelines import warehouse

        landed = self._landed_catalogue or self.landing.latest_catalogue() or self.land_catalogue()
        return warehouse.variables(
            self.home,
            landed,
            as_of=self.as_of,
            known_at=self.landing.everything_known_at(),
            built_at=self.now,
            publication_id=self.publication_id,
        )

    # --- publish

    def publish(self) -> dict[str, Any]:
        """Show readers what was built; what they see until then stays as it is."""
        from pipelines.publish import Publication
        from pipelines.warehouse import parse

        if self._built is None:
            raise UserError("Nothing was built, so there is nothing to publish; run the whole job.")
        self.progress.stage("Publishing")
        self._compare(self._built)
        publication = Publication(self.home, self.publication_id)
        rows = publication.write_parquet(self._built)
        report = publication.write_report(self._built)
        publication.write_documentation(self._built, parse(self.home) / "manifest.json")
        with _uninterrupted():
            file = publication.show(self._built)
            self._note()
        self._built = None
        return {"rows": rows, "file": file, "report": report, "fed": self._feed(file)}

    def _feed(self, published: Path) -> dict[str, int] | None:
        """Let the server say what the file says; where it cannot, the file stands, and the next run catches up."""
        address = self.catalogue.organisation.publish.get("postgresql")
        if address is None:
            return None
        from pipelines.publish.postgresql import feed

        self.progress.stage("Feeding PostgreSQL")
        try:
            return feed(address.get_secret_value(), published)
        except Exception as problem:
            said = without_secrets(self.explain_problem("postgresql", problem), self.catalogue)
            self.not_fed.append(f"postgresql: {said.removeprefix('postgresql: ')}")
            return None

    def _compare(self, built: Path) -> None:
        from pipelines.recomputed import catalogue_change

        try:
            self.catalogue_change = catalogue_change(self.home, built)
        except Exception as problem:
            # What is published may be of another version, or damaged: all the more reason to replace it.
            self.notes.append(self.explain_problem("comparing with what was published before", problem))

    def _note(self) -> None:
        from pipelines.journal import note_publication

        try:
            note_publication(self.home)
        except Exception as problem:
            # It is published all the same, and the next run notes it.
            self.notes.append(self.explain_problem("noting in landing what was published", problem))

    # --- how it went

    def outcome(self) -> Outcome:
        """What the run came to, once it has published."""
        return Outcome(
            home=self.home.root,
            publication_id=self.publication_id,
            as_of=self.as_of,
            business_time_zone=self.catalogue.organisation.business_time_zone,
            seconds=time.monotonic() - self._began,
            entities=list(self.entities.values()),
            findings=self.findings,
            warnings=[*(str(warning) for warning in self.catalogue.warnings), *self.notes],
            catalogue_change=self.catalogue_change,
            not_fed=self.not_fed,
            published=read_published(self.home),
        )

    @contextmanager
    def keeping_failure(self) -> Iterator[None]:
        """Remember what made a stage fail: Dagster passes on its words only."""
        try:
            yield
        except GeneratorExit:
            raise
        except BaseException as problem:
            self.failure = self.failure or problem
            raise

    def explain_problem(self, what: str, problem: BaseException) -> str:
        """One line for people; what no user caused goes to the log with its traceback."""
        if isinstance(problem, UserError):
            return str(problem)
        log = log_unexpected(self.home, problem, self.catalogue)
        return f"{what}: {type(problem).__name__}: {without_secrets(str(problem), self.catalogue)} (see {log})"


def run(
    home: Home,
    as_of: str | datetime | None = None,
    sources: Sequence[str] = (),
    full_refresh: bool = False,
    backfill: str | None = None,
    accept_held: Sequence[str] = (),
    progress: Progress | None = None,
) -> Outcome:
    """Run the daily job in this process; the same Dagster job that the schedule starts."""
    catalogue = read_catalogue(home)
    if isinstance(as_of, str):
        as_of = read_as_of(as_of, catalogue.organisation.business_time_zone)
    daily = Daily(
        home,
        catalogue,
        as_of,
        sources=sources,
        full_refresh=full_refresh,
        backfill=backfill,
        accept_held=accept_held,
        progress=progress,
    )
    with exclusive(home), quiet_logs(home):
        try:
            with daily.progress:
                daily.progress.stage("Getting ready")
                daily.tidy()
                _execute(daily)
            return daily.outcome()
        except UserError:
            raise
        except Exception as problem:
            log = log_unexpected(home, problem, catalogue)
            said = without_secrets(f"{type(problem).__name__}: {problem}", catalogue)
            raise UnexpectedError(said, log) from None


def dagster_home(home: Home) -> Path:
    """Dagster's own folder, with its settings written."""
    home.dagster.mkdir(parents=True, exist_ok=True)
    settings = home.dagster / "dagster.yaml"
    if not settings.exists():
        settings.write_text(DAGSTER_YAML, encoding="utf-8")
    return home.dagster


def _execute(daily: Daily) -> None:
    from dagster import DagsterInstance

    from pipelines.definitions import LOGGED, definitions

    with DagsterInstance.from_config(str(dagster_home(daily.home))) as instance:
        bury_the_dead(instance)
        job = definitions(daily.home, daily.catalogue).resolve_job_def(JOB)
        with daily.keeping_failure():
            result = job.execute_in_process(
                {"loggers": LOGGED}, instance=instance, resources={"daily": daily}, raise_on_error=False
            )
    if daily.failure is not None:
        if isinstance(daily.failure, Exception):
            raise daily.failure
        raise Stopped from None
    if not result.success:
        raise RuntimeError(f"Dagster run {result.run_id} failed outside its steps")


def bury_the_dead(instance: Any, alive: str | None = None) -> None:
    """Runs that were killed would look alive in the web server for ever; who holds the lock knows that none is."""
    from dagster import DagsterRunStatus, RunsFilter

    for dead in instance.get_runs(RunsFilter(job_name=JOB, statuses=[DagsterRunStatus.STARTED])):
        if dead.run_id != alive:
            instance.report_run_failed(dead, "The process of this run ended without a word.")


class _Pulls:
    """Sources pulled beside each other, the entities of one over as many connections as it allows; yields each."""

    def __init__(self, daily: Daily, chosen: Sequence[tuple[str, str]]) -> None:
        self._daily = daily
        self._left = len(chosen)
        self._waiting: SimpleQueue[list[str]] = SimpleQueue()
        self._ended: SimpleQueue[tuple[tuple[str, str], str | None]] = SimpleQueue()
        by_source: dict[str, list[str]] = {}
        for source, entity in chosen:
            by_source.setdefault(source, []).append(entity)
        lines = 0
        for source, entities in by_source.items():
            # Each of the connections that a source allows takes its share of the entities.
            allowed = min(daily.catalogue.sources[source].connections, len(entities))
            for number in range(allowed):
                self._waiting.put([source, *entities[number::allowed]])
            lines += allowed
        # Daemons: a system that does not answer must not keep a run alive that somebody stopped.
        self._threads = [
            threading.Thread(target=self._work, name=f"pull-{number}", daemon=True)
            for number in range(min(SOURCES_AT_ONCE, lines))
        ]

    def __enter__(self) -> _Pulls:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._left:
            self._daily.stopping.set()
        until = time.monotonic() + SECONDS_TO_STOP
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))

    def __iter__(self) -> Iterator[tuple[tuple[str, str], str | None]]:
        while self._left:
            # A timeout lets a signal through, which an endless wait would not on every platform.
            with suppress(Empty):
                yield self._ended.get(timeout=1.0)
                self._left -= 1

    def _work(self) -> None:
        with suppress(Empty):
            while True:
                source, *entities = self._waiting.get_nowait()
                for entity in entities:
                    self._ended.put(((source, entity), self._pull(source, entity)))

    def _pull(self, source: str, entity: str) -> str | None:
        what = f"{source}.{entity}"
        if self._daily.stopping.is_set():
            return f"{what}: not pulled, the run was stopped"
        try:
            self._daily.pull(self._daily.catalogue.sources[source], entity)
        except Stopped:
            return f"{what}: the run was stopped while it was pulled"
        except BaseException as problem:
            explained = self._daily.explain_problem(what, problem)
            self._daily.progress.end(what, f"failed: {explained.removeprefix(f'{what}: ')}")
            return explained
        return None


def _known(names: Sequence[str], catalogue: Catalogue, option: str) -> Sequence[str]:
    unknown = [name for name in names if name not in catalogue.sources]
    if unknown:
        raise UserError(
            f"{option} {unknown[0]}: sources.yml has no such source; it has {', '.join(sorted(catalogue.sources))}."
        )
    return names


def _range(backfill: str, sources: Sequence[str], catalogue: Catalogue, full_refresh: bool) -> tuple[str, str]:
    """Both ends of ``FROM..TO``, where there is something that it can be asked of."""
    first, dots, last = (part.strip() for part in backfill.partition(".."))
    if not (first and dots and last):
        raise UserError(
            f"--backfill {backfill}: write FROM..TO, e.g. 2026-03-01..2026-03-31, or numbers of the cursor."
        )
    if full_refresh:
        raise UserError("--backfill and --full-refresh: a full refresh brings everything; give one of them.")
    if not sources:
        raise UserError("--backfill needs --source NAME: the source system whose rows are to be pulled again.")
    for name in _known(sources, catalogue, "--source"):
        source = catalogue.sources[name]
        if source.kind != "database" or not any(entity.cursor for entity in source.entities.values()):
            raise UserError(
                f"--backfill --source {name}: no entity of it has a `cursor`, so there is no range to ask for; "
                "`--full-refresh` pulls all of it again."
            )
    return first, last


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Publishing is a few renames: a stop waits until all of them are done."""
    import signal

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    waiting = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, waiting)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, waiting)


# --- logs ---------------------------------------------------------------------------------------------------------


def log_file(home: Home) -> Path:
    """Where a run says what no user needs to see."""
    return home.warehouse / "logs" / "run.log"


@contextmanager
def quiet_logs(home: Home) -> Iterator[None]:
    """Send what libraries log and warn of to the log file instead of the terminal."""
    file = log_file(home)
    file.parent.mkdir(parents=True, exist_ok=True)
    handler = RotatingFileHandler(file, maxBytes=LOG_BYTES, backupCount=2, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    handler.setLevel(logging.WARNING)
    root = logging.getLogger()
    root.addHandler(handler)
    logging.captureWarnings(True)
    try:
        with warnings.catch_warnings():
            # Which of Dagster's parts are new is of no use to anybody who reads a log.
            warnings.filterwarnings("ignore", module="dagster")
            yield
    finally:
        logging.captureWarnings(False)
        root.removeHandler(handler)
        handler.close()


def log_unexpected(home: Home, problem: BaseException, catalogue: Catalogue | None = None) -> Path:
    """Keep the traceback for whoever mends this project, without anybody's password in it."""
    file = log_file(home)
    file.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(traceback.format_exception(problem))
    with file.open("a", encoding="utf-8") as log:
        log.write(f"{datetime.now(UTC).isoformat()} {without_secrets(text, catalogue)}\n")
    return file


def without_secrets(text: str, catalogue: Catalogue | None) -> str:
    """Blank out what the catalogue got from the environment: connections, passwords, keys and tokens."""
    for owner in (
        (catalogue.organisation, catalogue.alerts, *catalogue.sources.values()) if catalogue is not None else ()
    ):
        for secret in owner.secrets():
            text = text.replace(secret, "***")
    return text
