"""Pre-labels of a frame from its nearest annotated neighbour, where the gate found them to be better.

Neighbours are those that webhooks told of. They are an offer: whatever goes wrong with one, the network
answers.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from backend.labelstudio.controls import ControlKind
from backend.labelstudio.images import ImageLoader
from backend.labelstudio.label_config import LabelConfig
from backend.labelstudio.payloads import Task
from backend.labelstudio.submissions import AnnotatedTask, annotated_task, told_annotations
from backend.observability import Metrics
from backend.services.annotated_pictures import AnnotatedPicture, DrawnObject, PictureReader
from backend.services.annotation_merging import merged_regions
from backend.services.example_making import PictureOfTask
from backend.services.label_schemas import label_schema
from backend.services.sequences import SequenceFields
from backend.state.event_inbox import EventInbox
from backend.state.frames import Frames, Neighbour
from backend.state.model_store import ModelStore
from models.arrays import Image
from models.errors import ImageError, MaskloopError
from models.prelabel.base import PreLabels
from models.prelabel.neighbours import REACH, carried_over
from models.regions import Region
from models.training.propagation_gate import KEY

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class AnnotatedNeighbour:
    """A frame whose objects are known.

    Attributes:
        regions: All of them; at least one.
        image: The picture, (H, W, 3) RGB.
    """

    regions: tuple[Region, ...]
    image: Image


class Propagating:
    """Takes objects over from annotated neighbours. Safe between threads.

    Args:
        frames: Finds neighbours.
        inbox: What people submitted.
        store: Where trained versions lie, with what their gate found.
        sequences: Where tasks say which sequence they are of.
        images: Where pictures come from.
        metrics: What is counted.
    """

    def __init__(
        self,
        *,
        frames: Frames,
        inbox: EventInbox,
        store: ModelStore,
        sequences: SequenceFields,
        images: ImageLoader,
        metrics: Metrics,
    ) -> None:
        self._frames = frames
        self._inbox = inbox
        self._store = store
        self._sequences = sequences
        self._images = images
        self._metrics = metrics

    def neighbour(
        self, task: Task, size_hw: tuple[int, int], config: LabelConfig, version: str
    ) -> AnnotatedNeighbour | None:
        """The nearest annotated neighbour of a task.

        Args:
            task: The task, which is one picture.
            size_hw: Height and width of that picture.
            config: Its project's labelling config.
            version: The version of the model that answers otherwise.

        Returns:
            None if the version's gate did not prefer neighbours, there is none near, or it cannot be used.
        """
        try:
            return self._neighbour(task, size_hw, config, version)
        except MaskloopError as error:
            self._metrics.neighbours.labels("unusable").inc()
            logger.warning("Task %s: its neighbour in the sequence cannot be used: %s", task.id, error)
            return None

    def carried(self, neighbour: AnnotatedNeighbour, image: Image) -> PreLabels | None:
        """The neighbour's objects where they are now; None if that is not certain enough.

        Args:
            neighbour: From `neighbour`.
            image: The picture to pre-label, (H, W, 3) RGB, of the size that was asked for.
        """
        found = carried_over(neighbour.regions, neighbour.image, image)
        self._metrics.neighbours.labels("uncertain" if found is None else "used").inc()
        return found

    def _neighbour(
        self, task: Task, size_hw: tuple[int, int], config: LabelConfig, version: str
    ) -> AnnotatedNeighbour | None:
        place = self._sequences.place(task.data, task.meta)
        if task.project is None or place is None or len(config.images) != 1:
            return None
        reach = self._reach(task.project, version)
        if reach is None:
            return None
        near = self._frames.near(task.project, place.group, place.frame, reach, but_task=task.id)
        for frame in near:
            annotated = self._annotated(frame)
            picture = next(
                iter(PictureReader(config, label_schema(config), Counter()).pictures(annotated)), None
            )
            regions = None if picture is None else _objects(picture, config)
            if picture is None or regions is None:
                continue
            if not regions:
                return None
            if picture.size_hw != size_hw:
                raise ImageError(f"a frame of height and width {picture.size_hw} beside one of {size_hw}")
            url = config.image_url(picture.to_name, annotated.data)
            image = PictureOfTask(self._images, url, annotated.id, task.project, size_hw)()
            return AnnotatedNeighbour(regions, image)
        return None

    def _annotated(self, frame: Neighbour) -> AnnotatedTask:
        """The task of a frame with its annotations, as the last event of each tells them."""
        bodies = self._inbox.bodies(sorted(set(frame.told_by.values())))
        told = [
            (task, annotation)
            for number, body in sorted(bodies.items())
            for task, annotation in told_annotations(body)
            if frame.told_by.get(annotation["id"]) == number
        ]
        return annotated_task(
            frame.task_id, told[-1][0] if told else {}, [annotation for _, annotation in told]
        )

    def _reach(self, project_id: int, version: str) -> float | None:
        """How far neighbours may be away; None if they are not wanted."""
        info = self._store.find(project_id, version)
        found = None if info is None else info.metrics.get(KEY)
        if not isinstance(found, Mapping) or found.get("use") is not True:
            return None
        return min(REACH, float(found.get("reach", REACH)))


def _objects(picture: AnnotatedPicture, config: LabelConfig) -> tuple[Region, ...] | None:
    """What people marked; None if nobody said what is there, or only boxes of what should be masks."""
    opinions = [each.objects for each in picture.opinions if each.objects is not None]
    if not opinions or any(
        _lacks_mask(each, picture.to_name, config) for drawn in opinions for each in drawn
    ):
        return None
    return merged_regions([[each.region for each in drawn] for drawn in opinions])


def _lacks_mask(drawn: DrawnObject, to_name: str, config: LabelConfig) -> bool:
    target = config.prelabel_targets(to_name, [drawn.region.class_name]).get(drawn.region.class_name)
    return drawn.is_box and target is not None and target.control.kind is not ControlKind.RECTANGLE
