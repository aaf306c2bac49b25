"""Predictions for many tasks of a project, imported together, and what became of each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from backend.errors import LabelStudioError
from backend.labelstudio.rest import LabelStudioApi
from backend.labelstudio.stored_predictions import MAX_CALL_BYTES, StoredPredictions
from backend.labelstudio.task_listing import TaskChoice, chosen_tasks, tasks_with_version

Predictions = Callable[[Sequence[int]], Iterable[Mapping[str, Any]]]
"""From the numbers of tasks to a prediction of each, without the task's number."""


@dataclass(frozen=True)
class Imported:
    """What an import did.

    Attributes:
        n_stored: Predictions that Label Studio took.
        refused: Why the others are not there, by task.
    """

    n_stored: int
    refused: dict[int, str]


class PredictionImport:
    """Imports the predictions of one version into one project. Used by one thread.

    Args:
        api: Label Studio, as a user who may change the project.
        project_id: The project.
        version: Of all predictions.
        max_call_bytes: Size of one call.
    """

    def __init__(
        self, api: LabelStudioApi, project_id: int, version: str, *, max_call_bytes: int = MAX_CALL_BYTES
    ) -> None:
        self._api = api
        self._stored = StoredPredictions(api, max_call_bytes=max_call_bytes)
        self._project_id = project_id
        self._version = version

    def run(self, task_ids: Sequence[int], predictions: Predictions) -> Imported:
        """Import a prediction for each task.

        Args:
            task_ids: Tasks without a prediction of this version.
            predictions: Makes them, little by little.

        Raises:
            LabelStudioError: Label Studio refused, failed, or cannot be reached.
        """
        if not task_ids:
            return Imported(0, {})
        refused: dict[int, str] = {}
        try:
            n_stored = self._add(task_ids, predictions)
        except LabelStudioError as error:
            if error.status != 400:
                raise
            left = self._existing(task_ids)
            if len(left) == len(task_ids):
                raise
            refused |= {
                number: "The task was deleted meanwhile." for number in task_ids if number not in left
            }
            done = self.arrived()
            again = [number for number in task_ids if number in left and number not in done]
            n_stored = len(left) - len(again) + self._add(again, predictions)
        if n_stored != len(task_ids) - len(refused):
            done = self.arrived()
            refused |= {
                number: "Label Studio did not take the prediction; its log says why."
                for number in task_ids
                if number not in done and number not in refused
            }
        return Imported(n_stored, refused)

    def arrived(self) -> set[int]:
        """Numbers of the tasks that have a prediction of this version.

        Raises:
            LabelStudioError: Label Studio refused, failed, or cannot be reached.
        """
        return tasks_with_version(self._api, self._project_id, self._version)

    def _add(self, task_ids: Sequence[int], predictions: Predictions) -> int:
        pairs = zip(task_ids, predictions(task_ids), strict=True)
        return self._stored.add(self._project_id, ({"task": number, **each} for number, each in pairs))

    def _existing(self, task_ids: Iterable[int]) -> set[int]:
        choice = TaskChoice(numbers=frozenset(task_ids))
        tasks = chosen_tasks(self._api, self._project_id, choice)
        return {task.id for task in tasks if task.id is not None}
