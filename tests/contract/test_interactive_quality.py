"""What every interactive model finds; for those whose weights are here."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from models.interactive import INTERACTIVE_MODELS
from models.interactive.base import InteractiveModel, Prediction
from models.metrics import iou
from models.prompts import Box, Click, Prompts
from tests.contract.untrained import UNTRAINED
from tests.fakes.pictures import DISC, disc_picture

AnyModel = InteractiveModel[Any]


@pytest.fixture(scope="module", params=sorted(set(INTERACTIVE_MODELS.names) - set(UNTRAINED)))
def model(request: pytest.FixtureRequest) -> Iterator[AnyModel]:
    loaded = INTERACTIVE_MODELS.create(request.param)
    loaded.load()
    yield loaded


@pytest.mark.parametrize(
    "prompts",
    [
        Prompts((Click(60, 70),)),
        Prompts(box=Box(28, 38, 92, 102)),
        Prompts((Click(60, 70),), Box(28, 38, 92, 102)),
        Prompts((Click(60, 70), Click(20, 20, positive=False))),
    ],
    ids=["click", "box", "click and box", "click on it and beside it"],
)
def test_an_obvious_object_is_found(model: AnyModel, prompts: Prompts) -> None:
    assert iou(model.segment(model.encode(disc_picture()), prompts).mask, DISC) > 0.9


def test_a_mask_that_somebody_drew_gets_better(model: AnyModel) -> None:
    drawn = np.roll(DISC, (7, -9), axis=(0, 1))
    prompts = Prompts((Click(60, 70), Click(40, 45, positive=False)))
    refined = model.segment(model.encode(disc_picture()), prompts, Prediction(drawn, 1.0))

    assert iou(refined.mask, DISC) > iou(drawn, DISC)
