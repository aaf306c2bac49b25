"""From the annotations of a task to what inspection rules look at.

Whose annotations count, and what of them, is said in `annotated_pictures`: skips, what a model labelled and
nobody changed, older annotations of the same person, and whatever cannot be read are not inspected. Where
somebody marked an annotation as ground truth, only such are left, and these were accepted by that.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backend.errors import RequestError
from backend.inspection.base import Belief, DrawnObject, PromptStep, Subject, Work
from backend.labelstudio.annotations import AnnotatedRegion, decode_annotation, item_text
from backend.labelstudio.automatic_annotations import without_error_areas
from backend.labelstudio.controls import Control, ControlKind
from backend.labelstudio.image_addresses import PictureAddress
from backend.labelstudio.images import ImageLoader
from backend.labelstudio.label_config import LabelConfig
from backend.labelstudio.submissions import AnnotatedTask, Submitted
from backend.services.annotated_pictures import (
    AUTOMATIC,
    EMPTY_SHAPES,
    SKIPPED,
    UNREADABLE,
    PictureReader,
    Statement,
)
from backend.services.example_making import NO_PICTURE, PictureOfTask
from backend.services.label_schemas import class_of, label_schema
from backend.services.sequences import SequenceFields
from backend.state.click_log import ClickRecord
from backend.state.inspections import PictureKey
from models.arrays import Image
from models.regions import Region

ACCEPTED = "maskloop_accepted"
"""Name of the question whose answer, whatever it is, accepts an annotation as it is."""
BeliefOf = Callable[[str, Image], Belief | None]
"""Told the picture as "<task>/<name of the picture>" and its pixels; None before the first training."""
_NOT_INSPECTED = (SKIPPED, AUTOMATIC, UNREADABLE, EMPTY_SHAPES)


@dataclass(frozen=True)
class KnownWork:
    """What is known about tasks beside their annotations. All of it may be called by several threads.

    Attributes:
        clicks: What the interactive model was asked for in a task, oldest first.
        prediction: The result items of a prediction, by its number; None if it is gone.
        embedding: What a picture is like, (D,) of length 1.
    """

    clicks: Callable[[int], Sequence[ClickRecord]]
    prediction: Callable[[int], Sequence[Any] | None]
    embedding: Callable[[Image], NDArray[np.float32]]


@dataclass(frozen=True, eq=False)
class AnnotatedSubject:
    """One annotation of one picture, before the picture is loaded.

    Attributes:
        key: Names it.
        accepted: Whether somebody marked it as ground truth, or ticked that it is accepted.
        content: SHA-256 of what was drawn and answered.
        digest: SHA-256 of everything that rules are shown, but for what a network believes.
        subject: Loads the picture and puts everything together; raises `MaskloopError` if that fails.
    """

    key: PictureKey
    accepted: bool
    content: str
    digest: str
    subject: Callable[[BeliefOf], Subject]


class InspectionSubjects:
    """Makes the subjects of one project. Safe between threads.

    Args:
        project_id: The project.
        config: Its labelling config.
        images: Loads pictures.
        sequences: Where a task says which sequence it is of.
        known: What else is known.
    """

    def __init__(
        self,
        project_id: int,
        config: LabelConfig,
        *,
        images: ImageLoader,
        sequences: SequenceFields,
        known: KnownWork,
    ) -> None:
        self._project_id = project_id
        self._config = config
        self._schema = label_schema(config)
        self._images = images
        self._sequences = sequences
        self._known = known
        self._controls = {
            (c.name, c.to_name): c for name in config.images for c in config.mask_controls(name)
        }

    def of_task(self, task: AnnotatedTask, left_out: Counter[str]) -> Iterator[AnnotatedSubject]:
        """What can be inspected of a task.

        Args:
            task: With its annotations.
            left_out: Counts what cannot be inspected, by the reason.
        """
        skipped: Counter[str] = Counter()
        reader = PictureReader(self._config, self._schema, skipped)
        statements = reader.statements(task)
        left_out.update({reason: skipped[reason] for reason in _NOT_INSPECTED if skipped[reason]})
        for to_name in self._config.images:
            try:
                url = self._config.image_url(to_name, task.data)
            except RequestError:
                left_out[NO_PICTURE] += 1
                continue
            for statement in statements:
                others = [each for each in statements if each is not statement]
                yield self._of_picture(task, to_name, url, statement, others, reader)

    def _of_picture(
        self,
        task: AnnotatedTask,
        to_name: str,
        url: PictureAddress,
        statement: Statement,
        others: Sequence[Statement],
        reader: PictureReader,
    ) -> AnnotatedSubject:
        submitted = statement.submitted
        answers = reader.answers_about(to_name, statement)
        group = self._sequences.group(task.data, task.meta) or ""
        place = self._sequences.place(task.data, task.meta) if len(self._config.images) == 1 else None
        frame = None if place is None else place.frame
        content = _digest(list(submitted.result))

        def subject(belief_of: BeliefOf) -> Subject:
            size_hw = next((region.size_hw for region in statement.drawn_on(to_name)), None)
            load = PictureOfTask(self._images, url, task.id, self._project_id, size_hw)
            image = load()
            shown_hw = image.shape[0], image.shape[1]
            return Subject(
                image=image,
                objects=self._objects(statement, to_name),
                classes=self._schema.classes,
                group=group,
                frame=frame,
                embedding=self._known.embedding(image),
                belief=belief_of(f"{task.id}/{to_name}", image),
                work=self._work(task, to_name, submitted, shown_hw),
                others=tuple(
                    self._objects(each, to_name) for each in others if _fits(each, to_name, shown_hw)
                ),
                answers=answers,
            )

        shown = [
            content,
            sorted(_digest(list(each.submitted.result)) for each in others),
            [submitted.annotator, submitted.lead_time_s, group, frame, url, to_name],
            repr((self._schema, sorted(self._controls))),
        ]
        key = PictureKey(task.id, submitted.id, to_name)
        accepted = submitted.ground_truth or any(map(_is_tick, submitted.result))
        return AnnotatedSubject(key, accepted, content, _digest(shown), subject)

    def _objects(self, statement: Statement, to_name: str) -> tuple[DrawnObject, ...]:
        return tuple(self._object(drawn) for drawn in statement.drawn_on(to_name))

    def _object(self, drawn: AnnotatedRegion) -> DrawnObject:
        control = self._controls[drawn.control_name, drawn.to_name]
        region = _named(drawn, control)
        return DrawnObject(drawn.id, region, drawn.outline, control.kind is ControlKind.RECTANGLE)

    def _work(
        self, task: AnnotatedTask, to_name: str, submitted: Submitted, size_hw: tuple[int, int]
    ) -> Work:
        return Work(
            annotator=submitted.annotator,
            seconds=submitted.lead_time_s,
            began_from=self._began_from(submitted, to_name, size_hw),
            prompts=prompt_series(self._clicks_for(task, submitted), to_name),
        )

    def _began_from(
        self, submitted: Submitted, to_name: str, size_hw: tuple[int, int]
    ) -> tuple[Region, ...] | None:
        if submitted.prediction_id is None:
            return None
        result = self._known.prediction(submitted.prediction_id)
        if result is None:
            return None
        items = without_error_areas([each for each in result if isinstance(each, dict)], self._config)
        decoded = decode_annotation(items, self._controls.values(), {to_name: size_hw})
        return tuple(
            _named(drawn, self._controls[drawn.control_name, drawn.to_name])
            for drawn in decoded.regions
            if drawn.to_name == to_name
        )

    def _clicks_for(self, task: AnnotatedTask, submitted: Submitted) -> list[ClickRecord]:
        """Clicks do not say whose they are; they are taken for those of whoever submitted next."""
        times = sorted(each.updated_at for each in task.annotations)
        before = max((at for at in times if at < submitted.updated_at), default=0.0)
        last = submitted.updated_at if submitted.updated_at != times[-1] else float("inf")
        return [each for each in self._known.clicks(task.id) if before < each.at.timestamp() <= last]


def prompt_series(records: Sequence[ClickRecord], to_name: str) -> tuple[tuple[PromptStep, ...], ...]:
    """What the interactive model was asked for on a picture, one series for each object.

    The editor sends all prompts of an object again with each new one, so records with a common prompt are of
    one object.

    Args:
        records: Of a task, oldest first.
        to_name: The picture's name in the labelling config.
    """
    series: list[tuple[set[str], list[PromptStep]]] = []
    for record in (each for each in records if each.to_name == to_name):
        ids = set(record.prompt_ids)
        known, steps = next((each for each in series if each[0] & ids), (set[str](), list[PromptStep]()))
        if not steps:
            series.append((known, steps))
        known |= ids
        steps.append(PromptStep(record.at.timestamp(), record.prompts, record.area, record.overlap))
    return tuple(tuple(steps) for _, steps in series)


def _is_tick(item: Any) -> bool:
    if not isinstance(item, dict) or item_text(item, "from_name") != ACCEPTED:
        return False
    value = item.get("value")
    return isinstance(value, dict) and bool(value.get("choices"))


def _named(drawn: AnnotatedRegion, control: Control) -> Region:
    name = class_of(control, drawn.labels) or next(iter(drawn.labels), "")
    return Region(drawn.region.mask, drawn.region.top, drawn.region.left, name)


def _fits(statement: Statement, to_name: str, size_hw: tuple[int, int]) -> bool:
    return all(region.size_hw == size_hw for region in statement.drawn_on(to_name))


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode("ascii")).hexdigest()
