"""The predictions that a project holds: stored in bulk, counted by version, deleted by version.

Each import makes Label Studio count the whole project anew, 40 to 60 s with 100,000 tasks, however little it
brings. So as much as possible goes into one call. Label Studio and the proxy before it, if there is one, hold
a call in memory; nginx as Label Studio ships it refuses 200 MB.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from backend.errors import LabelStudioError
from backend.labelstudio.rest import LabelStudioApi

MAX_CALL_BYTES = 100 * 2**20
"""Size of one import; a single prediction that is larger goes alone."""
_TIMEOUT_S = 3600.0
"""For importing and deleting: 100,000 predictions take minutes, and nothing is gained by giving up."""


class StoredPredictions:
    """Changes what projects hold. Safe between threads.

    Args:
        api: Label Studio, as a user who may change the projects.
        max_call_bytes: Size of one import.
    """

    def __init__(self, api: LabelStudioApi, *, max_call_bytes: int = MAX_CALL_BYTES) -> None:
        self._api = api
        self._max_call_bytes = max_call_bytes

    def versions(self, project_id: int) -> dict[str, int]:
        """Number of predictions by version.

        Raises:
            LabelStudioError: Label Studio refused, failed, or answered something else.
        """
        what = f"list the versions of project {project_id}"
        answer = self._api.call("GET", _versions_path(project_id), what)
        if not isinstance(answer, dict) or not all(isinstance(count, int) for count in answer.values()):
            raise LabelStudioError(f"Label Studio answered something else when asked to {what}.")
        return answer

    def add(self, project_id: int, predictions: Iterable[Mapping[str, Any]]) -> int:
        """Import predictions, in one call unless they are too many bytes.

        Args:
            project_id: The project.
            predictions: Each with `task`, `result`, `score` and `model_version`. They are taken one by one.

        Returns:
            How many Label Studio has stored; those that its check refuses are left out without an error.

        Raises:
            LabelStudioError: Label Studio refused, failed, or cannot be reached. Earlier calls stay stored;
                `status` 400 means that one of the tasks no longer exists.
        """
        what = f"import predictions into project {project_id}"
        created = 0
        for body in self._bodies(predictions):
            answer = self._api.call(
                "POST",
                f"/api/projects/{project_id}/import/predictions",
                what,
                timeout_s=_TIMEOUT_S,
                content=body,
            )
            count = answer.get("created") if isinstance(answer, dict) else None
            if type(count) is not int:
                raise LabelStudioError(f"Label Studio did not say how much it stored when asked to {what}.")
            created += count
        return created

    def delete(self, project_id: int, version: str) -> None:
        """Delete all predictions of a version. Label Studio's SQLite database is locked meanwhile.

        Raises:
            LabelStudioError: Label Studio refused, failed, or cannot be reached.
        """
        self._api.call(
            "DELETE",
            _versions_path(project_id),
            f"delete version {version!r} of project {project_id}",
            timeout_s=_TIMEOUT_S,
            json={"model_version": version},
        )

    def _bodies(self, predictions: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
        parts: list[bytes] = []
        size = 0
        for prediction in predictions:
            part = json.dumps(prediction, separators=(",", ":"), allow_nan=False).encode("ascii")
            if parts and size + len(part) > self._max_call_bytes:
                yield _joined(parts)
                parts, size = [], 0
            parts.append(part)
            size += len(part) + 1
        if parts:
            yield _joined(parts)


def _versions_path(project_id: int) -> str:
    return f"/api/projects/{project_id}/model-versions/"


def _joined(parts: list[bytes]) -> bytes:
    return b"[" + b",".join(parts) + b"]"
