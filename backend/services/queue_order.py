"""From what is known of a project's tasks to the order in which they are asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from backend.labelstudio.payloads import Task
from backend.selection.base import Figures, Numbers, Places, Selector, Situation, ranked
from backend.selection.table import figures_of
from backend.services.bulk_prelabelling import number_of
from backend.services.sequences import SequenceFields
from backend.state.task_figures import TaskFigures

EMBEDDINGS = "embeddings"
"""What selectors call looks of pictures."""


@dataclass(frozen=True, eq=False)
class Order:
    """An order of N tasks.

    Attributes:
        task_ids: (N,) the first to be asked first.
        utilities: (N,) what each would teach on its own, in the selector's own unit.
    """

    task_ids: NDArray[np.int64]
    utilities: Numbers


class QueueOrder:
    """Puts the tasks of one project in order.

    Args:
        figures: What versions said about them.
        project_id: The project.
        seen_by: Name under which looks are kept, see `Eye.version`.
        trained: Whether that is a trained version, which says how sure it is.
        sequences: Where tasks say which sequence they are of.
    """

    def __init__(
        self,
        figures: TaskFigures,
        *,
        project_id: int,
        seen_by: str,
        trained: bool,
        sequences: SequenceFields,
    ) -> None:
        self._figures = figures
        self._project_id = project_id
        self._seen_by = seen_by
        self._trained = trained
        self._sequences = sequences

    def make(
        self,
        selector: Selector,
        candidates: Sequence[Task],
        labelled: Sequence[Task],
        *,
        budget: int,
        seed: int,
    ) -> Order:
        """Order tasks; the same tasks and the same seed always give the same order.

        Args:
            selector: Decides.
            candidates: At least one, ascending by number; everything that the selector uses is known of them.
            labelled: Annotated tasks, ascending by number; what they are like is known.
            budget: How many are chosen together; the others follow by their utility.
            seed: Of all chance.

        Raises:
            DatabaseError: What is known cannot be read.
        """
        situation = self._situation(selector.uses, candidates, labelled)
        ranking = ranked(selector, situation, budget, np.random.default_rng(seed))
        numbers = np.array([number_of(task) for task in candidates], dtype=np.int64)
        return Order(numbers[ranking.order], ranking.utilities[ranking.order])

    def _situation(
        self, uses: frozenset[str], candidates: Sequence[Task], labelled: Sequence[Task]
    ) -> Situation:
        tasks = [*candidates, *labelled]
        groups, frames = self._places(tasks)
        everything = Places(self._looks(tasks, wanted=EMBEDDINGS in uses), groups, frames)
        first = np.arange(len(candidates))
        figures = self._figures_of(candidates) if self._trained and uses - {EMBEDDINGS} else None
        return Situation(everything[first], everything[np.arange(len(candidates), len(tasks))], figures)

    def _places(self, tasks: Sequence[Task]) -> tuple[NDArray[np.int64], Numbers]:
        numbers: dict[object, int] = {}
        groups = np.empty(len(tasks), dtype=np.int64)
        frames = np.full(len(tasks), np.nan)
        for index, task in enumerate(tasks):
            place = self._sequences.place(task.data, task.meta)
            name = self._sequences.group(task.data, task.meta)
            key = number_of(task) if name is None else (name,)  # a task of its own is no sequence's name
            groups[index] = numbers.setdefault(key, len(numbers))
            if place is not None:
                frames[index] = place.frame
        return groups, frames

    def _looks(self, tasks: Sequence[Task], *, wanted: bool) -> NDArray[np.float32]:
        if not wanted:
            return np.zeros((len(tasks), 0), dtype=np.float32)
        numbers = np.array([number_of(task) for task in tasks], dtype=np.int64)
        distinct, places = np.unique(numbers, return_inverse=True)
        return self._figures.embeddings(self._project_id, self._seen_by, distinct)[places]

    def _figures_of(self, candidates: Sequence[Task]) -> Figures:
        """The table, made page by page: the figures of 100,000 pictures as objects would be far larger."""
        numbers = np.array([number_of(task) for task in candidates], dtype=np.int64)
        parts = []
        for page in self._figures.pages(self._project_id, self._seen_by, numbers):
            disagreements = [look.disagreement for look in page if look.disagreement is not None]
            parts.append(
                figures_of(
                    [look.figures for look in page if look.figures is not None],
                    disagreements if len(disagreements) == len(page) else None,
                )
            )
        return _below_each_other(parts)


def _below_each_other(parts: Sequence[Figures]) -> Figures:
    columns: dict[str, Numbers | None] = {}
    for field in fields(Figures):
        values = [getattr(part, field.name) for part in parts]
        columns[field.name] = None if any(value is None for value in values) else np.concatenate(values)
    return Figures(**columns)  # type: ignore[arg-type] # each column by its own name
