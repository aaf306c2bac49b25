"""From an annotated task to examples: several opinions become one, boxes become masks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from backend.errors import RequestError
from backend.labelstudio.image_addresses import PictureAddress
from backend.labelstudio.images import ImageLoader, TaskImage
from backend.labelstudio.label_config import LabelConfig
from backend.labelstudio.submissions import AnnotatedTask
from backend.services.annotated_pictures import SIZES_DIFFER, AnnotatedPicture, DrawnObject, PictureReader
from backend.services.annotation_merging import merged_answers, merged_regions
from backend.services.box_masks import BoxMasks
from backend.services.sequences import SequenceFields
from models.arrays import Image
from models.errors import ImageError, MaskloopError
from models.label_schema import LabelSchema
from models.regions import Region
from models.training.examples import Example

NO_PICTURE = "pictures that the task does not name"


@dataclass(frozen=True)
class PictureOfTask:
    """A picture that is loaded when it is needed.

    Attributes:
        images: Loads it.
        url: Its address, as imported.
        task_id: The task.
        project_id: The project.
        size_hw: Height and width that annotators saw; None if that is unknown.
    """

    images: ImageLoader
    url: PictureAddress
    task_id: int
    project_id: int
    size_hw: tuple[int, int] | None

    def load(self) -> TaskImage:
        """Load it, whatever its size; raises what `ImageLoader.load` raises."""
        return self.images.load(self.url, task_id=self.task_id, project_id=self.project_id)

    def __call__(self) -> Image:
        """Its pixels, (H, W, 3) RGB.

        Raises:
            ImageError: It does not have the size that annotators saw.
            MaskloopError: It cannot be loaded, see `ImageLoader.load`.
        """
        image = self.load()
        if self.size_hw not in (None, image.size_hw):
            raise ImageError(
                f"The picture of task {self.task_id} has height and width {image.size_hw}, but was annotated "
                f"as one of {self.size_hw}. It was replaced, or its orientation is read in another way."
            )
        return image.pixels


class ExampleMaker:
    """Makes the examples of one project. Used by one thread.

    Args:
        project_id: The project.
        config: Its labelling config.
        schema: What is asked, see `label_schema`.
        images: Loads pictures, now or when an example is used.
        boxes: Turns drawn boxes into masks; None leaves them boxes.
        sequences: Where a task says which sequence it is of.
    """

    def __init__(
        self,
        project_id: int,
        config: LabelConfig,
        schema: LabelSchema,
        *,
        images: ImageLoader,
        boxes: BoxMasks | None,
        sequences: SequenceFields,
    ) -> None:
        self.skipped: Counter[str] = Counter()
        self._project_id = project_id
        self._config = config
        self._schema = schema
        self._images = images
        self._boxes = boxes
        self._sequences = sequences
        self._reader = PictureReader(config, schema, self.skipped)

    def examples(self, task: AnnotatedTask) -> Iterator[Example]:
        """One example for each picture of the task that somebody said something about.

        Pictures of one task are of one group, that of the task's sequence if it names one. They have a place
        in it if the task has one and a single picture: of several, each would have neighbours of its own.

        Raises:
            MaskloopError: A box cannot be turned into a mask, see `BoxMasks.of_boxes`.
        """
        group = self._sequences.group(task.data, task.meta) or self._key(
            task, next(iter(self._config.images))
        )
        place = self._sequences.place(task.data, task.meta) if len(self._config.images) == 1 else None
        for picture in self._reader.pictures(task):
            try:
                url = self._config.image_url(picture.to_name, task.data)
            except RequestError:
                self.skipped[NO_PICTURE] += 1
                continue
            load = PictureOfTask(self._images, url, task.id, self._project_id, picture.size_hw)
            opinions = self._opinions(picture, load)
            if opinions is None:
                self.skipped[SIZES_DIFFER] += 1
                continue
            yield Example(
                key=self._key(task, picture.to_name),
                group=group,
                load_image=load,
                regions=merged_regions(opinions) if opinions else None,
                answers=merged_answers([each.answers for each in picture.opinions], self._schema.questions),
                frame=None if place is None else place.frame,
            )

    def _key(self, task: AnnotatedTask, to_name: str) -> str:
        return f"{task.id}/{to_name}"

    def _opinions(self, picture: AnnotatedPicture, load: PictureOfTask) -> list[list[Region]] | None:
        """What those who were asked drew, boxes as masks; None if they drew on a picture of another size."""
        drawn = [each.objects for each in picture.opinions if each.objects is not None]
        if self._boxes is None or not any(each.is_box for objects in drawn for each in objects):
            return [[each.region for each in objects] for objects in drawn]
        try:
            image = load.load()
        except MaskloopError:  # whoever learns from it will count it
            return [[each.region for each in objects] for objects in drawn]
        if image.size_hw != picture.size_hw:
            return None
        return [self._with_masks(self._boxes, image, objects) for objects in drawn]

    def _with_masks(self, boxes: BoxMasks, image: TaskImage, objects: Sequence[DrawnObject]) -> list[Region]:
        masks = iter(boxes.of_boxes(image, [each.region for each in objects if each.is_box]))
        return [next(masks) if each.is_box else each.region for each in objects]
