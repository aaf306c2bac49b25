"""The demo's pictures: those inside the scikit-image wheel, so that nothing is downloaded."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import skimage.data
from PIL import Image
from skimage.util import img_as_ubyte


@dataclass(frozen=True)
class DemoImage:
    """A picture of the demo project.

    Attributes:
        name: File name in Label Studio.
        load: Returns the pixels: grey (H, W) or RGB (H, W, 3), any type scikit-image can convert.
        crop: Rows and columns that are used: large pictures are cut so that single objects can be seen.
    """

    name: str
    load: Callable[[], Any]
    crop: tuple[slice, slice] = (slice(None), slice(None))

    def png(self) -> bytes:
        """The picture as an 8-bit PNG file."""
        pixels = np.ascontiguousarray(img_as_ubyte(self.load())[self.crop])
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, "PNG")
        return buffer.getvalue()


DEMO_IMAGES = (
    DemoImage("coins.png", skimage.data.coins),
    DemoImage("cell.png", skimage.data.cell),
    DemoImage("immunohistochemistry.png", skimage.data.immunohistochemistry),
    DemoImage("microaneurysms.png", skimage.data.microaneurysms),
    DemoImage("retina.png", skimage.data.retina),
    DemoImage("galaxies.png", skimage.data.hubble_deep_field, (slice(0, 500), slice(0, 500))),
    DemoImage("horse.png", skimage.data.horse),
    DemoImage("camera.png", skimage.data.camera),
)
