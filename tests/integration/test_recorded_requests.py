"""Every request that a real Label Studio 1.23.2 sent while it was recorded is answered as it needs."""

import json

import pytest
from flask.testing import FlaskClient

from tests.fixtures.recorded import RecordedRequest, recorded_requests
from tests.integration.test_error_matrix import check_answer, refuse_constant

REQUESTS = recorded_requests()


def test_the_recording_covers_every_endpoint_of_the_protocol() -> None:
    assert {request.path.split("?")[0] for request in REQUESTS} >= {
        "/health",
        "/setup",
        "/predict",
        "/versions",
        "/webhook",
    }


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda request: request.name)
def test_a_recorded_request_is_answered(client: FlaskClient, request_: RecordedRequest) -> None:
    answer = client.open(request_.path, method=request_.method, json=request_.json)
    assert answer.status_code in (200, 201), answer.text
    body = json.loads(answer.text, parse_constant=refuse_constant)
    assert isinstance(body, dict)
    if request_.path == "/predict":
        assert isinstance(request_.json, dict)
        check_answer(answer.text, len(request_.json["tasks"]))
    elif request_.path == "/setup":
        assert isinstance(body["model_version"], str)
        assert body["model_version"]
