"""The front door: what Dagster sees, assembled from the catalogue and the dbt project."""

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, dbt_assets
from dagster_dbt.asset_utils import get_asset_check_key_for_test
from dagster_dbt.dbt_manifest import read_manifest_path

from pipelines import warehouse
from pipelines.as_of import start_of_day
from pipelines.catalogue import Catalogue, Entity, read_catalogue
from pipelines.gate import rule_names
from pipelines.home import Home
from pipelines.lock import exclusive
from pipelines.outcome import EntityOutcome
from pipelines.run import JOB, Daily, bury_the_dead, log_file, without_secrets

# Without it Dagster tells every event to the terminal.
LOGGED = {"file": {"config": {}}}
ALERTS_EVERY_SECONDS = 300
CATALOGUE = dg.AssetKey("catalogue")
ACCEPTED = dg.AssetKey("accepted")
ANSWERS = "source_answers"
# The variables that name what the models read, and the assets that write it.
READ = {
    "accepted_path": ACCEPTED,
    "quarantine_path": ACCEPTED,
    "control_path": ACCEPTED,
    "catalogue_path": CATALOGUE,
    # Of the runs before: nothing that this one does writes it before it is read.
    "publication_path": dg.AssetKey(["landing", "publication"]),
    "alert_path": dg.AssetKey("alerts"),
}
PUBLISHED = {name: dg.AssetKey(["published", name]) for name in ("warehouse", "parquet", "report", "postgresql")}


@dg.definitions
def of_this_home() -> dg.Definitions:
    """What `commitments serve` shows: the home that COMMITMENTS_HOME names."""
    home = Home(Path(os.environ.get("COMMITMENTS_HOME", "data")).absolute())
    return definitions(home, read_catalogue(home))


def definitions(home: Home, catalogue: Catalogue) -> dg.Definitions:
    """Everything that Dagster may run in a home."""
    models = _models(home)
    # Imports alone cost a process of its own several seconds, more than most steps take.
    in_process = dg.in_process_executor
    job = dg.define_asset_job(JOB, selection=dg.AssetSelection.all(), executor_def=in_process)
    return dg.Definitions(
        assets=[_sources(catalogue), models, _published(models)],
        jobs=[job],
        schedules=[_schedule(job, catalogue.organisation.business_time_zone)],
        sensors=_sensors(home),
        resources={"daily": _daily(home)},
        executor=in_process,
        loggers={"file": _file_logger(home)},
    )


# --- source systems -----------------------------------------------------------------------------------------------


def landed_key(source: str, entity: str) -> dg.AssetKey:
    """What a source said."""
    return dg.AssetKey(["landing", source, entity])


def accepted_key(source: str, entity: str) -> dg.AssetKey:
    """What the gate let through of it, in our words."""
    return dg.AssetKey(["accepted", source, entity])


def _sources(catalogue: Catalogue) -> dg.AssetsDefinition:
    """Every entity of every source: as it landed, and as it was accepted.

    One step, because Dagster skips what hangs on an asset that a step leaves out: a source that is down would take
    the warehouse of all others with it.
    """
    entities = [(source.name, entity) for source in catalogue.sources.values() for entity in source.entities.values()]
    specs = [
        dg.AssetSpec(CATALOGUE, description="The catalogue of the day, with its calendars laid out.", skippable=True),
        dg.AssetSpec(
            ACCEPTED,
            description="Every accepted and quarantined row of every source: what the models read.",
            deps=[accepted_key(source, entity.name) for source, entity in entities],
            skippable=True,
        ),
    ]
    checks = []
    for source, entity in entities:
        landed, accepted = landed_key(source, entity.name), accepted_key(source, entity.name)
        specs += [
            dg.AssetSpec(
                landed,
                group_name=source,
                description="Batches as the source has them.",
                skippable=True,
                freshness_policy=dg.FreshnessPolicy.time_window(catalogue.sources[source].expected_every),
            ),
            dg.AssetSpec(
                accepted,
                deps=[landed],
                group_name=source,
                description=f"Canonical rows of shape {entity.shape} that passed the gate.",
                skippable=True,
            ),
        ]
        checks.append(dg.AssetCheckSpec(ANSWERS, asset=landed, description="The source could be pulled."))
        checks += _gate_checks(entity, accepted)

    @dg.multi_asset(name="sources", specs=specs, check_specs=checks, can_subset=True, required_resource_keys={"daily"})
    def sources(context: dg.AssetExecutionContext) -> Iterator[Any]:
        daily: Daily = context.resources.daily
        selected = context.selected_asset_keys
        wanted = [
            (source, entity.name)
            for source, entity in entities
            if {landed_key(source, entity.name), accepted_key(source, entity.name)} & selected
        ]
        with daily.keeping_failure():
            if CATALOGUE in selected:
                yield _materialized(CATALOGUE, load_id=daily.land_catalogue().load_id)
            for outcome in daily.bring(wanted):
                entity = catalogue.sources[outcome.source_system].entities[outcome.entity]
                yield from _shown(outcome, rule_names(entity), selected)
            if ACCEPTED in selected:
                yield _materialized(ACCEPTED)

    return sources


def _gate_checks(entity: Entity, accepted: dg.AssetKey) -> list[dg.AssetCheckSpec]:
    """A check for every rule of the gate. None blocks: Dagster would skip the models for every source."""
    return [
        dg.AssetCheckSpec(rule, asset=accepted, description=rule.replace("_", " ").capitalize(), blocking=False)
        for rule in rule_names(entity)
    ]


def _shown(outcome: EntityOutcome, rules: Sequence[str], selected: Any) -> Iterator[Any]:
    landed = landed_key(outcome.source_system, outcome.entity)
    accepted = accepted_key(outcome.source_system, outcome.entity)
    if landed in selected:
        answers = dg.AssetCheckResult(
            check_name=ANSWERS,
            asset_key=landed,
            passed=outcome.problem is None,
            metadata={"problem": outcome.problem or ""},
        )
        if outcome.problem is None:
            yield _materialized(landed, rows=outcome.pulled, load_ids=", ".join(outcome.load_ids) or "nothing new")
        yield answers
    if accepted in selected:
        yield _materialized(
            accepted,
            pulled=outcome.pulled,
            accepted=outcome.accepted,
            quarantined=outcome.quarantined,
            duplicates=outcome.duplicates,
            held=outcome.held,
            deleted=outcome.deleted,
        )
        # Where nothing new was judged, what was found before still holds.
        if outcome.load_ids:
            for rule in rules:
                yield dg.AssetCheckResult(
                    asset_key=accepted,
                    check_name=rule,
                    passed=not outcome.broken.get(rule),
                    severity=dg.AssetCheckSeverity.ERROR if outcome.held else dg.AssetCheckSeverity.WARN,
                    metadata={"rows": outcome.broken.get(rule, 0), "load_ids": ", ".join(outcome.load_ids)},
                )


# --- warehouse ----------------------------------------------------------------------------------------------------


class Translator(DagsterDbtTranslator):
    """Models under their own names; what the first of them read is no dbt source, but files of ours."""

    def get_asset_spec(self, manifest: Mapping[str, Any], unique_id: str, project: Any) -> dg.AssetSpec:
        """Hang the models that read files on the assets that write them."""
        spec = super().get_asset_spec(manifest, unique_id, project)
        text = self.get_resource_props(manifest, unique_id).get("raw_code") or ""
        # Without these Dagster would build and publish beside the gate, whatever became of it.
        read = {key for folder, key in READ.items() if f"'{folder}'" in text}
        return spec.replace_attributes(deps=[*spec.deps, *read]) if read else spec

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        """The folder of a model: staging, intermediate, marts."""
        return dbt_resource_props["fqn"][1] if len(dbt_resource_props["fqn"]) > 2 else None


def _models(home: Home) -> dg.AssetsDefinition:
    manifest = warehouse.parse(home) / "manifest.json"
    translator = Translator()

    @dbt_assets(
        manifest=manifest,
        dagster_dbt_translator=translator,
        exclude="resource_type:unit_test",
        name="warehouse",
        required_resource_keys={"daily"},
    )
    def models(context: dg.AssetExecutionContext) -> Iterator[Any]:
        daily: Daily = context.resources.daily
        read = read_manifest_path(manifest.resolve())
        with daily.keeping_failure():
            try:
                built = daily.build()
            except warehouse.BuildError as problem:
                yield from _ended(problem.nodes, read, translator, context)
                raise
            yield from _ended(built.nodes, read, translator, context)

    return models


def _ended(
    nodes: list[warehouse.Node],
    manifest: Mapping[str, Any],
    translator: Translator,
    context: dg.AssetExecutionContext,
) -> Iterator[Any]:
    """Dagster's events for what dbt did, which dbt itself tells only its own command line."""
    expected = context.selected_asset_check_keys
    for node in nodes:
        if node.kind == "model" and not node.is_failed and node.status != "skipped":
            key = translator.get_asset_spec(manifest, node.unique_id, None).key
            yield _materialized(key, seconds=node.seconds, unique_id=node.unique_id)
        elif node.kind == "test" and node.status != "skipped":
            check = get_asset_check_key_for_test(manifest, translator, node.unique_id, None)
            if check is None or check not in expected:
                continue
            yield dg.AssetCheckResult(
                asset_key=check.asset_key,
                check_name=check.name,
                passed=node.status == "pass",
                severity=dg.AssetCheckSeverity.WARN if node.status == "warn" else dg.AssetCheckSeverity.ERROR,
                metadata={"failures": node.failures, "seconds": node.seconds, "message": node.message},
            )


# --- publish ------------------------------------------------------------------------------------------------------


def _published(models: dg.AssetsDefinition) -> dg.AssetsDefinition:
    marts = [key for key in models.keys if key.path[0] == "marts"]
    specs = [
        dg.AssetSpec(PUBLISHED["warehouse"], deps=marts, group_name="published", description="What readers open."),
        dg.AssetSpec(PUBLISHED["parquet"], deps=marts, group_name="published", description="The marts as Parquet."),
        dg.AssetSpec(
            PUBLISHED["report"], deps=marts, group_name="published", description="One page for people.", skippable=True
        ),
        dg.AssetSpec(
            PUBLISHED["postgresql"],
            deps=marts,
            group_name="published",
            description="The marts in a PostgreSQL server, where organisation.yml names one.",
            skippable=True,
        ),
    ]

    @dg.multi_asset(name="publish", specs=specs, required_resource_keys={"daily"})
    def publish(context: dg.AssetExecutionContext) -> Iterator[Any]:
        daily: Daily = context.resources.daily
        with daily.keeping_failure():
            done = daily.publish()
            yield _materialized(PUBLISHED["parquet"], **{f"rows_{table}": n for table, n in done["rows"].items()})
            if done["report"] is not None:
                page = daily.home.published / "report" / "index.html"
                yield _materialized(PUBLISHED["report"], page=dg.MetadataValue.url(page.as_uri()))
            if done["fed"] is not None:
                yield _materialized(PUBLISHED["postgresql"], **{f"changed_{t}": n for t, n in done["fed"].items()})
            yield _materialized(
                PUBLISHED["warehouse"],
                path=str(done["file"]),
                publication_id=daily.publication_id,
                as_of=daily.as_of.isoformat(),
            )

    return publish


# --- what Dagster needs besides -----------------------------------------------------------------------------------


def _daily(home: Home) -> dg.ResourceDefinition:
    """The run that a schedule or a person in the web server starts; `commitments run` brings its own."""
    settings = {
        "as_of": dg.Field(str, is_required=False, description="ISO 8601 with offset; default: now"),
        "sources": dg.Field([str], default_value=[], description="Only these are pulled; default: all"),
        "full_refresh": dg.Field(bool, default_value=False, description="Pull everything again"),
        "backfill": dg.Field(str, is_required=False, description="FROM..TO: pull what lies there by the cursor again"),
        "accept_held": dg.Field([str], default_value=[], description="Sources whose held batches are right"),
    }

    @dg.resource(config_schema=settings)
    def daily(context: dg.InitResourceContext) -> Iterator[Daily]:
        from pipelines.as_of import read_as_of

        config = context.resource_config
        catalogue = read_catalogue(home)
        as_of = config.get("as_of")
        run = Daily(
            home,
            catalogue,
            read_as_of(as_of, catalogue.organisation.business_time_zone) if as_of else None,
            sources=config["sources"],
            full_refresh=config["full_refresh"],
            backfill=config.get("backfill"),
            accept_held=config["accept_held"],
        )
        with exclusive(home):
            bury_the_dead(context.instance, alive=context.run_id)
            run.tidy()
            yield run

    return daily


def _schedule(job: Any, zone: str) -> dg.ScheduleDefinition:
    """Every night, when the day that ended is complete."""

    def midnight_before(context: dg.ScheduleEvaluationContext) -> dict[str, Any]:
        as_of = ended_at(context.scheduled_execution_time, zone)
        return {"resources": {"daily": {"config": {"as_of": as_of}}}, "loggers": LOGGED}

    return dg.ScheduleDefinition(
        name=f"{JOB}_at_half_past_midnight",
        job=job,
        cron_schedule="30 0 * * *",
        execution_timezone=zone,
        run_config_fn=midnight_before,
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )


def ended_at(tick: datetime, zone: str) -> str:
    """The midnight that ended the day before ``tick``, in the business time zone, as an instant with its offset."""
    return start_of_day(tick.astimezone(ZoneInfo(zone)).date(), zone).isoformat()


def _sensors(home: Home) -> list[dg.SensorDefinition]:
    """Look every few minutes for what is due to be told, and tell of runs that failed."""
    from pipelines.alerts.telling import tell, tell_failure

    @dg.sensor(
        name="alerts",
        minimum_interval_seconds=ALERTS_EVERY_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Tells whoever alerts.yml names of what is due, from the published file alone.",
    )
    def alerts(_: dg.SensorEvaluationContext) -> dg.SkipReason:
        told = tell(home, read_catalogue(home))
        return dg.SkipReason("; ".join([str(told), *told.failed]))

    @dg.run_failure_sensor(
        name="failed_runs",
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Notes for whom alerts.yml names that the daily run failed; `alerts` sends it.",
    )
    def failed_runs(context: dg.RunFailureSensorContext) -> None:
        catalogue = read_catalogue(home)
        problem = without_secrets(context.failure_event.message or "no reason given", catalogue)
        tell_failure(home, catalogue, context.dagster_run.run_id, problem)

    return [alerts, failed_runs]


def _file_logger(home: Home) -> dg.LoggerDefinition:
    """Dagster's own words, out of the way of what people read."""

    @dg.logger(config_schema={})
    def file(_: dg.InitLoggerContext) -> logging.Logger:
        made = logging.Logger("dagster", level=logging.WARNING)
        path = log_file(home)
        path.parent.mkdir(parents=True, exist_ok=True)
        handler = logging.FileHandler(path, encoding="utf-8", delay=True)
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        made.addHandler(handler)
        return made

    return file


def _materialized(key: dg.AssetKey, **metadata: Any) -> dg.MaterializeResult:
    return dg.MaterializeResult(asset_key=key, metadata=metadata)
