"""Annotations from predictions that are sure enough, one task after the other, and their removal.

Nothing is kept here: what was made is known again by what it says (see `automatic_annotations`), so a stopped
run goes on, and doing it twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass

from backend.errors import LabelStudioError
from backend.labelstudio.annotated_tasks import AnnotatedTasks
from backend.labelstudio.automatic_annotations import automatic_annotation, without_error_areas
from backend.labelstudio.label_config import LabelConfig
from backend.labelstudio.rest import LabelStudioApi
from backend.labelstudio.submissions import Submitted
from backend.labelstudio.task_listing import TaskChoice, chosen_tasks, shown_scores, tasks_in_progress
from backend.labelstudio.task_predictions import annotations_of, numbered_prediction, prediction_of


@dataclass(frozen=True)
class Choice:
    """Tasks that need annotations.

    Attributes:
        sure: Those whose prediction is sure enough, ascending by number.
        unsure: How many are left to people because their prediction is not.
        drafted: How many are left alone because somebody works on them.
        unpredicted: How many have no prediction of the version.
    """

    sure: tuple[int, ...]
    unsure: int
    drafted: int
    unpredicted: int


@dataclass(frozen=True)
class Made:
    """An automatic annotation that nobody has changed.

    Attributes:
        id: Its number.
        task_id: Its task.
    """

    id: int
    task_id: int


class AutomaticLabelling:
    """Makes and removes the automatic annotations of one project. Used by one thread.

    Args:
        api: Label Studio, as the user who shall be the annotator.
        project_id: The project.
        config: Its labelling config.
    """

    def __init__(self, api: LabelStudioApi, project_id: int, config: LabelConfig) -> None:
        self._api = api
        self._config = config
        self.project_id = project_id

    def choose(self, version: str, least_score: float) -> Choice:
        """Find the tasks that can be annotated; changes nothing.

        Args:
            version: That the project shows.
            least_score: Expected Dice coefficient from which a prediction is sure enough.

        Raises:
            LabelStudioError: Label Studio refused, failed, or cannot be reached.
        """
        scores = shown_scores(self._api, self.project_id, version)
        drafted = tasks_in_progress(self._api, self.project_id)
        open_tasks = chosen_tasks(self._api, self.project_id, TaskChoice(unfinished=True))
        numbers = {task.id for task in open_tasks if task.id is not None}
        free = sorted(numbers - drafted)
        sure = tuple(number for number in free if scores.get(number, -1.0) >= least_score)
        unpredicted = sum(number not in scores for number in free)
        return Choice(sure, len(free) - len(sure) - unpredicted, len(numbers & drafted), unpredicted)

    def annotate(self, task_ids: Sequence[int], version: str) -> Generator[bool, None, None]:
        """Make annotations of what a version predicts.

        Args:
            task_ids: Of `choose`.
            version: The version.

        Yields:
            For each task whether it got one: not if somebody annotated it meanwhile, or it is gone.

        Raises:
            LabelStudioError: Label Studio refused, failed, or cannot be reached.
        """
        for number in task_ids:
            yield self._annotate(number, version)

    def made(self) -> list[Made]:
        """All automatic annotations that nobody has changed.

        One without regions has no note. It counts only if it took no time because its prediction has none
        either: somebody may have emptied it.

        Raises:
            LabelStudioError: Label Studio refused, failed, or cannot be reached.
        """
        return [
            Made(each.id, task.id)
            for task in AnnotatedTasks(self._api).tasks(self.project_id)
            for each in task.annotations
            if each.automatic and not each.cancelled and (each.result or self._is_empty_on_purpose(each))
        ]

    def remove(self, made: Sequence[Made]) -> Generator[bool, None, None]:
        """Delete annotations that still nobody has changed.

        Yields:
            For each whether it was deleted.

        Raises:
            LabelStudioError: Label Studio refused, failed, or cannot be reached.
        """
        for each in made:
            automatic = {found.id for found in annotations_of(self._api, each.task_id) if found.automatic}
            if each.id in automatic:
                self._api.call("DELETE", f"/api/annotations/{each.id}/", f"delete annotation {each.id}")
            yield each.id in automatic

    def _annotate(self, number: int, version: str) -> bool:
        try:
            prediction = (
                None if annotations_of(self._api, number) else prediction_of(self._api, number, version)
            )
            if prediction is None:
                return False
            result = without_error_areas(prediction["result"], self._config)
            body = automatic_annotation(result, version, prediction["id"])
            path = f"/api/tasks/{number}/annotations/"
            self._api.call("POST", path, f"annotate task {number}", json=body)
        except LabelStudioError as error:
            if error.status != 404:
                raise
            return False
        return True

    def _is_empty_on_purpose(self, annotation: Submitted) -> bool:
        if annotation.prediction_id is None:
            return False
        prediction = numbered_prediction(self._api, annotation.prediction_id)
        return prediction is not None and not without_error_areas(prediction["result"], self._config)
