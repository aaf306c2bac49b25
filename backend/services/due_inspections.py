"""Inspects tasks whose annotations have changed, the latest first."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timezone

from backend.errors import LabelStudioError
from backend.labelstudio.submissions import AnnotatedTask
from backend.services.inspection import Inspection
from backend.services.task_warnings import TaskWarnings
from backend.state.inspections_due import Due, InspectionsDue

logger = logging.getLogger(__name__)

_MOST_TRIES = 3
"""Looks at a task that may end with the process that takes them."""


class DueInspections:
    """Takes off what has to be inspected in one project. Used by one thread.

    Args:
        project_id: The project.
        due: What has to be inspected.
        inspection: Inspects.
        warnings: Says what was found.
        read: A task with its annotations as they are now, by its number; None if it is gone.
    """

    def __init__(
        self,
        project_id: int,
        due: InspectionsDue,
        inspection: Inspection,
        warnings: TaskWarnings,
        read: Callable[[int], AnnotatedTask | None],
    ) -> None:
        self._project_id = project_id
        self._due = due
        self._inspection = inspection
        self._warnings = warnings
        self._read = read

    def run(self) -> int:
        """Inspect all that is due, also what becomes due meanwhile.

        Returns:
            How many tasks were inspected.

        Raises:
            LabelStudioError: Label Studio cannot be reached; the tasks wait.
            DatabaseError: The database fails; they wait, too.
        """
        n_done = 0
        while (due := self._due.begin(self._project_id)) is not None:
            if due.tries < _MOST_TRIES:
                self._try(due)
                n_done += 1
            else:
                logger.error(
                    "Task %d of project %d is not inspected: %d looks at it ended the process",
                    due.task_id,
                    self._project_id,
                    due.tries,
                )
            self._due.end(self._project_id, due)
        for number, verdict in self._inspection.judge_again().items():
            self._warnings.write(number, verdict)
        return n_done

    def _try(self, due: Due) -> None:
        try:
            self._inspect(due.task_id)
        except LabelStudioError as error:
            if error.status is None or error.status >= 500 or error.status in (401, 403, 429):
                self._due.postpone(self._project_id, due)
                raise
            logger.error("Task %d of project %d is not inspected: %s", due.task_id, self._project_id, error)
        else:
            self._due.count_look((datetime.now(timezone.utc) - due.since).total_seconds())

    def accept(self, task_id: int, rule: str) -> int:
        """Accept what is doubtful about a task as it is now, and take the warning away.

        Args:
            task_id: The task.
            rule: Name of a rule, or `ALL_RULES`.

        Returns:
            How many annotated pictures that concerns.

        Raises:
            LabelStudioError: Label Studio refused, failed, or cannot be reached.
            DatabaseError: The database fails.
        """
        self._look(task_id)
        n_accepted = self._inspection.dismiss(task_id, rule)
        self._say(task_id)
        return n_accepted

    def _inspect(self, task_id: int) -> None:
        self._look(task_id)
        self._say(task_id)

    def _look(self, task_id: int) -> None:
        task = self._read(task_id)
        look = None if task is None else self._inspection.look(task, self._inspection.known(task_id))
        if look is not None:
            self._inspection.keep([look])
            for problem in look.problems.values():
                logger.warning("Task %d of project %d: %s", task_id, self._project_id, problem)
        self._inspection.forget_but(() if look is None else look.keys, task_id)

    def _say(self, task_id: int) -> None:
        self._warnings.write(task_id, self._inspection.judge_task(task_id))
