import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from copy import copy
from http.server import BaseHTTPRequestHandler
from typing import Any

import httpx
import pytest

from backend.errors import ImageAddressError, ImageUnavailableError
from backend.labelstudio.guarded_http import GuardedHttp, shown
from models.errors import ImageError
from tests.fakes.http_server import HttpServer, Reply, http_server
from tests.fakes.internet import OTHER_PUBLIC_ADDRESS, PUBLIC_ADDRESS, FakeInternet


@pytest.fixture
def server() -> Iterator[HttpServer]:
    with http_server() as running:
        yield running


@pytest.fixture
def other() -> Iterator[HttpServer]:
    with http_server() as running:
        yield running


def anywhere(url: httpx.URL) -> None:
    """Follow every redirect."""


def client(
    trusted: HttpServer | None = None, *, max_bytes: int = 1000, timeout_s: float = 60, **more: Any
) -> GuardedHttp:
    port = None if trusted is None else trusted.port
    return GuardedHttp(
        is_trusted=lambda url: url.port == port, max_bytes=max_bytes, timeout_s=timeout_s, **more
    )


def get(http: GuardedHttp, url: str, headers: dict[str, str] | None = None) -> Any:
    return http.get(httpx.URL(url), headers or {}, check_redirect=anywhere)


def test_a_body_comes_with_its_status_and_url(server: HttpServer) -> None:
    server.routes["/a%20b?x=1"] = Reply(b"content")
    answer = get(client(server), f"{server.url}/a b?x=1#part")
    assert (answer.status, answer.body, str(answer.url)) == (200, b"content", f"{server.url}/a%20b?x=1#part")
    (asked,) = server.requests
    assert asked.headers["Host"] == f"127.0.0.1:{server.port}"
    assert asked.headers["Accept-Encoding"] == "identity"


def test_connections_are_kept_alive(server: HttpServer) -> None:
    server.routes["/x"] = Reply(b"content")
    http = client(server)
    for _ in range(3):
        get(http, f"{server.url}/x")
    assert {request.connection for request in server.requests} == {0}


def test_a_loopback_server_that_nobody_vouched_for_is_not_asked(server: HttpServer) -> None:
    with pytest.raises(ImageAddressError, match=r"127\.0\.0\.1, which is not a public address"):
        get(client(), f"{server.url}/x")
    assert server.requests == []


@pytest.mark.parametrize(
    "host", ["localhost", "2130706433", "0x7f000001", "127.1", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0"]
)
def test_no_spelling_of_this_machine_gets_through(server: HttpServer, host: str) -> None:
    with pytest.raises(ImageAddressError, match="not a public address"):
        get(client(), f"http://{host}:{server.port}/x")
    assert server.requests == []


def test_a_public_name_with_a_private_address_is_refused(server: HttpServer) -> None:
    internet = FakeInternet()
    internet.names["pictures.example"] = ["127.0.0.1"]
    with pytest.raises(ImageAddressError, match=r"pictures\.example is 127\.0\.0\.1"):
        get(client(resolve=internet.resolve), f"http://pictures.example:{server.port}/x")
    assert server.requests == []


def test_a_name_that_changes_its_address_after_the_check_gains_nothing(server: HttpServer) -> None:
    server.routes["/x"] = Reply(b"content")
    internet = FakeInternet()
    internet.ports[PUBLIC_ADDRESS] = server.port
    answers = iter([[PUBLIC_ADDRESS], ["127.0.0.1"]])
    http = client(resolve=lambda host, port: next(answers), network=internet)
    assert get(http, "http://pictures.example/x").body == b"content"
    assert internet.connected == [(PUBLIC_ADDRESS, 80)]
    assert server.requests[0].headers["Host"] == "pictures.example"


def test_a_redirect_to_a_private_address_is_refused(server: HttpServer, other: HttpServer) -> None:
    server.routes["/x"] = Reply(status=302, headers={"Location": f"{other.url}/metadata"})
    with pytest.raises(ImageAddressError, match="not a public address"):
        get(client(server), f"{server.url}/x")
    assert other.requests == []


def test_a_trusted_connection_is_not_reused_for_an_untrusted_url(server: HttpServer) -> None:
    server.routes["/trusted"] = Reply(b"content")
    http = GuardedHttp(is_trusted=lambda url: url.path == "/trusted", max_bytes=1000, timeout_s=60)
    assert get(http, f"{server.url}/trusted").body == b"content"
    with pytest.raises(ImageAddressError):
        get(http, f"{server.url}/other")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_followed_without_the_key(server: HttpServer, other: HttpServer, status: int) -> None:
    internet = FakeInternet()
    internet.host("studio.example", PUBLIC_ADDRESS, server.port)
    internet.host("storage.example", OTHER_PUBLIC_ADDRESS, other.port)
    server.routes["/x"] = Reply(status=status, headers={"Location": "/y"})
    server.routes["/y"] = Reply(status=status, headers={"Location": "//storage.example/z?signature=s"})
    other.routes["/z?signature=s"] = Reply(b"content")
    http = client(resolve=internet.resolve, network=internet)
    answer = get(http, "http://studio.example/x", {"Authorization": "Token secret"})
    assert (answer.body, str(answer.url)) == (b"content", "http://storage.example/z?signature=s")
    sent = [request.headers.get("Authorization") for request in server.requests + other.requests]
    assert sent == ["Token secret", None, None]


def test_each_redirect_is_checked_before_it_is_followed(server: HttpServer) -> None:
    server.routes["/x"] = Reply(status=302, headers={"Location": "/y"})

    def refuse(url: httpx.URL) -> None:
        raise ImageAddressError(f"not {url.path}")

    with pytest.raises(ImageAddressError, match="not /y"):
        client(server).get(httpx.URL(f"{server.url}/x"), {}, check_redirect=refuse)
    assert server.targets == ["/x"]


def test_five_redirects_are_followed_and_not_six(server: HttpServer) -> None:
    for step in range(6):
        server.routes[f"/{step}"] = Reply(status=302, headers={"Location": f"/{step + 1}"})
    server.routes["/6"] = Reply(b"content")
    assert get(client(server), f"{server.url}/1").body == b"content"
    with pytest.raises(ImageUnavailableError, match="/0 redirects more than 5 times"):
        get(client(server), f"{server.url}/0")


def test_a_redirect_loop_ends(server: HttpServer) -> None:
    server.routes["/x"] = Reply(status=302, headers={"Location": "/x"})
    with pytest.raises(ImageUnavailableError, match="redirects more than 5 times"):
        get(client(server), f"{server.url}/x")
    assert len(server.requests) == 6


@pytest.mark.parametrize("location", ["http://[::1", "http://x.org:port/", "http://h/" + "a" * 70_000])
def test_a_redirect_to_nonsense_is_an_error(server: HttpServer, location: str) -> None:
    server.routes["/x"] = Reply(status=302, headers={"Location": location})
    with pytest.raises(ImageUnavailableError, match="redirects to no address"):
        get(client(server), f"{server.url}/x")


@pytest.mark.parametrize("status", [204, 301, 400, 401, 403, 404, 500])
def test_other_statuses_are_answered_without_a_body_and_not_repeated(server: HttpServer, status: int) -> None:
    server.routes["/x"] = Reply(b"" if status == 204 else b"page", status)
    answer = get(client(server), f"{server.url}/x")
    assert (answer.status, answer.body) == (status, b"")
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [502, 503, 504])
def test_temporary_failures_are_repeated_twice(server: HttpServer, status: int) -> None:
    server.routes["/x"] = [Reply(status=status), Reply(status=status), Reply(b"content")]
    assert get(client(server), f"{server.url}/x").body == b"content"
    server.routes["/x"] = Reply(status=status)
    assert get(client(server), f"{server.url}/x").status == status
    assert len(server.requests) == 6


def test_a_connection_that_breaks_is_repeated(server: HttpServer) -> None:
    def break_off(handler: BaseHTTPRequestHandler) -> None:
        server.routes["/x"] = Reply(b"content")
        handler.send_response(200)
        handler.send_header("Content-Length", "7")
        handler.end_headers()
        handler.wfile.write(b"con")
        handler.close_connection = True

    server.routes["/x"] = break_off
    assert get(client(server), f"{server.url}/x").body == b"content"


def test_a_server_that_is_down_is_named_without_the_query() -> None:
    with http_server() as gone:
        url = gone.url
    with pytest.raises(ImageUnavailableError, match=f"{url}/x cannot be reached: .*refused") as caught:
        get(client(gone), f"{url}/x?signature=secret")
    assert "secret" not in str(caught.value)


def test_a_name_that_does_not_exist_is_named() -> None:
    with pytest.raises(ImageUnavailableError, match=r"no-such-host\.invalid.*no address found"):
        get(client(), "http://no-such-host.invalid/x")


def test_the_limit_of_bytes_is_exact(server: HttpServer) -> None:
    server.routes["/1000"], server.routes["/1001"] = Reply(bytes(1000)), Reply(bytes(1001))
    assert len(get(client(server), f"{server.url}/1000").body) == 1000
    with pytest.raises(ImageError, match="more than 1000 bytes"):
        get(client(server), f"{server.url}/1001")


def chunks_for_ever(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    while True:
        handler.wfile.write(b"400\r\n" + bytes(1024) + b"\r\n")


def claims_a_terabyte(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", str(2**40))
    handler.end_headers()


@pytest.mark.parametrize("respond", [chunks_for_ever, claims_a_terabyte])
def test_endless_bodies_are_cut_off(server: HttpServer, respond: Callable[[Any], None]) -> None:
    server.routes["/x"] = respond
    with pytest.raises(ImageError, match="more than 1000 bytes"):
        get(client(server), f"{server.url}/x")


def test_a_compressed_answer_is_refused(server: HttpServer) -> None:
    server.routes["/x"] = Reply(b"\x1f\x8b" + bytes(100), headers={"Content-Encoding": "gzip"})
    with pytest.raises(ImageUnavailableError, match="content encoding 'gzip' although asked not to"):
        get(client(server), f"{server.url}/x")


def drip_body(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    for _ in range(1000):
        handler.wfile.write(b"x")
        time.sleep(0.05)


def drip_headers(handler: BaseHTTPRequestHandler) -> None:
    for byte in b"HTTP/1.1 200 OK\r\nX-Padding: " + b"x" * 1000:
        handler.wfile.write(bytes([byte]))
        time.sleep(0.05)


def stall(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "500")
    handler.end_headers()
    handler.wfile.write(b"x")
    time.sleep(1.5)


def redirect_slowly(handler: BaseHTTPRequestHandler) -> None:
    time.sleep(0.2)
    handler.send_response(302)
    handler.send_header("Location", "/x")
    handler.send_header("Content-Length", "0")
    handler.end_headers()


@pytest.mark.parametrize("respond", [drip_body, drip_headers, stall, redirect_slowly])
def test_the_time_limit_is_for_everything_together(
    server: HttpServer, respond: Callable[[BaseHTTPRequestHandler], None]
) -> None:
    server.routes["/x"] = respond
    started = time.monotonic()
    with pytest.raises(ImageUnavailableError, match=r"took longer than 0\.4 s \(MASKLOOP_IMAGE_TIMEOUT_S\)"):
        get(client(server, timeout_s=0.4), f"{server.url}/x")
    assert 0.35 < time.monotonic() - started < 40, "the end of what drips came first"


def test_retries_do_not_outlast_the_time_limit(server: HttpServer) -> None:
    def fail_slowly(handler: BaseHTTPRequestHandler) -> None:
        time.sleep(0.3)
        handler.send_error(503)

    server.routes["/x"] = fail_slowly
    with suppress(ImageUnavailableError):  # time may end during a request or between two
        assert get(client(server, timeout_s=0.5), f"{server.url}/x").status == 503
    assert len(server.requests) <= 2


def test_a_deadline_of_one_thread_does_not_end_the_others(server: HttpServer) -> None:
    server.routes["/slow"], server.routes["/fast"] = stall, Reply(b"content")
    hasty = client(server, timeout_s=1)
    patient = copy(hasty)  # the same connections
    patient._timeout_s = 60

    def fetch(path: str) -> str:
        try:
            return str(get(patient if path == "/fast" else hasty, server.url + path).status)
        except ImageUnavailableError:
            return "slow"

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(fetch, ["/slow", "/fast"] * 4)) == ["slow", "200"] * 4


@pytest.mark.parametrize(
    "garbage",
    [
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: five\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: " + b"x" * 200_000,
        b"",
    ],
    ids=["ssh", "length-word", "length-huge", "headers-huge", "nothing"],
)
def test_what_is_not_http_is_an_error(server: HttpServer, garbage: bytes) -> None:
    def respond(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(garbage)
        handler.close_connection = True

    server.routes["/x"] = respond
    with pytest.raises((ImageUnavailableError, ImageError)):
        get(client(server), f"{server.url}/x")
    server.routes["/y"] = Reply(b"content")
    assert get(client(server), f"{server.url}/y").body == b"content"


def test_proxies_of_the_environment_are_not_used(server: HttpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    server.routes["/x"] = Reply(b"content")
    assert get(client(server), f"{server.url}/x").body == b"content"


def test_urls_are_shown_without_query_fragment_and_user() -> None:
    assert shown(httpx.URL("https://u:p@h.org:8443/a%20b?sig=s#f")) == "https://h.org:8443/a%20b"
