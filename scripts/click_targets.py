"""What clicks are sent to when they are counted: a model itself, or a running service."""

from __future__ import annotations

import base64
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import cv2

from models.arrays import Image, Mask
from models.interactive.base import InteractiveModel
from models.prompts import Click
from models.training.click_evaluation import AnswerClicks, new_object
from scripts import editor_requests
from scripts.service_client import ServiceClient


@dataclass(frozen=True)
class OpenPicture:
    """A picture that can be clicked.

    Attributes:
        new_object: Begins another object: returns what answers its clicks.
        encode_s: Time it took to encode the picture; None if the first click waits for that.
    """

    new_object: Callable[[], AnswerClicks]
    encode_s: float | None


class ClickTarget(ABC):
    """Something that answers clicks. Used by one thread."""

    @abstractmethod
    def open(self, number: int, image: Image) -> OpenPicture:
        """Show it a picture.

        Args:
            number: Different for each picture.
            image: (H, W, 3) RGB.
        """


class ModelTarget(ClickTarget):
    """A model in this process. Each answer is fed back as the next call's previous one.

    Args:
        model: Already loaded.
    """

    def __init__(self, model: InteractiveModel[Any]) -> None:
        self._model = model

    def open(self, number: int, image: Image) -> OpenPicture:
        """Encode the picture; see the base class."""
        started = time.perf_counter()
        embedding = self._model.encode(image)
        encode_s = time.perf_counter() - started
        return OpenPicture(partial(new_object, self._model, embedding), encode_s)


class ServiceTarget(ClickTarget):
    """A running service, asked as the editor asks it. The first click on a picture waits for its encoding.

    Args:
        client: The service.
        project: "<id>.<created>" under which it chose its model.
        files: Root of the service's local files, in which pictures are put as files. None sends them inside
            the task, which any service accepts but which costs time with every click.
    """

    def __init__(self, client: ServiceClient, project: str, files: Path | None) -> None:
        self._client = client
        self._project = project
        self._files = files

    def open(self, number: int, image: Image) -> OpenPicture:
        """Write the picture where the service finds it; see the base class."""
        size_hw = (image.shape[0], image.shape[1])
        task = editor_requests.task(number, self._address(number, image))

        def answer(clicks: tuple[Click, ...]) -> Mask:
            body = editor_requests.smart_click(self._project, task, clicks, size_hw)
            return editor_requests.answered_mask(self._client.post("/predict", body), size_hw)

        return OpenPicture(lambda: answer, None)

    def _address(self, number: int, image: Image) -> str:
        png = cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))[1].tobytes()
        if self._files is None:
            return f"data:image/png;base64,{base64.b64encode(png).decode()}"
        (self._files / "clicks").mkdir(parents=True, exist_ok=True)
        (self._files / "clicks" / f"{number}.png").write_bytes(png)
        return f"/data/local-files/?d=clicks/{number}.png"
