"""A Label Studio that holds one project's tasks and predictions, in this process or behind a real port."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
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
        meta: What was imported beside the data, by the task.
        finished: Numbers of the tasks that need no annotations, as they have one.
        drafted: Numbers of the tasks with a draft.
        predictions: What was imported.
        annotations: What was submitted, by the task.
        refuses: Numbers of tasks whose predictions are left out without an error.
        broken: Whether every import is refused.
        held: Beginning of the paths of requests that are refused, and not before `released` is set.
        released: See `held`.
        shown: Version that annotators see, "" for none.
        shows: Whether predictions are shown.
        sampling: Name of the order in which tasks are asked.
        tabs: Of the Data Manager, by number.
        writes: Method and path of every call that is no question.
    """

    label_config: str
    tasks: dict[int, dict[str, Any]]
    meta: dict[int, dict[str, Any]] = field(default_factory=dict)
    finished: set[int] = field(default_factory=set)
    drafted: set[int] = field(default_factory=set)
    predictions: list[dict[str, Any]] = field(default_factory=list)
    annotations: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    refuses: set[int] = field(default_factory=set)
    broken: bool = False
    held: str = ""
    released: threading.Event = field(default_factory=threading.Event)
    shown: str = ""
    shows: bool = False
    sampling: str = "Sequential sampling"
    tabs: dict[int, dict[str, Any]] = field(default_factory=dict)
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
    def connected(self, files: Path, state_dir: Path) -> Iterator[dict[str, str]]:
        """The environment of commands that use it, with pictures below `files`, while the block lasts."""
        with self.serve() as address:
            yield {
                "MASKLOOP_LABEL_STUDIO_URL": address,
                "MASKLOOP_LABEL_STUDIO_API_KEY": KEY,
                "MASKLOOP_LOCAL_FILES_ROOT": str(files),
                "MASKLOOP_STATE_DIR": str(state_dir),
            }

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
                self.released.set()
                server.shutdown()
                thread.join()

    def versions(self) -> Counter[str]:
        """Number of predictions by version."""
        return Counter(prediction["model_version"] for prediction in self.predictions)

    def next_tasks(self) -> list[int]:
        """Numbers of the unfinished tasks in the order in which Label Studio asks them."""
        unfinished = [number for number in sorted(self.tasks) if number not in self.finished]
        scores = {
            each["task"]: each["score"] for each in self.predictions if each["model_version"] == self.shown
        }
        if self.sampling == "Sequential sampling":
            return unfinished
        return sorted((number for number in unfinished if number in scores), key=lambda each: scores[each])

    def _answer(self, method: str, path: str, params: Mapping[str, str], body: bytes) -> tuple[int, Any]:
        content: Any = json.loads(body) if body else {}
        path = path.rstrip("/")
        if self.held and path.startswith(self.held):
            self.released.wait()
            return 404, {"detail": "Not found."}
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
            return self._project(content)
        if path.startswith("/api/dm/views"):
            return self._tabs(method, path.removeprefix("/api/dm/views").strip("/"), content)
        if path.startswith("/api/predictions"):
            return self._predictions(method, path.removeprefix("/api/predictions").strip("/"), params)
        if path.startswith("/api/annotations/"):
            return self._delete_annotation(int(path.removeprefix("/api/annotations/")))
        if path.startswith("/api/tasks/") and path.endswith("/annotations"):
            return self._annotations(method, int(path.split("/")[3]), content)
        if path.startswith("/api/tasks/") and method == "PATCH":
            return self._change_task(int(path.split("/")[3]), content)
        return 404, {"detail": "Not found."}

    def _change_task(self, number: int, changes: Mapping[str, Any]) -> tuple[int, Any]:
        """All of the data or the meta is replaced."""
        if number not in self.tasks:
            return 404, {"detail": "Not found."}
        self.tasks[number] = changes.get("data", self.tasks[number])
        self.meta[number] = changes.get("meta", self.meta.get(number, {}))
        return 200, {"id": number, "data": self.tasks[number], "meta": self.meta[number]}

    def _project(self, changes: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
        version = changes.get("model_version", self.shown)
        if version and "model_version" in changes and version not in self.versions():
            return 400, {"detail": "Model version doesn't exist in the project"}
        self.shown, self.sampling = version, changes.get("sampling", self.sampling)
        self.shows = changes.get("show_collab_predictions", self.shows)
        if not changes.get("show_collab_predictions", True):
            self.shown = ""
        return 200, {
            "id": 1,
            "title": "Cells",
            "label_config": self.label_config,
            "model_version": self.shown,
            "show_collab_predictions": self.shows,
            "sampling": self.sampling,
            "task_number": len(self.tasks),
        }

    def _predictions(self, method: str, number: str, params: Mapping[str, str]) -> tuple[int, Any]:
        numbered = [{"id": place, **each} for place, each in enumerate(self.predictions, start=1)]
        if not number:
            return 200, [each for each in numbered if each["task"] == int(params["task"])]
        found = [each for each in numbered if each["id"] == int(number)]
        if method == "DELETE" and found:
            del self.predictions[int(number) - 1]
            return 204, {}
        return (200, found[0]) if found else (404, {"detail": "Not found."})

    def _annotations(self, method: str, task: int, content: dict[str, Any]) -> tuple[int, Any]:
        if task not in self.tasks:
            return 404, {"detail": "Not found."}
        if method == "GET":
            return 200, self.annotations.get(task, [])
        known = [each["id"] for submitted in self.annotations.values() for each in submitted]
        made = {"id": max(known, default=0) + 1, "completed_by": 1, **content}
        self.annotations.setdefault(task, []).append(made)
        self.finished.add(task)
        return 201, made

    def _delete_annotation(self, number: int) -> tuple[int, Any]:
        for task, submitted in self.annotations.items():
            self.annotations[task] = [each for each in submitted if each["id"] != number]
            if not self.annotations[task]:
                self.finished.discard(task)
        return 204, {}

    def _tabs(self, method: str, number: str, content: dict[str, Any]) -> tuple[int, Any]:
        if method == "GET":
            return 200, [{"id": key, "data": data} for key, data in self.tabs.items()]
        if method == "DELETE":
            del self.tabs[int(number)]
            return 204, {}
        key = int(number) if number else max(self.tabs, default=0) + 1
        self.tabs[key] = content["data"]
        return 201, {"id": key, **content}

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
                "meta": self.meta.get(number, {}),
                "annotations": self.annotations.get(number, []),
                "predictions": [each for each in self.predictions if each["task"] == number],
                "predictions_model_versions": ",".join(self._versions_of(number)),
                "predictions_score": self._score(number),
            }
            for number in (found if query["ordering"] == ["tasks:id"] else found[::-1])[:count]
        ]

    def _meets(self, number: int, condition: Mapping[str, Any]) -> bool:
        value = condition["value"]
        if condition["filter"] == "filter:tasks:completed_at":
            return number not in self.finished
        if condition["filter"] == "filter:tasks:total_annotations":
            return number in self.finished
        if condition["filter"] == "filter:tasks:predictions_score":
            return self._score(number) is not None
        if condition["filter"] == "filter:tasks:meta":
            return str(value) in json.dumps(self.meta.get(number, {}))
        if condition["filter"].startswith("filter:tasks:data."):
            name = condition["filter"].removeprefix("filter:tasks:data.")
            return str(value) in str(self.tasks[number].get(name))
        if condition["filter"] == "filter:tasks:draft_exists":
            return number in self.drafted
        if condition["filter"] == "filter:tasks:predictions_model_versions":
            return any(value[0] in version for version in self._versions_of(number))
        if condition["operator"] == "in":
            return bool(value["min"] <= number <= value["max"])
        return bool(number > value)

    def _score(self, number: int) -> float | None:
        """The mean of the shown version's predictions for a task."""
        own = [each for each in self.predictions if each["task"] == number]
        scores = [each["score"] for each in own if each["model_version"] == self.shown and "score" in each]
        return sum(scores) / len(scores) if scores else None

    def _versions_of(self, number: int) -> list[str]:
        return [each["model_version"] for each in self.predictions if each["task"] == number]

    def _import(self, predictions: list[dict[str, Any]]) -> tuple[int, dict[str, Any]]:
        if self.broken or any(each["task"] not in self.tasks for each in predictions):
            return 400, {"detail": 'contains invalid "task" field'}
        taken = [each for each in predictions if each["task"] not in self.refuses]
        self.predictions += taken
        return 201, {"created": len(taken)}
