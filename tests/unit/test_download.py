"""Downloads from a real server that behaves in all the ways that servers do."""

import hashlib
import re
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from scripts.download import Promised, download
from scripts.errors import DownloadError
from tests.fakes.http_server import HttpServer, Reply, Respond, http_server

CONTENT = bytes(range(256)) * 4000
PROMISED = Promised(len(CONTENT), hashlib.sha256(CONTENT).hexdigest())


@pytest.fixture
def server() -> Iterator[HttpServer]:
    with http_server() as book:
        yield book


def in_parts(content: bytes = CONTENT, *, per_request: int = len(CONTENT)) -> Respond:
    """A server that knows ranges and breaks the connection off after some bytes."""

    def respond(handler: BaseHTTPRequestHandler) -> None:
        asked = re.fullmatch(r"bytes=(\d+)-", handler.headers.get("Range", ""))
        start = int(asked[1]) if asked else 0
        handler.send_response(206 if asked else 200)
        handler.send_header("Content-Length", str(len(content) - start))
        if asked:
            handler.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        handler.end_headers()
        handler.wfile.write(content[start : start + per_request])
        handler.close_connection = True

    return respond


def fetch(server: HttpServer, target: Path, route: Respond | Reply | list[Reply]) -> list[int]:
    server.routes["/file"] = route
    seen: list[int] = []
    download(f"{server.url}/file", target, PROMISED, on_progress=seen.append, pause_s=0.01)
    return seen


def ranges(server: HttpServer) -> list[str | None]:
    return [request.headers.get("Range") for request in server.requests]


def assert_complete(target: Path) -> None:
    assert target.read_bytes() == CONTENT
    assert [path.name for path in target.parent.iterdir()] == [target.name]


def test_a_file_is_fetched_and_its_progress_told(server: HttpServer, tmp_path: Path) -> None:
    seen = fetch(server, tmp_path / "new" / "file.pth", in_parts())
    assert_complete(tmp_path / "new" / "file.pth")
    assert seen == sorted(seen)
    assert seen[-1] == len(CONTENT)


def test_a_file_that_is_there_is_not_fetched_again(server: HttpServer, tmp_path: Path) -> None:
    (tmp_path / "file.pth").write_bytes(CONTENT)
    assert fetch(server, tmp_path / "file.pth", in_parts()) == [len(CONTENT)]
    assert server.requests == []


def test_another_file_in_its_place_is_left_alone(server: HttpServer, tmp_path: Path) -> None:
    (tmp_path / "file.pth").write_bytes(b"mine")
    with pytest.raises(DownloadError, match=r"not the published file\. Remove it"):
        fetch(server, tmp_path / "file.pth", in_parts())
    assert (tmp_path / "file.pth").read_bytes() == b"mine"


def test_what_an_earlier_attempt_brought_is_not_fetched_again(server: HttpServer, tmp_path: Path) -> None:
    (tmp_path / "file.pth.part").write_bytes(CONTENT[:1234])
    fetch(server, tmp_path / "file.pth", in_parts())
    assert_complete(tmp_path / "file.pth")
    assert ranges(server) == ["bytes=1234-"]


def test_a_complete_part_is_only_checked(server: HttpServer, tmp_path: Path) -> None:
    (tmp_path / "file.pth.part").write_bytes(CONTENT)
    fetch(server, tmp_path / "file.pth", in_parts())
    assert_complete(tmp_path / "file.pth")
    assert server.requests == []


def test_a_part_that_is_too_long_is_begun_anew(server: HttpServer, tmp_path: Path) -> None:
    (tmp_path / "file.pth.part").write_bytes(CONTENT + b"more")
    fetch(server, tmp_path / "file.pth", in_parts())
    assert_complete(tmp_path / "file.pth")
    assert ranges(server) == [None]


def test_a_broken_connection_is_continued_as_often_as_that_brings_bytes(
    server: HttpServer, tmp_path: Path
) -> None:
    fetch(server, tmp_path / "file.pth", in_parts(per_request=len(CONTENT) // 10 + 1))
    assert_complete(tmp_path / "file.pth")
    assert len(server.requests) == 10
    assert ranges(server)[0] is None
    assert all(ranges(server)[1:])


def test_a_connection_that_brings_nothing_any_more_is_given_up_and_the_part_kept(
    server: HttpServer, tmp_path: Path
) -> None:
    (tmp_path / "file.pth.part").write_bytes(CONTENT[:1000])
    with pytest.raises(DownloadError, match="run the command again to continue"):
        fetch(server, tmp_path / "file.pth", in_parts(per_request=0))
    assert (tmp_path / "file.pth.part").read_bytes() == CONTENT[:1000]
    assert len(server.requests) == 4


def test_a_server_without_ranges_is_read_from_the_start(server: HttpServer, tmp_path: Path) -> None:
    (tmp_path / "file.pth.part").write_bytes(b"x" * 1234)
    fetch(server, tmp_path / "file.pth", Reply(CONTENT))
    assert_complete(tmp_path / "file.pth")
    assert ranges(server) == ["bytes=1234-"]


def test_a_redirect_is_followed(server: HttpServer, tmp_path: Path) -> None:
    server.routes["/there"] = in_parts()
    fetch(server, tmp_path / "file.pth", Reply(status=302, headers={"Location": "/there"}))
    assert_complete(tmp_path / "file.pth")


def test_another_content_of_the_same_length_is_removed(server: HttpServer, tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="SHA-256 is another"):
        fetch(server, tmp_path / "file.pth", in_parts(b"x" * len(CONTENT)))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"<html>moved</html>", CONTENT + b"more"], ids=["shorter", "longer"])
def test_a_file_of_another_length_is_refused_before_it_is_read(
    server: HttpServer, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "file.pth.part").write_bytes(CONTENT[:10])
    with pytest.raises(DownloadError, match=f"{len(content)} bytes instead of {len(CONTENT)}"):
        fetch(server, tmp_path / "file.pth", Reply(content))
    assert (tmp_path / "file.pth.part").read_bytes() == CONTENT[:10]


def test_more_than_promised_without_an_announcement_is_refused(server: HttpServer, tmp_path: Path) -> None:
    def respond(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Connection", "close")
        handler.end_headers()
        for _ in range(100):
            handler.wfile.write(CONTENT)

    with pytest.raises(DownloadError, match="longer"):
        fetch(server, tmp_path / "file.pth", respond)


@pytest.mark.parametrize("status", [403, 404, 416, 500])
def test_a_refusal_is_said_with_its_status(server: HttpServer, tmp_path: Path, status: int) -> None:
    with pytest.raises(DownloadError, match=f"answered {status}"):
        fetch(server, tmp_path / "file.pth", Reply(b"no", status))
    assert list(tmp_path.iterdir()) == []


def test_a_range_that_was_not_asked_for_is_refused(server: HttpServer, tmp_path: Path) -> None:
    (tmp_path / "file.pth.part").write_bytes(CONTENT[:10])
    with pytest.raises(DownloadError, match="answered 206"):
        fetch(server, tmp_path / "file.pth", Reply(CONTENT[5:], 206, {"Content-Range": "bytes 5-/*"}))


def test_nobody_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match=r"127\.0\.0\.1:9/file cannot be reached"):
        download(
            "http://127.0.0.1:9/file", tmp_path / "file", PROMISED, on_progress=lambda _: None, pause_s=0.01
        )
    assert list(tmp_path.iterdir()) == []


def test_two_at_once_do_not_write_into_the_same_file(server: HttpServer, tmp_path: Path) -> None:
    target = tmp_path / "file.pth"

    def respond(handler: BaseHTTPRequestHandler) -> None:
        with pytest.raises(DownloadError, match="being fetched by somebody else"):
            download(f"{server.url}/file", target, PROMISED, on_progress=lambda _: None)
        in_parts()(handler)

    fetch(server, target, respond)
    assert_complete(target)


def test_a_disk_that_is_too_small_is_said_before_anything_is_fetched(
    server: HttpServer, tmp_path: Path
) -> None:
    huge = Promised(2**60, PROMISED.sha256)
    with pytest.raises(DownloadError, match="Make space"):
        download(f"{server.url}/file", tmp_path / "file", huge, on_progress=lambda _: None)
    assert server.requests == []
