"""Simulated prompts, the trainer, and runs that are stopped and gone on with."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from models.arrays import Image
from models.networks.clicknet import ClickNet
from models.training.click_run import RunOptions, run
from models.training.click_simulation import MAX_CLICKS, SimulatedPrompts, coarsened, jittered_box
from models.training.click_trainer import ClickTrainer, StepReport
from models.training.crop_stream import Batch, CropStream, FolderPictures
from models.training.recipe import Recipe, sources
from tests.fakes.drawn_folder import drawn_folder

SIDE = 48


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return drawn_folder(tmp_path / "drawn")


def batch_of(folder: Path, n_crops: int = 3) -> Batch:
    stream = CropStream(FolderPictures(sources([folder], Recipe())), Recipe(), side=SIDE, seed=1)
    crops = iter(stream)
    return Batch.of([next(crops) for _ in range(n_crops)])


def small_trainer(*, encoder_factor: float = 0.1, seed: int = 0) -> ClickTrainer:
    torch.manual_seed(3)
    return ClickTrainer(
        ClickNet(widths=(16, 16, 8, 8)), learning_rate=3e-3, encoder_factor=encoder_factor, seed=seed
    )


def test_a_stream_repeats_with_its_seed_and_holds_pictures_out(folder: Path) -> None:
    found = sources([folder], Recipe())

    def first(seed: int, *, held_out: bool = False) -> Image:
        pictures = FolderPictures(found, held_out=held_out)
        return next(iter(CropStream(pictures, None if held_out else Recipe(), side=SIDE, seed=seed))).image

    assert np.array_equal(first(1), first(1))
    assert not np.array_equal(first(1), first(2))
    assert np.array_equal(first(5, held_out=True), first(5, held_out=True))


def test_prompts_grow_by_clicks_in_errors_and_repeat_with_their_seed(folder: Path) -> None:
    batch = batch_of(folder)
    everything = torch.ones_like(batch.objects)
    tensors = []
    for _ in range(2):
        prompts = SimulatedPrompts(batch.objects, batch.valid, seed=4)
        for _ in range(MAX_CLICKS + 3):
            prompts.click(everything)
        tensors.append(prompts.tensors(batch.objects.float()))

    assert torch.equal(tensors[0].clicks, tensors[1].clicks)
    assert tensors[0].clicks.shape[1] <= MAX_CLICKS
    for clicks, mask in zip(tensors[0].clicks, batch.objects[:, 0], strict=True):
        for row, column, kind in clicks[clicks[:, 2] != 0].int().tolist():
            assert bool(mask[row, column]) == (kind > 0)


def test_boxes_frame_their_objects_roughly() -> None:
    mask = np.zeros((60, 60), dtype=bool)
    mask[20:40, 10:50] = True
    overlaps = []
    for seed in range(50):
        box = jittered_box(mask, np.random.default_rng(seed))
        overlaps.append((box & mask).sum() / (box | mask).sum())

    assert min(overlaps) > 0.5
    assert len(set(overlaps)) > 10


def test_a_coarse_mask_is_about_the_mask() -> None:
    mask = torch.zeros(1, 1, 48, 48, dtype=torch.bool)
    mask[..., 10:30, 10:35] = True
    coarse = coarsened(mask, 5).bool()

    assert (coarse & mask).sum() / (coarse | mask).sum() > 0.8
    assert not torch.equal(coarse, mask)


def test_training_lowers_the_loss(folder: Path) -> None:
    trainer, batch = small_trainer(), batch_of(folder)
    losses = [trainer.step(batch, progress=0.0).loss for _ in range(40)]

    assert np.mean(losses[-8:]) < 0.9 * np.mean(losses[:8])


def test_a_frozen_encoder_stays_as_it_is(folder: Path) -> None:
    trainer = small_trainer(encoder_factor=0)
    before = {name: value.clone() for name, value in trainer.network.encoder.state_dict().items()}
    trainer.step(batch_of(folder), progress=0.0)

    for name, value in trainer.network.encoder.state_dict().items():
        assert torch.equal(value, before[name])


def test_a_restored_trainer_takes_the_same_next_step(folder: Path, tmp_path: Path) -> None:
    trainer, batch = small_trainer(), batch_of(folder)
    for _ in range(3):
        trainer.step(batch, progress=0.1)
    trainer.save(tmp_path / "checkpoint.pt", 12.5)
    other = small_trainer()

    assert other.restore(tmp_path / "checkpoint.pt") == 12.5
    assert other.step(batch, progress=0.2) == trainer.step(batch, progress=0.2)
    for name, value in trainer.averaged_weights.items():
        assert torch.equal(other.averaged_weights[name], value)


def options(folder: Path, **changes: object) -> RunOptions:
    recipe = folder.parent / "recipe.json"
    recipe.write_text("{}", encoding="utf-8")
    values = {"data": (str(folder),), "recipe": str(recipe), "side": 32, "batch_size": 2, "minutes": 0.03}
    return RunOptions(**{**values, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize("processes", [1, 2])
def test_a_run_leaves_weights_and_goes_on_where_it_stopped(
    folder: Path, tmp_path: Path, processes: int
) -> None:
    reports: list[tuple[float, StepReport]] = []

    def note(minutes: float, report: StepReport) -> None:
        reports.append((minutes, report))

    out = tmp_path / "run"
    run(out, options(folder, processes=processes), on_step=note)
    steps = torch.load(out / "checkpoint.pt", weights_only=True)["step_count"]
    n_reports, spent = len(reports), reports[-1][0]
    run(out, options(folder, processes=processes, minutes=spent + 0.03), on_step=note)
    more = torch.load(out / "checkpoint.pt", weights_only=True)["step_count"]

    assert steps == n_reports
    assert more == len(reports) > steps
    assert reports[n_reports][0] > spent
    assert (out / "clicknet.safetensors").stat().st_size < 8e6
    assert len(json.loads((out / "validation.json").read_text())["mean_iou"]) in (0, 4)
