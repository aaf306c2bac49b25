"""Pre-labels for many tasks at once: computed, kept on disk, imported together, then shown.

Importing costs Label Studio about the same for one prediction and for thousands, so answers are collected
in a file until the round is complete. A round that is stopped goes on from that file; one that is over, done
again, finds its predictions in Label Studio and changes nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

from backend.errors import PrelabelRoundError
from backend.labelstudio.answers import Answer
from backend.labelstudio.payloads import Task
from backend.labelstudio.prediction_checks import PredictionChecks
from backend.labelstudio.rest import LabelStudioApi
from backend.labelstudio.stored_predictions import MAX_CALL_BYTES, StoredPredictions
from backend.labelstudio.task_listing import TaskChoice, chosen_tasks, tasks_with_version
from backend.labelstudio.task_reports import imported_data
from backend.services.prediction_import import Imported, PredictionImport
from backend.state.answer_file import AnswerFile
from models.errors import MaskloopError

__all__ = ["BulkPrelabelling", "Finished", "Imported", "Plan", "in_threads", "number_of", "task_digest"]

T = TypeVar("T")
Item = TypeVar("Item")

_PROBLEMS_SHOWN = 3


@dataclass(frozen=True)
class Plan:
    """What is left to do for the chosen tasks.

    Attributes:
        compute: Tasks without an answer.
        finished: Numbers of tasks whose answer waits in the file for its import.
        n_stored: How many have a prediction of this version already.
        unknown: Numbers that were chosen, but that are not among the project's tasks.
    """

    compute: tuple[Task, ...]
    finished: tuple[int, ...]
    n_stored: int
    unknown: tuple[int, ...]


@dataclass(frozen=True)
class Finished:
    """A task that was tried.

    Attributes:
        task_id: Its number.
        problem: Why it has no answer; None if it has one.
    """

    task_id: int
    problem: str | None


class BulkPrelabelling:
    """One version's pre-labels for one project. Used by one thread.

    Args:
        api: Label Studio, as a user who may change the project.
        project_id: The project.
        version: The version that `predict` answers with.
        answers: The version's file, open.
        max_call_bytes: Size of one import.
    """

    def __init__(
        self,
        api: LabelStudioApi,
        project_id: int,
        version: str,
        answers: AnswerFile,
        *,
        max_call_bytes: int = MAX_CALL_BYTES,
    ) -> None:
        self._api = api
        self._stored = StoredPredictions(api)
        self._import = PredictionImport(api, project_id, version, max_call_bytes=max_call_bytes)
        self._project_id = project_id
        self.version = version
        self._answers = answers

    def plan(self, choice: TaskChoice, limit: int | None = None) -> Plan:
        """Find out what is left to do; changes nothing.

        Args:
            choice: Which tasks are wanted.
            limit: At most so many of those that have no prediction of this version, the first by number.

        Raises:
            LabelStudioError: The tasks cannot be listed.
        """
        done = tasks_with_version(self._api, self._project_id, self.version)
        compute: list[Task] = []
        finished: list[int] = []
        seen: set[int] = set()
        n_stored = 0
        for task in chosen_tasks(self._api, self._project_id, choice):
            number = number_of(task)
            seen.add(number)
            if number in done:
                n_stored += 1
            elif limit is not None and len(compute) + len(finished) >= limit:
                continue
            elif self._answers.has(number, task_digest(task)):
                finished.append(number)
            else:
                compute.append(task)
        unknown = sorted((choice.numbers or frozenset()) - seen)
        return Plan(tuple(compute), tuple(finished), n_stored, tuple(unknown))

    def compute(
        self,
        tasks: Sequence[Task],
        predict: Callable[[Task], Answer],
        checks: PredictionChecks,
        workers: int,
    ) -> Generator[Finished, None, None]:
        """Pre-label tasks and keep the answers that can be imported.

        Args:
            tasks: Those to compute, of a plan.
            predict: Called by several threads; more than compute at a time, so that the pictures of some are
                read while others are computed. What it raises on purpose concerns its task alone.
            checks: Of the project's labelling config.
            workers: Threads.

        Yields:
            Tasks in the order in which they are ready. Closing the generator drops what has not begun.

        Raises:
            PrelabelRoundError: The file cannot be written, or the project got another version meanwhile.
        """
        with closing(in_threads(tasks, predict, workers)) as ready:
            for task, future in ready:
                yield Finished(number_of(task), self._keep(task, future, checks))

    def store(self, task_ids: Sequence[int]) -> Imported:
        """Import answers of the file; it is removed when it holds no other ones.

        Args:
            task_ids: Tasks with an answer in the file, but no prediction of this version in Label Studio.

        Raises:
            LabelStudioError: Label Studio refused, failed, or cannot be reached.
        """
        imported = self._import.run(task_ids, self._answers.predictions)
        if self._answers.task_ids <= set(task_ids):
            self._answers.delete()
        return imported

    def older_versions(self, names: Iterable[str]) -> dict[str, int]:
        """Versions of this service's pre-labellers that the project holds besides this one.

        Predictions that somebody imported from elsewhere are not among them.

        Args:
            names: Of all pre-labellers; their versions begin with them.

        Returns:
            Number of predictions by version.

        Raises:
            LabelStudioError: Label Studio refused, failed, or cannot be reached.
        """
        ours = tuple(f"{name}-" for name in names)
        counts = self._stored.versions(self._project_id)
        return {
            name: count
            for name, count in counts.items()
            if count and name != self.version and name.startswith(ours)
        }

    def delete(self, version: str) -> None:
        """Delete the predictions of another version; Label Studio's SQLite database is locked meanwhile.

        Raises:
            LabelStudioError: Label Studio refused, failed, or cannot be reached.
        """
        self._stored.delete(self._project_id, version)

    def _keep(self, task: Task, future: Future[Answer], checks: PredictionChecks) -> str | None:
        try:
            answer = future.result()
        except MaskloopError as error:
            return str(error)
        if answer.model_version != self.version:
            raise PrelabelRoundError(
                f"The project's pre-labels are of version {answer.model_version!r} now, no longer "
                f"{self.version!r}. Run the command again: it begins a round of the new version."
            )
        problems = checks.problems(answer)
        if problems:
            return "Its pre-labels cannot be imported: " + "; ".join(problems[:_PROBLEMS_SHOWN])
        self._answers.add(number_of(task), task_digest(task), answer.to_json())
        return None


def in_threads(
    tasks: Iterable[Item], work: Callable[[Item], T], workers: int
) -> Generator[tuple[Item, Future[T]], None, None]:
    """Work on tasks in several threads.

    Args:
        tasks: In the order in which they are begun; taken one by one.
        work: Called by the threads.
        workers: Threads.

    Yields:
        Each task when it is ready; only a few wait at a time, because answers may be large.
    """
    waiting = iter(tasks)
    with ThreadPoolExecutor(workers, thread_name_prefix="prelabel") as pool:
        pending = {pool.submit(work, task): task for task in islice(waiting, 2 * workers)}
        try:
            while pending:
                ready, _ = wait(pending, return_when=FIRST_COMPLETED)
                for future in ready:
                    task = pending.pop(future)
                    pending |= {pool.submit(work, following): following for following in islice(waiting, 1)}
                    yield task, future
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def number_of(task: Task) -> int:
    """The number of a listed task.

    Raises:
        PrelabelRoundError: It has none.
    """
    if task.id is None:
        raise PrelabelRoundError("A listed task has no number.")
    return task.id


def task_digest(task: Task) -> str:
    """Changes with the task's data, as they were imported."""
    return hashlib.sha256(json.dumps(imported_data(task.data), sort_keys=True).encode("ascii")).hexdigest()[
        :16
    ]
