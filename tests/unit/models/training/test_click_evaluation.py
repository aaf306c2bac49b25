import numpy as np
import pytest

from models.arrays import Mask
from models.prompts import Click
from models.training.click_evaluation import Limits, Trace, click_until_found
from models.training.clickers import CentreClicker

TRUTH = np.zeros((30, 40), dtype=bool)
TRUTH[5:25, 10:30] = True
EMPTY = np.zeros_like(TRUTH)


class Recording:
    """Answers one mask after the other and remembers the clicks."""

    def __init__(self, *masks: Mask) -> None:
        self._masks = masks
        self.requests: list[tuple[Click, ...]] = []

    def __call__(self, clicks: tuple[Click, ...]) -> Mask:
        self.requests.append(clicks)
        return self._masks[min(len(clicks), len(self._masks)) - 1]


def part(share: float) -> Mask:
    """The truth's first rows: this share of it."""
    mask = EMPTY.copy()
    mask[5 : 5 + round(20 * share), 10:30] = True
    return mask


def follow(answer: Recording, ignored: Mask | None = None, **limits: int) -> Trace:
    return click_until_found(answer, TRUTH, ignored, CentreClicker(), Limits(**limits))


def test_clicking_ends_when_the_highest_threshold_is_reached() -> None:
    trace = follow(Recording(part(0.5), part(0.85), part(0.95), part(1)), curve_clicks=1)

    assert trace.ious == pytest.approx([0.5, 0.85, 0.95])
    assert [trace.clicks_to(threshold) for threshold in (0.8, 0.85, 0.9)] == [2, 2, 3]
    assert len(trace.seconds) == 3


def test_the_curve_gets_its_clicks_after_the_object_is_found() -> None:
    trace = follow(Recording(part(0.9), part(0.95)), curve_clicks=4)

    assert trace.ious == pytest.approx([0.9, 0.95, 0.95, 0.95])
    assert trace.clicks_to(0.9) == 1


def test_an_object_that_was_found_and_lost_again_is_not_clicked_on() -> None:
    trace = follow(Recording(part(0.95), part(0.6)), curve_clicks=3)

    assert trace.ious == pytest.approx([0.95, 0.6, 0.6])
    assert trace.clicks_to(0.9) == 1


def test_nothing_is_clicked_when_nothing_is_wrong() -> None:
    trace = follow(Recording(part(0.5), TRUTH))

    assert trace.ious == (0.5, 1.0)
    assert [trace.iou_after(k) for k in (1, 2, 10)] == [0.5, 1.0, 1.0]


def test_an_object_that_is_never_found_fails_at_the_cap() -> None:
    answer = Recording(part(0.8))
    trace = follow(answer, max_clicks=5)

    assert [len(clicks) for clicks in answer.requests] == [1, 2, 3, 4, 5]
    assert trace.clicks_to(0.8) == 1
    assert trace.clicks_to(0.85) is None


def test_each_request_repeats_the_clicks_before_and_corrects_the_last_mask() -> None:
    answer = Recording(part(0.5), TRUTH | ~part(0.5), TRUTH)
    follow(answer)

    first, second, third = answer.requests[2]
    assert answer.requests[1] == (first, second)
    assert first.positive and TRUTH[first.pixel]
    assert second.positive and (TRUTH & ~part(0.5))[second.pixel]
    assert not third.positive and not TRUTH[third.pixel]


def test_ignored_pixels_are_neither_errors_nor_part_of_the_iou() -> None:
    ignored = TRUTH & ~part(0.5)

    trace = follow(Recording(part(0.5)), ignored)

    assert trace.ious == (1.0,)


def test_an_object_without_pixels_is_refused() -> None:
    with pytest.raises(ValueError, match="without pixels"):
        click_until_found(Recording(EMPTY), EMPTY, None, CentreClicker(), Limits())
