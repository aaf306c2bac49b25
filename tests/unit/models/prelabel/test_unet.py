import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch

from models.arrays import Image
from models.errors import WeightsError, WeightsNotFoundError
from models.label_schema import LabelSchema, Question
from models.prelabel.analysis import Calibration
from models.prelabel.asking import network_input
from models.prelabel.network_description import DESCRIPTION, WEIGHTS, NetworkDescription
from models.prelabel.unet import UNet, prelabels_of
from tests.fakes.analyses import analysis_of
from tests.fakes.random_unet import SCHEMA, write_random_unet


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_random_unet(tmp_path / "network", side=64)


def noise(height: int, width: int) -> Image:
    return np.random.default_rng(height).integers(0, 256, (height, width, 3), dtype=np.uint8)


def loaded(folder: Path, version: str | None = None) -> UNet:
    model = UNet(folder, version)
    model.load()
    return model


def test_it_says_what_its_schema_has(folder: Path) -> None:
    model = loaded(folder)
    found = model.predict(noise(50, 70))

    assert model.classes == ("cell", "debris")
    assert model.image_classes == ("weak", "strong", "fold", "ink")
    assert model.schema == SCHEMA
    assert [(item.question, item.class_name) for item in found.image_classes] == [
        ("stain", "weak"),
        ("stain", "strong"),
        ("seen", "fold"),
        ("seen", "ink"),
    ]
    assert sum(item.score for item in found.image_classes[:2]) == pytest.approx(1, abs=1e-5)


def test_the_version_names_the_weights_unless_another_is_given(tmp_path: Path) -> None:
    one, same, other = (
        UNet(write_random_unet(tmp_path / name, seed=seed)).version
        for name, seed in (("one", 1), ("same", 1), ("other", 2))
    )

    assert one == same != other
    assert one.startswith("unet-")
    assert len(one) == len("unet-") + 8
    assert UNet(tmp_path / "one", "unet-p7-3-cafe").version == "unet-p7-3-cafe"


def test_a_missing_file_is_said_with_its_place(tmp_path: Path) -> None:
    for name in (WEIGHTS, DESCRIPTION):
        folder = write_random_unet(tmp_path / name)
        (folder / name).unlink()
        with pytest.raises(WeightsNotFoundError, match=name):
            loaded(folder)
        with pytest.raises(WeightsNotFoundError, match=name):
            loaded(folder, "given")


@pytest.mark.parametrize("length", [0, 5, 100, -1])
def test_truncated_weights_are_refused(folder: Path, length: int) -> None:
    content = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes(content[:length])

    with pytest.raises(WeightsError, match="cannot be read as weights"):
        loaded(folder)


def test_weights_of_a_network_with_other_classes_are_refused(folder: Path, tmp_path: Path) -> None:
    other = write_random_unet(tmp_path / "other", LabelSchema(("cell",)))
    (folder / WEIGHTS).write_bytes((other / WEIGHTS).read_bytes())

    with pytest.raises(WeightsError, match="does not hold weights of UNet"):
        loaded(folder)


def without(name: str) -> Callable[[dict[str, Any]], Any]:
    return lambda value: {key: each for key, each in value.items() if key != name}


@pytest.mark.parametrize(
    "change",
    [
        lambda _: [],
        lambda _: None,
        *(without(name) for name in ("format", "schema", "side", "countable", "calibration")),
        lambda value: value | {"side": "wide"},
        lambda value: value | {"schema": {"classes": ["cell"]}},
        lambda value: value | {"schema": {"classes": 5, "questions": []}},
        lambda value: value | {"calibration": {"offset": 0}},
    ],
)
def test_a_damaged_description_is_refused(folder: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    value = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
    (folder / DESCRIPTION).write_text(json.dumps(change(value)), encoding="utf-8")

    with pytest.raises(WeightsError, match=r"network\.json does not describe a network"):
        UNet(folder)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe\x00"])
def test_a_description_that_is_not_json_is_refused(folder: Path, content: bytes) -> None:
    (folder / DESCRIPTION).write_bytes(content)

    with pytest.raises(WeightsError, match="does not describe a network"):
        UNet(folder)


@pytest.mark.parametrize("number", [1, 3])
def test_the_description_of_another_release_is_refused_in_plain_words(folder: Path, number: int) -> None:
    value = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
    (folder / DESCRIPTION).write_text(json.dumps(value | {"format": number}), encoding="utf-8")

    with pytest.raises(WeightsError) as caught:
        UNet(folder)
    assert f"{folder / DESCRIPTION} has format {number}; this release reads 2." in str(caught.value)
    assert "train a new version" in str(caught.value)


def test_a_description_survives_its_file(folder: Path) -> None:
    description = NetworkDescription.read(folder / DESCRIPTION)

    assert description.schema == SCHEMA
    assert description.countable == {"cell"}
    assert description.to_json() == json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))


def test_a_model_that_is_not_loaded_says_so(folder: Path) -> None:
    with pytest.raises(WeightsError, match="not loaded"):
        UNet(folder).predict(noise(9, 9))


def test_loading_again_keeps_the_weights_that_are_there(folder: Path) -> None:
    model = loaded(folder)
    (folder / WEIGHTS).unlink()
    model.load()

    assert model.predict(noise(9, 9)).image_classes


@pytest.mark.parametrize("size_hw", [(1, 1), (3, 500), (500, 3), (17, 16), (70, 90)])
def test_everything_that_is_said_of_a_picture_has_its_size_and_range(
    folder: Path, size_hw: tuple[int, int]
) -> None:
    analysis = loaded(folder).analyse(noise(*size_hw))
    height, width = analysis.depth.shape

    assert max(height, width) == 64
    assert analysis.probabilities.shape == (3, height, width)
    assert analysis.errors.shape == (height, width)
    assert np.allclose(analysis.probabilities.sum(0), 1, atol=1e-4)
    for values in (analysis.probabilities, analysis.depth, analysis.errors, *analysis.answers):
        assert 0 <= values.min() <= values.max() <= 1
    assert 0 <= analysis.quality <= 1


def test_a_schema_of_questions_alone_gives_answers_and_no_regions(tmp_path: Path) -> None:
    schema = LabelSchema((), (Question("light", ("dark", "bright")),))
    found = loaded(write_random_unet(tmp_path, schema, side=64)).predict(noise(40, 50))

    assert found.regions == found.error_areas == ()
    assert found.score == max(item.score for item in found.image_classes)


def test_the_score_of_answers_is_that_of_the_least_certain_one() -> None:
    schema = LabelSchema((), (Question("a", ("x", "y")), Question("b", ("z",), True)))
    answers = np.array([0.9, 0.1], dtype=np.float32), np.array([0.3], dtype=np.float32)
    analysis = replace(analysis_of(np.zeros((4, 4), int)), answers=answers)
    description = NetworkDescription(schema, 64, frozenset(), Calibration())

    assert prelabels_of(analysis, description, (8, 8)).score == pytest.approx(0.7)


def test_the_input_of_networks_lies_between_minus_one_and_one() -> None:
    picture = np.array([[[0, 127, 255], [255, 0, 0]]], dtype=np.uint8)
    tensor = network_input(picture)

    assert tensor.shape == (3, 1, 2)
    assert torch.equal(tensor[:, 0, 1], torch.tensor([1.0, -1.0, -1.0]))
    assert tensor[2, 0, 0] == 1


def test_the_weights_may_be_stored_in_half_precision(folder: Path) -> None:
    state = safetensors.torch.load_file(folder / WEIGHTS)

    assert {value.dtype for value in state.values()} == {torch.float16}
    assert loaded(folder).analyse(noise(20, 20)).probabilities.dtype == np.float32


def test_an_assessment_says_how_sure_the_network_is(folder: Path) -> None:
    model = loaded(folder)
    plain = model.assess(noise(50, 70))
    thinned, again = (model.assess(noise(50, 70), dropout_passes=4) for _ in range(2))

    assert plain.figures.mutual_information is None
    assert plain.figures.quality == model.predict(noise(50, 70)).score
    assert len(plain.figures.class_shares) == 6
    assert thinned.figures.mutual_information is not None
    assert 0 < thinned.figures.mutual_information < 1
    assert thinned.figures == again.figures


def test_questions_alone_have_mutual_information_too(tmp_path: Path) -> None:
    model = loaded(write_random_unet(tmp_path / "asked", LabelSchema((), SCHEMA.questions)))
    figures = model.assess(noise(50, 70), dropout_passes=4).figures

    assert figures.mutual_information is not None
    assert figures.mutual_information > 0
