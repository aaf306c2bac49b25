"""Why a task stands where it does in the queue, in figures and words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from backend.errors import QueueRoundError
from backend.state.queue_rounds import QueueRound, QueueRounds
from backend.state.task_figures import TaskFigures, TaskLook

_WORDS = {
    "quality": "expected Dice coefficient of the pre-labels",
    "selective_entropy": "uncertainty at objects and their outlines",
    "entropy": "uncertainty of the whole picture",
    "least_confidence": "1 - probability of the best class, on average",
    "margin": "closeness of the two best classes, on average",
    "foreground": "share of the picture that belongs to objects",
    "mutual_information": "disagreement of the network with itself when features are dropped",
    "disagreement": "disagreement with earlier versions",
}


@dataclass(frozen=True)
class Figure:
    """A figure of a task.

    Attributes:
        words: What it is.
        value: In [0, 1].
        higher: Share of the queue's tasks with a higher one, in [0, 1].
    """

    words: str
    value: float
    higher: float


@dataclass(frozen=True)
class Explanation:
    """Why a task stands where it does.

    Attributes:
        order: The round that put it there.
        place: Its place, from 1.
        utility: What it would teach on its own, in the selector's own unit.
        more_useful: How many tasks of the queue would teach more on their own.
        figures: What the version says about it; none before the first training.
    """

    order: QueueRound
    place: int
    utility: float
    more_useful: int
    figures: tuple[Figure, ...]

    @property
    def in_batch(self) -> bool:
        """Whether it was chosen together with others, so that they are not alike."""
        return self.place <= self.order.budget


def explained(rounds: QueueRounds, figures: TaskFigures, project_id: int, task_id: int) -> Explanation:
    """Look up why a task stands where it does.

    Raises:
        QueueRoundError: There is no queue, or the task is not in it.
        DatabaseError: What is known cannot be read.
    """
    order = rounds.newest(project_id, finished=True)
    if order is None:
        raise QueueRoundError(f"Project {project_id} has no queue that Label Studio follows.")
    places = np.flatnonzero(order.task_ids == task_id)
    if not len(places):
        raise QueueRoundError(
            f"Task {task_id} is not among the {len(order.task_ids)} tasks of round {order.number}: then it "
            "needed no annotation, had a draft, had no readable picture, or did not exist."
        )
    place = int(places[0])
    utility = float(order.utilities[place])
    known = [
        look
        for page in figures.pages(project_id, order.version, np.sort(order.task_ids))
        for look in page
        if look.figures is not None
    ]
    return Explanation(
        order, place + 1, utility, int((order.utilities > utility).sum()), _figures(known, task_id)
    )


def _figures(known: list[TaskLook], task_id: int) -> tuple[Figure, ...]:
    index = next((index for index, look in enumerate(known) if look.task_id == task_id), None)
    if index is None:
        return ()
    found = []
    for name, words in _WORDS.items():
        values = [
            look.disagreement if name == "disagreement" else getattr(look.figures, name) for look in known
        ]
        if any(value is None for value in values):
            continue
        column = np.array(values, dtype=np.float64)
        found.append(Figure(words, float(column[index]), float((column > column[index]).mean())))
    return tuple(found)
