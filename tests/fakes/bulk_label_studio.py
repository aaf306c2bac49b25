"""A Label Studio that holds one project's tasks and predictions, in this process or behind a real port."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx

from backend.labelstudio.credentials import LegacyToken
from backend.labelstudio.rest import LabelStudioApi

KEY = "6" * 40


@dataclass
class BulkLabelStudio:
    """Lists, imports, shows and deletes as Label Studio 1.23 does, and remembers every write.

    Attributes:
        label_config: Of the one project, number 1.
        tasks: Data of its tasks by number.
        finished: Numbers of the tasks that need no annotations.
        predictions: What was imported.
        refuses: Numbers of tasks whose predictions are left out without an error.
        broken: Whether every import is refused.
        shown: Version that annotators see, "" for none.
        writes: Method and path of every call that is no question.
    """

    label_config: str
    tasks: dict[int, dict[str, Any]]
    finished: set[int] = field(default_factory=set)
    predictions: list[dict[str, Any]] = field(default_factory=list)
    refuses: set[int] = field(default_factory=set)
    broken: bool = False
    shown: str = ""
    writes: list[str] = field(default_factory=list)

    @property
    def api(self) -> LabelStudioApi:
        def respond(request: httpx.Request) -> httpx.Response:
            status, answer = self._answer(
                request.method, request.url.path, dict(request.url.params), request.content
            )
            return httpx.Response(status, json=answer)

        return LabelStudioApi(
            "http://ls.example.com", LegacyToken(KEY), transport=httpx.MockTransport(respond)
        )

    @contextmanager
    def serve(self) -> Iterator[str]:
        """Answer at an address of the loopback interface until the block ends; a wrong key is refused."""
        studio = self

        class Handler(BaseHTTPRequestHandler):
            def _reply(self) -> None:
                address = urlsplit(self.path)
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                status, answer = 401, {"detail": "Invalid token."}
                if self.headers["Authorization"] == f"Token {KEY}":
                    status, answer = studio._answer(
                        self.command, address.path, dict(parse_qsl(address.query)), body
                    )
                content = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PATCH = do_DELETE = _reply

            def log_message(self, format: str, *args: object) -> None:
                pass

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
            thread.start()
            try:
                yield f"http://127.0.0.1:{server.server_port}"
            finally:
                server.shutdown()
                thread.join()

    def versions(self) -> Counter[str]:
        """Number of predictions by version."""
        return Counter(prediction["model_version"] for prediction in self.predictions)

    def _answer(
        self, method: str, path: str, params: Mapping[str, str], body: bytes
    ) -> tuple[int, dict[str, Any]]:
        content: Any = json.loads(body) if body else {}
        path = path.rstrip("/")
        if method != "GET":
            self.writes.append(f"{method} {path}")
        if path == "/api/tasks":
            return 200, {"tasks": self._list(json.loads(params["query"]), int(params["page_size"]))}
        if path == "/api/projects/1/import/predictions":
            return self._import(content)
        if path == "/api/projects/1/model-versions":
            if method == "DELETE":
                gone = content["model_version"]
                self.predictions = [each for each in self.predictions if each["model_version"] != gone]
            return 200, dict(self.versions())
        if path == "/api/projects/1":
            self.shown = content.get("model_version", self.shown)
            return 200, {
                "id": 1,
                "title": "Cells",
                "label_config": self.label_config,
                "model_version": self.shown,
                "show_collab_predictions": bool(self.shown),
            }
        return 404, {"detail": "Not found."}

    def _list(self, query: Mapping[str, Any], count: int) -> list[dict[str, Any]]:
        found = [
            number
            for number in sorted(self.tasks)
            if all(self._meets(number, condition) for condition in query["filters"]["items"])
        ]
        return [
            {
                "id": number,
                "data": self.tasks[number],
                "predictions_model_versions": ",".join(self._versions_of(number)),
            }
            for number in found[:count]
        ]

    def _meets(self, number: int, condition: Mapping[str, Any]) -> bool:
        value = condition["value"]
        if condition["filter"] == "filter:tasks:completed_at":
            return number not in self.finished
        if condition["filter"] == "filter:tasks:predictions_model_versions":
            return any(value[0] in version for version in self._versions_of(number))
        if condition["operator"] == "in":
            return bool(value["min"] <= number <= value["max"])
        return bool(number > value)

    def _versions_of(self, number: int) -> list[str]:
        return [each["model_version"] for each in self.predictions if each["task"] == number]

    def _import(self, predictions: list[dict[str, Any]]) -> tuple[int, dict[str, Any]]:
        if self.broken or any(each["task"] not in self.tasks for each in predictions):
            return 400, {"detail": 'contains invalid "task" field'}
        taken = [each for each in predictions if each["task"] not in self.refuses]
        self.predictions += taken
        return 201, {"created": len(taken)}
