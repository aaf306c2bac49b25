"""Audits, reported: what people made of the drawn tasks says how right all automatic labels are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backend.labelstudio.rest import LabelStudioApi
from backend.labelstudio.submissions import Submitted
from backend.labelstudio.task_counts import task_count
from backend.labelstudio.task_predictions import annotations_of
from backend.services.agreement import Agreement, TaskAgreement
from backend.services.audit_draw import labelled_by_people
from backend.services.audit_statistics import Estimate, mean_of, share_of, stratum_weights
from backend.state.audits import Audit, DrawnTask

THRESHOLDS = (0.5, 0.75, 0.9)
"""Least IoU with which a picture, or an object, counts as right."""


@dataclass(frozen=True)
class Automation:
    """How much of a project people did not label.

    Attributes:
        tasks: All tasks.
        labelled: Those that people annotated, without those that were drawn.
    """

    tasks: int
    labelled: int

    @property
    def share(self) -> float:
        """1 - labelled by people / all (Bangert 2021); 0 without tasks."""
        return 1 - self.labelled / self.tasks if self.tasks else 0.0


@dataclass(frozen=True)
class AuditReport:
    """What the checked tasks say about all that could have been drawn.

    Attributes:
        audit: Number of the audit.
        version: That was audited.
        drawn: How many tasks were drawn.
        checked: How many of them people have submitted since.
        unreadable: How many of these could not be compared.
        unchanged: Share whose objects and answers are exactly the predicted ones; None where nothing was
            checked, as below.
        dice: Mean Dice coefficient of a picture.
        object_iou: Mean IoU of an object with its partner, 0 without one.
        pictures: By least IoU, the share of pictures that reach it.
        objects: By least IoU, the share of objects that reach it.
        answers: By question, the share of right answers.
        automation: How much people did not label.
    """

    audit: int
    version: str
    drawn: int
    checked: int
    unreadable: int
    unchanged: Estimate | None
    dice: Estimate | None
    object_iou: Estimate | None
    pictures: Mapping[float, Estimate]
    objects: Mapping[float, Estimate]
    answers: Mapping[str, Estimate]
    automation: Automation


def checked_annotation(annotations: Sequence[Submitted]) -> Submitted | None:
    """What a person made of a drawn task, the newest annotation; None if nobody has checked it.

    Nobody had annotated it when it was drawn, so whatever a person says was said since.

    Args:
        annotations: Oldest first.
    """
    own = [each for each in annotations if not (each.cancelled or each.automatic)]
    return own[-1] if own else None


def read_checked(
    api: LabelStudioApi, audit: Audit, advance: Callable[[], None]
) -> list[tuple[DrawnTask, Submitted]]:
    """The drawn tasks that people have checked, with what they submitted.

    Args:
        api: Label Studio.
        audit: The audit.
        advance: Called after each task.

    Raises:
        LabelStudioError: Label Studio refused, failed, or cannot be reached.
    """
    found = []
    for task in audit.tasks:
        annotation = checked_annotation(annotations_of(api, task.id))
        if annotation is not None:
            found.append((task, annotation))
        advance()
    return found


def report(
    audit: Audit,
    checked: Sequence[tuple[DrawnTask, Submitted]],
    agreement: Agreement,
    automation: Automation,
) -> AuditReport:
    """Sum up what people made of the drawn tasks.

    Args:
        audit: The audit.
        checked: See `read_checked`.
        agreement: Compares results of the project.
        automation: How much people did not label.
    """
    compared = [(task, agreement.of_task(task.result, said.result)) for task, said in checked]
    known = [(task.stratum, found) for task, found in compared if found is not None]
    sizes = [stratum.size for stratum in audit.strata]

    def weights(strata: Sequence[int]) -> NDArray[np.float64]:
        return stratum_weights(strata, sizes)

    drawn = [(kind, found) for kind, found in known if found.dice is not None]
    kinds = [kind for kind, _ in drawn]
    counts = [len(found.object_ious) for _, found in drawn]
    pictures, objects = {}, {}
    for least in THRESHOLDS if drawn else ():
        pictures[least] = share_of([_reaches(found.iou or 0.0, least) for _, found in drawn], weights(kinds))
        reached = [sum(_reaches(iou, least) for iou in found.object_ious) for _, found in drawn]
        of_objects = mean_of(reached, counts, kinds, weights(kinds))
        if of_objects is not None:
            objects[least] = of_objects
    answers = {}
    for name in sorted({name for _, found in known for name in found.right}):
        asked = [(kind, found.right[name]) for kind, found in known if name in found.right]
        answers[name] = share_of([right for _, right in asked], weights([kind for kind, _ in asked]))
    all_kinds = [kind for kind, _ in known]
    return AuditReport(
        audit=audit.number,
        version=audit.version,
        drawn=len(audit.tasks),
        checked=len(checked),
        unreadable=len(checked) - len(known),
        unchanged=share_of([_same(found) for _, found in known], weights(all_kinds)) if known else None,
        dice=mean_of([found.dice or 0.0 for _, found in drawn], [1] * len(drawn), kinds, weights(kinds))
        if drawn
        else None,
        object_iou=mean_of([sum(found.object_ious) for _, found in drawn], counts, kinds, weights(kinds))
        if drawn
        else None,
        pictures=pictures,
        objects=objects,
        answers=answers,
        automation=automation,
    )


def automation_of(api: LabelStudioApi, project_id: int, drawn: Sequence[int]) -> Automation:
    """How much of a project people did not label.

    Args:
        api: Label Studio.
        project_id: The project.
        drawn: Tasks that were drawn for audits: checking is not labelling.

    Raises:
        LabelStudioError: Label Studio refused, failed, or cannot be reached.
    """
    labelled = labelled_by_people(api, project_id) - set(drawn)
    return Automation(task_count(api, project_id), len(labelled))


def _reaches(iou: float, least: float) -> bool:
    """Half of the pixels is 0.5, however it was rounded on the way."""
    return iou >= least - 1e-9


def _same(found: TaskAgreement) -> bool:
    return (
        found.iou in (None, 1.0) and all(found.right.values()) and all(iou == 1 for iou in found.object_ious)
    )
