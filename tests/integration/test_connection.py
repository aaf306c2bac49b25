import base64
from dataclasses import replace

import httpx
import pytest

from backend.errors import LabelConfigError, LabelStudioError
from backend.labelstudio.client import LabelStudioClient
from backend.services.connection import Connection, connect
from tests.fakes.label_studio import FakeLabelStudio
from tests.fakes.requests import CONFIG

WANTED = Connection(1, "http://maskloop:9090", prelabeller="watershed")


def make_server(**changes: object) -> FakeLabelStudio:
    project = {
        "id": 1,
        "title": "coins",
        "label_config": CONFIG,
        "model_version": "",
        "show_collab_predictions": False,
    }
    return FakeLabelStudio(project | changes)


def client_of(server: FakeLabelStudio) -> LabelStudioClient:
    return LabelStudioClient("http://ls.example.com", "0" * 40, http=server.http())


def test_a_fresh_project_gets_model_webhook_and_pre_labels() -> None:
    server = make_server()
    connect(client_of(server), WANTED)
    (model,) = server.models.values()
    assert (model["url"], model["is_interactive"], model["auth_method"]) == (
        "http://maskloop:9090",
        True,
        "NONE",
    )
    (webhook,) = server.webhooks.values()
    assert webhook["url"] == "http://maskloop:9090/webhook"
    assert webhook["send_for_all_actions"] and webhook["send_payload"] and webhook["is_active"]
    assert server.project["show_collab_predictions"] is True
    assert server.project["model_version"] == "Maskloop"


def test_connecting_again_adds_nothing() -> None:
    server = make_server()
    connect(client_of(server), WANTED)
    server.writes.clear()
    connect(client_of(server), WANTED)
    assert server.writes == ["PATCH /api/ml/1"]
    assert len(server.models) == len(server.webhooks) == 1


def test_the_webhook_carries_the_credentials_that_label_studio_leaves_out() -> None:
    server = make_server()
    wanted = replace(WANTED, basic_auth=("label", "stüdio:1"))
    connect(client_of(server), wanted)
    (webhook,) = server.webhooks.values()
    scheme, token = webhook["headers"]["Authorization"].split()
    assert (scheme, base64.b64decode(token).decode()) == ("Basic", "label:stüdio:1")
    (model,) = server.models.values()
    assert (model["auth_method"], model["basic_auth_user"]) == ("BASIC_AUTH", "label")


def test_a_webhook_without_the_header_is_repaired_and_not_doubled() -> None:
    server = make_server()
    connect(client_of(server), WANTED)
    connect(client_of(server), replace(WANTED, basic_auth=("label", "secret")))
    (webhook,) = server.webhooks.values()
    assert webhook["headers"]["Authorization"].startswith("Basic ")


def test_a_blocked_private_address_is_explained_with_the_two_settings() -> None:
    server = make_server()
    server.blocks_private = True
    with pytest.raises(LabelStudioError, match=r"ML_BLOCK_LOCAL_IP=false\n.*SSRF_PROTECTION_ENABLED=false"):
        connect(client_of(server), WANTED)


def test_the_copies_that_refused_attempts_left_behind_are_removed() -> None:
    server = make_server()
    server.blocks_private = server.stores_refused = True
    for _ in range(3):
        with pytest.raises(LabelStudioError):
            client_of(server).add_model(1, {"url": "http://maskloop:9090"})
    server.blocks_private = False
    connect(client_of(server), WANTED)
    assert list(server.models) == [1]


def test_a_chosen_stored_version_stays_chosen() -> None:
    server = make_server(show_collab_predictions=True, model_version="queue-7")
    connect(client_of(server), WANTED)
    assert server.project["model_version"] == "queue-7"


def test_a_config_that_cannot_be_used_is_refused_before_anything_is_written() -> None:
    server = make_server(label_config="<View/>")
    with pytest.raises(LabelConfigError, match="<Image"):
        connect(client_of(server), WANTED)
    assert server.writes == []


def test_a_label_that_the_pre_labeller_does_not_know_is_a_warning() -> None:
    two_labels = CONFIG.replace('<Label value="Coin"/>', '<Label value="Coin"/><Label value="Note"/>')
    report = connect(client_of(make_server(label_config=two_labels)), WANTED)
    assert any('add predicted_values="object"' in line for line in report)


def test_an_unknown_project_says_what_to_check() -> None:
    with pytest.raises(LabelStudioError, match="Check the project's number"):
        connect(client_of(make_server()), replace(WANTED, project_id=5))


def test_a_server_that_is_not_there_is_named() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    client = LabelStudioClient(
        "http://ls.example.com", "0" * 40, http=httpx.Client(transport=httpx.MockTransport(refuse))
    )
    with pytest.raises(LabelStudioError, match=r"ls\.example\.com cannot be reached"):
        client.project(1)


def test_a_client_closes_the_connections_of_its_own_and_no_others() -> None:
    with LabelStudioClient("http://127.0.0.1:9", "0" * 40) as own:
        pass
    with pytest.raises(RuntimeError, match="closed"):
        own.project(1)
    with (
        make_server().http() as http,
        LabelStudioClient("http://ls.example.com", "0" * 40, http=http) as client,
    ):
        client.close()
        assert client.project(1).title == "coins"
