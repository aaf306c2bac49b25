import numpy as np
import pytest

from models.arrays import Mask
from models.label_schema import LabelSchema, Question
from models.prelabel.base import ImageClass, PreLabels
from models.regions import Region
from models.training.examples import Example
from models.training.prelabel_scores import average_precision, class_dices, overall, prelabel_scores

SIZE = (20, 30)
SCHEMA = LabelSchema(
    ("cell", "debris"), (Question("light", ("dark", "bright")), Question("seen", ("fold", "ink"), True))
)


def box(top: int, left: int, bottom: int, right: int, name: str = "cell") -> Region:
    return Region(np.ones((bottom - top, right - left), dtype=bool), top, left, name)


def scores(found: tuple[Region, ...], truth: tuple[Region, ...] | None) -> dict[str, float]:
    example = Example("k", "g", lambda: np.zeros((*SIZE, 3), np.uint8), truth, {})
    return prelabel_scores(PreLabels(found, (), 0.5), example, SCHEMA, SIZE)


def accuracy(said: dict[str, float], answers: dict[str, tuple[str, ...]]) -> float | None:
    questions = {"dark": "light", "bright": "light", "fold": "seen", "ink": "seen"}
    statements = tuple(ImageClass(name, score, questions[name]) for name, score in said.items())
    example = Example("k", "g", lambda: np.zeros((*SIZE, 3), np.uint8), None, answers)
    return prelabel_scores(PreLabels((), statements, 0.5), example, SCHEMA, SIZE).get("accuracy")


def test_the_truth_itself_is_perfect() -> None:
    truth = (box(0, 0, 8, 8), box(2, 2, 5, 5, "debris"))

    assert scores(truth, truth) == {"dice": 1, "iou": 1, "ap50": 1}


def test_a_box_that_is_half_covered() -> None:
    # 50 of 100 pixels: Dice 2 * 50 / 150, IoU 50 / 100, which is not above 0.5.
    assert scores((box(0, 0, 10, 5),), (box(0, 0, 10, 10),)) == pytest.approx(
        {"dice": 2 / 3, "iou": 1 / 2, "ap50": 0}
    )


def test_classes_count_alike_whatever_their_area() -> None:
    truth = (box(0, 0, 20, 20), box(0, 25, 2, 27, "debris"))
    found = scores((box(0, 0, 20, 20),), truth)

    assert found == pytest.approx({"dice": 1 / 2, "iou": 1 / 2, "ap50": 1 / 2})


def test_a_class_on_neither_side_does_not_count() -> None:
    cells = (box(0, 0, 5, 5),)

    assert class_dices(cells, cells, SCHEMA.classes, SIZE) == [1]


def test_a_picture_of_nothing_is_right_if_nothing_is_found() -> None:
    assert scores((), ()) == {"dice": 1, "iou": 1, "ap50": 1}
    assert scores((box(0, 0, 5, 5),), ()) == {"dice": 0, "iou": 0, "ap50": 0}
    assert scores((), (box(0, 0, 5, 5),)) == {"dice": 0, "iou": 0, "ap50": 0}


def test_objects_of_other_classes_are_left_out_on_both_sides() -> None:
    stranger = box(0, 0, 9, 9, "stranger")

    assert scores((stranger,), ()) == scores((), (stranger,)) == {"dice": 1, "iou": 1, "ap50": 1}


def test_the_smaller_object_is_in_front_on_both_sides() -> None:
    large, small = box(0, 0, 10, 10), box(0, 0, 5, 10, "debris")

    assert class_dices((small, large), (large, small), SCHEMA.classes, SIZE) == [1, 1]


def test_objects_found_of_all_found_or_missed() -> None:
    truth = [box(0, 0, 6, 6), box(10, 0, 16, 6), box(0, 15, 6, 21)]
    found = [box(0, 0, 6, 6), box(10, 1, 16, 7), box(14, 20, 18, 24)]  # the second has IoU 30 / 42

    assert average_precision(found, truth, ("cell",)) == 2 / 4


def test_an_object_is_found_only_once_and_in_its_class() -> None:
    truth = [box(0, 0, 6, 6)]

    assert average_precision([box(0, 0, 6, 6), box(0, 0, 6, 6)], truth, ("cell",)) == 1 / 2
    assert average_precision([box(0, 0, 6, 6, "debris")], truth, SCHEMA.classes) == 0


def test_a_ring_and_what_is_in_it_are_two_objects() -> None:
    ring: Mask = np.ones((9, 9), dtype=bool)
    ring[3:6, 3:6] = False
    both = [Region(ring, 0, 0, "cell"), box(3, 3, 6, 6)]

    assert average_precision(both, both[::-1], ("cell",)) == 1


def test_nobody_asked_for_objects() -> None:
    assert scores((box(0, 0, 5, 5),), None) == {}


@pytest.mark.parametrize(
    ("said", "answers", "right"),
    [
        ({"dark": 0.6, "bright": 0.4}, {"light": ("dark",)}, 1),
        ({"dark": 0.4, "bright": 0.6}, {"light": ("dark",)}, 0),
        ({"fold": 0.5, "ink": 0.9}, {"seen": ("ink", "fold")}, 1),
        ({"fold": 0.4, "ink": 0.9}, {"seen": ("ink", "fold")}, 0),
        ({"fold": 0.1, "ink": 0.2}, {"seen": ()}, 1),
        ({"dark": 0.9, "fold": 0.1, "ink": 0.2}, {"light": ("dark",), "seen": ("ink",)}, 0.5),
        ({}, {"light": ("dark",)}, 0),
    ],
)
def test_the_accuracy_is_the_share_of_questions_answered_rightly(
    said: dict[str, float], answers: dict[str, tuple[str, ...]], right: float
) -> None:
    assert accuracy(said, answers) == right


def test_questions_that_nobody_answered_do_not_count() -> None:
    assert accuracy({"dark": 1.0}, {}) is None


def test_the_figure_of_an_example_weighs_objects_and_answers_alike() -> None:
    assert overall({"dice": 0.8, "ap50": 0.1, "accuracy": 0.4}) == pytest.approx(0.6)
    assert overall({"dice": 0.8, "iou": 0.7}) == 0.8
    assert overall({"accuracy": 1.0}) == 1
    assert overall({}) == 0
