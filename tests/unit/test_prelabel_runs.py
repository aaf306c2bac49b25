"""Which pictures a measured pre-labeller learns from, and how beliefs about errors are ranked."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from scripts.errors import NothingMeasuredError
from scripts.evaluate_prelabels import plan
from scripts.picture_sets import PictureSet, choose, divide
from scripts.prelabel_runs import Run, ranked_precision


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Twelve pictures of 8 × 8 pixels in three films; masks with the numbers 2 and 5."""
    for name in ("images", "masks"):
        (tmp_path / name).mkdir()
    for number in range(12):
        mask = np.zeros((8, 8), np.uint8)
        mask[:2, :3], mask[4:, 4:] = 2, 5
        cv2.imwrite(str(tmp_path / "images" / f"{number:02}.png"), np.zeros((8, 8, 3), np.uint8))
        cv2.imwrite(str(tmp_path / "masks" / f"{number:02}.png"), mask)
    films = {
        f"film {film}": [f"{number:02}" for number in range(4 * film, 4 * film + 4)] for film in range(3)
    }
    (tmp_path / "sequences.json").write_text(json.dumps(films), encoding="utf-8")
    return tmp_path


def test_numbers_are_objects_or_classes(folder: Path) -> None:
    objects = PictureSet(folder, class_masks=False, grouped=False)
    classes = PictureSet(folder, class_masks=True, grouped=False)

    assert objects.schema(["00"]).classes == ("object",)
    assert classes.schema(["00", "01"]).classes == ("2", "5")
    assert [(r.class_name, r.area) for r in objects.example("00").regions or ()] == [
        ("object", 6),
        ("object", 16),
    ]
    assert [(r.class_name, r.area) for r in classes.example("00").regions or ()] == [("2", 6), ("5", 16)]


def test_a_picture_is_read_when_it_is_asked_for(folder: Path) -> None:
    example = PictureSet(folder, class_masks=False, grouped=True).example("05")

    assert (example.key, example.group) == ("05", "film 1")
    assert example.load_image().shape == (8, 8, 3)


def test_films_are_not_divided(folder: Path) -> None:
    pool, asked = divide(PictureSet(folder, class_masks=False, grouped=True), 4)

    assert len(pool) == 8
    assert len(asked) == 4
    assert len({int(stem) // 4 for stem in asked}) == 1
    assert (pool, asked) == divide(PictureSet(folder, class_masks=False, grouped=True), 4)


def test_at_most_two_fifths_are_asked_about(folder: Path) -> None:
    pool, asked = divide(PictureSet(folder, class_masks=False, grouped=False), 100)

    assert (len(pool), len(asked)) == (8, 4)
    assert not set(pool) & set(asked)


def test_a_single_picture_is_too_few_to_ask_about(folder: Path) -> None:
    with pytest.raises(NothingMeasuredError, match="3 pictures in 3 groups: too few"):
        divide(PictureSet(folder, class_masks=False, grouped=False, last=3), 100)


def test_fewer_labels_are_among_more() -> None:
    stems = [str(number) for number in range(40)]

    assert choose(stems, 8, seed=1) == choose(stems, 30, seed=1)[:8]
    assert choose(stems, 8, seed=1) != choose(stems, 8, seed=2)
    assert set(choose(stems, 40, seed=3)) == set(stems)


def test_only_those_that_learn_are_measured_for_each_count_and_seed() -> None:
    assert plan(["otsu", "unet"], [8, 16], 2) == [
        Run("otsu", 0, 0),
        Run("unet", 8, 0),
        Run("unet", 8, 1),
        Run("unet", 16, 0),
        Run("unet", 16, 1),
    ]


@pytest.mark.parametrize(
    ("belief", "wrong", "precision"),
    [
        ([0.9, 0.8, 0.1, 0.0], [1, 1, 0, 0], 1.0),
        ([0.9, 0.8, 0.1, 0.0], [0, 0, 0, 1], 1 / 4),
        ([0.9, 0.8, 0.7], [1, 0, 1], (1 + 2 / 3) / 2),
        ([0.3, 0.2], [0, 0], 1.0),
    ],
)
def test_the_precision_of_a_belief_is_that_of_its_ranking(
    belief: list[float], wrong: list[int], precision: float
) -> None:
    assert ranked_precision(np.array(belief), np.array(wrong, dtype=bool)) == pytest.approx(precision)
