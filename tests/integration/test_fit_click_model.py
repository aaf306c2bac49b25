"""From annotated objects to clicks that the project's own model answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

from backend.app import create_app
from backend.services.click_fit import ClickFit
from backend.services.project_click_models import KIND
from backend.services.training_data import TrainingData
from backend.settings import Settings
from backend.state.active_versions import ActiveVersions
from backend.state.database import open_database
from backend.state.model_store import ModelStore
from models.arrays import Image
from models.label_schema import LabelSchema
from models.metrics import iou
from models.training.click_fit import ClickTraining, fit_click_model
from scripts.editor_requests import answered_mask
from tests.fakes.dotted_objects import SIDE, dotted_example, dotted_picture
from tests.fakes.requests import point, predict_body, task

PROJECT = 2
SHORT = ClickTraining(batch_size=1, learning_rate=1e-3, most_steps=24, most_judged=5)


def test_after_50_objects_one_click_finds_what_the_shipped_model_does_not(
    settings: Settings, save_picture: Callable[[str, Image], str], tmp_path: Path
) -> None:
    image, (region, *_) = dotted_picture(100)
    truth = region.full_mask((SIDE, SIDE))
    row, column = (first + size / 2 for first, size in zip(region.box, region.mask.shape, strict=False))
    centre = point(row, column, size_hw=(SIDE, SIDE))
    body = predict_body(task(save_picture("dots.png", image)), prompts=[centre])
    client = create_app(settings).test_client()

    def click() -> tuple[str, float]:
        """The version that answered, and the IoU of its mask."""
        answer = client.post("/predict", json=body).data
        version: str = json.loads(answer)["results"][0]["model_version"]
        return version, iou(answered_mask(answer, (SIDE, SIDE)), truth)

    shipped, before = click()
    active = ActiveVersions(open_database(settings.resolved_database_url))
    fit = ClickFit(
        store=ModelStore(settings.versions_dir),
        active=active,
        learn=partial(fit_click_model, how=SHORT),
    )
    data = TrainingData(tuple(map(dotted_example, range(17))), LabelSchema(("Coin",)), "api", {}, 1)
    fit.run(PROJECT, lambda: data, tmp_path / "click", budget_s=1e4, seed=1, report=lambda progress: None)
    version, after = click()

    assert version == active.active(PROJECT, KIND)
    assert before < 0.3
    assert after > 0.7
    active.rollback(PROJECT, KIND, "rolled back", usable=lambda name: True)
    assert click() == (shipped, before)
