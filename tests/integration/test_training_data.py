"""Webhooks go to the service, and what they told is read as examples; a fake API tells the same."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import pytest
from flask.testing import FlaskClient

from backend import parts
from backend.errors import NothingAnnotatedError
from backend.labelstudio.annotated_tasks import AnnotatedTasks
from backend.labelstudio.credentials import LegacyToken
from backend.labelstudio.label_config import LabelConfig
from backend.labelstudio.rest import LabelStudioApi
from backend.labelstudio.results import encode_region
from backend.observability import Metrics
from backend.services.sequences import SequenceFields
from backend.services.training_data import TrainingData, TrainingDataReader
from backend.settings import Settings
from backend.state.database import open_database
from backend.state.event_inbox import EventInbox
from backend.state.model_pool import ModelPool
from models.interactive import INTERACTIVE_MODELS
from models.label_schema import LabelSchema
from models.regions import Region
from tests.fakes.requests import COIN_CENTRES, CONFIG, coin_mask
from tests.fixtures.recorded import recorded_request

PROJECT = 2
SIZE = (600, 800)


@pytest.fixture
def reader(settings: Settings) -> TrainingDataReader:
    engine = open_database(settings.resolved_database_url)
    models = ModelPool(INTERACTIVE_MODELS, on_load=lambda model: None)
    return parts.training_data_reader(settings, engine, parts.image_loader(settings, Metrics()), models)


def coin(number: int = 0) -> Region:
    region = Region.from_mask(coin_mask(COIN_CENTRES[number]))
    assert region is not None
    return region


def annotation(number: int, task: int, *coins: int, **fields: Any) -> dict[str, Any]:
    control = LabelConfig.parse(CONFIG).control("brush")
    assert control is not None
    result = [item for each in coins for item in encode_region(coin(each), control, "Coin", SIZE)]
    moment = f"2026-11-21T00:00:{number:02}Z"
    return {
        "id": number,
        "task": task,
        "completed_by": number,
        "updated_at": moment,
        "result": result,
    } | fields


def task(number: int) -> dict[str, Any]:
    return {"id": number, "data": {"image": f"/data/local-files/?d=imgs/img{number % 3}.png"}, "meta": {}}


def event(action: str, **fields: Any) -> dict[str, Any]:
    return {"action": action, "project": {"id": PROJECT, "label_config": CONFIG}, **fields}


EVENTS = [
    event("ANNOTATION_CREATED", annotation=annotation(1, 4, 0), task=task(4)),
    event("ANNOTATION_UPDATED", annotation=annotation(1, 4, 0, 1), task=task(4)),
    event("ANNOTATION_CREATED", annotation=annotation(2, 5), task=task(5)),
    event("ANNOTATION_CREATED", annotation=annotation(3, 6, 2), task=task(6)),
    event("ANNOTATIONS_DELETED", annotations=[{"id": 3}]),
    event("ANNOTATION_CREATED", annotation=annotation(4, 7, was_cancelled=True), task=task(7)),
    event("ANNOTATION_CREATED", annotation=annotation(5, 8, 1), task=task(8)),
    event("ANNOTATION_CREATED", annotation=annotation(6, 8, 2), task=task(8)),
]
STORED = [
    task(4) | {"annotations": [annotation(1, 4, 0, 1)]},
    task(5) | {"annotations": [annotation(2, 5)]},
    task(8) | {"annotations": [annotation(6, 8, 2), annotation(5, 8, 1)]},
]


def fake_api() -> AnnotatedTasks:
    def respond(request: httpx.Request) -> httpx.Response:
        if request.url.path == f"/api/projects/{PROJECT}":
            return httpx.Response(200, json={"label_config": CONFIG})
        query = json.loads(request.url.params["query"])
        newest_first = query["ordering"] == ["-tasks:id"]
        return httpx.Response(200, json={"tasks": STORED[::-1] if newest_first else STORED})

    api = LabelStudioApi("http://ls", LegacyToken("k" * 40), transport=httpx.MockTransport(respond))
    return AnnotatedTasks(api)


def send(client: FlaskClient, *events: dict[str, Any]) -> None:
    for each in events:
        assert client.post("/webhook", json=each).status_code == 201


def described(data: TrainingData) -> Iterator[tuple[Any, ...]]:
    for example in data.examples:
        regions = [(each.class_name, each.box, each.mask.tobytes()) for each in example.regions or ()]
        yield example.key, example.group, regions, example.answers


def test_without_a_key_the_webhooks_are_what_is_learnt_from(
    client: FlaskClient, reader: TrainingDataReader, caplog: pytest.LogCaptureFixture
) -> None:
    send(client, *EVENTS)
    with caplog.at_level(logging.WARNING):
        data = reader.read(PROJECT)
    assert "from webhooks alone" in caplog.text
    assert (data.source, data.schema, data.newest_event) == ("inbox", LabelSchema(("Coin",)), len(EVENTS))
    found = {each.key: [region.iou(coin(0)) for region in each.regions or ()] for each in data.examples}
    assert found == {"4/image": [1.0, 0.0], "5/image": [], "8/image": [0.0]}
    assert data.skipped == {"annotations that are skips": 1}
    assert all(each.load_image().shape == (*SIZE, 3) for each in data.examples)


def test_the_api_and_the_webhooks_tell_the_same(
    client: FlaskClient, reader: TrainingDataReader, settings: Settings
) -> None:
    send(client, *EVENTS)
    through_api = TrainingDataReader(
        inbox=EventInbox(open_database(settings.resolved_database_url)),
        api=fake_api(),
        images=parts.image_loader(settings, Metrics()),
        boxes=None,
        sequences=SequenceFields((), ()),
    )
    counted: list[int] = []
    data = through_api.read(PROJECT, report=counted.append)
    assert (data.source, data.newest_event, counted) == ("api", len(EVENTS), [1, 2, 3])
    assert list(described(data)) == list(described(reader.read(PROJECT)))


def test_recorded_webhooks_become_examples(client: FlaskClient, reader: TrainingDataReader) -> None:
    for name in ("annotation_create", "annotation_skip", "predictions_to_annotations"):
        send(client, recorded_request(f"{name}-0").json)
    data = reader.read(PROJECT)
    assert [each.key for each in data.examples] == ["7/image", "8/image"]
    assert all(len(each.regions or ()) == 1 for each in data.examples)
    assert data.schema == LabelSchema(("Object", "Other"))
    # The recorded rectangle was drawn with a smart tool: it asks for a mask, and that was never submitted.
    assert data.skipped == {"annotations that are skips": 1, "annotations that hold only prompts": 1}
    region = (data.examples[0].regions or ())[0]
    assert region.area == np.count_nonzero(region.mask) > 0


def test_a_project_without_annotations_says_what_was_left_out(
    client: FlaskClient, reader: TrainingDataReader
) -> None:
    with pytest.raises(NothingAnnotatedError, match="No webhook has told"):
        reader.read(PROJECT)
    send(client, event("ANNOTATION_CREATED", annotation=annotation(4, 7, was_cancelled=True), task=task(7)))
    with pytest.raises(NothingAnnotatedError, match="Left out: 1 annotations that are skips"):
        reader.read(PROJECT)


def test_a_config_that_asks_for_nothing_that_can_be_learnt_is_an_error(
    client: FlaskClient, reader: TrainingDataReader
) -> None:
    counting = CONFIG.replace("Brush", "KeyPoint").replace("Rectangle", "KeyPoint")
    send(client, event("PROJECT_UPDATED") | {"project": {"id": PROJECT, "label_config": counting}})
    with pytest.raises(NothingAnnotatedError, match="asks for nothing that can be learnt"):
        reader.read(PROJECT)


def test_what_the_report_raises_ends_the_reading(client: FlaskClient, reader: TrainingDataReader) -> None:
    def cancel(number: int) -> None:
        raise KeyboardInterrupt(number)

    send(client, *EVENTS)
    with pytest.raises(KeyboardInterrupt):
        reader.read(PROJECT, report=cancel)
