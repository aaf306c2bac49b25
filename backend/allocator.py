"""What glibc's allocator keeps for itself."""

from __future__ import annotations

import ctypes
import os
import sys

_M_ARENA_MAX = -8  # malloc.h
_ARENAS = 2


def limit_arenas() -> None:
    """Let all threads share two heaps instead of keeping up to eight per CPU core.

    Freed blocks stay in the heap of the thread that freed them: over thousands of clicks by many threads that
    adds up to more than all caches. An operator's own `MALLOC_ARENA_MAX` is left alone; without glibc nothing
    happens. Call it before the threads start.
    """
    if sys.platform != "linux" or "MALLOC_ARENA_MAX" in os.environ:
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, _ARENAS)
