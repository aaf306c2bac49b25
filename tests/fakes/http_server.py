"""A real HTTP server on the loopback interface, for tests that fetch."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Reply:
    """What the server answers."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Request:
    """What the server was asked; `connection` numbers the TCP connections."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    connection: int


Respond = Callable[[BaseHTTPRequestHandler], None]
"""Writes an answer by hand, for those that no well-behaved server gives."""


class HttpServer:
    """Routes from targets (path and query) to replies, and what was asked so far."""

    def __init__(self) -> None:
        self.routes: dict[str, Reply | Respond | list[Reply]] = {}
        self.requests: list[Request] = []
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def targets(self) -> list[str]:
        return [request.target for request in self.requests]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128  # a client that finds no place in line tries again a second later


@contextmanager
def http_server() -> Iterator[HttpServer]:
    """Serve until the block ends; a list of replies is given out one by one."""
    book = HttpServer()
    connections: list[BaseHTTPRequestHandler] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            super().setup()
            connections.append(self)

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            number = connections.index(self)
            book.requests.append(Request(self.command, self.path, dict(self.headers), body, number))
            route = book.routes.get(self.path, Reply(b"no such page", 404))
            if isinstance(route, list):
                route = route.pop(0)
            if isinstance(route, Reply):
                _send(self, route)
                return
            try:
                route(self)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

        do_GET = _answer
        do_POST = _answer

        def log_message(self, format: str, *args: object) -> None:
            pass

    with _Server(("127.0.0.1", 0), Handler) as server:
        book.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield book
        finally:
            server.shutdown()
            thread.join()


def _send(handler: BaseHTTPRequestHandler, reply: Reply) -> None:
    handler.send_response(reply.status)
    for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(reply.body)
