"""From the annotations of a task to what people say about each of its pictures.

What counts, and why:

* Skips do not, and neither does what a model labelled and nobody has changed. A submitted annotation without
  regions does: it says that there is no object, unless nobody was asked for objects.
* If anybody marked an annotation as ground truth, only such count. Of each annotator's annotations only the
  newest counts.
* Prompts, key points, error areas and controls that are left to people are no objects. If prompts are all
  that was submitted, the mask was lost with them (the editor saves the points when somebody submits with a
  suggestion pending), so this says nothing about objects.
* A region that cannot be read takes its annotation along: without it the picture would teach that there is
  nothing. The same holds for pictures whose annotations disagree about its size.
* A question with several answers that was left alone is answered: none of them holds, as the editor stores
  nothing for it. Other questions that were left alone were not answered.
* Shapes without a pixel, and objects whose label or control is no longer in the config, are left out alone.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from backend.labelstudio.annotations import AnnotatedRegion, decode_annotation, item_names, item_text
from backend.labelstudio.controls import PROMPT_KINDS, Control, ControlKind
from backend.labelstudio.label_config import LabelConfig
from backend.labelstudio.region_values import REGION_KINDS
from backend.labelstudio.submissions import AnnotatedTask, Submitted
from backend.services.label_schemas import class_of
from models.label_schema import LabelSchema
from models.regions import Region

logger = logging.getLogger(__name__)

SKIPPED = "annotations that are skips"
AUTOMATIC = "annotations that a model made and nobody changed"
UNREADABLE = "annotations with a region that cannot be read"
ONLY_PROMPTS = "annotations that hold only prompts"
SILENT = "annotations that answer nothing"
EMPTY_SHAPES = "regions that cover no pixel"
UNKNOWN_CONTROL = "regions of controls that are not in the labelling config"
UNKNOWN_LABEL = "regions without a label of the labelling config"
SIZES_DIFFER = "pictures with annotations made on another size"
_REGION_TYPES = frozenset(
    {kind.value for kind in REGION_KINDS} | {f"{kind.value}labels" for kind in REGION_KINDS}
)

Json = Mapping[str, Any]
_Names = tuple[str, str]


@dataclass(frozen=True, eq=False)
class DrawnObject:
    """An object that somebody drew.

    Attributes:
        region: Its pixels and its class.
        is_box: Whether only its box was drawn.
    """

    region: Region
    is_box: bool


@dataclass(frozen=True, eq=False)
class Opinion:
    """What one person says about a picture.

    Attributes:
        objects: All objects; None if the person was not asked, or the answer was lost.
        answers: Chosen answers by the name of the question; none for one of which none holds.
    """

    objects: tuple[DrawnObject, ...] | None
    answers: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, eq=False)
class Statement:
    """One annotation, read.

    Attributes:
        submitted: The annotation.
        regions: Its objects, those without a known label included.
        choices: Chosen answers by the names of the question and of the picture.
        lost: Names of the pictures whose masks were not submitted.
    """

    submitted: Submitted
    regions: tuple[AnnotatedRegion, ...]
    choices: Mapping[_Names, tuple[str, ...]]
    lost: frozenset[str]

    def drawn_on(self, to_name: str) -> list[AnnotatedRegion]:
        """The objects on one of the pictures."""
        return [region for region in self.regions if region.to_name == to_name]


@dataclass(frozen=True, eq=False)
class AnnotatedPicture:
    """What people say about a picture.

    Attributes:
        to_name: Name of its `<Image>`.
        size_hw: Height and width that it had in the editor; None if nobody drew anything.
        opinions: The newest first; at least one.
    """

    to_name: str
    size_hw: tuple[int, int] | None
    opinions: tuple[Opinion, ...]


class PictureReader:
    """Reads the annotations of tasks with one labelling config. Used by one thread.

    Args:
        config: The labelling config.
        schema: What is asked, see `label_schema`.
        skipped: Counts what is left out, by the reason.
    """

    def __init__(self, config: LabelConfig, schema: LabelSchema, skipped: Counter[str]) -> None:
        self._config = config
        self._skipped = skipped
        self._questions = {question.name: question for question in schema.questions}
        learnt = [c for name in config.images for c in (*config.mask_controls(name), *config.questions(name))]
        self._controls: dict[_Names, Control] = {(c.name, c.to_name): c for c in learnt}
        self._known = {(c.name, c.to_name) for c in config.controls}
        self._prompting = {
            (c.name, c.to_name) for c in config.controls if c.kind in PROMPT_KINDS and c.smart is True
        }

    def pictures(self, task: AnnotatedTask) -> list[AnnotatedPicture]:
        """The task's pictures that somebody said something about, in document order."""
        statements = self.statements(task)
        pictures = []
        silent = {number for number, each in enumerate(statements) if not each.lost}
        for to_name in self._config.images:
            sizes = {region.size_hw for each in statements for region in each.drawn_on(to_name)}
            if len(sizes) > 1:
                self._skipped[SIZES_DIFFER] += 1
                silent.clear()
                continue
            opinions = []
            for number, each in enumerate(statements):
                opinion = self._opinion(to_name, each)
                if opinion is not None:
                    opinions.append(opinion)
                    silent.discard(number)
            if opinions:
                pictures.append(AnnotatedPicture(to_name, next(iter(sizes), None), tuple(opinions)))
        self._skipped[SILENT] += len(silent)
        return pictures

    def statements(self, task: AnnotatedTask) -> list[Statement]:
        """The annotations that count and can be read, the newest first."""
        return [each for each in map(self._statement, self._counting(task)) if each is not None]

    def answers_about(self, to_name: str, statement: Statement) -> dict[str, tuple[str, ...]]:
        """What an annotation answers about a picture, by the question."""
        answers: dict[str, tuple[str, ...]] = {}
        for name in (control.name for control in self._config.questions(to_name)):
            question, chosen = self._questions.get(name), statement.choices.get((name, to_name))
            if question is None:
                continue
            known = tuple(answer for answer in chosen or () if answer in question.answers)
            if known or (question.multiple and chosen is None):
                answers[name] = known
        return answers

    def _counting(self, task: AnnotatedTask) -> list[Submitted]:
        """The annotations that count, the newest first."""
        submitted = [each for each in task.annotations if not each.cancelled]
        self._skipped[SKIPPED] += len(task.annotations) - len(submitted)
        self._skipped[AUTOMATIC] += sum(each.automatic for each in submitted)
        submitted = [each for each in submitted if not each.automatic]
        truths = [each for each in submitted if each.ground_truth]
        newest: dict[tuple[str, int], Submitted] = {}
        for each in truths or submitted:  # oldest first
            person = ("annotation", each.id) if each.annotator is None else ("annotator", each.annotator)
            newest[person] = each
        return sorted(newest.values(), key=lambda each: (each.updated_at, each.id), reverse=True)

    def _statement(self, submitted: Submitted) -> Statement | None:
        decoded = decode_annotation(self._learnt(submitted.result), self._controls.values())
        self._skipped[EMPTY_SHAPES] += decoded.n_empty
        if len(decoded.problems) > decoded.n_empty:
            logger.warning("Annotation %d is left out: %s", submitted.id, decoded.problems[0])
            self._skipped[UNREADABLE] += 1
            return None
        prompted = {item_names(item)[1] for item in submitted.result if self._is_prompt(item)}
        lost = prompted - {region.to_name for region in decoded.regions}
        self._skipped[ONLY_PROMPTS] += bool(lost)
        return Statement(submitted, decoded.regions, decoded.choices, frozenset(lost))

    def _learnt(self, items: Sequence[Any]) -> list[Any]:
        """The items of what is learnt, and those that belong to the same regions."""
        objects = [each for each in items if isinstance(each, dict)]
        ids = {item_text(each, "id") for each in objects if item_names(each) in self._controls} - {""}
        self._skipped[UNKNOWN_CONTROL] += sum(
            item_text(each, "type") in _REGION_TYPES and item_names(each) not in self._known
            for each in objects
        )
        return [
            each
            for each in items
            if not isinstance(each, dict)
            or item_names(each) in self._controls
            or item_text(each, "id") in ids
        ]

    def _is_prompt(self, item: Any) -> bool:
        return isinstance(item, dict) and (item_names(item) in self._prompting or "is_positive" in item)

    def _opinion(self, to_name: str, statement: Statement) -> Opinion | None:
        answers = self.answers_about(to_name, statement)
        if to_name in statement.lost or not self._config.mask_controls(to_name):
            return Opinion(None, answers) if answers else None
        objects = [self._object(region) for region in statement.drawn_on(to_name)]
        return Opinion(tuple(each for each in objects if each is not None), answers)

    def _object(self, drawn: AnnotatedRegion) -> DrawnObject | None:
        control = self._controls[drawn.control_name, drawn.to_name]
        class_name = class_of(control, drawn.labels)
        if class_name is None:
            self._skipped[UNKNOWN_LABEL] += 1
            return None
        region = replace(drawn.region, class_name=class_name, score=1.0)
        return DrawnObject(region, control.kind is ControlKind.RECTANGLE)
