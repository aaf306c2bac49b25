"""What a round of the queue must know of a project's tasks: computed only where it is not known already.

Answers lie in a file, because every round imports them again with other scores; what was seen lies in the
database. Both hold for the task's data as they were and for one version.
"""

from __future__ import annotations

import threading
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass

from backend.labelstudio.answers import Answer
from backend.labelstudio.payloads import Task
from backend.labelstudio.prediction_checks import PredictionChecks
from backend.services.bulk_prelabelling import BulkPrelabelling, Finished, in_threads, number_of, task_digest
from backend.services.task_looks import TaskLooks
from backend.state.answer_file import AnswerFile
from backend.state.task_figures import EMBEDDING, TaskFigures, TaskLook
from models.errors import MaskloopError

_LOOKS_AT_ONCE = 100
"""So many are stored together; those of a killed run that were not are computed again."""


@dataclass(frozen=True)
class Missing:
    """What is not known.

    Attributes:
        answers: Tasks without pre-labels of the version.
        looks: Other tasks, of which the version has not said everything that is wanted.
    """

    answers: tuple[Task, ...]
    looks: tuple[Task, ...]

    def __len__(self) -> int:
        return len(self.answers) + len(self.looks)


class TaskScoring:
    """Computes what is missing. Used by one thread, which may use others.

    Args:
        looks: Looks at tasks.
        figures: Keeps what was seen.
        answers: The version's file, open.
        bulk: Computes pre-labels of the version into that file.
        project_id: The project.
        workers: Threads that look.
    """

    def __init__(
        self,
        looks: TaskLooks,
        figures: TaskFigures,
        answers: AnswerFile,
        bulk: BulkPrelabelling,
        *,
        project_id: int,
        workers: int,
    ) -> None:
        self._looks = looks
        self._figures = figures
        self._answers = answers
        self._bulk = bulk
        self._project_id = project_id
        self._workers = workers

    def missing(self, candidates: Sequence[Task], labelled: Sequence[Task]) -> Missing:
        """Find out what is not known; changes nothing.

        Args:
            candidates: Tasks that may be asked: pre-labels and everything that the eye sees.
            labelled: Tasks that are annotated: only what their pictures are like, if that is wanted.

        Raises:
            DatabaseError: The database cannot be read.
        """
        eye = self._looks.eye
        seen = self._figures.complete(self._project_id, eye.version, eye.parts)
        answers, looks = [], []
        for task in candidates:
            number, digest = number_of(task), task_digest(task)
            if not self._answers.has(number, digest):
                answers.append(task)
            elif eye.parts and seen.get(number) != digest:
                looks.append(task)
        if EMBEDDING in eye.parts:
            candidate_ids = {task.id for task in candidates}
            described = self._figures.complete(self._project_id, eye.version, [EMBEDDING])
            looks += [
                task
                for task in labelled
                if task.id not in candidate_ids and described.get(number_of(task)) != task_digest(task)
            ]
        return Missing(tuple(answers), tuple(looks))

    def compute(self, missing: Missing, checks: PredictionChecks) -> Generator[Finished, None, None]:
        """Compute and keep what is missing.

        Args:
            missing: Of `missing`.
            checks: Of the project's labelling config.

        Yields:
            Tasks in the order in which they are ready. Closing the generator drops what has not begun.

        Raises:
            PrelabelRoundError: The file cannot be written, or the project got another version meanwhile.
            DatabaseError: The database cannot be written.
        """
        kept = _Kept(self._figures, self._project_id, self._looks.eye.version)

        def answer(task: Task) -> Answer:
            found, look = self._looks.answered(task)
            kept.add(look)
            return found

        try:
            with closing(self._bulk.compute(missing.answers, answer, checks, self._workers)) as tried:
                for finished in tried:
                    yield finished
                    kept.store(_LOOKS_AT_ONCE)
            with closing(in_threads(missing.looks, self._looks.look, self._workers)) as ready:
                for task, future in ready:
                    problem = None
                    try:
                        kept.add(future.result())
                    except MaskloopError as error:
                        problem = str(error)
                    yield Finished(number_of(task), problem)
                    kept.store(_LOOKS_AT_ONCE)
        finally:
            kept.store(1)


class _Kept:
    """Looks on their way into the database: any thread adds, one stores."""

    def __init__(self, figures: TaskFigures, project_id: int, version: str) -> None:
        self._figures = figures
        self._project_id = project_id
        self._version = version
        self._lock = threading.Lock()
        self._waiting: list[TaskLook] = []

    def add(self, look: TaskLook) -> None:
        with self._lock:
            self._waiting.append(look)

    def store(self, at_least: int) -> None:
        with self._lock:
            if len(self._waiting) < at_least:
                return
            looks, self._waiting = self._waiting, []
        self._figures.store(self._project_id, self._version, looks)
