import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from backend.errors import RequestError
from backend.labelstudio.brush_touches import paint_touches
from backend.labelstudio.scribbles import MOST_CLICKS, clicks_of_stroke
from models.arrays import Mask
from models.prompts import Click
from models.regions import Region


def touch(*points_xy: float, width: float = 5.0, kind: str = "add") -> dict[str, object]:
    return {"type": kind, "relativePoints": list(points_xy), "relativeStrokeWidth": width}


def test_a_straight_stroke_becomes_a_row_along_its_middle() -> None:
    (clicks, rows, columns) = _row_of(np.pad(np.ones((9, 180), bool), 10))
    assert 5 < len(clicks) <= MOST_CLICKS
    assert set(rows) <= {13.0, 14.0, 15.0}
    gaps = np.diff(sorted(columns))
    assert gaps.max() <= 2 * gaps.min()


def test_a_stroke_in_a_huge_picture_stays_within_the_limit() -> None:
    mask = np.zeros((3000, 4000), np.uint8)
    for row in range(100, 2900, 200):
        cv2.line(mask, (100, row), (3900, row), 1, thickness=9)
    clicks, _, _ = _row_of(mask > 0)
    assert len(clicks) == MOST_CLICKS


@given(
    mask=arrays(bool, st.tuples(st.integers(1, 40), st.integers(1, 40))).filter(np.any),
    positive=st.booleans(),
)
def test_every_click_of_a_stroke_lies_on_it(mask: Mask, positive: bool) -> None:
    stroke = Region.from_mask(mask)
    assert stroke is not None
    clicks = clicks_of_stroke(stroke, (mask.shape[0], mask.shape[1]), positive=positive)
    assert 1 <= len(clicks) <= MOST_CLICKS
    assert all(mask[click.pixel] and click.positive is positive for click in clicks)


def test_brush_movements_are_painted_where_they_went() -> None:
    painted = paint_touches(np.zeros((100, 200), bool), [touch(10, 50, 90, 50)])
    assert painted[50, 21:180].all()
    assert not painted[:40].any()
    assert not painted[:, :10].any()


def test_the_eraser_takes_away_what_was_there_before() -> None:
    mask = np.ones((100, 200), bool)
    erased = paint_touches(mask, [touch(50, 0, 50, 100, kind="eraser")])
    assert not erased[:, 100].any()
    assert erased[:, :90].all()
    assert mask.all()


@pytest.mark.parametrize(
    "touches",
    [
        "text",
        [1],
        [{"type": "add"}],
        [touch()],
        [touch(1, 2, 3)],
        [touch(1, float("nan"))],
        [touch(1, 1e9)],
        [touch(*[1.0] * 200_000)],
        [{**touch(1, 2), "relativeStrokeWidth": None}],
    ],
)
def test_what_is_no_movement_of_a_brush_is_refused(touches: object) -> None:
    with pytest.raises(RequestError, match="touches"):
        paint_touches(np.zeros((5, 5), bool), touches)


def _row_of(mask: Mask) -> tuple[tuple[Click, ...], list[float], list[float]]:
    stroke = Region.from_mask(mask)
    assert stroke is not None
    clicks = clicks_of_stroke(stroke, (mask.shape[0], mask.shape[1]), positive=True)
    return clicks, [click.row for click in clicks], [click.column for click in clicks]
