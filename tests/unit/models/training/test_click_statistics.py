import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.training.click_evaluation import Trace
from models.training.click_statistics import ClickedObject, click_figures, mean_over_groups


def clicked(stem: str, *ious: float, group: str | None = None) -> ClickedObject:
    return ClickedObject(stem, group or stem, 1, 100, Trace(ious, (0.1,) * len(ious)))


def test_the_figures_of_known_traces() -> None:
    objects = [clicked("a", 0.5, 0.82, 0.91), clicked("a", 0.86, 0.7, 0.7), clicked("b", 0.95)]

    figures = click_figures(objects, max_clicks=3)

    assert (figures.n_objects, figures.n_pictures, figures.n_groups) == (3, 2, 2)
    assert {key: value.mean for key, value in figures.noc.items()} == pytest.approx(
        {0.8: (2 + 1 + 1) / 3, 0.85: (3 + 1 + 1) / 3, 0.9: (3 + 3 + 1) / 3}
    )
    assert figures.failed == {0.8: 0, 0.85: 0, 0.9: pytest.approx(1 / 3)}
    assert figures.iou_after == pytest.approx([(0.5 + 0.86 + 0.95) / 3, (0.82 + 0.7 + 0.95) / 3, 2.56 / 3])
    assert figures.found_after == pytest.approx([1 / 3, 1 / 3, 2 / 3])


def test_no_objects_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one object"):
        click_figures([], 20)


@given(st.lists(st.tuples(st.floats(1, 20), st.sampled_from("abcdef")), min_size=1, max_size=30))
def test_the_interval_lies_within_the_values_and_repeats(rows: list[tuple[float, str]]) -> None:
    values, groups = [value for value, _ in rows], [group for _, group in rows]

    estimate = mean_over_groups(values, groups)

    assert estimate.mean == pytest.approx(np.mean(values))
    assert min(values) - 1e-9 <= estimate.low <= estimate.high <= max(values) + 1e-9
    assert mean_over_groups(values, groups) == estimate


def test_objects_of_one_picture_do_not_make_the_interval_narrower() -> None:
    random = np.random.default_rng(1)
    per_picture = random.normal(5, 2, 40)

    once = mean_over_groups(per_picture.tolist(), [str(number) for number in range(40)])
    repeated = mean_over_groups(
        np.repeat(per_picture, 10).tolist(), [str(number) for number in range(40) for _ in range(10)]
    )

    expected = 2 * 1.96 * per_picture.std() / np.sqrt(40)  # normal approximation
    assert once.high - once.low == pytest.approx(expected, rel=0.15)
    assert repeated.high - repeated.low == pytest.approx(expected, rel=0.15)
