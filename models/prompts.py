"""What an annotator points at: clicks and boxes, in (row, column) pixels."""

from dataclasses import dataclass
from math import ceil, floor, isfinite

from models.errors import PromptError


@dataclass(frozen=True)
class Click:
    """A point on the object (positive) or beside it (negative).

    Attributes:
        row: Distance of the pixel centre from the top, in pixels; fractions are allowed.
        column: Distance of the pixel centre from the left, in pixels.
        positive: Whether the point lies on the object.
    """

    row: float
    column: float
    positive: bool = True

    @property
    def pixel(self) -> tuple[int, int]:
        """The (row, column) of the pixel that was hit."""
        return floor(self.row + 0.5), floor(self.column + 0.5)


@dataclass(frozen=True)
class Box:
    """A rectangle around the object; `bottom` and `right` are exclusive, as in slices.

    Attributes:
        top: First row.
        left: First column.
        bottom: Row after the last one.
        right: Column after the last one.
    """

    top: float
    left: float
    bottom: float
    right: float

    @property
    def slices(self) -> tuple[slice, slice]:
        """The box as (row slice, column slice) of at least one pixel."""
        return _pixels(self.top, self.bottom), _pixels(self.left, self.right)


def _pixels(first: float, last: float) -> slice:
    """Round to whole pixels; a box thinner than that keeps the pixel it lies in."""
    start = max(0, min(round(first), ceil(last) - 1))
    return slice(start, max(start + 1, round(last)))


@dataclass(frozen=True)
class Prompts:
    """Everything the annotator said about one object.

    Attributes:
        clicks: Oldest first.
        box: A rectangle around the whole object, if one was drawn.
    """

    clicks: tuple[Click, ...] = ()
    box: Box | None = None

    @property
    def has_positive(self) -> bool:
        """Whether anything says where the object is; negative clicks alone do not."""
        return self.box is not None or any(click.positive for click in self.clicks)

    def check(self, size_hw: tuple[int, int]) -> None:
        """Refuse prompts that cannot describe an object in a picture of this size.

        Args:
            size_hw: Height and width of the picture in pixels.

        Raises:
            PromptError: Nothing is positive, a position is not a finite number, a click lies outside the
                picture, or the box holds no pixel of it.
        """
        height, width = size_hw
        if not self.has_positive:
            raise PromptError("At least one positive click or a box is needed to say where the object is.")
        for click in self.clicks:
            if not self._click_hits(click, height, width):
                raise PromptError(
                    f"The click at row {click.row:g}, column {click.column:g} lies outside the picture "
                    f"of {height} rows and {width} columns."
                )
        if self.box is not None and not self._box_holds_a_pixel(self.box, height, width):
            raise PromptError(
                f"{self.box} does not overlap the picture of {height} rows and {width} columns."
            )

    @staticmethod
    def _click_hits(click: Click, height: int, width: int) -> bool:
        if not (isfinite(click.row) and isfinite(click.column)):
            return False
        row, column = click.pixel
        return 0 <= row < height and 0 <= column < width

    @staticmethod
    def _box_holds_a_pixel(box: Box, height: int, width: int) -> bool:
        if not all(map(isfinite, (box.top, box.left, box.bottom, box.right))):
            return False
        if not (0 < box.bottom > box.top and 0 < box.right > box.left):
            return False
        rows, columns = box.slices
        return bool(rows.start < height and columns.start < width)
