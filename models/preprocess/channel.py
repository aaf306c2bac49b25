"""Picks one channel, such as the green one of an eye's background."""

import numpy as np

from models.errors import ImageError
from models.options import check_between
from models.preprocess.base import Pixels, PreProcessor, checked_values


class Channel(PreProcessor):
    """Shows one channel in grey; its values stay what they are, whatever these mean.

    Args:
        number: 1 for the first: 1 is red, 2 green and 3 blue. Pictures may have other channels.
    """

    name = "channel"

    def __init__(self, *, number: int = 1) -> None:
        check_between("number", number, 1, 1000)
        self._number = number

    def process(self, image: Pixels) -> Pixels:
        """Pick the channel; see the base class.

        Raises:
            ImageError: There is no such channel.
        """
        checked_values(image)
        channels = image if image.ndim == 3 else image[:, :, np.newaxis]
        if self._number > channels.shape[2]:
            raise ImageError(f"There is no channel {self._number}: the picture has {channels.shape[2]}.")
        return np.nan_to_num(channels[:, :, self._number - 1])
