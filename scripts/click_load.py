"""Annotators who click at the same time, and whether each got the answer to what they clicked."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPException
from itertools import cycle, groupby

from models.metrics import iou
from models.prompts import Click
from scripts import editor_requests
from scripts.bench_pictures import BenchPicture
from scripts.click_targets import ClickTarget
from scripts.service_client import ServiceClient

SAME_OBJECT = 0.9
"""Least IoU with the model's own answer. Arithmetic on several threads may move single pixels of an edge; the
mask of another picture or other clicks lies far below."""


@dataclass(frozen=True)
class Sent:
    """A request and its answer.

    Attributes:
        picture: What was clicked.
        clicks: All clicks on the object so far.
        seconds: Time to the answer.
        status: HTTP status; 0 if there was no answer.
        answer: Its body.
    """

    picture: BenchPicture
    clicks: tuple[Click, ...]
    seconds: float
    status: int
    answer: bytes

    @property
    def failed(self) -> bool:
        """Whether the annotator saw nothing for want of an answer."""
        return self.status != 200


@dataclass(frozen=True)
class Check:
    """Masks compared with the model's own.

    Attributes:
        n_checked: Number of answers compared.
        n_identical: Those with exactly the same pixels.
        n_wrong: Those below `SAME_OBJECT`.
        worst_iou: The lowest agreement.
    """

    n_checked: int = 0
    n_identical: int = 0
    n_wrong: int = 0
    worst_iou: float = 1.0


def send_click(
    client: ServiceClient, project: str, address: str, picture: BenchPicture, clicks: tuple[Click, ...]
) -> Sent:
    """Send one smart click.

    Args:
        client: The service.
        project: "<id>.<created>".
        address: Of the picture.
        picture: The picture.
        clicks: All clicks on the object.
    """
    task = editor_requests.task(picture.number, address)
    body = editor_requests.smart_click(project, task, clicks, picture.size_hw)
    started = time.perf_counter()
    try:
        status, answer = client.send("POST", "/predict", body)
    except (OSError, HTTPException) as error:
        status, answer = 0, str(error).encode()
    return Sent(picture, clicks, time.perf_counter() - started, status, answer)


def click_together(
    pictures: Sequence[BenchPicture],
    send: Callable[[BenchPicture, tuple[Click, ...]], Sent],
    *,
    period_s: float,
    seconds: float,
) -> list[Sent]:
    """Let one annotator per picture click for a while.

    They begin one after the other within a period. Each clicks once per period, or at once when the answer to
    the click before took longer than that.

    Args:
        pictures: One per annotator.
        send: Sends one click.
        period_s: Time from one click to the next.
        seconds: How long they work.

    Returns:
        Everything sent, annotator by annotator, in order.
    """
    start = time.perf_counter()
    stop = threading.Event()

    def work(place: int) -> list[Sent]:
        sent: list[Sent] = []
        due = start + period_s * place / len(pictures)
        for clicks in cycle(pictures[place].requests()):
            if due - start >= seconds or stop.wait(max(0.0, due - time.perf_counter())):
                break
            sent.append(send(pictures[place], clicks))
            due = max(due + period_s, time.perf_counter())
        return sent

    with ThreadPoolExecutor(len(pictures)) as pool:
        try:
            return [item for sent in pool.map(work, range(len(pictures))) for item in sent]
        finally:
            stop.set()


def check_masks(sent: Sequence[Sent], target: ClickTarget) -> Iterator[Check]:
    """Compare the answers with those of the model alone.

    Args:
        sent: As `click_together` returns it.
        target: The model.

    Yields:
        The result so far, after each compared answer.
    """
    n_checked = n_identical = n_wrong = 0
    worst = 1.0
    for picture, of_picture in groupby(sent, key=lambda item: item.picture):
        opened = target.open(picture.number, picture.read())
        answers = {}
        for item in of_picture:
            if item.clicks not in answers:
                answer = opened.new_object()
                for number in range(1, len(item.clicks) + 1):
                    answers[item.clicks[:number]] = answer(item.clicks[:number])
            if item.failed:
                continue
            mask = editor_requests.answered_mask(item.answer, picture.size_hw)
            agreement = iou(mask, answers[item.clicks])
            n_checked += 1
            n_identical += agreement == 1
            n_wrong += agreement < SAME_OBJECT
            worst = min(worst, agreement)
            yield Check(n_checked, n_identical, n_wrong, worst)
