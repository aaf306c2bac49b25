"""Which steps a picture goes through before it is shown, and the picture after them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from models.chain_text import build_chain, parse_chain
from models.preprocess import PRE_PROCESSORS
from models.preprocess.base import PreProcessor, RangeProcessor, to_8_bit
from models.preprocess.channel import Channel
from models.preprocess.percentile_stretch import PercentileStretch
from scripts.source_files.base import SourcePicture

ENHANCED = "clahe"
"""What is shown beside the plain picture if nobody says what."""


@dataclass(frozen=True)
class Recipe:
    """What is wanted.

    Attributes:
        steps: A chain of pre-processors; None for what suits the picture.
        side_by_side: Whether the plain picture is shown, too.
    """

    steps: str | None = None
    side_by_side: bool = False

    def check(self) -> None:
        """Construct the steps once.

        Raises:
            UnknownNameError: There is no such pre-processor.
            OptionError: A pre-processor has no such option, or not with that value.
        """
        _built(self.steps or "")


@dataclass(frozen=True)
class Views:
    """The steps of what is shown of one picture.

    Attributes:
        plain: Of the task's picture.
        enhanced: Of the second one; None if there is none.
    """

    plain: str
    enhanced: str | None


def views_of(picture: SourcePicture, recipe: Recipe) -> Views:
    """The steps for one picture.

    Pictures of more than 8 bits need a step that says which values are dark and which bright. Unless one is
    given, it is put in front, behind steps that pick a channel: what the file says, else a stretch of nearly
    all values.
    """
    wanted = parse_chain(recipe.steps or (ENHANCED if recipe.side_by_side else ""))
    n_channel_steps = next(
        (number for number, (name, _) in enumerate(wanted) if name != Channel.name), len(wanted)
    )
    channel, rest = _text(wanted[:n_channel_steps]), _text(wanted[n_channel_steps:])
    deep = picture.stored.dtype != np.uint8
    usual = picture.range_step or (PercentileStretch.name if deep else "")
    has_range = any(isinstance(step, RangeProcessor) for step in _built(rest))
    plain = _joined(channel, usual)
    full = _joined(channel, rest if has_range else _joined(usual, rest))
    return Views(plain, full) if recipe.side_by_side else Views(full, None)


def finished(picture: SourcePicture, steps: str) -> NDArray[np.uint8]:
    """The picture as it is shown.

    Args:
        picture: The picture.
        steps: A chain of pre-processors.

    Returns:
        (H, W), or (H, W, 3) RGB.

    Raises:
        ImageError: The steps cannot work on it.
    """
    pixels = picture.shown
    for step in _built(steps):
        pixels = step.process(pixels)
    squeezed = to_8_bit(pixels)
    return np.asarray(255 - squeezed) if picture.inverted else squeezed


@lru_cache(maxsize=256)
def _built(steps: str) -> tuple[PreProcessor, ...]:
    return tuple(build_chain(PRE_PROCESSORS, steps))


def _text(steps: list[tuple[str, dict[str, str]]]) -> str:
    """A chain as text again, in one form whatever blanks it was given with."""
    texts = []
    for name, options in steps:
        given = ",".join(f"{option}={value}" for option, value in options.items())
        texts.append(f"{name}:{given}" if given else name)
    return ",".join(texts)


def _joined(*chains: str) -> str:
    return ",".join(filter(None, chains))
