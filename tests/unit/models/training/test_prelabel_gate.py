from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from models.arrays import Image
from models.errors import ImageError
from models.label_schema import LabelSchema
from models.prelabel.analysis import Calibration, estimate_of
from models.prelabel.network_description import NetworkDescription
from models.prelabel.otsu import Otsu
from models.prelabel.unet import UNet
from models.regions import Region
from models.training.examples import Example
from models.training.gate import GateDecision
from models.training.prelabel_gate import ActiveModel, Candidate, judge
from models.training.prelabel_stages import OutOfFold
from tests.fakes.analyses import analysis_of
from tests.fakes.moving_disc import disc_frame, disc_mask
from tests.fakes.random_unet import write_random_unet

SCHEMA = LabelSchema(("Disc",))


@pytest.fixture
def untrained(tmp_path: Path) -> UNet:
    model = UNet(write_random_unet(tmp_path, SCHEMA, side=64))
    model.load()
    return model


def frame(number: int) -> Example:
    region = Region.from_mask(disc_mask(number), "Disc")
    assert region is not None
    return Example(str(number), str(number), lambda: disc_frame(number), (region,), {})


def frames(*numbers: int) -> list[Example]:
    return [frame(number) for number in numbers]


def right(number: int) -> OutOfFold:
    analysis = analysis_of(disc_mask(number), sure=0.99)
    return OutOfFold(str(number), analysis, estimate_of(analysis), 1.0)


def judged(
    model: UNet,
    learned: Sequence[Example],
    held_out: Sequence[Example] = (),
    out_of_fold: Sequence[OutOfFold] = (),
    active: ActiveModel | None = None,
) -> tuple[GateDecision, dict[str, Any]]:
    description = NetworkDescription(SCHEMA, 64, frozenset(), Calibration())
    return judge(Candidate(model, description, learned, held_out, out_of_fold), active, Otsu())


def knows(model: UNet, *numbers: int) -> ActiveModel:
    return ActiveModel(model, frozenset(map(str, numbers)))


def test_held_out_pictures_decide(untrained: UNet) -> None:
    decision, _ = judged(untrained, frames(0, 1), frames(2, 3), [right(0), right(1)])
    assert (decision.passed, decision.figures["how"]) == (False, "held-out pictures")
    assert set(decision.compared) == {"2", "3"}


def test_folds_decide_while_nothing_is_held_out(untrained: UNet) -> None:
    decision, metrics = judged(untrained, frames(0, 1), (), [right(0), right(1)])
    assert (decision.passed, decision.figures["how"]) == (True, "cross-validation")
    assert set(decision.compared) == {"0", "1"}
    assert metrics["dice"] > 0.95


def test_pictures_that_the_model_in_use_has_learned_from_do_not_decide(untrained: UNet) -> None:
    decision, _ = judged(untrained, frames(0), frames(1, 2, 3), [right(0)], knows(untrained, 1))
    assert set(decision.compared) == {"2", "3"}
    assert set(decision.figures["against"]) == {"no training", "the model in use"}


def test_folds_decide_where_the_model_in_use_has_learned_from_the_held_out_pictures(untrained: UNet) -> None:
    known = knows(untrained, 0, 4, 5)
    decision, _ = judged(untrained, frames(0, 1, 2), frames(4, 5), [right(0), right(1), right(2)], known)
    assert (decision.passed, decision.figures["how"]) == (True, "cross-validation")
    assert set(decision.compared) == {"1", "2"}


def test_without_anything_new_the_held_out_pictures_decide(untrained: UNet) -> None:
    decision, _ = judged(untrained, frames(0), frames(4, 5), [right(0)], knows(untrained, 0, 4, 5))
    assert decision.figures["how"] == "held-out pictures"
    assert set(decision.compared) == {"4", "5"}


def test_a_single_picture_is_refused(untrained: UNet) -> None:
    decision, metrics = judged(untrained, frames(0))
    assert (decision.passed, decision.compared, metrics) == (False, (), {})
    assert "Annotate another one" in decision.reason


def test_pictures_that_cannot_be_read_any_more_do_not_count(untrained: UNet) -> None:
    def gone() -> Image:
        raise ImageError("gone")

    lost = [replace(each, load_image=gone) for each in frames(2, 3)]
    decision, _ = judged(untrained, frames(0), [*lost, frame(4)])
    assert decision.compared == ("4",)
    decision, _ = judged(untrained, frames(0), lost)
    assert (decision.passed, decision.compared) == (False, ())
    assert "can be read" in decision.reason
