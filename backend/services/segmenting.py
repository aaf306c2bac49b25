"""One object in a picture: from its prompts to the region that the editor gets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from backend.labelstudio.images import TaskImage
from backend.labelstudio.prompts import PromptGroup
from backend.observability import Metrics
from backend.services.anchors import anchor_of
from backend.services.click_chain import ClickChain, MaskCache, replay, steps_of, strokes_of
from backend.services.encoding import AnyInteractiveModel, Encoder
from backend.services.post_processing import keep_off, post_process
from backend.services.projects import ProjectOptions
from backend.state.device_gate import DeviceGate
from models.interactive.base import Prediction
from models.prompts import Prompts
from models.regions import Region


@dataclass(frozen=True, eq=False)
class Segmented:
    """What was found.

    Attributes:
        regions: The object, cleaned up; empty when there is none.
        overlap: IoU of what the model found with what it was shown, None if it was shown nothing.
    """

    regions: list[Region]
    overlap: float | None


class Segmenter:
    """Finds objects. Safe between threads.

    Args:
        encoder: Encodes pictures.
        masks: Answers to earlier clicks.
        gate: Admission to the device.
        metrics: What is counted.
    """

    def __init__(self, *, encoder: Encoder, masks: MaskCache, gate: DeviceGate, metrics: Metrics) -> None:
        self._encoder = encoder
        self._masks = masks
        self._gate = gate
        self._metrics = metrics

    def segment(
        self,
        model: AnyInteractiveModel,
        image: TaskImage,
        group: PromptGroup,
        options: ProjectOptions,
        stale: Callable[[], bool],
    ) -> Segmented | None:
        """Find the object that prompts mean.

        Args:
            model: The project's interactive model.
            image: The picture.
            group: The prompts.
            options: The project's options.
            stale: Whether nobody waits for the answer any more; asked when the device is free.

        Returns:
            What was found; None when nobody waits for it, and then no model has been called.

        Raises:
            BusyError: Too many wait for the device.
            PromptError: The prompts cannot be used.
        """
        embedding = self._encoder.embedding(model, image)
        timer = self._metrics.predict_seconds.labels("segment", model.name)

        def call_model(prompts: Prompts, previous: Prediction | None) -> Prediction:
            with timer.time():
                return model.segment(embedding, prompts, previous)

        with self._gate.admit():
            if stale():
                return None
            answer = replay(_chain(model, image, group), image.size_hw, self._masks, call_model)
            prediction = answer.packed.unpack()
            region = Region.from_mask(prediction.mask, group.label or "", prediction.score)
            return Segmented(_clean(region, image, group, options), answer.overlap)


def _chain(model: AnyInteractiveModel, image: TaskImage, group: PromptGroup) -> ClickChain:
    box = group.prompts.box
    click_ids = group.prompt_ids[0 if box is None else 1 :]
    strokes = strokes_of(group.prompts.clicks, click_ids)
    only_wrong = group.refine is not None and not any(click.positive for click in strokes[0])
    if group.refine is not None and only_wrong:
        strokes = ((anchor_of(group.refine, group.prompts), *strokes[0]), *strokes[1:])
    steps = steps_of(strokes, box)
    return ClickChain(model.version, image.digest, steps, box, group.refine, start_is_certain=only_wrong)


def _clean(
    region: Region | None, image: TaskImage, group: PromptGroup, options: ProjectOptions
) -> list[Region]:
    """Keep off other objects before and after the post-processors, which may fill what was taken away."""
    others = group.others if options.avoid_labelled else ()
    free = keep_off([] if region is None else [region], others, group.prompts)
    cleaned = post_process(options.postprocess, free, image.pixels, group.prompts.clicks)
    return keep_off(cleaned, others, group.prompts)
