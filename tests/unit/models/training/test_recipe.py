import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from models.errors import DataFolderError
from models.interactive.clicknet import RECIPE
from models.training.recipe import FolderUse, Recipe, sources


def folder_of(path: Path, stems: list[str]) -> Path:
    for kind in ("images", "masks"):
        (path / kind).mkdir(parents=True)
    for stem in stems:
        cv2.imwrite(str(path / "images" / f"{stem}.png"), np.zeros((8, 8, 3), np.uint8))
        cv2.imwrite(str(path / "masks" / f"{stem}.png"), np.ones((8, 8), np.uint8))
    return path


def test_the_shipped_recipe_can_be_read() -> None:
    recipe = Recipe.read(RECIPE)

    assert recipe.folders["dsb2018_stage1"].leave_out_last == 104
    assert recipe.folders["open_objects"].licensed_only


@pytest.mark.parametrize("text", ["{", "[]", '{"colour": 1}', '{"folders": {"a": {"wieght": 1}}}'])
def test_files_that_are_no_recipe_are_refused_with_the_known_keys(tmp_path: Path, text: str) -> None:
    file = tmp_path / "recipe.json"
    file.write_text(text, encoding="utf-8")

    with pytest.raises(DataFolderError, match="leave_out_last"):
        Recipe.read(file)


def test_the_last_stems_are_left_out(tmp_path: Path) -> None:
    stems = [f"s{number:02}" for number in range(40)]
    folder = folder_of(tmp_path / "a", stems)
    (source,) = sources([folder], Recipe(folders={"a": FolderUse(leave_out_last=10)}))

    assert sorted(source.stems + source.held_out) == stems[:30]
    assert source.held_out


def test_no_group_is_both_trained_on_and_held_out(tmp_path: Path) -> None:
    stems = [f"s{number:02}" for number in range(60)]
    folder = folder_of(tmp_path / "a", stems)
    groups = {f"g{number}": stems[2 * number : 2 * number + 2] for number in range(30)}
    (folder / "groups.json").write_text(json.dumps(groups), encoding="utf-8")
    (source,) = sources([folder], Recipe())

    assert source.held_out
    for pair in groups.values():
        assert (pair[0] in source.held_out) == (pair[1] in source.held_out)


def test_only_sets_that_may_be_used_are_used(tmp_path: Path) -> None:
    stems = [*(f"good_{n:03}" for n in range(16)), *(f"bad_{n:03}" for n in range(4)), "fine_1"]
    folder = folder_of(tmp_path / "a", stems)
    facts = {name: {"may_train_shipped_weights": name != "bad"} for name in ("good", "bad", "fine")}
    (folder / "sets.json").write_text(json.dumps(facts), encoding="utf-8")
    good, fine = sources([folder], Recipe(folders={"a": FolderUse(weight=5, licensed_only=True)}))

    assert {stem[:4] for stem in good.stems + good.held_out} == {"good"}
    assert fine.stems + fine.held_out == ("fine_1",)
    assert (good.weight, fine.weight) == pytest.approx((4, 1))


def test_a_folder_whose_licences_are_unknown_is_refused(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "a", ["x_1"])

    with pytest.raises(DataFolderError, match=r"sets\.json"):
        sources([folder], Recipe(folders={"a": FolderUse(licensed_only=True)}))
