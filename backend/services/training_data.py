"""What a project's annotators said about its pictures, as examples to learn from.

Read through the API if there is a key, else from the webhook inbox alone. Pictures are not loaded here, but
for those with boxes; whoever learns from an example loads its picture and counts those that cannot be loaded.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from backend.errors import NothingAnnotatedError
from backend.labelstudio.annotated_tasks import AnnotatedTasks
from backend.labelstudio.images import ImageLoader
from backend.labelstudio.label_config import LabelConfig
from backend.labelstudio.submissions import AnnotatedTask
from backend.services.box_masks import BoxMasks
from backend.services.example_making import ExampleMaker
from backend.services.inbox_annotations import InboxAnnotations
from backend.services.label_schemas import label_schema
from backend.services.sequences import SequenceFields
from backend.state.event_inbox import EventInbox
from models.label_schema import LabelSchema
from models.training.examples import Example

logger = logging.getLogger(__name__)


class Submissions(Protocol):
    """Where annotations are read from."""

    def label_config(self, project_id: int) -> str:
        """The project's labelling config, XML."""

    def tasks(self, project_id: int) -> Iterator[AnnotatedTask]:
        """The annotated tasks, in order of their numbers."""


@dataclass(frozen=True, eq=False)
class TrainingData:
    """What there is to learn from in a project.

    Attributes:
        examples: One for each annotated picture, in order of the tasks' numbers.
        schema: What is asked about the pictures.
        source: "api" or "inbox".
        skipped: How much was left out, by the reason.
        newest_event: Number of the project's newest webhook event when reading began; what it tells is in.
    """

    examples: tuple[Example, ...]
    schema: LabelSchema
    source: str
    skipped: Mapping[str, int]
    newest_event: int


class TrainingDataReader:
    """Reads the examples of projects. Used by one thread.

    Args:
        inbox: The webhook inbox.
        api: Label Studio's API, None without a key.
        images: Loads pictures, now or when an example is used.
        boxes: Turns drawn boxes into masks; None leaves them boxes.
        sequences: Where a task says which sequence it is of.
    """

    def __init__(
        self,
        *,
        inbox: EventInbox,
        api: AnnotatedTasks | None,
        images: ImageLoader,
        boxes: BoxMasks | None,
        sequences: SequenceFields,
    ) -> None:
        self._inbox = inbox
        self._source: Submissions = api if api is not None else InboxAnnotations(inbox)
        self._source_name = "api" if api is not None else "inbox"
        self._images = images
        self._boxes = boxes
        self._sequences = sequences

    def read(self, project_id: int, *, report: Callable[[int], None] | None = None) -> TrainingData:
        """Read all examples of a project.

        Args:
            project_id: The project.
            report: Told after each task how many were read; what it raises ends the reading.

        Raises:
            LabelStudioError: The API refused, failed, or cannot be reached.
            LabelConfigError: The project's labelling config cannot be used.
            NothingAnnotatedError: There is nothing to learn from; says what was left out.
            DatabaseError: The inbox cannot be read.
            MaskloopError: A box cannot be turned into a mask, see `BoxMasks`.
        """
        if self._source_name == "inbox":
            logger.warning(
                "Project %d is read from webhooks alone: earlier annotations are not known. Set "
                "MASKLOOP_LABEL_STUDIO_API_KEY to read all.",
                project_id,
            )
        newest_event = self._inbox.newest(project_id)  # first: what comes in while reading is for next time
        config = LabelConfig.parse(self._source.label_config(project_id))
        schema = label_schema(config)
        if not (schema.classes or schema.questions):
            raise NothingAnnotatedError(
                f"The labelling config of project {project_id} asks for nothing that can be learnt: key "
                "points, prompts and what is left to people cannot."
            )
        maker = ExampleMaker(
            project_id,
            config,
            schema,
            images=self._images,
            boxes=self._boxes,
            sequences=self._sequences,
        )
        examples: list[Example] = []
        for number, task in enumerate(self._source.tasks(project_id), start=1):
            examples += maker.examples(task)
            if report is not None:
                report(number)
        left_out = {reason: count for reason, count in sorted(maker.skipped.items()) if count}
        logger.info(
            "Project %d: %d examples from the %s; left out: %s",
            project_id,
            len(examples),
            self._source_name,
            _listed(left_out),
        )
        if not examples:
            raise NothingAnnotatedError(
                f"Project {project_id} holds nothing to learn from, as far as the {self._source_name} tells. "
                f"Left out: {_listed(left_out)}."
            )
        return TrainingData(tuple(examples), schema, self._source_name, left_out, newest_event)


def _listed(left_out: Mapping[str, int]) -> str:
    return "; ".join(f"{count} {reason}" for reason, count in left_out.items()) or "nothing"
