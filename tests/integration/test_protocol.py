from typing import ClassVar

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import create_engine, select

from backend.app import create_app
from backend.settings import Settings
from backend.state.database import events
from models.arrays import Image
from models.errors import WeightsNotFoundError
from models.prelabel.base import PreLabeller, PreLabels
from models.registry import Registry
from tests.fakes.requests import CONFIG


def setup_body(**changes: object) -> dict[str, object]:
    return {
        "project": "2.1795219443",
        "schema": CONFIG,
        "hostname": "http://localhost:8080",
        "access_token": "0123456789abcdef0123456789abcdef01234567",
        "extra_params": {},
    } | changes


def test_health_says_that_the_process_lives(client: FlaskClient) -> None:
    answer = client.get("/health")
    assert (answer.status_code, answer.json) == (200, {"status": "UP", "model_class": "Maskloop"})


def test_ready_loads_the_default_models_and_says_so(client: FlaskClient) -> None:
    answer = client.get("/ready")
    assert (answer.status_code, answer.json) == (200, {"status": "READY", "missing": []})


def test_ready_is_503_and_names_what_is_missing(settings: Settings) -> None:
    class WithoutWeights(PreLabeller):
        name: ClassVar[str] = "heavy"
        version = "heavy-1"

        def load(self) -> None:
            raise WeightsNotFoundError("/weights/heavy.safetensors is missing")

        def predict(self, image: Image) -> PreLabels:
            return PreLabels((), (), 0.0)

    app = create_app(
        settings.model_copy(update={"prelabeller": "heavy"}),
        prelabellers=Registry("pre-labeller", [WithoutWeights]),
    )
    answer = app.test_client().get("/ready")
    assert answer.status_code == 503
    assert answer.json == {
        "status": "NOT_READY",
        "missing": ["pre-labeller 'heavy': /weights/heavy.safetensors is missing"],
    }
    assert app.test_client().get("/health").status_code == 200


def test_setup_answers_the_version_of_the_projects_pre_labels_however_often_it_comes(
    client: FlaskClient,
) -> None:
    for _ in range(3):
        answer = client.post("/setup", json=setup_body())
        assert (answer.status_code, answer.json) == (200, {"model_version": "watershed-1"})


def test_extra_params_choose_the_projects_components(client: FlaskClient) -> None:
    changed = client.post("/setup", json=setup_body(extra_params={"prelabeller": "otsu", "other": 1}))
    other = client.post("/setup", json=setup_body(project="3.1795219443"))
    assert changed.json == {"model_version": "otsu-1"}
    assert other.json == {"model_version": "watershed-1"}


@pytest.mark.parametrize(
    ("changes", "error", "detail"),
    [
        ({"extra_params": {"prelabeller": "otsoo"}}, "UnknownNameError", "otsu, watershed"),
        ({"extra_params": {"postprocess": "fill-holes"}}, "RequestError", "list of names"),
        ({"extra_params": {"postprocess": ["fill-hole"]}}, "UnknownNameError", "fill-holes"),
        ({"extra_params": {"postprocess": ["smooth-outline:radius=0"]}}, "OptionError", "from 0.5 to 20"),
        ({"schema": "<View/>"}, "LabelConfigError", "<BrushLabels"),
        ({"schema": "<View>"}, "LabelConfigError", "<BrushLabels"),
        ({"project": None}, "RequestError", "project"),
    ],
)
def test_a_set_up_that_cannot_work_says_what_to_change(
    client: FlaskClient, changes: dict[str, object], error: str, detail: str
) -> None:
    answer = client.post("/setup", json=setup_body(**changes))
    assert answer.status_code == 400
    assert answer.json is not None
    assert answer.json["error"] == error
    assert detail in answer.json["detail"]
    assert client.post("/setup", json=setup_body()).status_code == 200


def test_the_reason_phrase_carries_the_message_because_label_studio_shows_only_that(
    client: FlaskClient,
) -> None:
    answer = client.post("/setup", json=setup_body(extra_params={"prelabeller": "ot\nsü"}))
    assert answer.status.startswith("400 There is no pre-labeller called 'ot")
    assert answer.status.isascii()
    assert "\n" not in answer.status


def test_versions_lists_every_pre_labeller(client: FlaskClient) -> None:
    assert client.get("/versions").json == {"versions": ["otsu-1", "watershed-1"]}


def test_an_event_is_stored_before_it_is_answered_and_without_secrets(
    client: FlaskClient, settings: Settings
) -> None:
    body = {
        "action": "ANNOTATION_CREATED",
        "project": {"id": 2, "title": "coins", "token": "secret-token", "task_data_password": "secret-2"},
        "annotation": {"id": 7, "result": [], "was_cancelled": True},
        "task": {"id": 4, "data": {"image": "x"}},
    }
    answer = client.post("/webhook", json=body)
    assert (answer.status_code, answer.json) == (201, {"status": "stored", "event": 1})
    engine = create_engine(settings.resolved_database_url)
    with engine.connect() as connection:
        row = connection.execute(select(events)).one()
    engine.dispose()
    assert (row.action, row.project_id, row.task_ids, row.annotation_ids) == (
        "ANNOTATION_CREATED",
        2,
        [4],
        [7],
    )
    assert row.skipped
    assert "secret" not in str(row.body)


def test_an_event_that_nobody_knows_is_kept_and_answered(client: FlaskClient) -> None:
    answer = client.post("/webhook", json={"action": "SOMETHING_NEW", "project": {"id": 2}})
    assert answer.status_code == 201
    assert 'maskloop_events_total{action="unknown"} 1.0' in client.get("/metrics").text


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nowhere", 404), ("GET", "/predict", 405), ("POST", "/health", 405)],
)
def test_a_wrong_address_has_the_error_shape_too(
    client: FlaskClient, method: str, path: str, status: int
) -> None:
    answer = client.open(path, method=method)
    assert answer.status_code == status
    assert answer.json is not None
    assert set(answer.json) == {"error", "detail"}


def test_an_unforeseen_error_shows_no_traceback(app: Flask) -> None:
    @app.get("/broken")
    def broken() -> str:
        raise ZeroDivisionError("inner detail")

    answer = app.test_client().get("/broken")
    assert answer.status_code == 500
    assert answer.json == {
        "error": "InternalError",
        "detail": "Something went wrong here; the service's log says what.",
    }


def test_metrics_count_requests_by_endpoint_and_status(client: FlaskClient) -> None:
    client.get("/health")
    client.get("/nowhere")
    text = client.get("/metrics").text
    assert 'maskloop_requests_total{endpoint="lifecycle.health",status="200"} 1.0' in text
    assert 'maskloop_requests_total{endpoint="unknown",status="404"} 1.0' in text


def test_every_answer_has_a_request_id(client: FlaskClient) -> None:
    ids = {client.get("/health").headers["X-Request-ID"] for _ in range(3)}
    assert len(ids) == 3


def test_a_setting_that_names_an_unknown_component_stops_the_start(settings: Settings) -> None:
    with pytest.raises(ValueError, match="Known names: clicknet"):
        create_app(settings.model_copy(update={"interactive_model": "sma"}))
