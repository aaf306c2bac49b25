"""Whatever a model does, an answer that would hurt in Label Studio cannot be given."""

import json
import math
from typing import Any, ClassVar

import numpy as np
import pytest
from flask.testing import FlaskClient

from backend.app import create_app
from backend.settings import Settings
from models.arrays import Image
from models.interactive.base import Embedding, InteractiveModel, Prediction
from models.prelabel.base import PreLabeller, PreLabels
from models.prompts import Prompts
from models.regions import Region
from models.registry import Registry
from tests.fakes.requests import point, predict_body, task


def broken_client(
    settings: Settings, *, score: float = 0.5, region_score: float = 0.5, crash: bool = False
) -> FlaskClient:
    class Broken(PreLabeller):
        name: ClassVar[str] = "broken"
        version = "broken-1"
        classes = ("object",)

        def predict(self, image: Image) -> PreLabels:
            if crash:
                raise ZeroDivisionError("a bug in a model")
            region = Region(np.ones((20, 20), bool), 5, 5, "object", region_score)
            return PreLabels((region,), (), score)

    class BrokenInteractive(InteractiveModel[Embedding]):
        name: ClassVar[str] = "broken"
        version = "broken-1"

        def encode(self, image: Image) -> Embedding:
            return Embedding((image.shape[0], image.shape[1]))

        def segment(
            self, embedding: Embedding, prompts: Prompts, previous: Prediction | None = None
        ) -> Prediction:
            if crash:
                raise ZeroDivisionError("a bug in a model")
            return Prediction(np.zeros(embedding.size_hw, bool), score)

    app = create_app(
        settings.model_copy(update={"prelabeller": "broken", "interactive_model": "broken"}),
        prelabellers=Registry("pre-labeller", [Broken]),
        interactive_models=Registry("interactive model", [BrokenInteractive]),
    )
    return app.test_client()


def refuse_constant(text: str) -> float:
    raise AssertionError(f"{text} was answered")


def check_answer(text: str, n_tasks: int) -> None:
    """What CONTRACT demands of every 200: one item per task, finite scores, a version, a list of regions."""
    answer = json.loads(text, parse_constant=refuse_constant)
    assert len(answer["results"]) == n_tasks
    for item in answer["results"]:
        if item == []:
            continue
        assert isinstance(item["result"], list)
        assert isinstance(item["score"], float)
        assert 0 <= item["score"] <= 1
        assert item["model_version"]
        assert all(math.isfinite(region.get("score", 0.0)) for region in item["result"])


BAD_SCORES = [math.nan, math.inf, -math.inf, -1.0, 7.5]


@pytest.mark.parametrize("score", BAD_SCORES)
@pytest.mark.parametrize("prompts", [None, [point(10, 10)]])
def test_a_bad_score_of_a_picture_is_never_answered(
    settings: Settings, score: float, prompts: list[dict[str, Any]] | None
) -> None:
    answer = broken_client(settings, score=score).post("/predict", json=predict_body(prompts=prompts))
    if answer.status_code == 200:
        check_answer(answer.text, 1)
    else:
        assert answer.status_code == 500
        assert answer.json is not None
        assert answer.json["error"] == "BackendError"


@pytest.mark.parametrize("score", BAD_SCORES)
def test_a_bad_score_of_a_region_is_never_answered(settings: Settings, score: float) -> None:
    answer = broken_client(settings, region_score=score).post("/predict", json=predict_body())
    check_answer(answer.text, 1)


@pytest.mark.parametrize("prompts", [None, [point(10, 10)]])
def test_a_crash_in_a_model_is_an_error_of_the_one_shape(
    settings: Settings, prompts: list[dict[str, Any]] | None
) -> None:
    client = broken_client(settings, crash=True)
    answer = client.post("/predict", json=predict_body(prompts=prompts))
    assert answer.status_code == 500
    assert answer.json is not None
    assert set(answer.json) == {"error", "detail"}
    assert "bug" not in answer.text
    assert client.get("/health").status_code == 200


def test_an_empty_mask_is_an_empty_list_not_an_invisible_region(settings: Settings) -> None:
    answer = broken_client(settings).post("/predict", json=predict_body(prompts=[point(10, 10)]))
    assert answer.json is not None
    assert answer.json["results"][0]["result"] == []


@pytest.mark.parametrize("n_tasks", [0, 1, 2, 7])
def test_there_is_exactly_one_item_per_task(client: FlaskClient, n_tasks: int) -> None:
    tasks = [task(f"/data/local-files/?d=imgs/img{n % 3}.png", number=n) for n in range(n_tasks)]
    answer = client.post("/predict", json=predict_body() | {"tasks": tasks})
    assert answer.status_code == 200
    check_answer(answer.text, n_tasks)
