from pathlib import Path

import numpy as np
import pytest

from models.errors import ImageError
from scripts.source_files import kind_of
from scripts.source_files.base import SourceOptions
from scripts.source_files.video import VideoFile
from tests.fakes.source_pictures import values, write_video


def test_frames_are_read_in_order(tmp_path: Path) -> None:
    write_video(tmp_path / "a.avi", 12)
    assert kind_of(tmp_path / "a.avi") is VideoFile
    file = VideoFile(tmp_path / "a.avi", SourceOptions(10_000))
    pictures = list(file.pictures(lambda number: True))
    assert file.count() == len(pictures) == 12
    for number, picture in enumerate(pictures):
        expected = values(np.uint8, bright=255, number=number)
        assert np.abs(picture.shown.mean(axis=2) - expected).mean() < 6
        assert (picture.place, picture.frame) == (f"frame={number}", number)


def test_every_so_many_frames_one_is_taken_and_knows_its_number_in_the_video(tmp_path: Path) -> None:
    write_video(tmp_path / "a.avi", 12)
    file = VideoFile(tmp_path / "a.avi", SourceOptions(10_000, every=5))
    pictures = list(file.pictures(lambda number: True))
    assert file.count() == 3
    assert [(each.number, each.frame) for each in pictures] == [(0, 0), (1, 5), (2, 10)]
    (second,) = file.pictures(lambda number: number == 1)
    assert np.array_equal(second.shown, pictures[1].shown)


@pytest.mark.parametrize("content", [b"", b"no video at all", b"RIFF\0\0\0\0AVI LIST"])
def test_what_is_no_video_is_an_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.avi").write_bytes(content)
    with pytest.raises(ImageError):
        list(VideoFile(tmp_path / "a.avi", SourceOptions(10_000)).pictures(lambda number: True))


def test_a_large_video_is_refused(tmp_path: Path) -> None:
    write_video(tmp_path / "a.avi", 2)
    with pytest.raises(ImageError, match="56 x 40"):
        list(VideoFile(tmp_path / "a.avi", SourceOptions(100)).pictures(lambda number: True))
