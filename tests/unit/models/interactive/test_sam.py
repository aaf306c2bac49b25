"""The answers of Segment Anything: those of the package's own predictor, and how they are chosen."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from skimage import data

from models.arrays import Image
from models.errors import MissingExtraError, WeightsError, WeightsNotFoundError
from models.interactive.base import Prediction
from models.interactive.obedience import obey
from models.interactive.sam import Sam
from models.networks.sam import import_segment_anything
from models.prompts import Box, Click, Prompts
from tests.fakes.tiny_sam import tiny_sam, write_tiny_sam

ROOT = Path(__file__).resolve().parents[4]
PHOTOGRAPH: Image = data.coffee()[:217, :331]
PICTURES = {"wide": PHOTOGRAPH, "high": np.rot90(PHOTOGRAPH).copy(), "small": PHOTOGRAPH[:21, :34].copy()}
every_picture = pytest.mark.parametrize("picture", PICTURES.values(), ids=PICTURES.keys())


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_sam(tmp_path_factory.mktemp("sam") / "tiny.pth")


def load(checkpoint: Path) -> Sam:
    model = Sam(checkpoint=checkpoint)
    model.load()
    return model


@pytest.fixture(scope="module")
def model(checkpoint: Path) -> Sam:
    return load(checkpoint)


def reference(picture: Image) -> Any:
    predictor = import_segment_anything().SamPredictor(tiny_sam())
    predictor.set_image(picture)
    return predictor


def prompts_for(picture: Image) -> dict[str, Prompts]:
    height, width = picture.shape[:2]
    middle, beside = Click(height / 2, width / 2), Click(height / 5, width / 3, positive=False)
    box = Box(height / 4, width / 5, height * 0.8, width * 0.7)
    return {
        "clicks": Prompts((middle, beside)),
        "box": Prompts(box=box),
        "box and click": Prompts((middle,), box),
        "box and clicks": Prompts((middle, beside), box),
    }


def arguments(prompts: Prompts) -> dict[str, NDArray[np.float64] | None]:
    """The prompts as `SamPredictor.predict` takes them."""
    box = prompts.box
    return {
        "point_coords": np.array([[click.column, click.row] for click in prompts.clicks])
        if prompts.clicks
        else None,
        "point_labels": np.array([int(click.positive) for click in prompts.clicks])
        if prompts.clicks
        else None,
        "box": None if box is None else np.array([box.left, box.top, box.right, box.bottom]),
    }


def logits_of(prediction: Prediction) -> NDArray[np.float32]:
    assert prediction.logits is not None
    return prediction.logits


def assert_equals(prediction: Prediction, prompts: Prompts, mask: Any, iou: Any, logits: Any) -> None:
    """Up to rounding, which may decide a pixel on the outline."""
    np.testing.assert_allclose(logits_of(prediction), logits, rtol=1e-3, atol=1e-3)
    assert np.mean(prediction.mask != obey(mask, prompts)) < 1e-3
    assert prediction.score == pytest.approx(np.clip(iou, 0, 1), abs=1e-3)


@every_picture
def test_an_embedding_is_that_of_the_predictor(model: Sam, picture: Image) -> None:
    embedding = model.encode(picture)
    expected = reference(picture).get_image_embedding()
    torch.testing.assert_close(embedding.features, expected, rtol=0, atol=1e-5)
    assert embedding.nbytes == 32 * 4 * 4 * 4


@every_picture
@pytest.mark.parametrize("kind", prompts_for(PHOTOGRAPH).keys())
def test_an_answer_is_that_of_the_predictor(model: Sam, picture: Image, kind: str) -> None:
    prompts, predictor = prompts_for(picture)[kind], reference(picture)
    first = model.segment(model.encode(picture), prompts)
    masks, ious, logits = predictor.predict(**arguments(prompts), multimask_output=False)
    assert_equals(first, prompts, masks[0], ious[0], logits[0])

    more = Prompts((*prompts.clicks, Click(2, 3)), prompts.box)
    second = model.segment(model.encode(picture), more, first)
    masks, ious, again = predictor.predict(**arguments(more), mask_input=logits, multimask_output=False)
    assert not np.array_equal(logits, again)
    assert_equals(second, more, masks[0], ious[0], again[0])


@every_picture
@pytest.mark.parametrize(("down", "across"), [(0.5, 0.5), (0.2, 0.9), (0.9, 0.1)])
def test_a_single_click_takes_the_best_and_most_stable_of_three_masks(
    model: Sam, picture: Image, down: float, across: float
) -> None:
    prompts = Prompts((Click(down * picture.shape[0], across * picture.shape[1]),))
    masks, ious, logits = reference(picture).predict(**arguments(prompts), multimask_output=True)
    height, width = 16 * np.array(picture.shape[:2]) / max(picture.shape)
    amg = import_segment_anything().utils.amg
    stability = amg.calculate_stability_score(
        torch.from_numpy(logits)[:, : round(height), : round(width)], mask_threshold=0.0, threshold_offset=1.0
    ).numpy()
    best = int(np.argmax(ious * stability))
    assert_equals(
        model.segment(model.encode(picture), prompts), prompts, masks[best], ious[best], logits[best]
    )


def test_a_single_click_that_corrects_a_mask_is_not_ambiguous(model: Sam) -> None:
    prompts = Prompts((Click(100, 150),))
    embedding = model.encode(PHOTOGRAPH)
    first = model.segment(embedding, prompts)
    masks, ious, logits = reference(PHOTOGRAPH).predict(
        **arguments(prompts), mask_input=logits_of(first)[None], multimask_output=False
    )
    assert_equals(model.segment(embedding, prompts, first), prompts, masks[0], ious[0], logits[0])


def test_a_drawn_mask_is_shown_to_the_network_as_sure_logits(model: Sam) -> None:
    picture = PHOTOGRAPH[:128, :128].copy()
    drawn = np.zeros((128, 128), dtype=bool)
    drawn[32:96, 16:64] = True
    sure = np.log(0.999 / 0.001)
    logits = np.where(drawn[4::8, 4::8], sure, -sure).astype(np.float32)
    prompts = Prompts((Click(50, 40), Click(10, 10, positive=False)))
    embedding = model.encode(picture)

    from_mask = logits_of(model.segment(embedding, prompts, Prediction(drawn, 1.0)))
    from_logits = logits_of(model.segment(embedding, prompts, Prediction(drawn, 1.0, logits)))
    np.testing.assert_allclose(from_mask, from_logits, rtol=0, atol=1e-3)
    assert not np.allclose(from_mask, logits_of(model.segment(embedding, prompts)), atol=0.1)


def test_logits_of_another_model_count_as_a_drawn_mask(model: Sam) -> None:
    drawn = np.zeros(PHOTOGRAPH.shape[:2], dtype=bool)
    drawn[50:150, 60:200] = True
    prompts, embedding = Prompts((Click(100, 100),)), model.encode(PHOTOGRAPH)
    foreign = model.segment(embedding, prompts, Prediction(drawn, 1.0, np.zeros((5, 7), np.float32)))
    drawn_alone = model.segment(embedding, prompts, Prediction(drawn, 1.0))
    assert np.array_equal(logits_of(foreign), logits_of(drawn_alone))


def test_a_picture_much_longer_than_wide_is_more_than_nothing(model: Sam) -> None:
    picture = np.full((1, 3000, 3), 100, dtype=np.uint8)
    assert model.segment(model.encode(picture), Prompts((Click(0, 7),))).mask[0, 7]


def test_a_box_in_which_the_network_sees_nothing_still_holds_something(tmp_path: Path) -> None:
    state = tiny_sam().state_dict()
    for key, value in state.items():
        if key.startswith("mask_decoder.output_upscaling.3."):
            value.zero_()
        if key.startswith("mask_decoder.output_hypernetworks_mlps.") and ".layers.2." in key:
            value.fill_(-1.0 if key.endswith("bias") else 0.0)
    state["mask_decoder.output_upscaling.3.bias"].fill_(1.0)
    torch.save(state, tmp_path / "blind.pth")
    model = load(tmp_path / "blind.pth")
    prediction = model.segment(model.encode(PHOTOGRAPH), Prompts(box=Box(20, 30, 60, 90)))
    assert logits_of(prediction).max() < 0
    assert prediction.mask[20:60, 30:90].any()


def test_the_version_names_the_content_of_the_checkpoint(checkpoint: Path, tmp_path: Path) -> None:
    model = load(checkpoint)
    assert load(checkpoint).version == model.version
    assert load(write_tiny_sam(tmp_path / "tiny.pth", seed=1)).version != model.version
    assert Sam.version == "sam-1"


def test_safetensors_give_the_same_answers(model: Sam, tmp_path: Path) -> None:
    save_file(tiny_sam().state_dict(), tmp_path / "tiny.safetensors")
    other = load(tmp_path / "tiny.safetensors")
    prompts = Prompts((Click(30, 40),))
    expected = model.segment(model.encode(PHOTOGRAPH), prompts)
    assert np.array_equal(logits_of(other.segment(other.encode(PHOTOGRAPH), prompts)), logits_of(expected))


def test_a_checkpoint_in_half_precision_is_computed_in_full(tmp_path: Path) -> None:
    torch.save(tiny_sam().half().state_dict(), tmp_path / "half.pth")
    model = load(tmp_path / "half.pth")
    assert model.encode(PHOTOGRAPH).features.dtype == torch.float32


def test_a_missing_checkpoint_is_said_with_the_command_that_fetches_it(tmp_path: Path) -> None:
    with pytest.raises(WeightsNotFoundError, match=r"python -m scripts\.fetch_weights sam-vit-l"):
        Sam(checkpoint=tmp_path / "sam_vit_l_0b3195.pth").load()


def test_a_missing_extra_is_said_with_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torchvision", None)
    with pytest.raises(MissingExtraError, match=r"pip install -c constraints\.txt '\.\[sam\]'"):
        Sam(checkpoint=Path("nowhere.pth")).load()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (lambda: {"weight": torch.zeros(2)}, "they are not Segment Anything's"),
        (lambda: tiny_sam().state_dict() | {"image_encoder.neck.1.weight": torch.zeros(3)}, "do not fit"),
        (lambda: tiny_sam().state_dict() | {"more": torch.zeros(3)}, "do not fit"),
        (lambda: {"model": {"weight": torch.zeros(2)}}, "state_dict"),
        (lambda: torch.zeros(3), "state_dict"),
    ],
    ids=["another network", "another shape", "too much", "nested", "one tensor"],
)
def test_weights_of_something_else_are_refused_with_their_path(
    tmp_path: Path, content: Callable[[], object], message: str
) -> None:
    path = tmp_path / "other.pth"
    torch.save(content(), path)
    with pytest.raises(WeightsError, match=message) as caught:
        Sam(checkpoint=path).load()
    assert str(path) in str(caught.value)


def test_code_in_a_checkpoint_is_not_run(tmp_path: Path) -> None:
    class Payload:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (tmp_path / "ran",)

    torch.save({"weight": Payload()}, tmp_path / "evil.pth")
    with pytest.raises(WeightsError, match=r"evil\.pth cannot be read"):
        Sam(checkpoint=tmp_path / "evil.pth").load()
    assert not (tmp_path / "ran").exists()


def test_the_package_is_imported_only_when_a_model_is_loaded() -> None:
    code = "import sys, models.interactive as _; print({'segment_anything', 'torchvision'} & {*sys.modules})"
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert result.stdout == "set()\n"
