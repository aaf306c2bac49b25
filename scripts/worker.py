"""The worker: trains projects beside the service, at a low priority."""

from __future__ import annotations

import logging
import os
import signal
import threading
from typing import Annotated

import typer

from backend.observability import configure_logging
from backend.settings import Settings
from backend.worker import Worker
from scripts.child_process import ENDINGS
from scripts.options import errors_to_exit

logger = logging.getLogger(__name__)

_NICENESS = 15
"""Nearly all of a busy processor goes to whoever answers clicks; an idle one is still used in full."""
_CHECK_S = 10.0


def main(
    with_parent: Annotated[
        bool, typer.Option("--with-parent", help="End when standard input ends, as serve wants it.")
    ] = False,
) -> None:
    """Train projects as their annotations come in, until interrupted.

    `python -m scripts.serve` starts one by itself unless MASKLOOP_WORKER is false. A training that is
    interrupted goes on when the next worker starts.
    """
    with errors_to_exit():
        settings = Settings.from_environment()
        configure_logging(settings.log_level, as_json=settings.log_json)
        logging.getLogger("huey").setLevel(logging.WARNING)  # else four lines for each look at a project
        worker = Worker(settings)
    work(worker, with_parent=with_parent)


def work(worker: Worker, *, with_parent: bool) -> None:
    """Let a worker work at a low priority until a signal ends it; main thread only.

    Args:
        worker: Not started yet.
        with_parent: Whether it also ends when standard input does.
    """
    os.nice(_NICENESS)
    ended = threading.Event()
    if with_parent:
        threading.Thread(target=_wait_for_parent, args=(ended,), name="parent", daemon=True).start()
    worker.start()
    for ending in ENDINGS:
        signal.signal(ending, lambda _number, _frame: ended.set())
    logger.info("Worker %d waits for jobs", os.getpid())
    while not ended.wait(_CHECK_S):
        worker.check()
    worker.stop()


def _wait_for_parent(ended: threading.Event) -> None:
    while os.read(
        0, 1
    ):  # not sys.stdin: its lock, held by a waiting thread, would abort the interpreter's end
        pass
    ended.set()


if __name__ == "__main__":
    typer.run(main)
