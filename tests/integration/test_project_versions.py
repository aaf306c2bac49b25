"""Which version answers, seen through the service: what a worker publishes, activates and takes back."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from label_studio_sdk.label_interface.interface import LabelInterface
from sqlalchemy import create_engine

from backend.app import create_app
from backend.labelstudio import rle
from backend.settings import Settings
from backend.state.active_versions import ActiveVersions
from backend.state.model_store import FILES, ModelStore, VersionInfo
from models.prelabel.unet import UNet
from tests.fakes.random_unet import write_random_unet
from tests.fakes.requests import CONFIG, coins_picture, point, predict_body, task
from tests.fakes.versions import N_ERROR_AREAS, SCHEMA, TrainedFake, facts, trained_files

PROJECT = "2.1795219443"
UNTRAINED = "watershed-1"
TEMPLATE = Path(__file__).parents[2] / "scripts" / "templates" / "error-areas.xml"


class Worker:
    """What another process does to the same state folder."""

    def __init__(self, settings: Settings, scratch: Path) -> None:
        self._scratch = scratch
        self.store = ModelStore(settings.versions_dir)
        self.active = ActiveVersions(create_engine(settings.resolved_database_url))

    def train(self, content: str, *, passed: bool = True) -> VersionInfo:
        info = self.store.publish(2, trained_files(self._scratch, content), facts(passed=passed))
        if passed:
            self.active.activate(2, "prelabel", info.name, "gate passed")
        return info

    def roll_back(self) -> None:
        self.active.rollback(2, "prelabel", "rolled back", usable=lambda name: True)


@pytest.fixture
def client(settings: Settings) -> FlaskClient:
    return create_app(settings, open_version=TrainedFake).test_client()


@pytest.fixture
def worker(client: FlaskClient, settings: Settings, tmp_path: Path) -> Worker:
    return Worker(settings, tmp_path / "job")


def announce(client: FlaskClient, config: str = CONFIG, **extra_params: Any) -> str:
    body = {"project": PROJECT, "schema": config, "hostname": "", "extra_params": extra_params}
    answer = client.post("/setup", json=body)
    assert answer.status_code == 200, answer.text
    assert answer.json is not None
    return str(answer.json["model_version"])


def predict(client: FlaskClient, config: str = CONFIG) -> dict[str, Any]:
    answer = client.post("/predict", json=predict_body(config=config))
    assert answer.status_code == 200, answer.text
    assert answer.json is not None
    (prediction,) = answer.json["results"]
    return dict(prediction)


def answering(client: FlaskClient, config: str = CONFIG, **extra_params: Any) -> str:
    """The version of the pre-labels, insisting that `/setup` says the same before and after them."""
    announced = announce(client, config, **extra_params)
    version = str(predict(client, config)["model_version"])
    assert version == announced == announce(client, config, **extra_params)
    return version


def choose(client: FlaskClient, version: str) -> None:
    event = {"action": "PROJECT_UPDATED", "project": {"id": 2, "model_version": version}}
    assert client.post("/webhook", json=event).status_code == 201


def test_the_next_pre_labels_are_those_of_the_version_that_was_activated(
    client: FlaskClient, worker: Worker
) -> None:
    assert answering(client) == UNTRAINED
    info = worker.train("a")
    assert answering(client) == info.name
    prediction = predict(client)
    (item,) = prediction["result"]
    assert rle.decode(item["value"]["rle"], (600, 800)).sum() == 300 * 400
    assert (item["value"]["brushlabels"], item["score"], prediction["score"]) == (["Coin"], 0.9, 0.75)


def test_a_trained_network_answers_for_its_project_and_elsewhere(settings: Settings, tmp_path: Path) -> None:
    client = create_app(settings).test_client()
    worker = Worker(settings, tmp_path / "job")
    info = worker.store.publish(2, write_random_unet(tmp_path / "network", SCHEMA, side=64), facts())
    worker.active.activate(2, "prelabel", info.name, "gate passed")
    assert answering(client) == info.name
    prediction = predict(client)
    assert 0 <= prediction["score"] <= 1
    assert {item["value"]["brushlabels"][0] for item in prediction["result"]} <= {"Coin"}
    elsewhere = UNet(shutil.copytree(worker.store.folder(info), tmp_path / "copy"))
    elsewhere.load()
    assert elsewhere.predict(coins_picture(60, 80)).score >= 0


def test_a_rollback_brings_the_earlier_pre_labels_back(client: FlaskClient, worker: Worker) -> None:
    first, second = worker.train("a"), worker.train("b")
    assert answering(client) == second.name
    worker.roll_back()
    assert answering(client) == first.name
    worker.roll_back()
    assert answering(client) == UNTRAINED


def test_a_version_that_failed_the_gate_answers_only_when_somebody_chooses_it(
    client: FlaskClient, worker: Worker
) -> None:
    used, refused = worker.train("a"), worker.train("b", passed=False)
    assert answering(client) == used.name
    choose(client, refused.name)
    assert answering(client) == refused.name
    choose(client, "Maskloop")
    assert answering(client) == used.name


def test_when_a_label_is_gone_the_version_that_knows_it_is_not_used(
    client: FlaskClient, worker: Worker
) -> None:
    info = worker.train("a")
    assert answering(client, CONFIG.replace("Coin", "Medal")) == UNTRAINED
    more = CONFIG.replace('<Label value="Coin"/>', '<Label value="Coin"/><Label value="Medal"/>')
    assert answering(client, more) == info.name


def test_a_project_may_refuse_to_learn(client: FlaskClient, worker: Worker) -> None:
    worker.train("a")
    assert answering(client, learn=False) == UNTRAINED


def test_a_damaged_version_costs_the_annotator_nothing(client: FlaskClient, worker: Worker) -> None:
    info = worker.train("a")
    (worker.store.folder(info) / FILES[0]).write_text("something else")
    assert predict(client)["model_version"] == UNTRAINED
    assert answering(client) == UNTRAINED
    assert "maskloop_unusable_versions_total 1.0" in client.get("/metrics").text


def test_versions_lists_the_trained_ones_newest_first(client: FlaskClient, worker: Worker) -> None:
    trained = [worker.train(content).name for content in "ab"]
    assert client.get("/versions").json == {"versions": ["otsu-1", UNTRAINED, *reversed(trained)]}


def test_the_places_that_are_probably_wrong_are_marked_where_the_config_asks_for_it(
    client: FlaskClient, worker: Worker
) -> None:
    worker.train("a")
    config = TEMPLATE.read_text(encoding="utf-8").replace('"Object"', '"Coin"')
    prediction = predict(client, config)
    marks = [item for item in prediction["result"] if item["from_name"] == "check"]
    assert len(marks) == 5 < N_ERROR_AREAS
    assert [mark["score"] for mark in marks] == sorted((mark["score"] for mark in marks), reverse=True)
    assert all(mark["value"]["polygonlabels"] == ["Check here"] for mark in marks)
    assert [item["from_name"] for item in prediction["result"]].count("masks") == 1
    problems = LabelInterface(config).validate_prediction(prediction, return_errors=True)  # type: ignore[no-untyped-call]
    assert problems == []


def test_a_click_below_a_mark_gets_the_object_there(client: FlaskClient, worker: Worker) -> None:
    worker.train("a")
    config = TEMPLATE.read_text(encoding="utf-8").replace('"Object"', '"Coin"')
    marks = [item for item in predict(client, config)["result"] if item["from_name"] == "check"]
    clicked = {**point(150, 200), "from_name": "clicks"}
    answers = []
    for drawn in ([], marks):
        drafts = [{"result": drawn, "updated_at": "2026-11-21T12:00:00Z"}]
        body = predict_body({**task(), "drafts": drafts}, prompts=[clicked], config=config)
        answer = client.post("/predict", json=body)
        assert answer.json is not None
        (prediction,) = answer.json["results"]
        answers.append([item["value"]["rle"] for item in prediction["result"]])
    assert answers[0] and answers[0] == answers[1]
