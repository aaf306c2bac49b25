"""One round of a project's queue: what is to be looked at, the order that follows, and who follows it.

A round that is stopped goes on where it was, and one that would change nothing changes nothing: the order
depends on the tasks, the annotated ones, the version, the selector and its seed alone, and their digest says
whether it was made already.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Generator, Iterable
from dataclasses import dataclass

from backend.labelstudio.payloads import Task
from backend.labelstudio.prediction_checks import PredictionChecks
from backend.labelstudio.rest import LabelStudioApi
from backend.labelstudio.task_listing import TaskChoice, annotated_tasks, chosen_tasks, tasks_in_progress
from backend.labelstudio.task_reports import imported_meta
from backend.selection import SELECTORS
from backend.services.bulk_prelabelling import Finished, task_digest
from backend.services.queue_following import Followed, QueueFollowing
from backend.services.queue_order import QueueOrder
from backend.services.task_scoring import Missing, TaskScoring
from backend.state.answer_file import AnswerFile
from backend.state.queue_rounds import QueueRound, QueueRounds


@dataclass(frozen=True)
class QueueWish:
    """How the order is made.

    Attributes:
        selector: Its name.
        budget: How many tasks are chosen together; the others follow by their utility.
        seed: Of all chance.
    """

    selector: str
    budget: int
    seed: int


@dataclass(frozen=True)
class QueuePlan:
    """What a round begins with.

    Attributes:
        candidates: Tasks that need annotations and have no draft, ascending by number.
        labelled: Annotated tasks, likewise.
        n_drafted: Tasks with a draft, which are left alone.
        missing: What is not known of them.
    """

    candidates: tuple[Task, ...]
    labelled: tuple[Task, ...]
    n_drafted: int
    missing: Missing


class QueueRounding:
    """Makes rounds for one project and version. Used by one thread.

    Args:
        api: Label Studio, as a user who may change the project.
        project_id: The project.
        version: Of the pre-labels.
        basis: What these depend on besides the version and the task.
        wish: How the order is made.
        scoring: Computes what is missing.
        answers: The version's pre-labels, open.
        order: Puts tasks in order.
        following: Label Studio's side.
        rounds: Where rounds are remembered.
    """

    def __init__(
        self,
        api: LabelStudioApi,
        project_id: int,
        *,
        version: str,
        basis: str,
        wish: QueueWish,
        scoring: TaskScoring,
        answers: AnswerFile,
        order: QueueOrder,
        following: QueueFollowing,
        rounds: QueueRounds,
    ) -> None:
        self._api = api
        self._project_id = project_id
        self._version = version
        self._basis = basis
        self._wish = wish
        self._scoring = scoring
        self._answers = answers
        self._order = order
        self._following = following
        self._rounds = rounds

    def plan(self) -> QueuePlan:
        """List the tasks, and find out what is not known; changes nothing.

        Raises:
            LabelStudioError: The tasks cannot be listed.
            DatabaseError: What is known cannot be read.
        """
        drafted = tasks_in_progress(self._api, self._project_id)
        unfinished = chosen_tasks(self._api, self._project_id, TaskChoice(unfinished=True))
        candidates = tuple(task for task in unfinished if task.id not in drafted)
        labelled = tuple(annotated_tasks(self._api, self._project_id))
        missing = self._scoring.missing(candidates, labelled)
        return QueuePlan(candidates, labelled, len(drafted), missing)

    def compute(self, plan: QueuePlan, checks: PredictionChecks) -> Generator[Finished, None, None]:
        """Compute what is missing; see `TaskScoring.compute`."""
        return self._scoring.compute(plan.missing, checks)

    def unchanged(self, plan: QueuePlan) -> QueueRound | None:
        """The newest round, if nothing has changed since it was made; None if something has.

        Args:
            plan: Of `plan`. Tasks of which something is still missing are left out.

        Raises:
            DatabaseError: The rounds cannot be read.
        """
        newest = self._rounds.newest(self._project_id)
        if newest is None or newest.former is None:
            return None
        return newest if newest.situation == self._digest(*self._known(plan)) else None

    def order(self, plan: QueuePlan) -> QueueRound | None:
        """Make a new order and write it down.

        Args:
            plan: Of `plan`, after computing. Tasks of which something is still missing are left out.

        Returns:
            The new round; None if no task is left.

        Raises:
            LabelStudioError: Label Studio refused, failed, or cannot be reached.
            DatabaseError: The rounds cannot be read or written.
        """
        candidates, labelled = self._known(plan)
        if not candidates:
            return None
        made = self._order.make(
            SELECTORS.create(self._wish.selector),
            candidates,
            labelled,
            budget=self._wish.budget,
            seed=self._wish.seed,
        )
        new = QueueRound(
            self._project_id,
            self._following.next_number(),
            self._version,
            self._wish.selector,
            self._wish.budget,
            self._digest(candidates, labelled),
            made.task_ids,
            made.utilities,
            self._following.former(),
        )
        self._rounds.begin(new)
        return new

    def follow(self, order: QueueRound) -> Followed:
        """Make Label Studio follow a round; see `QueueFollowing.follow`."""
        return self._following.follow(order, self._answers.predictions)

    def _known(self, plan: QueuePlan) -> tuple[list[Task], list[Task]]:
        missing = self._scoring.missing(plan.candidates, plan.labelled)
        gone = {task.id for task in (*missing.answers, *missing.looks)}
        return (
            [task for task in plan.candidates if task.id not in gone],
            [task for task in plan.labelled if task.id not in gone],
        )

    def _digest(self, candidates: Iterable[Task], labelled: Iterable[Task]) -> str:
        wish = self._wish
        digest = hashlib.sha256(
            json.dumps([self._version, self._basis, wish.selector, wish.budget, wish.seed]).encode()
        )
        for tasks in (candidates, labelled):
            for task in tasks:
                meta = json.dumps(imported_meta(task.meta), sort_keys=True)
                digest.update(f"{task.id} {task_digest(task)} {meta}\n".encode())
            digest.update(b"\n")
        return digest.hexdigest()
