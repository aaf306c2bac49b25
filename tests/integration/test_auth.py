import pytest
from flask import Flask
from flask.testing import FlaskClient
from pydantic import SecretStr

from backend.app import create_app
from backend.settings import Settings
from tests.fakes.requests import predict_body


@pytest.fixture
def guarded(settings: Settings) -> Flask:
    return create_app(
        settings.model_copy(update={"basic_auth_user": "label", "basic_auth_password": SecretStr("stüdio:1")})
    )


@pytest.fixture
def client(guarded: Flask) -> FlaskClient:
    return guarded.test_client()


def test_every_endpoint_but_health_wants_credentials(guarded: Flask, client: FlaskClient) -> None:
    for rule in guarded.url_map.iter_rules():
        method = "POST" if "POST" in (rule.methods or ()) else "GET"
        answer = client.open(rule.rule, method=method, json={} if method == "POST" else None)
        if rule.rule == "/health":
            assert answer.status_code == 200
        else:
            assert answer.status_code == 401, rule.rule
            assert answer.headers["WWW-Authenticate"].startswith("Basic")
            assert answer.json is not None
            assert answer.json["error"] == "NotAuthorizedError"


@pytest.mark.parametrize(
    "credentials", [("label", "wrong"), ("wrong", "stüdio:1"), ("", ""), ("label", ""), ("labe", "stüdio:1")]
)
def test_wrong_credentials_are_refused(client: FlaskClient, credentials: tuple[str, str]) -> None:
    assert client.get("/ready", auth=credentials).status_code == 401


@pytest.mark.parametrize(
    "header", ["Bearer abc", "Basic", "Basic !!!", "Basic bGFiZWw=", "Basic " + "A" * 5000]
)
def test_a_malformed_header_is_refused_not_an_error(client: FlaskClient, header: str) -> None:
    assert client.get("/ready", headers={"Authorization": header}).status_code == 401


def test_right_credentials_open_everything(client: FlaskClient) -> None:
    auth = ("label", "stüdio:1")
    assert client.get("/ready", auth=auth).status_code == 200
    assert client.post("/predict", json=predict_body(), auth=auth).status_code == 200
    assert client.post("/webhook", json={"action": "START_TRAINING"}, auth=auth).status_code == 201


def test_an_unknown_address_tells_strangers_nothing(client: FlaskClient) -> None:
    assert client.get("/nowhere").status_code == 401
