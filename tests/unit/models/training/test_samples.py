import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
from numpy.typing import NDArray

from models.arrays import Image
from models.errors import DataFolderError, ImageError
from models.training.samples import DataFolder, Truth

GREY = np.full((6, 8, 3), 128, np.uint8)


def add(folder: Path, stem: str, ids: Any, image: Image = GREY, *, dtype: type = np.uint8) -> None:
    for name, pixels in (("images", image), ("masks", np.asarray(ids, dtype))):
        (folder / name).mkdir(exist_ok=True)
        PIL.Image.fromarray(pixels).save(folder / name / f"{stem}.png")


def ids_of(values: Sequence[int]) -> NDArray[np.int64]:
    """A mask of 6 × 8 pixels whose first pixels have these numbers."""
    ids = np.zeros(48, np.int64)
    ids[: len(values)] = values
    return ids.reshape(6, 8)


def labels(folder: Path, **options: Any) -> list[int]:
    truth = DataFolder(folder, **options).read_truth("a")
    return [int(value) for value in truth.labels.ravel()[:6]]


def test_a_sample_has_the_pixels_and_its_objects(tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 255, (6, 8, 3), np.uint8)
    add(tmp_path, "a", ids_of([7, 7, 0, 3]), image)

    sample = DataFolder(tmp_path).read("a")

    assert sample.stem == "a"
    assert np.array_equal(sample.image, image)
    assert [region.box for region in sample.truth.objects] == [(0, 3, 1, 4), (0, 0, 1, 2)]
    assert sample.truth.ignored is None


def test_numbers_with_gaps_become_consecutive(tmp_path: Path) -> None:
    add(tmp_path, "a", ids_of([9, 9, 4, 0, 200]))

    assert labels(tmp_path) == [2, 2, 1, 0, 3, 0]


def test_drawn_labels_may_have_gaps() -> None:
    objects = Truth(ids_of([0, 5, 2, 5]).astype(np.int32)).objects

    assert [(region.class_name, region.box) for region in objects] == [
        ("2", (0, 2, 1, 3)),
        ("5", (0, 1, 1, 4)),
    ]


def test_255_is_ignored_in_8_bits(tmp_path: Path) -> None:
    add(tmp_path, "a", ids_of([1, 255, 255, 2]))

    truth = DataFolder(tmp_path).read_truth("a")

    assert labels(tmp_path) == [1, 0, 0, 2, 0, 0]
    assert truth.ignored is not None
    assert np.flatnonzero(truth.ignored).tolist() == [1, 2]


def test_255_is_the_object_of_a_mask_that_has_nothing_else(tmp_path: Path) -> None:
    add(tmp_path, "a", ids_of([255, 255]))

    assert labels(tmp_path) == [1, 1, 0, 0, 0, 0]
    assert DataFolder(tmp_path).read_truth("a").ignored is None


def test_255_is_an_object_after_254_others(tmp_path: Path) -> None:
    add(tmp_path, "a", np.arange(256).reshape(16, 16), np.zeros((16, 16, 3), np.uint8))

    truth = DataFolder(tmp_path).read_truth("a")

    assert len(truth.objects) == 255
    assert truth.ignored is None


def test_255_is_an_object_in_16_bits(tmp_path: Path) -> None:
    add(tmp_path, "a", ids_of([255, 300, 254]), dtype=np.uint16)

    assert labels(tmp_path) == [2, 3, 1, 0, 0, 0]


@pytest.mark.parametrize(("ignore_id", "expected"), [(None, [1, 3, 2]), (11, [1, 2, 0]), (255, [1, 0, 2])])
def test_the_ignored_number_can_be_chosen(tmp_path: Path, ignore_id: int | None, expected: list[int]) -> None:
    add(tmp_path, "a", ids_of([1, 255, 11]))

    assert labels(tmp_path, ignore_id=ignore_id)[:3] == expected


def test_an_unknown_rule_for_ignored_pixels_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'never'"):
        DataFolder(tmp_path, ignore_id="never")


def test_classes_are_cut_into_components(tmp_path: Path) -> None:
    add(tmp_path, "a", ids_of([2, 0, 1, 2, 0, 1]))

    assert labels(tmp_path) == [2, 0, 1, 2, 0, 1]
    assert labels(tmp_path, as_components=True) == [3, 0, 1, 4, 0, 2]


def test_bilevel_and_palette_masks_hold_numbers(tmp_path: Path) -> None:
    add(tmp_path, "a", ids_of([1, 0, 1]))
    PIL.Image.fromarray(ids_of([1, 0, 1]).astype(bool)).save(tmp_path / "masks" / "a.png")
    assert labels(tmp_path)[:3] == [1, 0, 1]

    palette = PIL.Image.fromarray(ids_of([5, 0, 6]).astype(np.uint8)).convert("P")
    palette.putpalette([200, 0, 0] * 256)
    palette.save(tmp_path / "masks" / "a.png")
    assert labels(tmp_path)[:3] == [1, 0, 2]


def test_a_colourful_mask_is_refused(tmp_path: Path) -> None:
    add(tmp_path, "a", GREY)

    with pytest.raises(ImageError, match=r"a\.png has RGB pixels; a mask has one number per pixel"):
        DataFolder(tmp_path).read("a")


def test_a_mask_of_another_size_is_refused(tmp_path: Path) -> None:
    add(tmp_path, "a", np.ones((5, 8)))

    with pytest.raises(ImageError, match=r"picture has \(6, 8\) rows and columns, the mask \(5, 8\)"):
        DataFolder(tmp_path).read("a")


def test_a_broken_file_and_an_unknown_stem_are_named(tmp_path: Path) -> None:
    add(tmp_path, "a", ids_of([1]))
    (tmp_path / "images" / "a.png").write_bytes(b"no picture")

    with pytest.raises(ImageError, match=r"a\.png cannot be decoded"):
        DataFolder(tmp_path).read("a")
    with pytest.raises(ImageError, match="called 'b'"):
        DataFolder(tmp_path).read("b")


def test_grey_and_16_bit_pictures_become_rgb(tmp_path: Path) -> None:
    add(tmp_path, "a", ids_of([1]))
    add(tmp_path, "b", ids_of([1]))
    PIL.Image.fromarray(np.full((6, 8), 77, np.uint8)).save(tmp_path / "images" / "a.png")
    PIL.Image.fromarray(np.full((6, 8), 77 * 256 + 5, np.uint16)).save(tmp_path / "images" / "b.png")

    for sample in DataFolder(tmp_path):
        assert sample.image.dtype == np.uint8
        assert sample.image.shape == (6, 8, 3)
        assert (sample.image == 77).all()


def test_a_turned_picture_is_read_as_the_editor_shows_it(tmp_path: Path) -> None:
    add(tmp_path, "a", np.ones((8, 6)))
    exif = PIL.Image.Exif()
    exif[0x0112] = 6  # to be turned right
    PIL.Image.fromarray(GREY).save(tmp_path / "images" / "a.png", exif=exif)

    assert DataFolder(tmp_path).read("a").image.shape == (8, 6, 3)


def test_samples_are_selected_by_position_pattern_and_split(tmp_path: Path) -> None:
    for stem in ("d_1", "b_1", "a_1", "c_2"):
        add(tmp_path, stem, ids_of([1]))
    (tmp_path / "splits.json").write_text(json.dumps({"test": ["a_1", "c_2", "elsewhere"]}))
    folder = DataFolder(tmp_path)

    assert folder.stems == ("a_1", "b_1", "c_2", "d_1")
    assert len(folder) == 4
    assert folder.select(first=3) == ("a_1", "b_1", "c_2")
    assert folder.select(last=1) == ("d_1",)
    assert folder.select(last=9) == folder.stems
    assert folder.select(first=3, last=1) == ("c_2",)
    assert folder.select(pattern="*_1") == ("a_1", "b_1", "d_1")
    assert folder.select(split="test") == ("a_1", "c_2")
    with pytest.raises(DataFolderError, match="no split 'tset'; known: test"):
        folder.select(split="tset")
    with pytest.raises(DataFolderError, match="None of the 4 samples"):
        folder.select(pattern="x*")


@pytest.mark.parametrize("name", ["groups.json", "sequences.json"])
def test_groups_are_read_and_other_stems_stand_alone(tmp_path: Path, name: str) -> None:
    for stem in ("a", "b", "c"):
        add(tmp_path, stem, ids_of([1]))
    (tmp_path / name).write_text(json.dumps({"first": ["a", "c"]}))

    assert DataFolder(tmp_path).groups() == {"a": "first", "b": "b", "c": "first"}


@pytest.mark.parametrize("content", ["{", "[]", '{"a": 1}'])
def test_a_malformed_groups_file_is_named(tmp_path: Path, content: str) -> None:
    add(tmp_path, "a", ids_of([1]))
    (tmp_path / "groups.json").write_text(content)

    with pytest.raises(DataFolderError, match=r"groups\.json"):
        DataFolder(tmp_path).groups()


def test_a_folder_without_pairs_says_how_it_should_look(tmp_path: Path) -> None:
    with pytest.raises(DataFolderError, match=r"images/<stem>\.jpg or \.png and masks/<stem>\.png"):
        DataFolder(tmp_path)


def test_each_object_is_told_what_the_file_calls_it(tmp_path: Path) -> None:
    add(tmp_path, "a", ids_of([9, 9, 4, 0, 200]))
    truth = DataFolder(tmp_path).read_truth("a")

    assert truth.numbers == (0, 4, 9, 200)
    assert [(truth.numbers[int(each.class_name)], each.area) for each in truth.objects] == [
        (4, 1),
        (9, 2),
        (200, 1),
    ]


def test_a_mask_without_background_keeps_the_number_of_its_object(tmp_path: Path) -> None:
    add(tmp_path, "a", np.full((6, 8), 3))

    truth = DataFolder(tmp_path).read_truth("a")

    assert truth.numbers == (0, 3)
    assert [truth.numbers[int(each.class_name)] for each in truth.objects] == [3]


def test_components_have_no_number_in_the_file(tmp_path: Path) -> None:
    add(tmp_path, "a", ids_of([7, 0, 7]))

    assert DataFolder(tmp_path, as_components=True).read_truth("a").numbers == ()
