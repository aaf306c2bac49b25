import os
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from backend.labelstudio import rle
from models.arrays import Image, Mask
from models.prompts import Click
from models.training.click_evaluation import AnswerClicks
from scripts.bench_pictures import BenchPicture, draw_pictures
from scripts.bench_report import summary
from scripts.click_load import Sent, check_masks, click_together
from scripts.click_targets import ClickTarget, OpenPicture
from scripts.errors import NothingMeasuredError
from scripts.memory_watch import resident_bytes, sizes_in_metrics

ONE, TWO = (Click(1, 1),), (Click(1, 1), Click(3, 3))


def picture(number: int, folder: Path | None = None) -> BenchPicture:
    return BenchPicture(number, (folder or Path()) / f"{number}.jpg", (64, 64), (TWO,))


def squares(clicks: tuple[Click, ...]) -> Mask:
    """The answer of the model in these tests: a square at the last click, as large as there are clicks."""
    mask = np.zeros((64, 64), bool)
    row, column = clicks[-1].pixel
    mask[row : row + 5 * len(clicks), column : column + 5 * len(clicks)] = True
    return mask


class Squares(ClickTarget):
    def open(self, number: int, image: Image) -> OpenPicture:
        def new_object() -> AnswerClicks:
            return squares

        return OpenPicture(new_object, 0.0)


def answer(mask: Mask) -> bytes:
    return f'{{"results": [{{"result": [{{"value": {{"rle": {rle.encode(mask)}}}}}]}}]}}'.encode()


def test_drawn_pictures_are_files_with_clicks_on_and_beside_objects(tmp_path: Path) -> None:
    first, second = draw_pictures(tmp_path, 2, 256)
    (again,) = draw_pictures(tmp_path, 1, 256)

    assert first == again
    assert first.read().shape == (256, 256, 3)
    assert not np.array_equal(first.read(), second.read())
    for clicks in first.objects + second.objects:
        assert [click.positive for click in clicks] == [True, True, False, True]
    requests = list(first.requests())
    assert [len(clicks) for clicks in requests] == [1, 2, 3, 4] * len(first.objects)
    assert requests[:4] == [first.objects[0][:number] for number in (1, 2, 3, 4)]


def test_annotators_click_in_parallel_and_each_waits_for_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    busy: set[int] = set()
    lock, both = threading.Lock(), threading.Barrier(2, timeout=60)

    def send(clicked: BenchPicture, clicks: tuple[Click, ...]) -> Sent:
        with lock:
            assert clicked.number not in busy
            busy.add(clicked.number)
        both.wait()
        with lock:
            busy.discard(clicked.number)
        return Sent(clicked, clicks, 0.05, 200, b"")

    monkeypatch.setattr("scripts.click_load.time", SimpleNamespace(perf_counter=lambda: 0.0))
    sent = click_together([picture(1), picture(2)], send, period_s=1 / 64, seconds=5.75 / 64)

    assert [item.picture.number for item in sent] == [1] * 6 + [2] * 6
    assert [item.clicks for item in sent] == [ONE, TWO] * 6


def test_a_slow_service_is_not_asked_for_what_was_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0

    def send(clicked: BenchPicture, clicks: tuple[Click, ...]) -> Sent:
        nonlocal now
        now += 0.2
        return Sent(clicked, clicks, 0.2, 200, b"")

    monkeypatch.setattr("scripts.click_load.time", SimpleNamespace(perf_counter=lambda: now))
    assert len(click_together([picture(1)], send, period_s=0.01, seconds=0.5)) == 3


def test_masks_of_other_pictures_and_other_clicks_are_found(tmp_path: Path) -> None:
    (drawn,) = draw_pictures(tmp_path, 1, 64)
    mine = BenchPicture(1, drawn.path, (64, 64), (TWO,))
    almost = squares(TWO)
    almost[3, 3] = False
    sent = [
        Sent(mine, ONE, 0.1, 200, answer(squares(ONE))),
        Sent(mine, TWO, 0.1, 200, answer(squares(ONE))),
        Sent(mine, TWO, 0.1, 200, answer(almost)),
        Sent(mine, TWO, 0.1, 503, b"busy"),
    ]

    check = list(check_masks(sent, Squares()))[-1]

    assert [item.failed for item in sent] == [False, False, False, True]
    assert (check.n_checked, check.n_identical, check.n_wrong) == (3, 1, 1)
    assert check.worst_iou < 0.3


def test_memory_of_a_process_includes_what_it_started() -> None:
    before = resident_bytes(os.getpid())
    code = "held = bytes([1]) * (64 << 20); print('ready', flush=True); input()"
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        assert resident_bytes(os.getpid()) - before > 48 << 20
        child.communicate("\n")
    with pytest.raises(NothingMeasuredError, match="process 999999999"):
        resident_bytes(999_999_999)


def test_sizes_are_read_from_the_metrics() -> None:
    metrics = (
        "# HELP maskloop_cache_bytes Held\n# TYPE maskloop_cache_bytes gauge\n"
        'maskloop_cache_bytes{cache="image"} 3.145728e+06\nmaskloop_requests_total{endpoint="/"} 4.0\n'
    )

    assert sizes_in_metrics(metrics) == {'maskloop_cache_bytes{cache="image"}': 3145728}


def test_a_summary_has_quantiles_and_the_ratio_of_medians() -> None:
    assert summary([1.0, 2.0, 30.0], baseline_ms=4.0) == {
        "n": 3,
        "median_ms": 2.0,
        "p95_ms": 27.2,
        "max_ms": 30.0,
        "ratio": 0.5,
    }
