"""Fits on drawn pictures: what comes out, when the gate refuses, and how a stopped fit goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from numpy.typing import NDArray

from models.arrays import Image
from models.errors import ImageError, TooFewExamplesError, TrainingRunError
from models.label_schema import LabelSchema, Question
from models.prelabel.folds import FOLDS, read_folds
from models.prelabel.network_description import DESCRIPTION, WEIGHTS, NetworkDescription
from models.prelabel.unet import UNet
from models.prelabel.watershed import Watershed
from models.regions import Region
from models.training import early_stop, prelabel_trainer
from models.training.examples import Example
from models.training.prelabel_fit import ActiveModel, FitOutcome, FitProgress, fit_prelabeller
from models.training.prelabel_scores import prelabel_scores
from tests.fakes.random_unet import write_random_unet

SHAPES = LabelSchema(("disc", "square"))
LIGHT = LabelSchema((), (Question("light", ("dark", "bright")),))
SIDE = 96
TEAM = range(10, 24)
"""Numbers of the pictures of a project; four of them are held out."""
ROWS, COLUMNS = np.mgrid[:SIDE, :SIDE]


class Paced:
    """Each step takes a quarter of a second, on every machine."""

    def __init__(self) -> None:
        self._seconds = 0.0

    def seconds(self) -> float:
        self._seconds += 0.25
        return self._seconds


@pytest.fixture(scope="module", autouse=True)
def fixed_pace() -> Iterator[None]:
    """One thread, and results that do not depend on how fast the machine is."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(prelabel_trainer, "Effort", Paced)
        yield
    torch.set_num_threads(before)


def stripes(random: np.random.Generator) -> NDArray[np.float64]:
    """Ground on which a threshold finds no objects, (96, 96, 3)."""
    angle, period = random.uniform(0, np.pi), random.uniform(8, 20)
    waves = np.sin(2 * np.pi * (ROWS * np.sin(angle) + COLUMNS * np.cos(angle)) / period)
    ground = np.array([110, 130, 100]) + 40 * waves[:, :, None]
    return np.asarray(ground + random.normal(0, 8, (SIDE, SIDE, 3)))


def shapes(number: int) -> Example:
    """A reddish disc and a bluish square on striped ground."""
    random = np.random.default_rng(number)
    picture = stripes(random)
    left = random.random() < 0.5
    masks = []
    for index, colour in enumerate([(230, 40, 40), (40, 40, 230)]):
        row = random.uniform(28, 68)
        column = random.uniform(20, 28) + 48 * (index ^ left)
        radius = random.uniform(11, 18)
        distance = np.hypot if index == 0 else lambda a, b: np.maximum(np.abs(a), np.abs(b))
        mask = distance(ROWS - row, COLUMNS - column) < radius
        picture[mask] = np.array(colour) + random.normal(0, 12, (np.count_nonzero(mask), 3))
        masks.append(mask)
    image: Image = np.clip(picture, 0, 255).astype(np.uint8)
    regions = [Region.from_mask(mask, name) for mask, name in zip(masks, SHAPES.classes, strict=True)]
    found = tuple(region for region in regions if region is not None)
    return Example(f"shapes/{number}", f"shapes/{number}", lambda: image, found, {})


def light(number: int) -> Example:
    """A picture that is dark or bright, and somebody who said so."""
    random = np.random.default_rng(number)
    bright = number % 2 == 1
    image: Image = np.clip(stripes(random) * 0.5 + 110 * bright, 0, 255).astype(np.uint8)
    answers = {"light": ("bright" if bright else "dark",)}
    return Example(f"light/{number}", f"light/{number}", lambda: image, None, answers)


def mislabelled(example: Example) -> Example:
    """The same picture with the marks of another one."""
    other = shapes(int(example.key.split("/")[1]) + 500)
    swapped = {"disc": "square", "square": "disc"}
    regions = tuple(replace(each, class_name=swapped[each.class_name]) for each in other.regions or ())
    return replace(example, regions=regions)


def nothing(_: FitProgress) -> None:
    """Nobody waits."""


def fit(
    examples: Sequence[Example],
    scratch: Path,
    *,
    schema: LabelSchema = SHAPES,
    budget_s: float = 4,
    warm_start: Path | None = None,
    active: ActiveModel | None = None,
    report: Callable[[FitProgress], None] = nothing,
) -> FitOutcome:
    return fit_prelabeller(
        examples,
        schema,
        scratch,
        warm_start=warm_start,
        active=active,
        baseline=Watershed(),
        budget_s=budget_s,
        seed=0,
        report=report,
    )


def loaded(folder: Path) -> UNet:
    model = UNet(folder)
    model.load()
    return model


def mean_dice(model: UNet | Watershed, examples: Sequence[Example]) -> float:
    dices = []
    for each in examples:
        found = model.predict(each.load_image())
        if isinstance(model, Watershed):
            found = replace(found, regions=tuple(replace(r, class_name="disc") for r in found.regions))
        dices.append(prelabel_scores(found, each, SHAPES, (SIDE, SIDE))["dice"])
    return float(np.mean(dices))


@pytest.fixture(scope="module")
def learned(fixed_pace: None, tmp_path_factory: pytest.TempPathFactory) -> FitOutcome:
    """A model that learned from ten pictures of fourteen."""
    return fit([shapes(number) for number in TEAM], tmp_path_factory.mktemp("learned"), budget_s=20)


def test_a_fit_beats_no_training_on_pictures_that_nobody_has_seen(learned: FitOutcome) -> None:
    unseen = [shapes(number) for number in range(100, 106)]
    untrained = mean_dice(Watershed(), unseen)
    trained = mean_dice(loaded(learned.folder), unseen)

    assert trained > untrained + 0.2
    assert learned.gate.passed
    assert "held-out pictures" in learned.gate.reason


def test_what_is_held_out_is_compared_and_not_learned_from(learned: FitOutcome) -> None:
    everything = {f"shapes/{number}" for number in TEAM}

    assert set(learned.trained_on) | set(learned.held_out) == everything
    assert not set(learned.trained_on) & set(learned.held_out)
    assert len(learned.held_out) == 4
    assert set(learned.gate.compared) == set(learned.held_out)
    assert learned.metrics["unreadable"] == {}
    assert 0 < learned.metrics["dice"] <= 1


def test_the_folder_of_a_model_holds_its_files_and_nothing_else(learned: FitOutcome) -> None:
    assert {file.name for file in learned.folder.iterdir()} == {WEIGHTS, DESCRIPTION, FOLDS}
    assert loaded(learned.folder).schema == SHAPES


def test_each_example_that_was_learned_from_has_a_fold_that_has_not_seen_it(learned: FitOutcome) -> None:
    folds = read_folds(learned.folder / FOLDS, NetworkDescription.read(learned.folder / DESCRIPTION))
    assert set(folds) == set(learned.trained_on)
    assert len({id(network) for network in folds.values()}) == 2


def test_the_gate_refuses_a_model_that_learned_from_wrong_marks(learned: FitOutcome, tmp_path: Path) -> None:
    active = ActiveModel(loaded(learned.folder), frozenset(learned.trained_on))
    poisoned = [
        mislabelled(shapes(number)) if f"shapes/{number}" in learned.trained_on else shapes(number)
        for number in TEAM
    ]
    outcome = fit(poisoned, tmp_path, active=active, warm_start=learned.folder, budget_s=6)

    assert not outcome.gate.passed
    assert outcome.gate.figures["against"]["the model in use"]["chance_worse"] > 0.9
    assert set(outcome.gate.compared) == set(learned.held_out)
    assert (outcome.folder / WEIGHTS).is_file()


def test_few_examples_are_judged_by_cross_validation(tmp_path: Path) -> None:
    outcome = fit([shapes(number) for number in range(4)], tmp_path)

    assert outcome.held_out == ()
    assert outcome.gate.figures["how"] == "cross-validation"
    assert len(outcome.gate.compared) == len(outcome.trained_on) == 4


def test_many_examples_of_one_sequence_are_judged_by_cross_validation(tmp_path: Path) -> None:
    examples = [replace(shapes(number), group="film") for number in range(26)]
    outcome = fit(examples, tmp_path, budget_s=3)

    assert outcome.gate.figures["how"] == "cross-validation"
    assert len(outcome.gate.compared) >= 20


def test_a_single_example_makes_a_model_that_nobody_can_judge(tmp_path: Path) -> None:
    outcome = fit([shapes(1)], tmp_path, budget_s=3)

    assert not outcome.gate.passed
    assert "Annotate another" in outcome.gate.reason
    assert outcome.gate.compared == ()
    assert loaded(outcome.folder).predict(shapes(2).load_image()).score <= 1


def test_questions_alone_are_learned_and_cross_validated(tmp_path: Path) -> None:
    outcome = fit([light(number) for number in range(6)], tmp_path, schema=LIGHT, budget_s=40)
    model = loaded(outcome.folder)

    for number in (100, 101):
        best = max(model.predict(light(number).load_image()).image_classes, key=lambda item: item.score)
        assert (best.class_name,) == light(number).answers["light"]
    assert outcome.gate.figures["how"] == "cross-validation"
    assert len(outcome.gate.compared) == 6
    assert outcome.metrics["accuracy"] > 0.5


def test_objects_and_questions_are_learned_together_from_whoever_said_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(early_stop, "JUDGE_EVERY", 2)  # so that a short training is judged too
    schema = LabelSchema(SHAPES.classes, LIGHT.questions)
    examples = [*(shapes(number) for number in range(3)), *(light(number) for number in range(3))]
    outcome = fit(examples, tmp_path, schema=schema)
    found = loaded(outcome.folder).predict(shapes(9).load_image())

    assert {item.class_name for item in found.image_classes} == {"dark", "bright"}
    assert set(outcome.metrics) >= {"dice", "accuracy"}


class StoppedError(Exception):
    """Somebody cancels."""


def test_a_stopped_fit_goes_on_without_training_finished_folds_again(tmp_path: Path) -> None:
    examples = [shapes(number) for number in range(4)]

    def stop_late(progress: FitProgress) -> None:
        if progress.stage == "training (final)":
            raise StoppedError

    with pytest.raises(StoppedError):
        fit(examples, tmp_path, report=stop_late)
    folds = {file: file.read_bytes() for file in tmp_path.glob("fold-*.safetensors")}
    stages: list[str] = []
    outcome = fit(examples, tmp_path, report=lambda progress: stages.append(progress.stage))

    assert len(folds) == 2
    assert {file: file.read_bytes() for file in folds} == folds
    assert not [stage for stage in stages if "fold" in stage]
    assert "training (final)" in stages
    assert outcome.gate.compared


def test_progress_grows_to_one(tmp_path: Path) -> None:
    seen: list[float] = []
    fit([shapes(0), shapes(1)], tmp_path, budget_s=2, report=lambda progress: seen.append(progress.done))

    assert seen == sorted(seen)
    assert seen[0] == 0
    assert seen[-1] == 1


def unreadable(example: Example, good_reads: int = 0) -> Example:
    """A picture that is gone, after some reads."""
    reads = iter(range(good_reads))

    def load() -> Image:
        if next(reads, None) is None:
            raise ImageError(f"{example.key} is gone.")
        return example.load_image()

    return replace(example, load_image=load)


def test_pictures_that_cannot_be_read_are_left_out_and_named(tmp_path: Path) -> None:
    examples = [shapes(0), shapes(1), unreadable(shapes(2)), unreadable(shapes(3), good_reads=1)]
    outcome = fit(examples, tmp_path, budget_s=2)

    assert outcome.trained_on == ("shapes/0", "shapes/1")
    assert outcome.metrics["unreadable"] == {
        "shapes/2": "shapes/2 is gone.",
        "shapes/3": "shapes/3 is gone.",
    }


def test_the_gate_refuses_when_it_can_read_nothing_to_compare_on(learned: FitOutcome, tmp_path: Path) -> None:
    examples = [shapes(number) for number in TEAM]
    held_out = set(learned.held_out)
    outcome = fit([unreadable(e) if e.key in held_out else e for e in examples], tmp_path, budget_s=2)

    assert not outcome.gate.passed
    assert "none of the pictures to compare on can be read" in outcome.gate.reason


@pytest.mark.parametrize(
    ("examples", "message"),
    [
        ([], "there are no annotated pictures"),
        ([unreadable(shapes(0)), unreadable(shapes(1))], "shapes/0 is gone.; shapes/1 is gone."),
        ([light(0)], "there are no annotated pictures"),
    ],
)
def test_nothing_to_learn_from_is_an_error(tmp_path: Path, examples: list[Example], message: str) -> None:
    with pytest.raises(TooFewExamplesError, match=message):
        fit(examples, tmp_path)


def test_more_classes_than_a_mask_can_number_are_an_error(tmp_path: Path) -> None:
    schema = LabelSchema(tuple(f"class {number}" for number in range(255)))
    with pytest.raises(TrainingRunError, match="255 classes of objects; 254 can be learned"):
        fit([shapes(0)], tmp_path, schema=schema)


def test_a_fit_goes_on_from_a_model_of_the_same_classes_only(tmp_path: Path) -> None:
    """Within one second nothing is learned that would hide where the weights come from."""
    same = write_random_unet(tmp_path / "same", SHAPES, seed=7)
    other = write_random_unet(tmp_path / "other", LabelSchema(("disc",)), seed=7)
    examples = [shapes(0)]
    anew, from_same, from_other = (
        fit(examples, tmp_path / f"scratch-{number}", warm_start=start, budget_s=0.1)
        for number, start in enumerate([None, same, other])
    )

    def weights(folder: Path) -> torch.Tensor:
        return safetensors.torch.load_file(folder / WEIGHTS)["level8.features.weight"].float()

    assert (weights(from_same.folder) - weights(same)).abs().max() < 0.02
    assert (weights(anew.folder) - weights(same)).abs().max() > 0.02
    assert torch.allclose(weights(from_other.folder), weights(anew.folder), atol=0.02)
