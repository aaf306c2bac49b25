from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from models.arrays import Image
from models.errors import ImageError
from models.label_schema import LabelSchema
from models.prelabel.network_description import DESCRIPTION, NetworkDescription
from models.prelabel.otsu import Otsu
from models.prelabel.unet import UNet
from models.regions import Region
from models.training.examples import Example
from models.training.prelabel_gate import Candidate, judge
from models.training.propagation_gate import judge_propagation
from tests.fakes.moving_disc import disc_frame, disc_mask
from tests.fakes.random_unet import write_random_unet

SCHEMA = LabelSchema(("Disc",))


def example(number: int, group: str = "a") -> Example:
    region = Region.from_mask(disc_mask(number), "Disc")
    assert region is not None
    return Example(f"{group}/{number}", group, lambda: disc_frame(number), (region,), {}, float(number))


def frames(*numbers: int) -> list[Example]:
    return [example(number) for number in numbers]


def judged(examples: Sequence[Example], dice: float, annotated: Sequence[Example] = ()) -> dict[str, Any]:
    network = {each.key: {"dice": dice} for each in examples}
    figures = judge_propagation(examples, [*examples, *annotated], network, SCHEMA)
    found: dict[str, Any] = json.loads(json.dumps(figures, allow_nan=False)).get("propagation", {})
    return found


def unreadable() -> Image:
    raise ImageError("gone")


def test_neighbours_are_used_where_they_beat_the_network() -> None:
    figures = judged(frames(0, 1, 2, 3, 4), dice=0.7)
    assert figures["use"] is True
    assert (figures["examples"], figures["network"], figures["reach"]) == (5, 0.7, 1.0)
    assert figures["score"] > 0.93
    assert 0.2 < figures["low"] <= figures["score"] - 0.7 <= figures["high"]


@pytest.mark.parametrize("dice", [1.0, 0.999])
def test_a_network_that_is_as_good_is_kept(dice: float) -> None:
    figures = judged(frames(0, 1, 2, 3, 4), dice)
    assert (figures["use"], figures["examples"]) == (False, 5)


def test_two_examples_are_too_few_to_decide() -> None:
    figures = judged(frames(0, 1), dice=0.1)
    assert (figures["use"], figures["examples"]) == (False, 2)


def test_a_better_mean_that_one_example_made_is_not_enough() -> None:
    examples = frames(0, 1, 2, 3, 4)
    network = {each.key: {"dice": 1.0} for each in examples} | {"a/2": {"dice": 0.93}}
    figures = judge_propagation(examples, examples, network, SCHEMA)["propagation"]
    assert figures["use"] is False
    assert figures["low"] < 0 < figures["score"] - figures["network"]


def test_neighbours_are_near_of_the_same_sequence_and_not_the_picture_itself() -> None:
    assert judged(frames(0), 0.1, [example(1, "b")]) == {}
    assert judged(frames(0), 0.1, frames(6)) == {}
    assert judged(frames(0), 0.1, frames(5))["reach"] == 5.0
    assert judged([replace(example(0), frame=None)], 0.1, frames(1)) == {}
    assert judged(frames(0), 0.1, [replace(example(1), frame=None)]) == {}


def test_the_nearest_neighbour_whose_objects_are_known_counts() -> None:
    unknown = replace(example(1), regions=None)
    assert judged(frames(0), 0.1, [*frames(3, 2), unknown])["reach"] == 2.0


def test_examples_that_say_nothing_about_neighbours_are_left_out() -> None:
    others = frames(4, 5, 6)
    for odd in (
        replace(example(9), load_image=unreadable),
        replace(example(9), load_image=lambda: disc_frame(9)[:60]),
        replace(example(9), regions=None),
    ):
        assert judged([odd, *others], 0.5)["examples"] == 3
    assert judge_propagation(others, others, {"a/5": {"accuracy": 1.0}}, SCHEMA) == {}
    empty = replace(example(1), regions=())
    assert judged(frames(0), 0.1, [empty, *frames(2)]) == {}


def test_the_gate_of_a_network_tells_whether_neighbours_are_better(tmp_path: Path) -> None:
    folder = write_random_unet(tmp_path / "network", SCHEMA, side=64)
    description = NetworkDescription.read(folder / DESCRIPTION)
    candidate = Candidate(UNet(folder), description, [example(20)], frames(0, 1, 2, 7), [])
    decision, metrics = judge(candidate, None, Otsu())
    assert set(decision.compared) == {"a/0", "a/1", "a/2", "a/7"}
    assert (metrics["propagation"]["use"], metrics["propagation"]["examples"]) == (True, 4)
    assert metrics["propagation"]["network"] == metrics["dice"]
