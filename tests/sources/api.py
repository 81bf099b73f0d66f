"""A real HTTP server of a few lines that answers what a test tells it to, and remembers what it was asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

CUT, SILENT = "cut", "silent"


@dataclass
class Asked:
    path: str
    params: dict[str, str]
    headers: dict[str, str]
    form: dict[str, str]


@dataclass
class Answer:
    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    fault: str | None = None


class Api:
    """Answers with ``answer``, after the ``first`` answers have been given; each of them may be a fault."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.first: list[Answer] = []
        self.answer: Callable[[Asked], Any] = lambda asked: []
        self._ended = threading.Event()
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # In two packets an answer waits for the acknowledgement of its first.
            wbufsize = -1

            def do_GET(self) -> None:
                url = urlsplit(self.path)
                length = int(self.headers.get("content-length") or 0)
                form = dict(parse_qsl(self.rfile.read(length).decode()))
                headers = {name.lower(): value for name, value in self.headers.items()}
                asked = Asked(url.path, dict(parse_qsl(url.query, keep_blank_values=True)), headers, form)
                api.asked.append(asked)
                answer = api.first.pop(0) if api.first else api.answer(asked)
                self.reply(answer if isinstance(answer, Answer) else Answer(answer))

            do_POST = do_GET

            def reply(self, answer: Answer) -> None:
                if answer.fault == SILENT:
                    api._ended.wait()
                    return
                body = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
                if "Date" in answer.headers:
                    self.send_response_only(answer.status)
                else:
                    self.send_response(answer.status)
                for name, value in ({"Content-Type": "application/json"} | answer.headers).items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body[: len(body) // 2] if answer.fault == CUT else body)
                if answer.fault == CUT:
                    self.close_connection = True

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def close(self) -> None:
        self._ended.set()
        self._server.shutdown()
        self._server.server_close()
