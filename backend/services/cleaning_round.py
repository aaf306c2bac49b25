"""Cleaned annotations of a project, stored as predictions that people review; annotations stay as they are.

What was found is kept in a file, one line for each task, so a stopped round goes on, and a round that is done
again looks only at annotations that changed since. Predictions that no longer fit their annotation are
deleted before the new result is written down: whenever a round is killed, the next one sees what is missing.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Iterable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from backend.labelstudio.prediction_checks import PredictionChecks
from backend.labelstudio.rest import LabelStudioApi
from backend.labelstudio.review_predictions import CLEANED, review_numbers, review_version
from backend.labelstudio.stored_predictions import StoredPredictions
from backend.labelstudio.submissions import AnnotatedTask
from backend.labelstudio.task_listing import tasks_with_version
from backend.labelstudio.task_predictions import delete_prediction, prediction_of
from backend.services.annotation_cleaning import AnnotationCleaning, Cleaned, annotation_digest
from backend.services.bulk_prelabelling import in_threads
from backend.services.prediction_import import Imported, PredictionImport
from backend.services.region_cleaning import StepChange
from backend.state.answer_file import AnswerFile
from models.errors import MaskloopError

_SUFFIX = ".jsonl"
_PROBLEMS_SHOWN = 3


@dataclass(frozen=True)
class LookedAt:
    """A task whose annotation was cleaned, now or before.

    Attributes:
        task_id: Its number.
        problem: Why that was impossible; None if it was not.
        is_new: Whether it had to be done, or was known from before.
        worth_a_look: Whether there is a prediction to review.
        change: The largest 1 - IoU of an object, in [0, 1].
        steps: What each step did.
    """

    task_id: int
    problem: str | None = None
    is_new: bool = False
    worth_a_look: bool = False
    change: float = 0.0
    steps: tuple[StepChange, ...] = ()


class CleaningRound:
    """One version's cleaned annotations of one project. Used by one thread.

    Args:
        api: Label Studio, as a user who may change the project.
        project_id: The project.
        version: Of the predictions.
        answers: The version's file, open.
        dry_run: Whether nothing is changed, in the file or in Label Studio.
    """

    def __init__(
        self,
        api: LabelStudioApi,
        project_id: int,
        version: str,
        answers: AnswerFile,
        *,
        dry_run: bool = False,
    ) -> None:
        self._api = api
        self._import = PredictionImport(api, project_id, version)
        self._version = version
        self._answers = answers
        self._dry_run = dry_run
        self._stored = tasks_with_version(api, project_id, version)
        self._wanted: set[int] = set()
        self._seen: set[int] = set()

    def look(
        self,
        tasks: Iterable[AnnotatedTask],
        cleaning: AnnotationCleaning,
        checks: PredictionChecks,
        workers: int,
    ) -> Generator[LookedAt, None, None]:
        """Clean annotations that were not cleaned before as they are now.

        Args:
            tasks: All annotated tasks of the project; read little by little.
            cleaning: Cleans them; called by several threads.
            checks: Of the project's labelling config.
            workers: Threads.

        Yields:
            Each task when it is ready. Closing the generator drops what has not begun.

        Raises:
            LabelStudioError: Label Studio refused, failed, or cannot be reached.
            PrelabelRoundError: The file cannot be written.
        """
        known: list[LookedAt] = []
        with closing(in_threads(self._unknown(tasks, known), cleaning.clean, workers)) as ready:
            for task, future in ready:
                yield from known
                known.clear()
                yield self._result(task, future, checks)
        yield from known

    def store(self) -> Imported:
        """Import what is worth a look and not there yet; delete predictions whose annotation is gone.

        Raises:
            LabelStudioError: Label Studio refused, failed, or cannot be reached.
        """
        for number in self._stored - self._seen:
            self._forget(number)
        return self._import.run(self.to_import, self._predictions)

    @property
    def to_import(self) -> list[int]:
        """Numbers of the tasks whose prediction is not in Label Studio yet, ascending."""
        return sorted(self._wanted - self._stored)

    @property
    def n_stored(self) -> int:
        """Number of tasks that have a prediction of the version in Label Studio."""
        return len(self._stored)

    def _unknown(self, tasks: Iterable[AnnotatedTask], known: list[LookedAt]) -> Iterator[AnnotatedTask]:
        """Those that have to be cleaned; the others are put into the list."""
        for task in tasks:
            self._seen.add(task.id)
            if self._answers.has(task.id, annotation_digest(task)):
                (entry,) = self._answers.predictions([task.id])
                steps = tuple(StepChange(**step) for step in entry["steps"])
                found = LookedAt(task.id, None, False, bool(entry["result"]), entry["change"], steps)
                known.append(self._noted(found))
            else:
                yield task

    def _result(self, task: AnnotatedTask, future: Future[Cleaned], checks: PredictionChecks) -> LookedAt:
        try:
            cleaned = future.result()
        except MaskloopError as error:
            return LookedAt(task.id, str(error), is_new=True)
        problems = [] if cleaned.answer is None else checks.problems(cleaned.answer)
        if problems:
            text = "; ".join(problems[:_PROBLEMS_SHOWN])
            return LookedAt(task.id, f"The cleaned annotation cannot be imported: {text}", is_new=True)
        if not self._dry_run:
            self._forget(task.id)
            self._answers.add(task.id, annotation_digest(task), _entry(cleaned, self._version))
        worth_a_look = cleaned.answer is not None
        return self._noted(LookedAt(task.id, None, True, worth_a_look, cleaned.change, cleaned.steps))

    def _noted(self, found: LookedAt) -> LookedAt:
        if found.worth_a_look:
            self._wanted.add(found.task_id)
        return found

    def _forget(self, number: int) -> None:
        """Delete the prediction of a task, which an annotation that is no more led to."""
        while number in self._stored:
            prediction = prediction_of(self._api, number, self._version)
            if prediction is None:
                self._stored.discard(number)
            else:
                delete_prediction(self._api, prediction["id"])

    def _predictions(self, task_ids: Iterable[int]) -> Iterator[Mapping[str, Any]]:
        for entry in self._answers.predictions(task_ids):
            yield {key: entry[key] for key in ("result", "score", "model_version")}


def _entry(cleaned: Cleaned, version: str) -> dict[str, Any]:
    """What the file keeps; without a prediction the result is empty."""
    answer = {"result": [], "model_version": version} if cleaned.answer is None else cleaned.answer.to_json()
    return {**answer, "change": cleaned.change, "steps": [asdict(step) for step in cleaned.steps]}


def cleaning_version(folder: Path, basis: str, in_label_studio: Iterable[str]) -> str:
    """The version of a round: that of an earlier one which did the same, else the next number.

    Args:
        folder: Of the project's files.
        basis: What the results depend on besides the tasks.
        in_label_studio: Versions that the project holds.
    """
    files = {path.name.removesuffix(_SUFFIX): path for path in sorted(folder.glob(f"{CLEANED}-*{_SUFFIX}"))}
    for name, path in files.items():
        if _basis(path) == basis:
            return name
    numbers = review_numbers([*files, *in_label_studio], CLEANED)
    return review_version(CLEANED, max(numbers, default=0) + 1)


def file_of(folder: Path, version: str) -> Path:
    """Where a version's results are kept."""
    return folder / f"{version}{_SUFFIX}"


def clear(api: LabelStudioApi, project_id: int, folder: Path) -> dict[str, int]:
    """Delete the predictions of all rounds, and their files.

    Returns:
        Number of deleted predictions by version.

    Raises:
        LabelStudioError: Label Studio refused, failed, or cannot be reached.
    """
    deleted = cleaned_versions(api, project_id)
    for version in deleted:
        StoredPredictions(api).delete(project_id, version)
    for path in folder.glob(f"{CLEANED}-*{_SUFFIX}"):
        path.unlink()
    return deleted


def cleaned_versions(api: LabelStudioApi, project_id: int) -> dict[str, int]:
    """Number of predictions of each round in Label Studio, by version.

    Raises:
        LabelStudioError: Label Studio refused, failed, or cannot be reached.
    """
    versions = StoredPredictions(api).versions(project_id)
    return {name: count for name, count in versions.items() if count and review_numbers([name], CLEANED)}


def _basis(path: Path) -> str | None:
    with path.open("rb") as file:
        first = file.readline()
    try:
        return str(json.loads(first)["basis"])
    except (ValueError, KeyError, TypeError):
        return None
