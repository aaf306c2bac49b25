from pathlib import Path

import pytest

from scripts.errors import PrepareError
from scripts.preparing.places import Addresses, named_by_address, picture_name


def addresses(root: Path, **more: str) -> Addresses:
    return Addresses(root / "raw", root / "shown", root, **more)


def test_pictures_and_originals_below_the_root_are_local_files(tmp_path: Path) -> None:
    places = addresses(tmp_path)
    places.check()
    assert places.shown("a/b c#1.tif.png") == "/data/local-files/?d=shown/a/b%20c%231.tif.png"
    assert places.original("a/b.tif", "") == "/data/local-files/?d=raw/a/b.tif"
    assert places.original("a/b.tif", "page=3") == "/data/local-files/?d=raw/a/b.tif#page=3"


def test_originals_elsewhere_are_named_by_their_path(tmp_path: Path) -> None:
    places = Addresses(Path("/elsewhere"), tmp_path / "shown", tmp_path)
    assert places.original("a b.tif", "page=0") == "file:///elsewhere/a%20b.tif#page=0"


def test_a_web_server_may_serve_either(tmp_path: Path) -> None:
    places = addresses(tmp_path, prefix="https://x.org/p/", original_prefix="s3://bucket/")
    assert places.shown("a/b.png") == "https://x.org/p/a/b.png"
    assert places.original("a.tif", "") == "s3://bucket/a.tif"


def test_a_target_that_label_studio_does_not_serve_is_an_error(tmp_path: Path) -> None:
    outside = Addresses(tmp_path / "raw", tmp_path / "shown", tmp_path / "root")
    with pytest.raises(PrepareError, match="MASKLOOP_LOCAL_FILES_ROOT"):
        outside.check()
    Addresses(tmp_path / "raw", tmp_path / "shown", tmp_path / "root", prefix="https://x.org/").check()


@pytest.mark.parametrize(
    ("place", "name"),
    [
        ("", "a/b.tif"),
        ("page=3", "a/b.tif.page-00003"),
        ("volume=1&axis=2&slice=12", "a/b.tif.volume-00001.axis-2.slice-00012"),
    ],
)
def test_names_say_the_place_and_sort_like_it(place: str, name: str) -> None:
    assert picture_name("a/b.tif", place) == name


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("/data/local-files/?d=raw/a%20b.tif#page=3", "raw/a b.tif.page-00003"),
        ("/data/local-files/?d=/raw/a.tif", "raw/a.tif"),
        ("file:///elsewhere/a.tif", "elsewhere/a.tif"),
        ("https://x.org/p/a.tif?signature=1#page=0", "p/a.tif.page-00000"),
        ("s3://bucket/a.tif", "a.tif"),
        ("/data/upload/1/a.jpg", "data/upload/1/a.jpg"),
        ("/data/local-files/?d=../../etc/passwd", "etc/passwd"),
        ("/data/local-files/?d=a/..%2f..\\b", "a/b"),
        ("a.tif#page=../../x", "a.tif"),
    ],
)
def test_masks_are_named_like_their_originals(address: str, name: str) -> None:
    assert named_by_address(address) == name
