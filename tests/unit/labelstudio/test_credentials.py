import base64
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from backend.errors import LabelStudioError, SettingsError
from backend.labelstudio.credentials import Credentials, credentials_from_key
from tests.fakes.http_server import HttpServer, Reply, http_server

LEGACY_KEY = "0123456789abcdef0123456789abcdef01234567"


def jwt(**claims: Any) -> str:
    parts = ({"alg": "HS256", "typ": "JWT"}, claims, {"signature": "not checked here"})
    return ".".join(
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts
    )


def access_token(life_s: float, issued: float | None = None, **more: Any) -> str:
    issued = time.time() if issued is None else issued
    return jwt(token_type="access", iat=issued, exp=issued + life_s, **more)


def renewal(token: str) -> Reply:
    return Reply(json.dumps({"access": token}).encode(), headers={"Content-Type": "application/json"})


PERSONAL_KEY = jwt(token_type="refresh", exp=8_000_000_000)
RENEW = "/api/token/refresh/"


@pytest.fixture
def server() -> Iterator[HttpServer]:
    with http_server() as running:
        yield running


def test_a_legacy_token_is_sent_as_it_is() -> None:
    credentials = credentials_from_key(f" {LEGACY_KEY}\n", "http://unused")
    assert credentials.headers() == {"Authorization": f"Token {LEGACY_KEY}"}


def test_a_personal_access_token_is_exchanged_once_for_many_requests(server: HttpServer) -> None:
    token = access_token(300)
    server.routes[RENEW] = renewal(token)
    credentials = credentials_from_key(PERSONAL_KEY, server.url)
    for _ in range(3):
        assert credentials.headers() == {"Authorization": f"Bearer {token}"}
    (asked,) = server.requests
    assert (asked.method, json.loads(asked.body)) == ("POST", {"refresh": PERSONAL_KEY})


def test_a_server_below_a_path_is_asked_there(server: HttpServer) -> None:
    server.routes["/annotate" + RENEW] = renewal(access_token(300))
    credentials_from_key(PERSONAL_KEY, f"{server.url}/annotate/").headers()
    assert server.targets == ["/annotate" + RENEW]


def test_an_access_token_is_renewed_thirty_seconds_before_its_end(server: HttpServer) -> None:
    tokens = [access_token(30.2, n=1), access_token(300, n=2)]
    server.routes[RENEW] = [renewal(token) for token in tokens]
    credentials = credentials_from_key(PERSONAL_KEY, server.url)
    assert credentials.headers() == {"Authorization": f"Bearer {tokens[0]}"}
    time.sleep(0.25)
    assert credentials.headers() == {"Authorization": f"Bearer {tokens[1]}"}


@pytest.mark.parametrize("server_clock_ahead_s", [-7200, 7200])
def test_a_wrong_clock_neither_keeps_dead_tokens_nor_wastes_good_ones(
    server: HttpServer, server_clock_ahead_s: float
) -> None:
    issued = time.time() + server_clock_ahead_s
    server.routes[RENEW] = [renewal(access_token(300, issued)), renewal(access_token(20, issued))]
    credentials = credentials_from_key(PERSONAL_KEY, server.url)
    assert credentials.headers() == credentials.headers()
    assert len(server.requests) == 1


@pytest.mark.parametrize("token", ["opaque", jwt(exp="soon"), jwt(exp=9e9, iat="then"), "a.!.c", "a.W10.c"])
def test_a_token_of_unknown_life_is_used_once(server: HttpServer, token: str) -> None:
    server.routes[RENEW] = renewal(token)
    credentials = credentials_from_key(PERSONAL_KEY, server.url)
    for _ in range(2):
        assert credentials.headers() == {"Authorization": f"Bearer {token}"}
    assert len(server.requests) == 2


def test_threads_share_one_exchange(server: HttpServer) -> None:
    token = access_token(300)

    def slow(handler: BaseHTTPRequestHandler) -> None:
        time.sleep(0.1)
        body = renewal(token).body
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    server.routes[RENEW] = slow
    credentials = credentials_from_key(PERSONAL_KEY, server.url)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: credentials.headers(), range(8)))
    assert answers == [{"Authorization": f"Bearer {token}"}] * 8
    assert len(server.requests) == 1


def test_a_revoked_key_says_what_to_do_and_the_next_call_tries_again(server: HttpServer) -> None:
    token = access_token(300)
    server.routes[RENEW] = [Reply(b'{"detail": "Token is invalid"}', 401), renewal(token)]
    credentials = credentials_from_key(PERSONAL_KEY, server.url)
    with pytest.raises(
        LabelStudioError, match=r"ended or was revoked.*MASKLOOP_LABEL_STUDIO_API_KEY"
    ) as caught:
        credentials.headers()
    assert caught.value.status == 401
    assert PERSONAL_KEY not in str(caught.value)
    assert credentials.headers() == {"Authorization": f"Bearer {token}"}


@pytest.mark.parametrize(
    "reply",
    [
        Reply(b"<html>another server</html>"),
        Reply(b"[]"),
        Reply(b'{"access": 5}'),
        Reply(b'{"access": "a\\nb"}'),
        Reply(b"no such page", 404),
        Reply(b"", 302, {"Location": "/login"}),
        Reply(b"", 500),
    ],
)
def test_an_answer_without_a_token_points_at_the_address(server: HttpServer, reply: Reply) -> None:
    server.routes[RENEW] = reply
    with pytest.raises(
        LabelStudioError, match=f"answered {reply.status}.*MASKLOOP_LABEL_STUDIO_URL"
    ) as caught:
        credentials_from_key(PERSONAL_KEY, server.url).headers()
    assert caught.value.status == reply.status


def test_a_server_that_is_down_is_named() -> None:
    with http_server() as server:
        url = server.url
    with pytest.raises(LabelStudioError, match=f"{url}/api/token/refresh/ cannot be reached") as caught:
        credentials_from_key(PERSONAL_KEY, url).headers()
    assert caught.value.status is None


@pytest.mark.parametrize("key", ["", "  ", "two words", "line\nbreak", "schlüssel", "nul\0"])
def test_what_cannot_be_a_key_stops_the_start(key: str) -> None:
    with pytest.raises(SettingsError, match="MASKLOOP_LABEL_STUDIO_API_KEY is not a key"):
        credentials_from_key(key, "http://unused")


def test_an_access_token_as_the_key_stops_the_start() -> None:
    with pytest.raises(SettingsError, match="lives only five minutes"):
        credentials_from_key(access_token(300), "http://unused")


@pytest.mark.parametrize("key", [LEGACY_KEY, PERSONAL_KEY])
def test_keys_do_not_show_when_printed(key: str) -> None:
    credentials: Credentials = credentials_from_key(key, "http://unused")
    assert key not in f"{credentials!r} {credentials}"


def test_the_sdk_which_takes_seconds_to_import_is_not_needed() -> None:
    code = "import sys, backend.labelstudio.credentials; sys.exit('label_studio_sdk' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
