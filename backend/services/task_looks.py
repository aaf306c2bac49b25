"""What a version sees in the pictures of tasks, besides the objects that it finds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from backend.labelstudio.answers import Answer
from backend.labelstudio.images import ImageLoader
from backend.labelstudio.label_config import LabelConfig
from backend.labelstudio.payloads import Task
from backend.services.bulk_prelabelling import number_of, task_digest
from backend.state.device_gate import DeviceGate
from backend.state.task_figures import DISAGREEMENT, EMBEDDING, FIGURES, INFORMATION, TaskLook
from models.arrays import Image
from models.prelabel.base import PreLabeller, PreLabels
from models.prelabel.figures import PictureFigures, disagreement_of
from models.prelabel.looks import Looks
from models.prelabel.unet import Assessment, UNet

_PASSES = 8
"""How often a picture is segmented with features dropped."""


@dataclass(frozen=True, eq=False)
class Seen:
    """What was seen in one picture.

    Attributes:
        figures: How sure the version is; None if it was never trained.
        disagreement: Between versions, in [0, 1]; None if nobody asked.
        embedding: What the picture is like, (D,), of length 1; None if nobody asked.
    """

    figures: PictureFigures | None = None
    disagreement: float | None = None
    embedding: NDArray[np.float32] | None = None


class Eye(Protocol):
    """Looks at pictures. Safe between threads."""

    version: str
    """What is seen is kept under this name."""
    parts: frozenset[str]
    """What it sees, see `TaskFigures`."""

    def see(self, image: Image) -> tuple[PreLabels, Seen]:
        """Find the objects of a picture, (H, W, 3) RGB, and say how it looks."""

    def describe(self, image: Image) -> Seen:
        """Only say how it looks."""


class TrainedEye:
    """A trained version.

    Args:
        model: The version, loaded.
        earlier: Versions of the same labels before it, loaded.
        uses: What the selector looks at; a picture costs more time with "mutual_information" (eight times
            the network's upper half) and "disagreement" (each earlier version).
    """

    def __init__(self, model: UNet, earlier: Sequence[UNet], uses: frozenset[str]) -> None:
        self.version = model.version
        self.parts = frozenset({FIGURES, EMBEDDING}) | (uses & {INFORMATION, DISAGREEMENT})
        self._model = model
        self._earlier = tuple(earlier)

    def see(self, image: Image) -> tuple[PreLabels, Seen]:
        """See `Eye`."""
        found = self._assess(image)
        prelabels = self._model.prelabels(found.analysis, (image.shape[0], image.shape[1]))
        return prelabels, self._seen(image, found)

    def describe(self, image: Image) -> Seen:
        """See `Eye`."""
        return self._seen(image, self._assess(image))

    def _assess(self, image: Image) -> Assessment:
        return self._model.assess(image, dropout_passes=_PASSES if INFORMATION in self.parts else 0)

    def _seen(self, image: Image, found: Assessment) -> Seen:
        disagreement = None
        if DISAGREEMENT in self.parts:
            winner = found.analysis.winner
            others = [_like(each.analyse(image).winner, winner) for each in self._earlier]
            disagreement = disagreement_of([winner, *others])
        return Seen(found.figures, disagreement, found.analysis.embedding)


class UntrainedEye:
    """A pre-labeller that nobody trained for the project.

    Args:
        model: The pre-labeller, loaded.
        looks: Describes pictures; None if nobody asked for that.
    """

    def __init__(self, model: PreLabeller, looks: Looks | None) -> None:
        self.version = Looks.version
        self.parts = frozenset() if looks is None else frozenset({EMBEDDING})
        self._model = model
        self._looks = looks

    def see(self, image: Image) -> tuple[PreLabels, Seen]:
        """See `Eye`."""
        return self._model.predict(image), self.describe(image)

    def describe(self, image: Image) -> Seen:
        """See `Eye`."""
        return Seen(embedding=None if self._looks is None else self._looks.embedding(image))


class TaskLooks:
    """Pre-labels tasks, and keeps what was seen on the way. Safe between threads.

    Args:
        eye: Looks at the pictures.
        model: What it looks with.
        answer: Pre-labels a task with a pre-labeller, which it asks about each picture, or about none if the
            objects of annotated neighbours are certain enough.
        images: Where pictures come from.
        gate: Admission to the device.
        config: The project's labelling config.
    """

    def __init__(
        self,
        eye: Eye,
        model: PreLabeller,
        *,
        answer: Callable[[Task, PreLabeller], Answer],
        images: ImageLoader,
        gate: DeviceGate,
        config: LabelConfig,
    ) -> None:
        self.eye = eye
        self._model = model
        self._answer = answer
        self._images = images
        self._gate = gate
        self._config = config

    def answered(self, task: Task) -> tuple[Answer, TaskLook]:
        """Pre-label a task exactly as the service would, and say how it looks.

        Raises:
            MaskloopError: The picture cannot be had, or nothing can be computed.
        """
        watched = _Watched(self._model, self.eye)
        answer = self._answer(task, watched)
        if len(watched.seen) < len(self._config.images):
            return answer, self.look(task)
        return answer, _look(task, watched.seen)

    def look(self, task: Task) -> TaskLook:
        """Say how a task looks.

        Raises:
            MaskloopError: The picture cannot be had, or nothing can be computed.
        """
        seen = []
        for to_name in self._config.images:
            address = self._config.image_url(to_name, task.data)
            image = self._images.load(address, task_id=task.id, project_id=task.project)
            with self._gate.admit():
                seen.append(self.eye.describe(image.pixels))
        return _look(task, seen)


class _Watched(PreLabeller):
    """A pre-labeller for one task, whose every look is kept."""

    name = "watched"

    def __init__(self, model: PreLabeller, eye: Eye) -> None:
        self.version = model.version
        self.classes = model.classes
        self.image_classes = model.image_classes
        self.seen: list[Seen] = []
        self._eye = eye

    def predict(self, image: Image) -> PreLabels:
        """Find all objects; see the base class."""
        found, seen = self._eye.see(image)
        self.seen.append(seen)
        return found


def _look(task: Task, seen: Sequence[Seen]) -> TaskLook:
    """What was seen in all pictures of a task: means, and the least quality."""
    figures = [each.figures for each in seen if each.figures is not None]
    disagreements = [each.disagreement for each in seen if each.disagreement is not None]
    embeddings = [each.embedding for each in seen if each.embedding is not None]
    embedding = None
    if embeddings:
        mean = np.mean(embeddings, axis=0)
        embedding = np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-12), dtype=np.float32)
    return TaskLook(
        number_of(task),
        task_digest(task),
        _joined(figures) if figures else None,
        float(np.mean(disagreements)) if disagreements else None,
        embedding,
    )


def _joined(figures: Sequence[PictureFigures]) -> PictureFigures:
    if len(figures) == 1:
        return figures[0]

    def mean(name: str) -> float | tuple[float, ...] | None:
        values = [getattr(each, name) for each in figures]
        if any(value is None for value in values):
            return None
        found = np.mean(values, axis=0)
        return tuple(found.tolist()) if found.ndim else float(found)

    means = {field.name: mean(field.name) for field in fields(PictureFigures)}
    return PictureFigures(**{**means, "quality": min(each.quality for each in figures)})  # type: ignore[arg-type] # by name


def _like(winner: NDArray[np.intp], other: NDArray[np.intp]) -> NDArray[np.intp]:
    """A segmentation on the grid of another, which may be finer or coarser; nearest places."""
    rows, columns = (
        np.arange(wanted) * given // wanted for wanted, given in zip(other.shape, winner.shape, strict=True)
    )
    return np.asarray(winner[np.ix_(rows, columns)])
