"""`commitments`: thin, every command a call into a room."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.errors import Stopped, UnexpectedError, UserError
from pipelines.home import Home

if TYPE_CHECKING:
    from rich.console import Console

FAILED = 1
# Where nobody's terminal sets the width, tables need not be squeezed.
WIDTH_OF_FILES = 130

app = typer.Typer(
    name="commitments",
    help="Service commitments, measured on real process run times.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

alerts_app = typer.Typer(help="What was told of runs that are late or about to be.", no_args_is_help=True)
app.add_typer(alerts_app, name="alerts")

HomeOption = Annotated[
    Path | None,
    typer.Option("--home", help="The installation's folder. Default: $COMMITMENTS_HOME, else data/", metavar="DIR"),
]
JsonOption = Annotated[bool, typer.Option("--json", help="For programs: JSON on stdout.")]


@app.callback()
def _before(context: typer.Context, home: HomeOption = None) -> None:
    context.obj = home


@app.command()
def run(
    context: typer.Context,
    as_of: Annotated[
        str | None,
        typer.Option(
            help="Judge states at this instant (ISO 8601 with offset), or at the end of this date. Default: now",
            metavar="T",
        ),
    ] = None,
    source: Annotated[
        list[str] | None, typer.Option(help="Pull this source only (may be repeated). Default: all", metavar="NAME")
    ] = None,
    full_refresh: Annotated[
        bool,
        typer.Option("--full-refresh", help="Pull everything again, whatever has landed before; with --source of it."),
    ] = False,
    backfill: Annotated[
        str | None,
        typer.Option(
            help="Pull the rows of --source again whose cursor lies in this range of dates (both included), instants "
            "or numbers.",
            metavar="FROM..TO",
        ),
    ] = None,
    accept_held: Annotated[
        list[str] | None,
        typer.Option(help="The held batches of this source are right: let them in.", metavar="SOURCE"),
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Pull every source, check, build and publish: the daily job.

    Exit status 0: published from all sources. 3: published, but a source or batch was held back. 1: nothing new
    published.
    """
    from pipelines.progress import shown
    from pipelines.run import run as run_daily

    # A run that is asked to end tidies up like one that is interrupted at the keyboard.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    outcome = run_daily(
        _home(context, home),
        as_of,
        sources=source or (),
        full_refresh=full_refresh,
        backfill=backfill,
        accept_held=accept_held or (),
        progress=shown(),
    )
    if as_json:
        _print_json(outcome.as_json())
    else:
        outcome.show(_console())
    raise typer.Exit(outcome.exit_code)


@app.command()
def check(context: typer.Context, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Read the whole catalogue and report every mistake at once. Exit status 1 if there is one."""
    from pipelines.catalogue import CatalogueError, read_catalogue

    try:
        catalogue = read_catalogue(_home(context, home))
    except CatalogueError as problem:
        if as_json:
            _print_json({"mistakes": [vars(mistake) for mistake in problem.mistakes], "warnings": []})
            raise typer.Exit(FAILED) from None
        raise
    if as_json:
        _print_json({"mistakes": [], "warnings": [vars(warning) for warning in catalogue.warnings]})
        return
    for warning in catalogue.warnings:
        print(f"{warning} (a warning)")
    entities = sum(len(source.entities) for source in catalogue.sources.values())
    print(
        f"The catalogue is in order: {len(catalogue.sources)} sources with {entities} entities, "
        f"{len(catalogue.processes)} processes, {len(catalogue.commitments)} commitments, "
        f"{len(catalogue.calendars)} calendars."
    )


@app.command()
def status(context: typer.Context, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Show the sources with their age, the last batches, the last publication and open warnings by department."""
    from pipelines.status import read_status, show_status

    found = read_status(_home(context, home))
    if as_json:
        _print_json(found)
    else:
        show_status(found, _console())


@app.command()
def quarantine(
    context: typer.Context,
    source: Annotated[str | None, typer.Option(help="Of this source only. Default: all", metavar="NAME")] = None,
    rule: Annotated[str | None, typer.Option(help="That broke this rule only. Default: all", metavar="RULE")] = None,
    export: Annotated[
        Path | None,
        typer.Option(
            help="Write the rows, whole, with their columns as columns, to this .csv, .parquet or .xlsx file.",
            metavar="FILE",
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace FILE if it is there.")] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the rows that wait in quarantine, by rule with an example, or write them out to be corrected."""
    from pipelines.quarantine import export_quarantine, read_quarantine, show_quarantine

    chosen = _home(context, home)
    if export is not None:
        count = export_quarantine(chosen, export, source, rule, overwrite=overwrite)
        if as_json:
            _print_json({"file": str(export.expanduser().absolute()), "rows": count})
        else:
            print(f"{export}: {count:,} rows")
        return
    found = read_quarantine(chosen, source, rule)
    if as_json:
        _print_json(found)
    else:
        show_quarantine(found, _console())


@app.command()
def explain(
    context: typer.Context,
    work_order: Annotated[str, typer.Argument(metavar="WORK_ORDER", help="Its number, as fct_run has it.")],
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show each run of a work order: its commitment and why, calendar, elapsed time, deadlines, and every state."""
    from pipelines.explain import explain_work_order, show_explanation

    explained = explain_work_order(_home(context, home), work_order)
    if as_json:
        _print_json(explained)
    else:
        show_explanation(explained, _console())


@app.command()
def report(
    context: typer.Context,
    department: Annotated[
        str | None, typer.Option(help="Of this department only. Default: of all", metavar="NAME")
    ] = None,
    month: Annotated[str | None, typer.Option(help="Of this month. Default: the newest", metavar="YYYY-MM")] = None,
    into: Annotated[Path, typer.Option(help="The page to write; the workbook goes beside it.", metavar="FILE")] = Path(
        "report.html"
    ),
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the report from what is published, of one department or of a month before, as a page and a workbook."""
    from pipelines.publish.report import ask_report

    page, workbook = ask_report(_home(context, home), into, department, month)
    if as_json:
        _print_json({"page": str(page), "workbook": str(workbook)})
    else:
        print(f"{page}, with the same numbers in {workbook}")


@app.command()
def sql(
    context: typer.Context,
    question: Annotated[
        str | None,
        typer.Argument(metavar="SQL|NAME", help="A query, or the name of a saved one. Default: a shell"),
    ] = None,
    csv: Annotated[bool, typer.Option("--csv", help="Answer as CSV on stdout.")] = False,
    parquet: Annotated[Path | None, typer.Option(help="Write the answer to this Parquet file.", metavar="FILE")] = None,
    listed: Annotated[bool, typer.Option("--list", help="Only list the saved questions.")] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ask the published tables in SQL, read-only; a shell without SQL, and what is piped in is asked too."""
    from pipelines.sql import ask, saved_questions

    if listed:
        if as_json:
            _print_json([vars(saved) for saved in saved_questions().values()])
        for saved in () if as_json else saved_questions().values():
            print(f"{saved.name:<40} {saved.title}")
        return
    if parquet is not None and question is None:
        raise UserError("--parquet needs the SQL, or the name of a saved question, whose answer it shall hold.")
    if csv and as_json:
        raise UserError("--csv and --json: one of them.")
    raise typer.Exit(ask(_home(context, home), question, "csv" if csv else "json" if as_json else "duckbox", parquet))


@app.command("add-source")
def add_source(
    context: typer.Context,
    kind: Annotated[str, typer.Argument(metavar="KIND", help="files, database, …: a kind of docs/catalogue.md.")],
    name: Annotated[str, typer.Argument(metavar="NAME", help="What sources.yml shall call it, e.g. ticketing.")],
    connection: Annotated[
        str,
        typer.Option(
            help="A folder, or a SQLAlchemy URL; ${NAME} is an environment variable and stays so in sources.yml.",
            metavar="TEXT",
        ),
    ],
    entity: Annotated[
        list[str] | None,
        typer.Option(
            help="Look at this table, file or pattern only (may be repeated). Default: all there are", metavar="NAME"
        ),
    ] = None,
    time_zone: Annotated[
        str | None,
        typer.Option(help="Of times without an offset. Default: the organisation's", metavar="ZONE"),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show everything, write nothing.")] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Look into a source system, propose its entry with reasons, try the first pull, and add it to sources.yml."""
    from pipelines.proposal.add_source import add_source as add
    from pipelines.proposal.add_source import show

    added = add(
        _home(context, home),
        kind,
        name,
        connection,
        entities=entity or (),
        time_zone=time_zone,
        dry_run=dry_run,
        say=lambda line: print(line, file=sys.stderr),
    )
    if as_json:
        _print_json(added.as_json())
    else:
        show(added, _console())


@app.command()
def replay(
    context: typer.Context,
    as_of: Annotated[
        str | None,
        typer.Option(help="The instant to go back to (ISO 8601 with offset), or the end of this date.", metavar="T"),
    ] = None,
    known_at: Annotated[
        str | None,
        typer.Option(
            help="Use what had been delivered by this instant, or by the end of this date. Default: everything",
            metavar="K",
        ),
    ] = None,
    into: Annotated[Path | None, typer.Option(help="The DuckDB file to write.", metavar="FILE")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace FILE if it is there.")] = False,
    listed: Annotated[
        bool, typer.Option("--list", help="Only list what was published, with the T and K that say it again.")
    ] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the marts as they were, or as they would have been with what is known now, into a file of their own.

    The catalogue is the one of K too. What is published stays as it is, and no source is pulled.
    """
    from pipelines.progress import shown
    from pipelines.replay import replay as replay_home

    if listed:
        from pipelines.journal import publications, show_publications

        history = publications(_home(context, home))
        if as_json:
            _print_json(history)
        else:
            show_publications(history, _console())
        return
    if as_of is None or into is None:
        raise UserError("replay needs --as-of T and --into FILE: when to go back to, and where to write it.")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    done = replay_home(_home(context, home), as_of, into, known_at, overwrite=overwrite, progress=shown())
    if as_json:
        _print_json(done.as_json())
    else:
        print(
            f"{done.file}: as of {done.as_of.isoformat()}, known at {done.known_at.isoformat()}, "
            f"catalogue {done.catalogue.load_id}; {done.tables['marts.fct_run']:,} runs"
        )


@app.command("what-if")
def what_if(
    context: typer.Context,
    commitment: Annotated[str, typer.Argument(metavar="COMMITMENT", help="Its commitment_id.")],
    commitment_limit: Annotated[
        str | None, typer.Option(help="Try this commitment limit, e.g. 6h. Default: today's", metavar="LIMIT")
    ] = None,
    tolerance_limit: Annotated[
        str | None, typer.Option(help="Try this tolerance limit, e.g. 12h. Default: today's", metavar="LIMIT")
    ] = None,
    calendar: Annotated[str | None, typer.Option(help="Try this calendar. Default: today's", metavar="NAME")] = None,
    csv: Annotated[
        Path | None, typer.Option(help="Write every run that would be in another state to this file.", metavar="FILE")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace FILE if it is there.")] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Judge the review window of a commitment again under other terms: rates, states and penalties, before and after.

    What is published stays as it is.
    """
    from pipelines.what_if import Asked, show_what_if
    from pipelines.what_if import what_if as judge_again

    asked = Asked(commitment_limit, tolerance_limit, calendar)
    found = judge_again(_home(context, home), commitment, asked, csv, overwrite=overwrite)
    if as_json:
        _print_json(found)
    else:
        show_what_if(found, _console())


@app.command()
def alert(context: typer.Context, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Tell whoever alerts.yml names of what is due now and was not told: for a cron every few minutes.

    Exit status 1 where a channel did not take a message; it is tried again.
    """
    from pipelines.alerts.telling import tell
    from pipelines.catalogue import read_catalogue

    chosen = _home(context, home)
    catalogue = read_catalogue(chosen)
    told = tell(chosen, catalogue)
    if as_json:
        _print_json(vars(told))
    else:
        print(told if catalogue.alerts.rules else "alerts.yml has no rules, so nobody is told of anything.")
        for line in told.failed:
            print(f"NOT SENT  {line}", file=sys.stderr)
    raise typer.Exit(FAILED if told.failed else 0)


@alerts_app.command("list")
def list_alerts(
    context: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="Those of the past too. Default: not acknowledged")] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what was told, to whom, and what waits to be."""
    from pipelines.alerts.outbox import list_outbox, show_outbox

    chosen = _home(context, home)
    found = list_outbox(chosen, everything=everything)
    if as_json:
        _print_json(found)
    else:
        show_outbox(found, _console())


@alerts_app.command()
def acknowledge(
    context: typer.Context,
    alert_ids: Annotated[list[str], typer.Argument(metavar="ALERT_ID …", help="As the message and `list` say it.")],
    by: Annotated[str | None, typer.Option(help="Who takes note. Default: the user of this session")] = None,
    home: HomeOption = None,
) -> None:
    """Say that somebody has taken note: it goes to nobody else."""
    import getpass

    from pipelines.alerts.outbox import acknowledge as take_note

    take_note(_home(context, home), alert_ids, by or getpass.getuser())
    print(f"{len(alert_ids)} acknowledged")


@app.command()
def serve(
    context: typer.Context,
    host: Annotated[str, typer.Option(help="Where the web server listens.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Where the web server listens.", min=1, max=65535)] = 3000,
    home: HomeOption = None,
) -> None:
    """Start Dagster's web server and its daemon, which runs the daily job at 00:30 business time."""
    from pipelines.serve import serve as serve_home

    raise typer.Exit(serve_home(_home(context, home), host, port))


def main() -> None:
    """Run a command; whatever a user can cause ends in a message and an exit status."""
    try:
        app()
    except (UserError, UnexpectedError) as problem:
        if "--json" in sys.argv:
            _print_json({"status": "failed", "exit_code": FAILED, "error": str(problem)})
        print(problem, file=sys.stderr)
        sys.exit(FAILED)
    except Stopped:
        print("Stopped; nothing new was published.", file=sys.stderr)
        sys.exit(FAILED)


def _home(context: typer.Context, home: Path | None) -> Home:
    chosen = home or context.obj or Path(os.environ.get("COMMITMENTS_HOME") or "data")
    root = chosen.expanduser().absolute()
    if not root.is_dir():
        raise UserError(
            f"{root}: no such folder; --home or COMMITMENTS_HOME names the folder that holds catalogue/ "
            "(the sample organisation's is made by `make run`)."
        )
    return Home(root)


def _console() -> Console:
    from rich.console import Console

    console = Console()
    return console if console.is_terminal else Console(width=WIDTH_OF_FILES)


def _print_json(value: Any) -> None:
    from pipelines.outcome import json_default

    print(json.dumps(value, ensure_ascii=False, indent=2, default=json_default))
