"""Interactive models whose weights are fetched: what makes options with small random weights in a folder."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from tests.fakes.tiny_sam import write_tiny_sam

Options: TypeAlias = Mapping[str, Any]
UNTRAINED: Mapping[str, Callable[[Path], Options]] = {
    "sam": lambda folder: {"checkpoint": write_tiny_sam(folder / "tiny.pth")},
}
