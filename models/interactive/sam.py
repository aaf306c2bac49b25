"""Segment Anything: a large network that knows most things, where its checkpoint was fetched.

Source: Kirillov et al., "Segment Anything", ICCV 2023. Answers are those of the package's `SamPredictor`,
which keeps one picture as its state and so serves one person; this one keeps nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import PIL.Image
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.arrays import Image, Mask
from models.devices import best_device
from models.errors import WeightsError
from models.interactive.base import Embedding, InteractiveModel, Prediction
from models.interactive.obedience import obey
from models.networks.sam import build_sam, import_segment_anything
from models.prompts import Prompts
from models.state_dicts import read_state_dict
from models.weights_files import WEIGHTS_FILES, file_sha256

_DEFAULT_CHECKPOINT = Path("~/.maskloop/weights") / WEIGHTS_FILES[0].file_name
_STABILITY_OFFSET = 1.0
"""Logits by which the threshold is moved up and down to see whether a mask stays the same."""
_SURE = 0.999
"""Probability inside a mask that somebody drew; the network is about as sure of its own masks."""


@dataclass(frozen=True, eq=False)
class SamEmbedding(Embedding):
    """What the image encoder made of a picture.

    Attributes:
        features: (1, C, h, w), float32, in main memory.
        input_hw: Height and width of the picture inside the network's square input, in pixels of that input.
    """

    features: Tensor
    input_hw: tuple[int, int]

    @property
    def nbytes(self) -> int:
        """Memory it holds, for the byte-bounded cache."""
        return self.features.nbytes


class Sam(InteractiveModel[SamEmbedding]):
    """Finds an object with Segment Anything, on the GPU if there is one. May be shared between threads.

    Args:
        checkpoint: State dict of ViT-B, ViT-L, ViT-H or another size, published or tuned by somebody; .pth or
            .safetensors. The size is read from it.
    """

    name = "sam"
    version = "sam-1"

    def __init__(self, *, checkpoint: Path = _DEFAULT_CHECKPOINT) -> None:
        self._checkpoint = checkpoint
        self._network: Any = None
        self._device = torch.device("cpu")

    def load(self) -> None:
        """Read the checkpoint; see the base class. The version then names the checkpoint's content."""
        if self._network is not None:
            return
        import_segment_anything()
        path = self._checkpoint.expanduser()
        state = read_state_dict(path)
        try:
            network = build_sam(state)
        except WeightsError as error:
            raise WeightsError(f"{path}: {error}") from error
        self._device = best_device()
        self.version = f"{type(self).version}-{file_sha256(path)[:8]}"
        self._network = network.to(self._device)

    def encode(self, image: Image) -> SamEmbedding:
        """Run the image encoder; see the base class."""
        size_hw = image.shape[0], image.shape[1]
        input_hw = _fit(size_hw, self._network.image_encoder.img_size)
        small = PIL.Image.fromarray(image).resize(input_hw[::-1], PIL.Image.Resampling.BILINEAR)
        pixels = torch.from_numpy(np.array(small)).to(self._device).permute(2, 0, 1)
        with torch.inference_mode():
            features = self._network.image_encoder(self._network.preprocess(pixels)[None])
        return SamEmbedding(size_hw, features.cpu(), input_hw)

    def segment(
        self, embedding: SamEmbedding, prompts: Prompts, previous: Prediction | None = None
    ) -> Prediction:
        """Run prompt encoder and mask decoder; see the base class.

        A single click may mean a part, the object or a group: of the three proposed masks, the one with the
        best predicted IoU times stability is taken. Everything else is answered with one mask.

        Returns:
            A prediction with the network's own IoU estimate as score, and low-resolution logits.
        """
        prompts.check(embedding.size_hw)
        if previous is not None:
            previous.check(embedding.size_hw)
        ambiguous = previous is None and prompts.box is None and len(prompts.clicks) == 1
        with torch.inference_mode():
            sparse, dense = self._network.prompt_encoder(
                points=self._points(embedding, prompts),
                boxes=self._box(embedding, prompts),
                masks=None if previous is None else self._previous(embedding, previous),
            )
            proposals, ious = self._network.mask_decoder(
                image_embeddings=embedding.features.to(self._device),
                image_pe=self._network.prompt_encoder.get_dense_pe(),
                sparse_prompt_embeddings=sparse,
                dense_prompt_embeddings=dense,
                multimask_output=ambiguous,
            )
            best = int(torch.argmax(ious[0].clamp(0, 1) * self._stability(embedding, proposals[0])))
            chosen = proposals[:, best : best + 1]
            full = self._network.postprocess_masks(chosen, embedding.input_hw, embedding.size_hw)
        mask = _threshold(full[0, 0].cpu().numpy(), prompts)
        score = float(ious[0, best].clamp(0, 1))
        return Prediction(obey(mask, prompts), score, chosen[0, 0].cpu().numpy())

    def _points(self, embedding: SamEmbedding, prompts: Prompts) -> tuple[Tensor, Tensor] | None:
        if not prompts.clicks:
            return None
        points_xy = [(click.column, click.row) for click in prompts.clicks]
        labels = [int(click.positive) for click in prompts.clicks]
        points = self._to_input(embedding, points_xy)
        return points[None], torch.tensor([labels], dtype=torch.int32, device=self._device)

    def _box(self, embedding: SamEmbedding, prompts: Prompts) -> Tensor | None:
        box = prompts.box
        if box is None:
            return None
        height, width = embedding.size_hw
        corners_xy = [
            (max(0.0, box.left), max(0.0, box.top)),
            (min(float(width), box.right), min(float(height), box.bottom)),
        ]
        return self._to_input(embedding, corners_xy).reshape(1, 4)

    def _to_input(self, embedding: SamEmbedding, positions_xy: list[tuple[float, float]]) -> Tensor:
        """Scale (x, y) positions from the picture to the network's input, (N, 2)."""
        (height, width), (input_height, input_width) = embedding.size_hw, embedding.input_hw
        scaled = np.array(positions_xy) * (input_width / width, input_height / height)
        return torch.as_tensor(scaled, dtype=torch.float32, device=self._device)

    def _previous(self, embedding: SamEmbedding, previous: Prediction) -> Tensor:
        """The previous answer as the network's low-resolution logits, (1, 1, h, w)."""
        side = 4 * embedding.features.shape[-1]
        logits = previous.logits
        if logits is None or logits.shape != (side, side):
            part = _fit(embedding.size_hw, side)
            logits = _logits_of(previous.mask, part, side)
        return torch.from_numpy(logits).to(self._device)[None, None]

    def _stability(self, embedding: SamEmbedding, proposals: Tensor) -> Tensor:
        """IoU of each mask at a higher and at a lower threshold, (N,); 0 for masks that are empty at both.

        Source: "Segment Anything", appendix B, stable masks; here at low resolution, without the padding.
        """
        height, width = _fit(embedding.size_hw, proposals.shape[-1])
        logits = proposals[:, :height, :width]
        inner = (logits > _STABILITY_OFFSET).sum((1, 2))
        outer = (logits > -_STABILITY_OFFSET).sum((1, 2))
        return inner / outer.clamp(min=1)


def _fit(size_hw: tuple[int, int], side: int) -> tuple[int, int]:
    """The size of a picture whose longer side is scaled to `side`; no side is shorter than a pixel."""
    scale = side / max(size_hw)
    return max(1, int(size_hw[0] * scale + 0.5)), max(1, int(size_hw[1] * scale + 0.5))


def _logits_of(mask: Mask, part_hw: tuple[int, int], side: int) -> NDArray[np.float32]:
    """Turn a mask into logits for the top left part of a square, (side, side); the rest is outside."""
    height, width = part_hw
    shrinks = height * width < mask.size
    small = cv2.resize(
        mask.astype(np.float32),
        (width, height),
        interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR,
    )
    probability = np.full((side, side), 1 - _SURE, dtype=np.float32)
    probability[:height, :width] = np.clip(small, 1 - _SURE, _SURE)
    return np.asarray(np.log(probability / (1 - probability)), dtype=np.float32)


def _threshold(logits: NDArray[np.float32], prompts: Prompts) -> Mask:
    """Cut logits at 0, (H, W); but a box holds something, be it only its likeliest pixel."""
    mask = logits > 0
    if prompts.box is not None:
        inside = logits[prompts.box.slices]
        mask[prompts.box.slices] |= inside == inside.max()
    return mask
