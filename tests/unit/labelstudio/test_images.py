import base64
import hashlib
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from backend.errors import ImageAddressError, ImageUnavailableError, LabelStudioError
from backend.labelstudio.credentials import LegacyToken, PersonalAccessToken
from backend.labelstudio.image_addresses import ShownAndModels
from backend.labelstudio.images import ImageLimits, ImageLoader, TaskImage
from models.errors import ImageError, MaskloopError
from tests.fakes.http_server import HttpServer, Reply, http_server
from tests.fakes.internet import OTHER_PUBLIC_ADDRESS, PUBLIC_ADDRESS, FakeInternet

KEY = "0123456789abcdef0123456789abcdef01234567"
UPLOAD = "/data/upload/1/1a2b3c4d-cell.png"


def png(colour: str = "red", size: tuple[int, int] = (40, 20)) -> bytes:
    buffer = BytesIO()
    Image.new("RGB", size, colour).save(buffer, "PNG")
    return buffer.getvalue()


PICTURE = png()
LIMITS = ImageLimits(max_bytes=100_000, max_pixels=10_000, timeout_s=60)


@pytest.fixture
def studio() -> Iterator[HttpServer]:
    """Stands for Label Studio, with one upload."""
    with http_server() as running:
        running.routes[UPLOAD] = Reply(PICTURE)
        yield running


@pytest.fixture
def storage() -> Iterator[HttpServer]:
    with http_server() as running:
        yield running


def loader(studio: HttpServer | None, **settings: Any) -> ImageLoader:
    defaults: dict[str, Any] = {
        "label_studio_url": None if studio is None else studio.url,
        "credentials": LegacyToken(KEY),
        "local_files_root": None,
        "allowed_hosts": (),
        "allowed_private_hosts": (),
        "limits": LIMITS,
        "cache_bytes": 1_000_000,
        "on_lookup": lambda hit: None,
    }
    return ImageLoader(**(defaults | settings))


def load(images: ImageLoader, url: str, project_id: int | None = 1) -> TaskImage:
    return images.load(url, task_id=7, project_id=project_id)


def is_red(image: TaskImage) -> bool:
    return image.pixels.shape == (20, 40, 3) and bool((image.pixels == (255, 0, 0)).all())


def test_an_upload_is_fetched_with_the_key(studio: HttpServer) -> None:
    image = load(loader(studio), UPLOAD)
    assert is_red(image)
    assert image.size_hw == (20, 40)
    assert image.digest == hashlib.sha256(PICTURE).hexdigest()
    assert studio.requests[0].headers["Authorization"] == f"Token {KEY}"


def test_a_personal_access_token_is_exchanged_first(studio: HttpServer) -> None:
    studio.routes["/api/token/refresh/"] = Reply(json.dumps({"access": "short.lived.token"}).encode())
    assert is_red(load(loader(studio, credentials=PersonalAccessToken("p.a.t", studio.url)), UPLOAD))
    assert studio.requests[-1].headers["Authorization"] == "Bearer short.lived.token"


def test_a_refused_personal_access_token_is_an_error_of_label_studio(studio: HttpServer) -> None:
    studio.routes["/api/token/refresh/"] = Reply(b"{}", 401)
    with pytest.raises(LabelStudioError, match="ended or was revoked"):
        load(loader(studio, credentials=PersonalAccessToken("p.a.t", studio.url)), UPLOAD)


def test_pixels_may_be_shared_between_threads_because_nobody_can_write(studio: HttpServer) -> None:
    with pytest.raises(ValueError, match="read-only"):
        load(loader(studio), UPLOAD).pixels[0, 0] = 0


def test_local_files_come_from_the_mounted_folder(studio: HttpServer, tmp_path: Path) -> None:
    (tmp_path / "a b.png").write_bytes(PICTURE)
    assert is_red(load(loader(studio, local_files_root=tmp_path), "/data/local-files/?d=a%20b.png"))
    assert studio.requests == []


def test_models_may_see_another_picture_than_people(
    studio: HttpServer, caplog: pytest.LogCaptureFixture
) -> None:
    studio.routes["/data/upload/1/other.png"] = Reply(png("blue"))
    images = loader(studio)
    both = ShownAndModels(UPLOAD, "/data/upload/1/other.png")
    seen = images.load(both, task_id=7, project_id=1)
    assert (seen.pixels == (0, 0, 255)).all()
    assert seen.digest == hashlib.sha256(png("blue")).hexdigest()
    assert is_red(images.load(UPLOAD, task_id=7, project_id=1))
    assert images.load(both, task_id=7, project_id=1) is seen
    assert caplog.text == ""


def test_models_see_all_16_bits_of_an_original(studio: HttpServer, tmp_path: Path) -> None:
    deep = np.full((20, 40), 1000, dtype=np.uint16)
    deep[5:10, 5:10] = 1015  # as dark as the rest in 8 bit
    Image.fromarray(deep).save(tmp_path / "deep.tif")
    (tmp_path / "shown.png").write_bytes(PICTURE)
    both = ShownAndModels("/data/local-files/?d=shown.png", "/data/local-files/?d=deep.tif")
    seen = loader(studio, local_files_root=tmp_path).load(both, task_id=7, project_id=1)
    assert np.array_equal(seen.pixels[:, :, 0] > 128, deep > 1000)


def stack() -> bytes:
    """A TIFF of 16 bit whose pages differ."""
    pages = [Image.fromarray(np.eye(20, 40, number, dtype=np.uint16) * 4000) for number in range(3)]
    buffer = BytesIO()
    pages[0].save(buffer, "TIFF", save_all=True, append_images=pages[1:])
    return buffer.getvalue()


def test_models_see_the_page_of_a_stack_that_the_task_is_about(studio: HttpServer) -> None:
    studio.routes["/data/upload/1/stack.tif"] = Reply(stack())
    images = loader(studio)
    digests = set()
    for page in range(3):
        both = ShownAndModels(UPLOAD, f"/data/upload/1/stack.tif#page={page}")
        seen = images.load(both, task_id=7, project_id=1)
        assert np.array_equal(seen.pixels[:, :, 0] == 255, np.eye(20, 40, page, dtype=bool))
        digests.add(seen.digest)
    assert len(digests) == 3


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        ("/data/upload/1/missing.png", "404"),
        ("/data/upload/1/turned.png", "(40, 20); (20, 40) are shown"),
        ("/data/upload/1/no.png", "not a picture"),
        (f"{UPLOAD}#page=3", "no page 3"),
        (f"{UPLOAD}#frame=3", "part of a file"),
        ("/data/upload/1/stack.tif#page=9", "no page 9"),
        ("https://elsewhere.org/a.png", "not fetched from elsewhere.org"),
        ("file:///etc/passwd", "http:// and https://"),
    ],
)
def test_what_models_cannot_see_is_replaced_by_what_people_see_and_logged(
    studio: HttpServer, caplog: pytest.LogCaptureFixture, other: str, reason: str
) -> None:
    studio.routes["/data/upload/1/turned.png"] = Reply(png("blue", (20, 40)))
    studio.routes["/data/upload/1/no.png"] = Reply(b"no picture")
    studio.routes["/data/upload/1/stack.tif"] = Reply(stack())
    images = loader(studio)
    for _ in range(2):
        assert is_red(images.load(ShownAndModels(UPLOAD, other), task_id=7, project_id=1))
    assert "Task 7: models look at the picture that people see." in caplog.text
    assert reason in caplog.text
    assert len(caplog.records) == 1


def test_without_the_picture_that_people_see_there_is_none(studio: HttpServer) -> None:
    with pytest.raises(ImageUnavailableError):
        loader(studio).load(ShownAndModels("/data/upload/1/missing.png", UPLOAD), task_id=7, project_id=1)


@pytest.mark.parametrize("path", ["missing.png", "missing/folder.png", "a.png/b.png", "folder", "loop"])
def test_local_files_that_are_not_there_come_from_the_server(
    studio: HttpServer, tmp_path: Path, path: str
) -> None:
    (tmp_path / "a.png").write_bytes(b"x")
    (tmp_path / "folder").mkdir()
    os.symlink(tmp_path / "loop", tmp_path / "loop")
    url = f"/data/local-files/?d={path}"
    studio.routes[url] = Reply(PICTURE)
    assert is_red(load(loader(studio, local_files_root=tmp_path), url))
    with pytest.raises(ImageUnavailableError, match=r"no file .*MASKLOOP_LOCAL_FILES_ROOT"):
        load(loader(None, local_files_root=tmp_path), url)


def test_a_pipe_among_the_local_files_does_not_stop_the_service(studio: HttpServer, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(ImageUnavailableError, match="no file"):
        load(loader(None, local_files_root=tmp_path), "/data/local-files/?d=pipe.png")


def test_a_local_file_name_that_the_system_cannot_take_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ImageUnavailableError, match="cannot be read: File name too long"):
        load(loader(None, local_files_root=tmp_path), "/data/local-files/?d=" + "a" * 300)


def test_local_files_have_the_same_limits(tmp_path: Path) -> None:
    (tmp_path / "large.png").write_bytes(bytes(100_001))
    with pytest.raises(ImageError, match=r"large\.png has more than 100000 bytes"):
        load(loader(None, local_files_root=tmp_path), "/data/local-files/?d=large.png")


def presign(uri: str) -> str:
    return f"/tasks/7/presign/?fileuri={base64.urlsafe_b64encode(uri.encode()).decode()}"


def test_cloud_storage_is_signed_by_label_studio_and_fetched_without_the_key(
    studio: HttpServer, storage: HttpServer
) -> None:
    internet = FakeInternet()
    internet.host("studio.example", "10.0.0.1", studio.port)
    internet.host("bucket.s3.example", PUBLIC_ADDRESS, storage.port)
    signed = "http://bucket.s3.example/a.png?X-Amz-Signature=s"
    studio.routes[presign("s3://bucket/a.png")] = Reply(status=303, headers={"Location": signed})
    storage.routes["/a.png?X-Amz-Signature=s"] = Reply(PICTURE)
    images = loader(
        None, label_studio_url="http://studio.example", resolve=internet.resolve, network=internet
    )
    assert is_red(load(images, "s3://bucket/a.png"))
    assert studio.requests[0].headers["Authorization"] == f"Token {KEY}"
    assert "Authorization" not in storage.requests[0].headers


def test_cloud_storage_without_presigning_comes_through_label_studio(studio: HttpServer) -> None:
    studio.routes[presign("gs://bucket/a.png")] = Reply(PICTURE)
    assert is_red(load(loader(studio), "gs://bucket/a.png"))


def test_private_storage_is_reached_only_if_the_operator_says_so(
    studio: HttpServer, storage: HttpServer
) -> None:
    studio.routes[presign("s3://bucket/a.png")] = Reply(status=303, headers={"Location": f"{storage.url}/a"})
    storage.routes["/a"] = Reply(PICTURE)
    with pytest.raises(
        ImageAddressError, match=f'"127.0.0.1:{storage.port}" to MASKLOOP_ALLOWED_PRIVATE_HOSTS'
    ):
        load(loader(studio), "s3://bucket/a.png")
    assert storage.requests == []
    allowed = (f"127.0.0.1:{storage.port}",)
    assert is_red(load(loader(studio, allowed_private_hosts=allowed), "s3://bucket/a.png"))


@pytest.mark.parametrize(
    ("target", "allowed"), [("http://b.example/x", True), ("http://c.example/x", False), ("STUDIO", False)]
)
def test_a_listed_host_may_redirect_to_listed_hosts_only(
    studio: HttpServer, storage: HttpServer, target: str, allowed: bool
) -> None:
    internet = FakeInternet()
    internet.host("a.example", PUBLIC_ADDRESS, storage.port)
    internet.host("b.example", OTHER_PUBLIC_ADDRESS, storage.port)
    internet.host("c.example", OTHER_PUBLIC_ADDRESS, storage.port)
    internet.ports["127.0.0.1"] = studio.port
    location = target.replace("STUDIO", studio.url + UPLOAD)
    storage.routes["/start"] = Reply(status=302, headers={"Location": location})
    storage.routes["/x"] = Reply(PICTURE)
    images = loader(
        studio, allowed_hosts=("a.example", "b.example"), resolve=internet.resolve, network=internet
    )
    if allowed:
        assert is_red(load(images, "http://a.example/start"))
    else:
        with pytest.raises(ImageAddressError, match="Pictures are not fetched from"):
            load(images, "http://a.example/start")
    assert storage.targets == ["/start", "/x"][: 1 + allowed]
    assert studio.requests == []
    assert not any("Authorization" in request.headers for request in storage.requests)


def test_a_picture_inside_its_address_needs_no_server() -> None:
    url = f"data:image/png;base64,{base64.b64encode(PICTURE).decode()}"
    assert is_red(load(loader(None), url))


def test_the_cache_serves_the_second_load_and_tells_its_lookups(studio: HttpServer) -> None:
    lookups: list[bool] = []
    images = loader(studio, on_lookup=lookups.append)
    assert load(images, UPLOAD) is load(images, UPLOAD)
    assert lookups == [False, True]
    assert len(studio.requests) == 1


def test_projects_do_not_see_each_others_cached_pictures(studio: HttpServer) -> None:
    images = loader(studio)
    load(images, UPLOAD, project_id=1)
    studio.routes[UPLOAD] = Reply(b"not yours", 403)
    with pytest.raises(ImageUnavailableError, match="403"):
        load(images, UPLOAD, project_id=2)


def test_the_cache_drops_the_oldest_picture_when_full(studio: HttpServer) -> None:
    for name in ("a", "b", "c"):
        studio.routes[f"/data/upload/1/{name}.png"] = Reply(PICTURE)
    images = loader(studio, cache_bytes=2 * 40 * 20 * 3)
    for name in ("a", "b", "c", "b", "a"):
        load(images, f"/data/upload/1/{name}.png")
    assert [target[-5] for target in studio.targets] == ["a", "b", "c", "a"]


@pytest.mark.parametrize("cache_bytes", [0, 100])
def test_a_picture_larger_than_the_cache_is_served(studio: HttpServer, cache_bytes: int) -> None:
    images = loader(studio, cache_bytes=cache_bytes)
    assert is_red(load(images, UPLOAD))
    assert is_red(load(images, UPLOAD))


def slow_picture(handler: BaseHTTPRequestHandler) -> None:
    time.sleep(0.2)
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(PICTURE)))
    handler.end_headers()
    handler.wfile.write(PICTURE)


def test_threads_that_want_the_same_picture_share_one_fetch(studio: HttpServer) -> None:
    studio.routes[UPLOAD] = slow_picture
    images = loader(studio)
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda _: load(images, UPLOAD), range(6)))
    assert len(studio.requests) == 1
    assert all(image is found[0] for image in found)


def test_different_pictures_do_not_wait_for_each_other(studio: HttpServer) -> None:
    entered = threading.Barrier(4, timeout=60)

    def wait_for_the_others(handler: BaseHTTPRequestHandler) -> None:
        entered.wait()
        slow_picture(handler)

    urls = [f"/data/upload/1/{number}.png" for number in range(4)]
    studio.routes |= dict.fromkeys(urls, wait_for_the_others)
    images = loader(studio)
    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(lambda url: is_red(load(images, url)), urls))


def drip(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(PICTURE)))
    handler.end_headers()
    for byte in PICTURE:
        handler.wfile.write(bytes([byte]))
        time.sleep(0.05)


def large(side: int) -> bytes:
    buffer = BytesIO()
    Image.new("1", (side, side)).save(buffer, "PNG")
    return buffer.getvalue()


BAD_ANSWERS: dict[str, tuple[Reply | Callable[[Any], None], type[MaskloopError], str]] = {
    "empty body": (Reply(b""), ImageError, "empty: 0 bytes"),
    "corrupt": (Reply(PICTURE[:40] + b"x" * 40), ImageError, "damaged"),
    "cut off": (Reply(png(size=(90, 90))[:-30]), ImageError, "damaged or incomplete"),
    "text": (Reply(b"this is text"), ImageError, "begins with b'this is text'"),
    "login page": (Reply(b"<!DOCTYPE html>"), ImageError, "begins with b'<!DOCTYPE html>'"),
    "100 megapixels": (Reply(large(10_000)), ImageError, "10000 x 10000 pixels.*MAX_IMAGE_PIXELS"),
    "too many bytes": (Reply(bytes(100_001)), ImageError, "more than 100000 bytes.*MAX_IMAGE_BYTES"),
    "not found": (
        Reply(b"", 404),
        ImageUnavailableError,
        f"{UPLOAD}: 127.0.0.1:[0-9]+ answered 404. There is no such file",
    ),
    "wrong key": (
        Reply(b"", 401),
        ImageUnavailableError,
        "answered 401. Check MASKLOOP_LABEL_STUDIO_API_KEY",
    ),
    "forbidden": (Reply(b"", 403), ImageUnavailableError, "answered 403. The user of MASKLOOP_LABEL_STUDIO"),
    "server error": (
        Reply(b"", 500),
        ImageUnavailableError,
        "answered 500. It does so for uploads that no longer",
    ),
    "too many requests": (Reply(b"", 429), ImageUnavailableError, "answered 429. Its log says why"),
    "drip": (drip, ImageUnavailableError, "took longer than 0.3 s"),
    "redirect loop": (
        Reply(status=302, headers={"Location": UPLOAD}),
        ImageUnavailableError,
        "redirects more than 5 times",
    ),
    "redirect to metadata": (
        Reply(status=302, headers={"Location": "http://169.254.169.254/latest/meta-data/"}),
        ImageAddressError,
        "169.254.169.254, which is not a public address",
    ),
    "redirect to a file": (
        Reply(status=302, headers={"Location": "file:///etc/passwd"}),
        ImageAddressError,
        "http:// and https:// addresses only",
    ),
}


@pytest.mark.parametrize("case", BAD_ANSWERS)
def test_a_bad_answer_is_explained_and_the_next_load_works(studio: HttpServer, case: str) -> None:
    answer, error, complaint = BAD_ANSWERS[case]
    images = loader(studio, limits=replace(LIMITS, timeout_s=0.3) if case == "drip" else LIMITS)
    studio.routes[UPLOAD] = answer
    with pytest.raises(error, match=complaint) as caught:
        load(images, UPLOAD)
    assert KEY not in str(caught.value)
    studio.routes[UPLOAD] = Reply(PICTURE)
    images._http._timeout_s = LIMITS.timeout_s
    assert is_red(load(images, UPLOAD))


BAD_ADDRESSES = {
    "host not allowed": ("https://elsewhere.example/a.png", "MASKLOOP_ALLOWED_HOSTS"),
    "local path": ("file:///etc/passwd", "http:// and https:// addresses only"),
    "ftp": ("ftp://pictures.example/a.png", "http:// and https:// addresses only"),
    "traversal": ("/data/local-files/?d=../../etc/passwd", "does not name a file below the root"),
    "encoded traversal": ("/data/upload/%2e%2e/%2e%2e/api/", "not where Label Studio keeps pictures"),
    "link out of the root": (
        "/data/local-files/?d=link/secret.png",
        "leads out of MASKLOOP_LOCAL_FILES_ROOT",
    ),
    "user": ("http://user:pass@pictures.example/a.png", "has a user name"),
    "IPv6 loopback": ("http://[::1]/a.png", "::1, which is not a public address"),
    "IPv4 in IPv6": ("http://[::ffff:7f00:1]/a.png", "which is not a public address"),
    "decimal": ("http://2130706433/a.png", "is 127.0.0.1, which is not a public address"),
    "hexadecimal": ("http://0x7f000001/a.png", "is 127.0.0.1, which is not a public address"),
    "metadata service": ("http://169.254.169.254/latest/", "which is not a public address"),
    "loopback": ("http://127.0.0.1:{port}/a.png", "which is not a public address"),
    "private name": ("http://localhost:{port}/a.png", "localhost is .*, which is not a public address"),
    "model's endpoint": ("/api/ml/1/train", "not where Label Studio keeps pictures"),
}


@pytest.mark.parametrize("case", BAD_ADDRESSES)
def test_a_bad_address_is_explained_and_the_next_load_works(
    studio: HttpServer, storage: HttpServer, tmp_path: Path, case: str
) -> None:
    address, complaint = BAD_ADDRESSES[case]
    root, outside = tmp_path / "root", tmp_path / "outside"
    root.mkdir()
    outside.mkdir()
    (outside / "secret.png").write_bytes(PICTURE)
    os.symlink(outside, root / "link")
    hosts = ("pictures.example",) if case == "host not allowed" else ("*",)
    images = loader(studio, local_files_root=root, allowed_hosts=hosts)
    with pytest.raises(ImageAddressError, match=complaint):
        load(images, address.format(port=storage.port))
    assert storage.requests == []
    assert studio.requests == []
    assert is_red(load(images, UPLOAD))


def test_a_missing_key_is_asked_for(studio: HttpServer) -> None:
    studio.routes[UPLOAD] = Reply(b"", 401)
    with pytest.raises(ImageUnavailableError, match="Set MASKLOOP_LABEL_STUDIO_API_KEY"):
        load(loader(studio, credentials=None), UPLOAD)


@pytest.mark.parametrize(
    ("status", "advice"),
    [(401, "must be public"), (403, "no longer valid"), (404, "no such picture"), (410, "in a browser")],
)
def test_a_refusal_by_a_storage_is_not_blamed_on_the_key(
    studio: HttpServer, storage: HttpServer, status: int, advice: str
) -> None:
    location = f"{storage.url}/a.png?X-Amz-Signature=secret"
    studio.routes[presign("s3://bucket/a.png")] = Reply(status=303, headers={"Location": location})
    storage.routes["/a.png?X-Amz-Signature=secret"] = Reply(b"", status)
    images = loader(studio, allowed_private_hosts=("127.0.0.1",))
    with pytest.raises(
        ImageUnavailableError, match=f"^s3://bucket/a.png: .*answered {status}.*{advice}"
    ) as caught:
        load(images, "s3://bucket/a.png")
    assert "secret" not in str(caught.value)
    assert "API_KEY" not in str(caught.value)


def test_images_compare_by_identity_since_arrays_do_not_compare() -> None:
    pixels = np.zeros((1, 1, 3), np.uint8)
    assert TaskImage(pixels, "a") != TaskImage(pixels, "a")
