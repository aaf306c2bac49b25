import base64

import pytest

from scripts.child_process import free_port
from scripts.errors import ServiceAnswerError, StartError
from scripts.service_client import ServiceClient
from tests.fakes.http_server import Reply, http_server


def test_each_request_comes_over_a_new_connection_as_from_label_studio() -> None:
    with http_server() as server:
        server.routes["/predict"] = Reply(b"{}")
        client = ServiceClient(server.url)

        assert client.post("/predict", b"one") == b"{}"
        assert client.send("POST", "/predict", b"two") == (200, b"{}")

    assert [request.body for request in server.requests] == [b"one", b"two"]
    assert [request.connection for request in server.requests] == [0, 1]
    assert server.requests[0].headers["Content-Type"] == "application/json"


def test_the_address_may_hold_a_path_and_credentials() -> None:
    with http_server() as server:
        server.routes["/deep/setup"] = Reply(b"{}")
        ServiceClient(f"http://me:p%40ss@127.0.0.1:{server.port}/deep/").post("/setup", b"")

    assert server.requests[0].headers["Authorization"] == "Basic " + base64.b64encode(b"me:p@ss").decode()


def test_a_refusal_is_an_error_with_the_service_s_words() -> None:
    with http_server() as server:
        server.routes["/predict"] = Reply(b'{"error": "BusyError"}', 503)

        with pytest.raises(ServiceAnswerError, match=r"/predict answered 503.*BusyError"):
            ServiceClient(server.url).post("/predict", b"")


def test_a_service_that_is_not_there_is_an_error_with_its_address() -> None:
    port = free_port()

    with pytest.raises(ServiceAnswerError, match=f"127.0.0.1:{port} did not answer /predict: .*refused"):
        ServiceClient(f"http://127.0.0.1:{port}").post("/predict", b"")


def test_waiting_ends_when_the_models_are_loaded() -> None:
    with http_server() as server:
        server.routes["/ready"] = [Reply(b"{}", 503), Reply(b"{}", 503), Reply(b"{}")]

        ServiceClient(server.url).wait_until_ready(60)

    assert server.targets == ["/ready"] * 3


def test_waiting_in_vain_says_what_the_service_said() -> None:
    with http_server() as server:
        server.routes["/ready"] = Reply(b'{"missing": ["weights"]}', 503)

        with pytest.raises(StartError, match=r"is not ready after 0 s.*503.*weights"):
            ServiceClient(server.url).wait_until_ready(0.2)


def test_a_dead_service_is_not_waited_for() -> None:
    with pytest.raises(StartError, match="ended; nothing listens"):
        ServiceClient(f"http://127.0.0.1:{free_port()}").wait_until_ready(60, lambda: False)
