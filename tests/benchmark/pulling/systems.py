"""The source systems that the benchmark pulls from: the same rows in PostgreSQL, SQLite, CSV, XES and behind pages."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing import Process, Queue
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import duckdb
import sqlalchemy as sa

PAGE = 1000
TIME = "TIMESTAMPTZ"
COLUMNS = {
    "id": "BIGINT",
    "order_no": "VARCHAR(20)",
    "step": "VARCHAR(20)",
    "t_from": TIME,
    "t_to": TIME,
    "state": "VARCHAR(10)",
    "class": "VARCHAR(10)",
    "changed_at": TIME,
}
ROWS = """
    SELECT i AS id, 'O' || i // 4 AS order_no, ['register', 'assess', 'decide', 'pay'][i % 4 + 1] AS step,
        begun AS t_from, begun + INTERVAL 1 MINUTE * (i * 7919 % 2880) AS t_to, 'DONE' AS state,
        CASE WHEN i % 3 <> 0 THEN ['gold', 'silver'][i % 2 + 1] END AS class,
        begun + INTERVAL 1 HOUR AS changed_at
    FROM (SELECT i, TIMESTAMPTZ '2025-01-06 08:00:00+00' + INTERVAL 1 SECOND * i AS begun FROM range({}, {}) AS r(i))"""
EVENT = """
    SELECT '<trace><string key="concept:name" value="' || order_no || '"/>' || string_agg(
        '<event><string key="concept:name" value="' || step
        || '"/><string key="lifecycle:transition" value="complete"/><string key="org:resource" value="'
        || coalesce(class, 'none') || '"/><date key="time:timestamp" value="'
        || strftime(t_from, '%Y-%m-%dT%H:%M:%S.000+00:00') || '"/></event>', '' ORDER BY id) || '</trace>'
    FROM ({}) GROUP BY order_no"""


class Systems:
    """Five source systems in a folder; the first rows are written at once, ``grow`` adds more."""

    def __init__(self, folder: Path, postgresql: str) -> None:
        self.folder, self.postgresql = folder, postgresql
        self.files = folder / "files"
        self.files.mkdir(parents=True)
        self.sqlite = f"sqlite:///{folder / 'steps.db'}"
        self.rows = 0
        self._server: Process | None = None
        self._port: Queue[int] = Queue()
        for url in (self.postgresql, self.sqlite):
            with self._connected(url) as connection:
                # SQLite has no type for times: its users keep them as text.
                of_times = "TEXT" if url == self.sqlite else TIME
                columns = ", ".join(f"{name} {of_times if kind == TIME else kind}" for name, kind in COLUMNS.items())
                connection.exec_driver_sql(f"CREATE TABLE steps ({columns})")
                connection.exec_driver_sql("CREATE INDEX steps_changed ON steps (changed_at)")

    def grow(self, rows: int) -> None:
        """Add so many rows to each."""
        first, self.rows = self.rows, self.rows + rows
        csv, xes = self.files / f"steps_{first:010}.csv", self.files / f"log_{first:010}.xes"
        selected = ROWS.format(first, self.rows)
        with duckdb.connect() as con:
            con.execute("SET TimeZone = 'UTC'")
            iso = "strftime({0}, '%Y-%m-%dT%H:%M:%SZ') AS {0}".format
            named = ", ".join(iso(name) if kind == TIME else name for name, kind in COLUMNS.items())
            con.execute(f"COPY (SELECT {named} FROM ({selected})) TO '{csv}'")
            traces = (row[0] for part in iter(con.execute(EVENT.format(selected)).fetchmany, []) for row in part)
            with xes.open("w") as file:
                file.write('<?xml version="1.0" encoding="UTF-8"?>\n<log xes.version="1.0">\n')
                file.writelines(f"{trace}\n" for trace in traces)
                file.write("</log>\n")
            self._fill_sqlite(con, f"SELECT {named} FROM ({selected})")
        with self._connected(self.postgresql) as connection, csv.open("rb") as file:
            cursor = connection.connection.cursor()
            with cursor.copy("COPY steps FROM STDIN (FORMAT csv, HEADER)") as copy:
                while part := file.read(1 << 20):
                    copy.write(part)
        self.close()
        self._server = Process(target=_serve, args=(self.rows, self._port), daemon=True)
        self._server.start()
        self.api = f"http://127.0.0.1:{self._port.get()}"

    def close(self) -> None:
        """Stop the server."""
        if self._server is not None:
            self._server.terminate()
            self._server.join()

    def _fill_sqlite(self, con: duckdb.DuckDBPyConnection, selected: str) -> None:
        found = con.execute(selected)
        with closing(sqlite3.connect(self.folder / "steps.db")) as file:
            while part := found.fetchmany(50_000):
                file.executemany("INSERT INTO steps VALUES (?,?,?,?,?,?,?,?)", part)
            file.commit()

    def _connected(self, url: str) -> Any:
        return sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://")).begin()


def _serve(rows: int, port: Queue[int]) -> None:
    con = duckdb.connect()
    con.execute("SET TimeZone = 'UTC'")
    selected = ROWS.format(0, rows)
    con.execute(f"CREATE TABLE page AS SELECT id, to_json(whole) AS said FROM ({selected}) AS whole")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1

        def do_GET(self) -> None:
            asked = dict(parse_qsl(urlsplit(self.path).query))
            at = int(asked.get("since", 0)) + int(asked.get("offset", 0))
            found = con.cursor().execute(f"SELECT said FROM page WHERE id BETWEEN {at} AND {at + PAGE - 1} ORDER BY id")
            items = ",".join(row[0] for row in found.fetchall())
            body = f'{{"total": {rows - int(asked.get("since", 0))}, "items": [{items}]}}'.encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    port.put(server.server_address[1])
    server.serve_forever()
