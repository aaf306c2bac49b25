"""Several processes that share the cores, for commands that do the same with many things."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import active_children, get_context, parent_process
from typing import TypeVar

import cv2
import torch

from scripts.errors import StartError
from scripts.machine import usable_cores

_THREADS = "OMP_NUM_THREADS"

Result = TypeVar("Result")
Item = TypeVar("Item")


def in_processes(
    function: Callable[[Item], Result], items: Sequence[Item], workers: int
) -> Generator[Result, None, None]:
    """Call a function with each item.

    Args:
        function: Known by name to another process, as a function of a module is, or a partial of one.
        items: What it is called with.
        workers: Processes. The cores are shared out among them.

    Yields:
        Results in the order in which they are ready. Closing the generator, or an error, ends the processes.

    Raises:
        StartError: A process ended.
        Exception: Whatever the function raises.
    """
    threads = max(1, usable_cores() // workers)
    done = False
    with _threads_of_libraries(threads):
        pool = ProcessPoolExecutor(workers, get_context("spawn"), _prepare, (threads,))
        try:
            for future in as_completed([pool.submit(function, item) for item in items]):
                yield future.result()
            done = True
        except BrokenProcessPool as error:
            raise StartError(
                "A worker process ended, perhaps for lack of memory; use fewer --workers."
            ) from error
        finally:
            if not done:
                for process in active_children():
                    process.terminate()
            pool.shutdown(cancel_futures=True)


@contextmanager
def _threads_of_libraries(threads: int) -> Iterator[None]:
    """Tell the libraries that new processes import how many threads they may use."""
    before = os.environ.get(_THREADS)
    os.environ[_THREADS] = str(threads)
    try:
        yield
    finally:
        if before is None:
            del os.environ[_THREADS]
        else:
            os.environ[_THREADS] = before


def _prepare(threads: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C in the terminal is for the command
    cv2.setNumThreads(threads)
    torch.set_num_threads(threads)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A killed command cannot tell its processes, and theirs may take minutes."""
    parent = parent_process()
    if parent is not None:
        parent.join()
    os._exit(1)
