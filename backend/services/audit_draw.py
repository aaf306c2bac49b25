"""Audits, drawn: which of the tasks that a model labelled people shall check.

A stratified draw takes as many tasks from each range of scores, so that the few with low scores are looked at
as well; the report weighs every task by how many it stands for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from backend.errors import AuditError
from backend.labelstudio.annotated_tasks import AnnotatedTasks
from backend.labelstudio.rest import LabelStudioApi
from backend.labelstudio.tabs import put_tab
from backend.labelstudio.task_listing import number_is, shown_scores
from backend.labelstudio.task_predictions import prediction_of
from backend.state.audits import Audit, DrawnTask, Stratum

TAB = "Audit"
EDGES = (0.5, 0.7, 0.8, 0.9)
"""Scores between which the strata lie."""
LARGEST_SAMPLE = 500
"""The tab has a condition for each task, and SQLite takes 1,000 in a row."""


def population(api: LabelStudioApi, project_id: int, version: str) -> dict[int, float]:
    """Find the tasks that may be drawn.

    Returns:
        Scores of the tasks with a prediction of the version and no annotation of a person.

    Raises:
        LabelStudioError: Label Studio refused, failed, or cannot be reached.
    """
    labelled = labelled_by_people(api, project_id)
    scores = shown_scores(api, project_id, version)
    return {number: score for number, score in scores.items() if number not in labelled}


def draw(
    scores: Mapping[int, float], sample: int, seed: int, *, stratified: bool
) -> tuple[list[tuple[int, int]], tuple[Stratum, ...]]:
    """Draw tasks at random.

    Args:
        scores: Of the tasks.
        sample: How many are wanted.
        seed: The same seed draws the same tasks.
        stratified: Whether as many come from each range of scores, as far as it has them.

    Returns:
        Each task with its stratum, ascending by number; and the strata, those with tasks.
    """
    rng = np.random.default_rng(seed)
    numbers = np.array(sorted(scores), dtype=np.int64)
    values = np.array([scores[number] for number in numbers.tolist()])
    kinds = np.searchsorted(EDGES, values, side="right") if stratified else np.zeros(len(values), np.intp)
    strata, drawn = [], []
    groups = [numbers[kinds == kind] for kind in np.unique(kinds)]
    for place, (group, count) in enumerate(zip(groups, shared_out(sample, groups), strict=True)):
        own = [scores[number] for number in group.tolist()]
        strata.append(Stratum(min(own), max(own), len(group)))
        chosen = rng.choice(group, size=count, replace=False)
        drawn += [(int(number), place) for number in chosen.tolist()]
    return sorted(drawn), tuple(strata)


def shared_out(total: int, groups: Sequence[Sequence[int]]) -> list[int]:
    """As many for each group, as far as it has members; what is left over goes to the others."""
    counts = [0] * len(groups)
    left = min(total, sum(len(group) for group in groups))
    while left:
        open_groups = [place for place, group in enumerate(groups) if counts[place] < len(group)]
        fair = max(left // len(open_groups), 1)
        for place in open_groups[:left]:
            more = min(fair, len(groups[place]) - counts[place])
            counts[place] += more
            left -= more
    return counts


def drawn_tasks(
    api: LabelStudioApi, drawn: Sequence[tuple[int, int]], scores: Mapping[int, float], version: str
) -> list[DrawnTask]:
    """The drawn tasks with what was predicted for them.

    Raises:
        AuditError: A prediction is no longer there.
        LabelStudioError: Label Studio refused, failed, or cannot be reached.
    """
    tasks = []
    for number, stratum in drawn:
        prediction = prediction_of(api, number, version)
        if prediction is None:
            raise AuditError(f"Task {number} has lost its prediction of {version}. Draw again.")
        tasks.append(DrawnTask(number, stratum, scores[number], prediction["result"]))
    return tasks


def show_audit(api: LabelStudioApi, audit: Audit) -> None:
    """Put the tab there that has exactly the drawn tasks.

    Raises:
        LabelStudioError: Label Studio refused, failed, or cannot be reached.
    """
    conditions = [number_is("equal", task.id) for task in audit.tasks]
    put_tab(api, audit.project_id, TAB, conditions, ["tasks:id"], any_of=True)


def labelled_by_people(api: LabelStudioApi, project_id: int) -> set[int]:
    """Numbers of the tasks that hold an annotation of a person which is no skip.

    What was drawn is not read, so automatic annotations are told by their time alone.

    Raises:
        LabelStudioError: Label Studio refused, failed, or cannot be reached.
    """
    return {
        task.id
        for task in AnnotatedTasks(api, content=False).tasks(project_id)
        if any(not (each.automatic or each.cancelled) for each in task.annotations)
    }
