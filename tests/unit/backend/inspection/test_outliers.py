"""What is far from the usual."""

import numpy as np
import pytest

from backend.inspection.base import WARN_AT, Json
from backend.inspection.unusual_size import UnusualSize


class Together(UnusualSize):
    """Also compares the mean sizes of pictures."""

    of_pictures = True


RULE = UnusualSize()
Values = list[list[float]]


def project(pictures: Values, *, cut: bool = False, name: str = "cell") -> dict[str, Json]:
    return {
        f"{name}-{cut}-{number}": {"objects": [["a", name, cut, [0, 0, 9, 9], [value]] for value in values]}
        for number, values in enumerate(pictures)
    }


def severity(
    value: float, measured: dict[str, Json], *, cut: bool = False, name: str = "cell"
) -> float | None:
    new = {"objects": [["a", name, cut, [0, 0, 9, 9], [value]]]}
    issues = RULE.judge("new", new, RULE.learn(measured))
    return issues[0].severity if issues else None


def normal(n_pictures: int, per_picture: int = 1, spread: float = 0.5) -> Values:
    rng = np.random.default_rng(0)
    pictures: Values = rng.normal(6, spread, (n_pictures, per_picture)).tolist()
    return pictures


def test_the_severity_rises_with_the_distance_from_the_median() -> None:
    measured = project(normal(200))
    found = [severity(6 + distance, measured) for distance in (0.3, 1.0, 2.0, 3.0, 6.0)]
    assert found == sorted(found, key=lambda each: each or 0)
    assert found[0] is not None and found[0] < 0.01
    assert found[-1] is not None and found[-1] > 0.9


@pytest.mark.parametrize("draw", ["normal", "laplace", "exponential", "logistic"])
def test_faultless_objects_are_seldom_doubted_whatever_their_tails(draw: str) -> None:
    rng = np.random.default_rng(1)
    pictures = getattr(rng, draw)(size=(300, 20)).tolist()
    measured = project(pictures)
    usual = RULE.learn(measured)
    n_warned = sum(
        any(issue.severity >= WARN_AT for issue in RULE.judge(key, each, usual))
        for key, each in measured.items()
    )
    assert n_warned <= 3


def test_pictures_with_many_objects_do_not_warn_more_often() -> None:
    few, many = (severity(8.8, project(normal(4000 // each, each))) for each in (1, 40))
    assert few is not None and many is not None
    assert few >= WARN_AT > many


def test_one_fault_in_twenty_does_not_hide_the_others() -> None:
    faulty = normal(190) + [[12.0] for _ in range(10)]
    found = severity(12.0, project(faulty))
    assert found is not None and found >= WARN_AT


def test_small_differences_mean_nothing_however_alike_the_objects_are() -> None:
    same = project([[6.0]] * 50)
    little, much = severity(6.5, same), severity(7.5, same)
    assert little is not None and little < WARN_AT
    assert much is not None and much >= WARN_AT


def test_objects_that_are_cut_off_are_compared_with_their_like() -> None:
    measured = project(normal(100)) | project([[value - 3 for value in row] for row in normal(100)], cut=True)
    whole, cut = severity(3.0, measured), severity(3.0, measured, cut=True)
    assert whole is not None and whole >= WARN_AT
    assert cut is not None and cut < 0.1


def test_the_objects_of_a_new_class_are_compared_with_all_until_there_are_twelve() -> None:
    measured = project(normal(100)) | project([[9.0]] * 5, name="rare")
    own = project(normal(100)) | project([[9.0]] * 12, name="rare")
    assert (severity(9.0, measured, name="rare") or 0) > 0.3
    assert severity(9.0, own, name="rare") == 0
    assert severity(9.0, project(normal(11))) is None


def test_what_is_little_for_one_object_is_much_for_all_of_a_picture() -> None:
    rule = Together()
    measured = project(normal(100, 25))
    usual = rule.learn(measured)
    shifted = {"objects": [["a", "cell", False, [0, 0, 9, 9], [value + 1.2]] for value in normal(1, 25)[0]]}
    *single, whole = rule.judge("new", shifted, usual)
    assert all(issue.severity < WARN_AT for issue in single)
    assert whole.severity >= WARN_AT
    assert whole.region_ids == ()
    assert whole.message.startswith("All objects together: ")
    assert len(rule.judge("few", {"objects": shifted["objects"][:2]}, usual)) == 2
