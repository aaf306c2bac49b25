"""The whole application over real pictures in a temporary folder; only Label Studio itself is not there."""

from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import pytest
from flask import Flask
from flask.testing import FlaskClient

from backend.app import create_app
from backend.settings import Settings
from models.arrays import Image
from tests.fakes.bulk_label_studio import BulkLabelStudio
from tests.fakes.requests import coins_picture


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A local-files root with the pictures that the recorded requests name."""
    folder = tmp_path / "files" / "imgs"
    folder.mkdir(parents=True)
    for number in range(3):
        cv2.imwrite(str(folder / f"img{number}.png"), coins_picture(600, 800, seed=number))
    return tmp_path / "files"


@pytest.fixture
def settings(tmp_path: Path, files: Path) -> Settings:
    return Settings(
        state_dir=tmp_path / "state",
        label_studio_url="http://127.0.0.1:9",  # nothing listens there: pictures come from the folder
        local_files_root=files,
        max_body_bytes=2**20,
    )


@pytest.fixture
def environment(studio: BulkLabelStudio, files: Path, tmp_path: Path) -> Iterator[dict[str, str]]:
    """Settings with which commands find the test's own Label Studio, its fixture `studio`."""
    with studio.connected(files, tmp_path / "state") as settings:
        yield settings


@pytest.fixture
def app(settings: Settings) -> Flask:
    return create_app(settings)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def save_picture(files: Path) -> Callable[[str, Image], str]:
    """Write an RGB array under a name and return the address that a task would hold."""

    def save(name: str, pixels: Image) -> str:
        cv2.imwrite(str(files / "imgs" / name), pixels[..., ::-1])
        return f"/data/local-files/?d=imgs/{name}"

    return save
