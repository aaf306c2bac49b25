import httpx
import pytest

from backend.errors import LabelStudioError
from backend.labelstudio.credentials import LegacyToken
from backend.labelstudio.rest import LabelStudioApi

KEY = "k" * 40


def api(answer: httpx.Response | Exception, requests: list[httpx.Request] | None = None) -> LabelStudioApi:
    def respond(request: httpx.Request) -> httpx.Response:
        if requests is not None:
            requests.append(request)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return LabelStudioApi("http://ls.example.com", LegacyToken(KEY), transport=httpx.MockTransport(respond))


def test_a_call_carries_the_key_its_query_and_its_body() -> None:
    requests: list[httpx.Request] = []
    answered = api(httpx.Response(201, json={"created": 2}), requests).call(
        "POST", "/api/things", "store things", params={"n": 2}, json=[1, 2]
    )
    assert answered == {"created": 2}
    (request,) = requests
    assert (request.method, str(request.url)) == ("POST", "http://ls.example.com/api/things?n=2")
    assert request.headers["Authorization"] == f"Token {KEY}"
    assert request.content == b"[1,2]"


def test_a_body_that_is_encoded_already_is_sent_as_json() -> None:
    requests: list[httpx.Request] = []
    api(httpx.Response(201), requests).call("POST", "/api/things", "store things", content=b"[1]")
    assert requests[0].headers["Content-Type"] == "application/json"
    assert requests[0].content == b"[1]"


def test_an_empty_answer_is_none() -> None:
    assert api(httpx.Response(204)).call("DELETE", "/api/things/1", "delete a thing") is None


@pytest.mark.parametrize(
    ("answer", "status", "message"),
    [
        (httpx.Response(401, json={"detail": "no"}), 401, "would not read it: 401: no Check the API key"),
        (httpx.Response(404, json={"detail": "no"}), 404, "Check the project's number"),
        (httpx.Response(400, json={"detail": "d", "validation_errors": {"task": ["gone"]}}), 400, "gone"),
        (httpx.Response(502, text="bad gateway"), 502, "502: bad gateway"),
        (httpx.Response(200, text="<html>"), None, "answered no JSON when asked to read it"),
        (httpx.ConnectError("refused"), None, "cannot be reached to read it: refused"),
    ],
)
def test_a_failed_call_says_what_for_and_why(
    answer: httpx.Response | Exception, status: int | None, message: str
) -> None:
    with pytest.raises(LabelStudioError, match=message) as failed:
        api(answer).call("GET", "/api/things", "read it")
    assert failed.value.status == status
    assert KEY not in str(failed.value)
