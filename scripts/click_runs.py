"""The work of scripts.evaluate_clicks: pictures one by one, in this process or in several."""

from __future__ import annotations

import zlib
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from inspect import signature
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from backend.settings import Settings
from models.interactive import INTERACTIVE_MODELS
from models.prompts import Click
from models.training.click_evaluation import Limits, click_until_found
from models.training.click_statistics import ClickedObject
from models.training.clickers import CLICKERS
from models.training.samples import DataFolder
from scripts.click_targets import ClickTarget, ModelTarget, ServiceTarget
from scripts.service_client import ServiceClient
from scripts.worker_processes import in_processes


@dataclass(frozen=True)
class ModelMaker:
    """Makes a member of the interactive model family.

    Attributes:
        name: Its name.
        options: Arguments of its constructor, each with the parameter's name.
    """

    name: str
    options: tuple[tuple[str, Any], ...] = ()

    @classmethod
    def as_served(cls, name: str, settings: Settings) -> ModelMaker:
        """Make it as the service makes it with these settings."""
        return cls(name, tuple(settings.model_options.get(name, {}).items()))

    def __call__(self) -> ClickTarget:
        """Load the model."""
        model = INTERACTIVE_MODELS.create(self.name, **dict(self.options))
        model.load()
        return ModelTarget(model)


@dataclass(frozen=True)
class ServiceMaker:
    """Connects to a running service; the attributes are those of `ServiceTarget`."""

    url: str
    project: str
    files: Path | None

    def __call__(self) -> ClickTarget:
        """Connect."""
        return ServiceTarget(ServiceClient(self.url), self.project, self.files)


TargetMaker: TypeAlias = ModelMaker | ServiceMaker
"""Makes the thing that is measured in the process that measures it."""


def file_option(name: str) -> str | None:
    """The parameter with which the interactive model of this name takes a file of weights, if it does.

    Raises:
        UnknownNameError: No member has this name.
    """
    parameters = signature(INTERACTIVE_MODELS.get(name)).parameters
    return next((option for option in ("weights", "checkpoint") if option in parameters), None)


@dataclass(frozen=True)
class ClickProtocol:
    """Everything that decides how objects are clicked, but for what answers.

    Attributes:
        folder: The samples.
        clicker: Member of the clicker family.
        seed: Of its random generator, together with the object's place.
        limits: When to stop.
    """

    folder: DataFolder
    clicker: str
    seed: int
    limits: Limits


@dataclass(frozen=True)
class Job:
    """Objects of one picture.

    Attributes:
        number: Of the picture, from 1.
        stem: Its name.
        group: Its group.
        objects: Numbers of the objects to click, at least one.
    """

    number: int
    stem: str
    group: str
    objects: tuple[int, ...]


@dataclass(frozen=True)
class PictureResult:
    """What happened on one picture.

    Attributes:
        number: Of the picture.
        objects: In the order of the job.
        encode_s: Time it took to encode the picture; None if the first click waited for that.
    """

    number: int
    objects: tuple[ClickedObject, ...]
    encode_s: float | None


def plan_jobs(folder: DataFolder, stems: Sequence[str], *, every: int, min_area: int) -> Iterator[Job | None]:
    """Choose the objects, one picture after the other.

    Args:
        folder: The samples.
        stems: Names of the pictures.
        every: Of all large enough objects, in the order of stems and numbers, take the first and then each
            so-manieth.
        min_area: Smallest area in pixels.

    Yields:
        A job for each stem; None if no object of the picture was chosen.
    """
    groups = folder.groups()
    n_seen = 0
    for number, stem in enumerate(stems, start=1):
        objects = folder.read_truth(stem).objects
        large = [index for index, region in enumerate(objects, start=1) if region.area >= min_area]
        chosen = tuple(index for place, index in enumerate(large, start=n_seen) if place % every == 0)
        n_seen += len(large)
        yield Job(number, stem, groups[stem], chosen) if chosen else None


def run_jobs(
    protocol: ClickProtocol, maker: TargetMaker, jobs: Sequence[Job], workers: int
) -> Generator[PictureResult, None, None]:
    """Click all objects.

    Args:
        protocol: How.
        maker: Makes what answers.
        jobs: Which.
        workers: Processes; 1 works in this one. The cores are shared out among them.

    Yields:
        Results in the order in which they are ready. Closing the generator drops what has not begun.

    Raises:
        StartError: A worker process ended.
        MaskloopError: Whatever the target or the data said.
    """
    if workers == 1:
        yield from (run_job(protocol, maker, job) for job in jobs)
        return
    yield from in_processes(partial(run_job, protocol, maker), jobs, workers)


def run_job(protocol: ClickProtocol, maker: TargetMaker, job: Job) -> PictureResult:
    """Click the objects of one picture.

    Raises:
        MaskloopError: Whatever the target or the data said.
    """
    sample = protocol.folder.read(job.stem)
    size_hw = (sample.image.shape[0], sample.image.shape[1])
    picture = _warm_target(maker).open(job.number, sample.image)
    clicked = []
    for number in job.objects:
        region = sample.truth.objects[number - 1]
        seed = (protocol.seed, zlib.crc32(job.stem.encode()), number)
        clicker = CLICKERS.create(protocol.clicker, seed=seed)
        truth = region.full_mask(size_hw)
        answer = picture.new_object()
        trace = click_until_found(answer, truth, sample.truth.ignored, clicker, protocol.limits)
        clicked.append(ClickedObject(job.stem, job.group, number, region.area, trace))
    return PictureResult(job.number, tuple(clicked), picture.encode_s)


@lru_cache(maxsize=1)
def _warm_target(maker: TargetMaker) -> ClickTarget:
    """The target of this process, after a first click that is not counted: libraries prepare themselves."""
    target = maker()
    noise = np.random.default_rng(0).integers(0, 255, (256, 256, 3), np.uint8)
    target.open(0, noise).new_object()((Click(128, 128),))
    return target
