"""Foreground and background of a picture by one threshold, and the judgement whether there is any.

Steps: light smoothing, the colour channel that separates best, Otsu's threshold, the side of the
threshold that the border does not show, and a correction for uneven light where that helps.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models.arrays import Image, Mask
from models.prelabel.base import ImageClass

Field = NDArray[np.float32]
"""One smoothed channel, (H, W), in grey levels."""

_MAX_SAMPLES_PER_SIDE = 512
"""Thresholds and surfaces are fitted to at most this many rows and columns, evenly spread."""
_BORDER_WIDTH = 0.02
"""Of the shorter side."""
_LIGHT_ITERATIONS = 3
_MIN_GAIN_OF_CORRECTION = 0.02
"""The light correction is used where it raises the separability by this much."""

_MIN_CONTRAST = 4.0
"""Grey levels; less is hardly visible, and within the errors of JPEG."""
_MIN_CONTRAST_TO_NOISE = 1.0
"""Smoothed white noise split at its mean reaches 0.45, a disc that is barely visible in noise 3."""
_MIN_CONTRAST_LEFT = 1 / 3
"""Share of the contrast that outlives the light correction; vignetting alone leaves 0.01 to 0.25."""


@dataclass(frozen=True, eq=False)
class Foreground:
    """The objects of a picture as one mask.

    Attributes:
        mask: (H, W); all false when the picture shows nothing.
        separability: How well one threshold explains the picture, in [0, 1]: Otsu's ratio of the variance
            between the classes to the total variance.
        presence: Belief that the picture shows something, in [0, 1]; the mask is empty below 0.5.
    """

    mask: Mask
    separability: float
    presence: float


@dataclass(frozen=True)
class _Split:
    """Otsu's threshold of a field, and what lies on its two sides.

    Attributes:
        threshold: Grey level; what exceeds it is bright.
        separability: See `Foreground`.
        contrast: Difference of the two class means in grey levels.
        spread: Standard deviation between the classes in grey levels.
    """

    threshold: float
    separability: float
    contrast: float
    spread: float


def find_foreground(image: Image) -> Foreground:
    """Separate the objects of a picture from its background.

    A picture counts as empty when the contrast between the two sides of the threshold is invisible, does
    not exceed the noise, or is explained by uneven light. Texture that fills the picture, such as grass, is
    not recognised as featureless.

    Args:
        image: (H, W, 3) RGB; not modified.

    Source: Otsu, "A threshold selection method from gray-level histograms", IEEE Trans. SMC 9, 1979
    (threshold and separability). The background touches the border: Wei et al., "Geodesic saliency using
    background priors", ECCV 2012, section 2.
    """
    channel, field, split = _best_channel(image)
    if split.contrast == 0:
        return Foreground(np.zeros(field.shape, dtype=bool), 0.0, 0.0)
    surface, corrected = _corrected(_sampled(field), split)
    evidence = min(
        split.contrast / _MIN_CONTRAST,
        split.contrast / (_MIN_CONTRAST_TO_NOISE * _noise(channel) + 1e-6),
        corrected.contrast / (_MIN_CONTRAST_LEFT * split.contrast),
    )
    if corrected.separability >= split.separability + _MIN_GAIN_OF_CORRECTION:
        field, split = field - _surface_values(surface, field.shape), corrected
    mask = _foreground_side(field > split.threshold) if evidence >= 1 else np.zeros(field.shape, dtype=bool)
    return Foreground(mask, split.separability, evidence / (1 + evidence))


def image_class(foreground: Foreground) -> ImageClass:
    """Say whether the picture shows anything: "empty" or "not-empty", with the belief in it as score."""
    if foreground.mask.any():
        return ImageClass("not-empty", foreground.presence)
    return ImageClass("empty", 1 - foreground.presence)


def _best_channel(image: Image) -> tuple[NDArray[np.uint8], Field, _Split]:
    """Choose among red, green and blue the one whose two classes are spread most.

    Stains absorb one part of the spectrum, so one channel shows them better than the luminance does.
    """
    candidates = []
    for channel in np.moveaxis(image, 2, 0):
        field = cv2.GaussianBlur(channel.astype(np.float32), (0, 0), sigmaX=1.0)
        candidates.append((channel, field, _otsu(_sampled(field))))
    return max(candidates, key=lambda candidate: candidate[2].spread)


def _sampled(field: Field) -> Field:
    step_row, step_column = (-(-side // _MAX_SAMPLES_PER_SIDE) for side in field.shape)
    return field[::step_row, ::step_column]


def _otsu(field: Field) -> _Split:
    """Find the threshold that maximises the variance between the classes; on a plateau its middle."""
    counts, edges = np.histogram(field, bins=256)
    centres = (edges[:-1] + edges[1:]) / 2
    share = counts / counts.sum()
    dark_share = np.cumsum(share)[:-1]
    dark_sum = np.cumsum(share * centres)[:-1]
    mean = float(share @ centres)
    variance = float(share @ (centres - mean) ** 2)
    if variance == 0 or field.max() == field.min():
        return _Split(float(field.flat[0]), 0.0, 0.0, 0.0)
    balance = np.maximum(dark_share * (1 - dark_share), 1e-12)
    between = (mean * dark_share - dark_sum) ** 2 / balance
    plateau = np.flatnonzero(between >= between.max() * (1 - 1e-9))
    index = int(plateau[len(plateau) // 2])
    spread = float(np.sqrt(between[index]))
    return _Split(
        threshold=float(edges[index + 1]),
        separability=min(float(between[index]) / variance, 1.0),
        contrast=spread / float(np.sqrt(balance[index])),
        spread=spread,
    )


def _foreground_side(bright: Mask) -> Mask:
    """Return the side of the threshold that the border does not show, (H, W).

    Where the border shows both sides about equally, the smaller side is the foreground.
    """
    width = max(1, round(_BORDER_WIDTH * min(bright.shape)))
    edges = (bright[:width], bright[-width:], bright[:, :width], bright[:, -width:])
    share = float(np.concatenate([edge.ravel() for edge in edges]).mean())
    if 0.35 <= share <= 0.65:
        share = float(bright.mean())
    return bright if share <= 0.5 else ~bright


def _corrected(field: Field, split: _Split) -> tuple[NDArray[np.float64], _Split]:
    """Fit a smooth surface to the background, and split again what differs from it.

    Returns:
        The coefficients for `_surface_values`, and the split of the difference.
    """
    design = np.stack([term.ravel() for term in _terms(field.shape)], axis=1)
    difference = field
    for _ in range(_LIGHT_ITERATIONS):
        background = ~_foreground_side(difference > split.threshold).ravel()
        solution = np.linalg.lstsq(design[background], field.ravel()[background], rcond=None)
        surface = np.asarray(solution[0], dtype=np.float64)
        difference = field - _surface_values(surface, field.shape)
        split = _otsu(difference)
    return surface, split


def _terms(shape: tuple[int, ...]) -> list[NDArray[np.float64]]:
    """Second-order polynomial in row and column, each scaled to -1..1: six arrays (H, W)."""
    rows, columns = np.meshgrid(*(np.linspace(-1, 1, side) for side in shape), indexing="ij")
    return [np.ones(shape), rows, columns, rows * rows, columns * columns, rows * columns]


def _surface_values(surface: NDArray[np.float64], shape: tuple[int, ...]) -> Field:
    """Evaluate the surface on a picture of this shape, (H, W)."""
    constant, row, column, row_2, column_2, mixed = surface
    rows = np.linspace(-1, 1, shape[0])[:, None]
    columns = np.linspace(-1, 1, shape[1])
    along_rows = (constant + row * rows + row_2 * rows**2).astype(np.float32)
    slope = (column + mixed * rows).astype(np.float32)
    along_columns = (column_2 * columns**2).astype(np.float32)
    return np.asarray(slope * columns.astype(np.float32) + along_rows + along_columns)


def _noise(channel: NDArray[np.uint8]) -> float:
    """Estimate the standard deviation of the noise in grey levels.

    Source: Immerkær, "Fast noise variance estimation", Computer Vision and Image Understanding 64, 1996.
    """
    kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], dtype=np.float32)
    response = cv2.filter2D(channel, cv2.CV_32F, kernel)
    return float(np.sqrt(np.pi / 2) * np.abs(response).mean() / 6)
