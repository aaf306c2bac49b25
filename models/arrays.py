"""The array types that cross module boundaries."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Image: TypeAlias = NDArray[np.uint8]
"""RGB picture, (H, W, 3), values 0..255."""

Mask: TypeAlias = NDArray[np.bool_]
"""One object or one class, (H, W), true inside."""
