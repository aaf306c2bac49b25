"""The table of bad input: each line shows its error, and that the next request still works."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image as PillowImage

from backend.app import create_app
from backend.settings import Settings
from models.arrays import Image
from tests.fakes.requests import CONFIG, coins_picture, point, predict_body, task


def encoded(format_name: str, pixels: Image) -> bytes:
    buffer = BytesIO()
    PillowImage.fromarray(pixels).save(buffer, format_name)
    return buffer.getvalue()


class _Pictures(BaseHTTPRequestHandler):
    """A picture server that misbehaves as its path says."""

    def do_GET(self) -> None:
        if self.path == "/slow.png":
            self.send_response(200)
            self.end_headers()
            try:
                while True:
                    self.wfile.write(b"\x89")
                    threading.Event().wait(0.05)
            except OSError:
                pass  # the client gave up, as it should
        elif self.path == "/redirect-to-private.png":
            self.send_response(302)
            self.send_header("Location", "http://127.0.0.1:1/internal.png")
            self.end_headers()
        else:
            self.send_error(404)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def pictures() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Pictures)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def image_timeout_s() -> float:
    """Only a picture that never comes is worth no patience."""
    return 60.0


@pytest.fixture
def app(settings: Settings, files: Path, pictures: str, image_timeout_s: float) -> Flask:
    good = encoded("PNG", coins_picture(600, 800))
    contents = {
        "corrupt.png": good[:200] + bytes(len(good) - 200),
        "truncated.jpg": encoded("JPEG", coins_picture(600, 800))[:2000],
        "empty.png": b"",
        "text.png": b"this is not a picture",
        "drawing.svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        "100-megapixels.png": encoded("PNG", np.zeros((10_000, 10_000), np.uint8)),
    }
    for name, content in contents.items():
        (files / "imgs" / name).write_bytes(content)
    return create_app(
        settings.model_copy(update={"allowed_private_hosts": (pictures,), "image_timeout_s": image_timeout_s})
    )


PICTURE_TABLE = [
    ("local:corrupt.png", 400, "ImageError"),
    ("local:truncated.jpg", 400, "ImageError"),
    ("local:empty.png", 400, "ImageError"),
    ("local:text.png", 400, "ImageError"),
    ("local:drawing.svg", 400, "ImageError"),
    ("local:100-megapixels.png", 400, "ImageError"),
    ("local:../../state/maskloop.sqlite3", 403, "ImageAddressError"),
    ("local:..%2F..%2Fstate%2Fmaskloop.sqlite3", 403, "ImageAddressError"),
    ("/data/upload/1/gone.png", 502, "ImageUnavailableError"),
    ("http://PICTURES/gone.png", 502, "ImageUnavailableError"),
    ("http://PICTURES/slow.png", 502, "ImageUnavailableError"),
    ("http://PICTURES/redirect-to-private.png", 403, "ImageAddressError"),
    ("http://169.254.169.254/latest/meta-data", 403, "ImageAddressError"),
    ("https://example.com/picture.png", 403, "ImageAddressError"),
    ("file:///etc/passwd", 403, "ImageAddressError"),
    ("ftp://example.com/picture.png", 403, "ImageAddressError"),
    ("", 400, "RequestError"),
]


@pytest.mark.parametrize(
    ("image_timeout_s", "address", "status", "error"),
    [(1.0 if "slow" in address else 60.0, address, *rest) for address, *rest in PICTURE_TABLE],
)
@pytest.mark.parametrize("clicked", [False, True], ids=["opened", "clicked"])
def test_a_bad_picture_is_an_error_that_names_its_cause(
    client: FlaskClient, pictures: str, address: str, status: int, error: str, clicked: bool
) -> None:
    url = address.replace("local:", "/data/local-files/?d=imgs/").replace("PICTURES", pictures)
    prompts = [point(10, 10)] if clicked else None
    answer = client.post("/predict", json=predict_body(task(url), prompts=prompts))
    assert answer.json is not None
    assert (answer.status_code, answer.json.get("error")) == (status, error), answer.json
    assert len(answer.json["detail"]) > 20
    assert "Traceback" not in answer.text
    assert client.post("/predict", json=predict_body()).status_code == 200


BODY_TABLE: list[tuple[str, bytes, int, str]] = [
    ("malformed", b'{"tasks": [', 400, "not JSON"),
    ("text", b"hello", 400, "not JSON"),
    ("no body", b"", 400, "not JSON"),
    ("bytes", b"\xff\xfe\x00", 400, "not JSON"),
    ("NaN", b'{"tasks": NaN}', 400, "NaN"),
    ("a list", b"[]", 400, "object"),
    ("null", b"null", 400, "object"),
    ("nested", b"[" * 200_000 + b"]" * 200_000, 400, "nested"),
    ("huge number", b'{"tasks": ' + b"9" * 5000 + b"}", 400, "not JSON"),
    ("too large", b"[" + b"0," * 600_000 + b"0]", 413, "MASKLOOP_MAX_BODY_BYTES"),
]


@pytest.mark.parametrize("path", ["/predict", "/setup", "/webhook"])
@pytest.mark.parametrize(
    ("body", "status", "detail"), [row[1:] for row in BODY_TABLE], ids=[r[0] for r in BODY_TABLE]
)
def test_a_bad_body_is_an_error_that_names_its_cause(
    client: FlaskClient, path: str, body: bytes, status: int, detail: str
) -> None:
    answer = client.post(path, data=body, content_type="application/json")
    assert answer.status_code == status, answer.text
    assert answer.json is not None
    assert detail in answer.json["detail"]
    assert client.post("/predict", json=predict_body()).status_code == 200


def test_a_50_mb_body_is_refused_before_it_is_read(app: Flask) -> None:
    app.config["MAX_CONTENT_LENGTH"] = 32 * 2**20
    answer = app.test_client().post("/predict", data=b" " * (50 * 2**20), content_type="application/json")
    assert answer.status_code == 413
    assert answer.json is not None
    assert answer.json["error"] == "BodyTooLargeError"
    assert app.test_client().post("/predict", json=predict_body()).status_code == 200


@pytest.mark.parametrize(
    ("field", "value", "detail"),
    [
        ("tasks", None, "tasks"),
        ("tasks", [1], "tasks[0]"),
        ("tasks", [{"id": 1}], "data"),
        ("tasks", [{"id": 1, "data": {"image": 7}}], "image"),
        ("tasks", [{"id": 1, "data": {"other": "x"}}], "image"),
        ("label_config", None, "label_config"),
        ("label_config", "<View/>", "<Image"),
        ("label_config", "<View", "<Image"),
        ("params", 3, "params"),
        ("params", {"context": {"result": 3}}, "context"),
    ],
)
def test_a_bad_field_is_named(client: FlaskClient, field: str, value: object, detail: str) -> None:
    answer = client.post("/predict", json=predict_body() | {field: value})
    assert answer.status_code == 400
    assert answer.json is not None
    assert detail in answer.json["detail"]
    assert client.post("/predict", json=predict_body()).status_code == 200


@pytest.mark.parametrize(
    ("row", "column"), [(-50, 10), (10, 5000), (10_000, 0)], ids=["above", "beside", "far"]
)
def test_a_click_outside_the_picture_is_refused(client: FlaskClient, row: float, column: float) -> None:
    answer = client.post("/predict", json=predict_body(prompts=[point(row, column)]))
    assert answer.status_code == 400
    assert answer.json is not None
    assert answer.json["error"] == "PromptError"


def test_an_unknown_label_gives_no_region_that_the_editor_would_save_with_it(
    client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    click = point(150, 200)
    click["value"]["keypointlabels"] = click["value"]["labels"] = ["Nobody"]
    answer = client.post("/predict", json=predict_body(prompts=[click]))
    assert answer.json is not None
    assert answer.json["results"][0]["result"] == []
    assert "Nobody" in caplog.text


def test_a_config_with_entities_is_refused(client: FlaskClient) -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>' + CONFIG
    answer = client.post("/predict", json=predict_body(config=bomb))
    assert answer.status_code == 400
    assert answer.json is not None
    assert answer.json["error"] == "LabelConfigError"


def test_label_studio_that_cannot_be_reached_is_named(client: FlaskClient) -> None:
    answer = client.post("/predict", json=predict_body(task("/data/upload/1/a.png")))
    assert answer.json is not None
    assert answer.json["error"] == "ImageUnavailableError"
    assert "127.0.0.1:9" in answer.json["detail"]
