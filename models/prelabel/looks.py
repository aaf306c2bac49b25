"""What pictures are like, as far as the shipped encoder can tell: before anything was trained."""

from __future__ import annotations

import torch

from models.arrays import Image
from models.devices import best_device
from models.networks.unet import UNet as Network
from models.prelabel.analysis import Map
from models.prelabel.asking import network_input, padded
from models.prelabel.working_size import resized, working_size
from models.shipped_encoder import load_shipped_encoder

_SIDE = 256


class Looks:
    """Describes pictures. Thread-safe."""

    version = "looks-1"
    """Descriptions of one version can be compared."""

    def __init__(self) -> None:
        network = Network(0)
        load_shipped_encoder(network.encoder)
        self._device = best_device()
        self._network = network.eval().to(self._device)

    @torch.inference_mode()
    def embedding(self, image: Image) -> Map:
        """Describe a picture.

        Args:
            image: (H, W, 3) RGB; not modified.

        Returns:
            (416,), of length 1; similar pictures have similar ones.
        """
        small = resized(image, working_size((image.shape[0], image.shape[1]), _SIDE))
        pyramid = self._network.encode(padded(network_input(small).to(self._device)[None]))
        return self._network.embed(pyramid)[0].cpu().numpy()
