"""A Label Studio of a few dictionaries behind the SDK's own HTTP client: projects, models, webhooks."""

import json
from dataclasses import dataclass, field
from typing import Any

import httpx


@dataclass
class FakeLabelStudio:
    """Answers the calls that connecting makes, and remembers every write.

    Attributes:
        project: The one project, number 1.
        blocks_private: Refuse models as a server with the default settings does.
        stores_refused: Store a refused model all the same (`ML_BLOCK_LOCAL_IP=false` alone).
    """

    project: dict[str, Any]
    blocks_private: bool = False
    stores_refused: bool = False
    models: dict[int, dict[str, Any]] = field(default_factory=dict)
    webhooks: dict[int, dict[str, Any]] = field(default_factory=dict)
    writes: list[str] = field(default_factory=list)

    def http(self) -> httpx.Client:
        return httpx.Client(transport=httpx.MockTransport(self._answer))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.rstrip("/")
        body = json.loads(request.content) if request.content else {}
        if request.method != "GET":
            self.writes.append(f"{request.method} {path}")
        collection, _, number = path.removeprefix("/api/").partition("/")
        if collection == "projects":
            return self._projects(request.method, number, body)
        if collection == "ml":
            return self._rows(self.models, request.method, number, body | {"readable_state": "Connected"})
        if collection == "webhooks":
            return self._rows(self.webhooks, request.method, number, body)
        return httpx.Response(404, json={"detail": f"{path} is not faked"})

    def _projects(self, method: str, number: str, body: dict[str, Any]) -> httpx.Response:
        if number != "1":
            return httpx.Response(404, json={"detail": "Not found."})
        if method == "PATCH":
            self.project |= body
        return httpx.Response(200, json=self.project)

    def _rows(
        self, rows: dict[int, dict[str, Any]], method: str, number: str, body: dict[str, Any]
    ) -> httpx.Response:
        if method == "GET":
            return httpx.Response(200, json=list(rows.values()))
        if method == "DELETE":
            del rows[int(number)]
            return httpx.Response(204)
        refused = rows is self.models and self.blocks_private
        if not refused or self.stores_refused:
            key = int(number) if number else len(rows) + 1
            rows[key] = {"id": key} | rows.get(key, {}) | body
        if refused:
            return httpx.Response(403, json={"detail": "URL resolves to a reserved network address"})
        return httpx.Response(200 if number else 201, json=rows[key])
