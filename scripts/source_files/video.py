"""Videos: their frames one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import cv2
import numpy as np

from models.errors import ImageError
from scripts.source_files.base import SourceFile, SourcePicture, reading


class VideoFile(SourceFile):
    """A video; frames are counted from 0, and every so many one is taken."""

    kind = "video"
    endings = (".avi", ".mp4", ".m4v", ".mov", ".mkv", ".webm", ".mpg", ".mpeg", ".wmv")

    def count(self) -> int:
        """Number of frames that are taken, as the file says; see the base class."""
        with self._open() as video:
            n_frames = max(1, int(video.get(cv2.CAP_PROP_FRAME_COUNT)))
        return -(-n_frames // self.options.every)

    def pictures(self, wanted: Callable[[int], bool]) -> Iterator[SourcePicture]:
        """Read the frames; see the base class. What is not wanted must be decoded nevertheless."""
        with self._open() as video:
            size = (video.get(cv2.CAP_PROP_FRAME_HEIGHT), video.get(cv2.CAP_PROP_FRAME_WIDTH))
            self.check_size(int(size[0]), int(size[1]))
            frame = -1
            while video.grab():
                frame += 1
                number, rest = divmod(frame, self.options.every)
                if rest or not wanted(number):
                    continue
                found, colours = video.retrieve()
                if not found:
                    raise ImageError(f"Frame {frame} of the video cannot be decoded.")
                stored = np.ascontiguousarray(colours[:, :, ::-1])
                yield SourcePicture(number, f"frame={frame}", stored, frame=frame)
            if frame < 0:
                raise ImageError("No frame of the video can be decoded.")

    @contextmanager
    def _open(self) -> Iterator[cv2.VideoCapture]:
        with reading(self.kind):
            video = cv2.VideoCapture(str(self.path))
            try:
                if not video.isOpened():
                    raise ImageError("This is no video that OpenCV can decode.")
                yield video
            finally:
                video.release()
