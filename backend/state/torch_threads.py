"""How many processors one computation may use.

PyTorch splits every operation over all processors. With several computations at once that costs more than it
brings: on two busy cores the same network took 29 ms with one thread and 78 ms with two. The number is the
same for every computation and does not follow the load, because results of two numbers of threads differ in
the last bits, and an answer must not depend on what else the machine does.
"""

import os
from collections.abc import Callable

import torch


def torch_thread_limit(threads: int, slots: int) -> Callable[[], None]:
    """Return a function that limits the PyTorch threads of the thread that calls it, in under 1 µs.

    Args:
        threads: Threads of one computation; 0 shares the processors of this process among the slots.
        slots: Computations that run at the same time.
    """
    limit = threads or max(1, processors() // slots)
    return lambda: torch.set_num_threads(limit)


def processors() -> int:
    """How many this process may use, where the system says."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
