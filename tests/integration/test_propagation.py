"""A disc that moves: people mark it in one frame, and the service finds it in the next ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import create_engine

from backend.app import create_app
from backend.labelstudio import rle
from backend.labelstudio.label_config import LabelConfig
from backend.labelstudio.results import encode_choices, encode_region
from backend.settings import Settings
from backend.state.active_versions import ActiveVersions
from backend.state.model_store import ModelStore
from models.arrays import Image, Mask
from models.prelabel.base import ImageClass, PreLabels
from models.regions import Region
from tests.fakes.moving_disc import SIZE_HW, disc_frame, disc_mask
from tests.fakes.requests import CONFIG, predict_body
from tests.fakes.versions import TrainedFake, facts, trained_files

PROJECT = 2
WANTED = {"use": True, "examples": 5, "score": 0.95, "network": 0.5, "low": 0.4, "high": 0.5}
UNWANTED = WANTED | {"use": False}
BOXES = CONFIG.replace('name="box" toName="image" smart="true"', 'name="box" toName="image"')
ONLY_BOXES = """<View><Image name="image" value="$image"/>
  <RectangleLabels name="box" toName="image"><Label value="Coin"/></RectangleLabels></View>"""
QUESTION = CONFIG.replace(
    "</View>",
    '<Choices name="focus" toName="image"><Choice value="Sharp"/><Choice value="Blurred"/></Choices></View>',
)
UseVersion = Callable[[dict[str, Any] | None], str]


class Answering(TrainedFake):
    """Also says that the picture is sharp."""

    def __init__(self, folder: Path, version: str) -> None:
        super().__init__(folder, version)
        self.image_classes = ("Sharp", "Blurred")

    def predict(self, image: Image) -> PreLabels:
        return replace(super().predict(image), image_classes=(ImageClass("Sharp", 0.9, "focus"),))


@pytest.fixture
def app(settings: Settings) -> Flask:
    return create_app(settings, open_version=TrainedFake)


@pytest.fixture
def use_version(app: Flask, settings: Settings, tmp_path: Path) -> UseVersion:
    """Make a version with these figures the one in use, and return its name."""

    def use(propagation: dict[str, Any] | None) -> str:
        known = replace(
            facts(), metrics={"dice": 0.5} | ({"propagation": propagation} if propagation else {})
        )
        info = ModelStore(settings.versions_dir).publish(PROJECT, trained_files(tmp_path / "job"), known)
        active = ActiveVersions(create_engine(settings.resolved_database_url))
        active.activate(PROJECT, "prelabel", info.name, "gate passed")
        return info.name

    return use


@pytest.fixture
def tasks(save_picture: Callable[[str, Image], str]) -> list[dict[str, Any]]:
    """Eight frames; their tasks count from 100."""
    return [
        {
            "id": 100 + number,
            "project": PROJECT,
            "data": {
                "image": save_picture(f"frame{number}.png", disc_frame(number)),
                "sequence": "walk",
                "frame": number,
            },
            "meta": {},
        }
        for number in range(8)
    ]


def items(number: int, control: str = "brush", config: str = CONFIG) -> list[Any]:
    """The disc of a frame, as somebody drew it."""
    region, drawn = Region.from_mask(disc_mask(number)), LabelConfig.parse(config).control(control)
    assert region is not None
    assert drawn is not None
    return encode_region(region, drawn, "Coin", SIZE_HW)


def annotation(task: dict[str, Any], result: list[Any] | None = None, **fields: Any) -> dict[str, Any]:
    made = {"id": 900 + task["id"], "task": task["id"], "completed_by": 1, "was_cancelled": False}
    return made | {"result": items(task["data"]["frame"]) if result is None else result} | fields


def tell(client: FlaskClient, action: str, **fields: Any) -> None:
    body = {"action": action, "project": {"id": PROJECT, "label_config": CONFIG}, **fields}
    assert client.post("/webhook", json=body).status_code == 201


def submit(client: FlaskClient, task: dict[str, Any], result: list[Any] | None = None, **fields: Any) -> None:
    tell(client, "ANNOTATION_CREATED", annotation=annotation(task, result, **fields), task=task)


def predict(client: FlaskClient, task: dict[str, Any], config: str = CONFIG) -> dict[str, Any]:
    answer = client.post("/predict", json=predict_body(task, config=config))
    assert answer.status_code == 200, answer.text
    assert answer.json is not None
    (prediction,) = answer.json["results"]
    return dict(prediction)


def mask_of(prediction: dict[str, Any]) -> Mask:
    (item,) = [each for each in prediction["result"] if each["from_name"] == "brush"]
    assert item["value"]["brushlabels"] == ["Coin"]
    return np.asarray(rle.decode(item["value"]["rle"], SIZE_HW), dtype=bool)


def iou(prediction: dict[str, Any], number: int) -> float:
    found, truth = mask_of(prediction), disc_mask(number)
    return float((found & truth).sum() / (found | truth).sum())


def is_from_the_network(prediction: dict[str, Any]) -> bool:
    """Its fake marks a quarter of every picture."""
    found = mask_of(prediction)
    return bool(found.sum() == found[:60, :80].sum() == 60 * 80 and prediction["score"] == 0.75)


@pytest.mark.parametrize("number", [0, 2, 4, 5, 7])
def test_the_mask_of_a_neighbour_moves_to_where_its_object_is(
    client: FlaskClient, use_version: UseVersion, tasks: list[dict[str, Any]], number: int
) -> None:
    name = use_version(WANTED)
    submit(client, tasks[3])
    prediction = predict(client, tasks[number])
    assert iou(prediction, number) > 0.9
    assert prediction["model_version"] == name
    assert 0.9 < prediction["score"] <= 1
    setup = {"project": f"{PROJECT}.1795219443", "schema": CONFIG, "hostname": "", "extra_params": {}}
    announced = client.post("/setup", json=setup).json
    assert announced is not None
    assert announced["model_version"] == name
    assert 'maskloop_neighbours_total{outcome="used"} 1.0' in client.get("/metrics").text


def test_the_nearest_neighbour_is_taken(
    client: FlaskClient, use_version: UseVersion, tasks: list[dict[str, Any]]
) -> None:
    use_version(WANTED)
    submit(client, tasks[2], items(7))  # marked in the wrong place
    submit(client, tasks[5])
    assert iou(predict(client, tasks[4]), 4) > 0.9
    assert not iou(predict(client, tasks[3]), 3) > 0.9


@pytest.mark.parametrize("found", [UNWANTED, None])
def test_the_network_answers_where_the_gate_did_not_prefer_neighbours(
    client: FlaskClient,
    use_version: UseVersion,
    tasks: list[dict[str, Any]],
    found: dict[str, Any] | None,
) -> None:
    name = use_version(found)
    submit(client, tasks[3])
    prediction = predict(client, tasks[4])
    assert is_from_the_network(prediction)
    assert prediction["model_version"] == name


def test_a_neighbour_further_away_than_those_the_gate_judged_is_not_taken(
    client: FlaskClient, use_version: UseVersion, tasks: list[dict[str, Any]]
) -> None:
    use_version(WANTED | {"reach": 2})
    submit(client, tasks[1])
    assert iou(predict(client, tasks[3]), 3) > 0.9
    assert is_from_the_network(predict(client, tasks[4]))


def test_what_is_no_longer_submitted_is_not_taken(
    client: FlaskClient, use_version: UseVersion, tasks: list[dict[str, Any]]
) -> None:
    use_version(WANTED)
    submit(client, tasks[3])
    tell(client, "ANNOTATIONS_DELETED", annotations=[{"id": 1003}])
    assert is_from_the_network(predict(client, tasks[4]))
    submit(client, tasks[5])
    skip = annotation(tasks[5], [], was_cancelled=True)
    tell(client, "ANNOTATION_UPDATED", annotation=skip, task=tasks[5])
    assert is_from_the_network(predict(client, tasks[4]))
    submit(client, tasks[6])
    assert iou(predict(client, tasks[4]), 4) > 0.9
    tell(client, "TASKS_DELETED", tasks=[{"id": 106}])
    assert is_from_the_network(predict(client, tasks[4]))


def test_the_annotation_of_the_task_itself_is_not_its_neighbour(
    client: FlaskClient, use_version: UseVersion, tasks: list[dict[str, Any]]
) -> None:
    use_version(WANTED)
    submit(client, tasks[3])
    assert is_from_the_network(predict(client, tasks[3]))


@pytest.mark.parametrize("lost", ["picture", "size", "object", "motion"])
def test_the_network_answers_when_a_neighbour_is_of_no_use(
    client: FlaskClient,
    use_version: UseVersion,
    tasks: list[dict[str, Any]],
    save_picture: Callable[[str, Image], str],
    lost: str,
) -> None:
    use_version(WANTED)
    submit(client, tasks[3], [] if lost == "object" else None)
    if lost == "picture":
        save_picture("frame3.png", disc_frame(3)[:60])
    if lost == "size":
        save_picture("frame4.png", np.repeat(np.repeat(disc_frame(4), 2, axis=0), 2, axis=1))
    if lost == "motion":
        noise = np.random.default_rng(0).integers(0, 255, (*SIZE_HW, 3), dtype=np.uint8)
        save_picture("frame4.png", noise)
    assert predict(client, tasks[4])["score"] == 0.75
    outcome = {"object": None, "motion": "uncertain"}.get(lost, "unusable")
    assert outcome is None or f'outcome="{outcome}"}} 1.0' in client.get("/metrics").text


def test_the_fields_may_be_in_meta_and_frames_may_be_texts(
    client: FlaskClient, use_version: UseVersion, tasks: list[dict[str, Any]]
) -> None:
    use_version(WANTED)
    for task in tasks:
        number = task["data"].pop("frame")
        task["meta"] = {"frame": f"{number:04}"}
    submit(client, tasks[3], items(3))
    assert iou(predict(client, tasks[4]), 4) > 0.9


def test_answers_to_questions_still_come_from_the_network(
    settings: Settings, use_version: UseVersion, tasks: list[dict[str, Any]]
) -> None:
    client = create_app(settings, open_version=Answering).test_client()
    use_version(WANTED)
    focus = LabelConfig.parse(QUESTION).control("focus")
    assert focus is not None
    submit(client, tasks[3], [*items(3), *encode_choices(focus, ["Blurred"])])
    prediction = predict(client, tasks[4], QUESTION)
    assert iou(prediction, 4) > 0.9
    (choice,) = [each for each in prediction["result"] if each["type"] == "choices"]
    assert choice["value"]["choices"] == ["Sharp"]


def test_boxes_become_boxes_but_never_masks(
    client: FlaskClient, use_version: UseVersion, tasks: list[dict[str, Any]]
) -> None:
    use_version(WANTED)
    submit(client, tasks[3], items(3, "box", BOXES))
    assert is_from_the_network(predict(client, tasks[4], BOXES))
    (item,) = predict(client, tasks[4], ONLY_BOXES)["result"]
    (truth,) = items(4, "box", BOXES)
    for side in ("x", "y", "width", "height"):
        assert item["value"][side] == pytest.approx(truth["value"][side], abs=4)
