"""From a version's answer to what inspection rules know of it."""

from pathlib import Path

import numpy as np

from backend.services.beliefs import Beliefs
from models.prelabel.analysis import dice_with_errors
from models.prelabel.unet import UNet
from tests.fakes.random_unet import SCHEMA, write_random_unet


def test_a_belief_is_what_the_version_would_answer(tmp_path: Path) -> None:
    model = UNet(write_random_unet(tmp_path / "model", seed=1), "unet-p1-1-abc")
    model.load()
    beliefs = Beliefs(model, ("7/image",))
    beliefs.load()
    image = np.random.default_rng(0).integers(0, 256, (60, 90, 3), dtype=np.uint8)
    said = model.predict(image)

    belief = beliefs.of("8/image", image)
    assert (beliefs.version, belief.classes, belief.learned) == (model.version, SCHEMA.classes, False)
    assert belief.probabilities.shape[0] == 1 + len(SCHEMA.classes)
    inside = belief.probabilities.argmax(0) > 0
    assert belief.expected_dice == dice_with_errors(inside, 1 - belief.probabilities.max(0))
    assert [each.box for each in belief.objects] == [each.box for each in said.regions]
    assert beliefs.of("7/image", image).learned
