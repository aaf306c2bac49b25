"""Threads share heaps, so that what they free is used again."""

import subprocess
import sys

import pytest

_MANY_THREADS = """
import ctypes, threading
from backend.allocator import limit_arenas
limit_arenas()
allocate = ctypes.CDLL(None).malloc
barrier = threading.Barrier(8)
def work():
    allocate(1000)
    barrier.wait()
    allocate(1000)
threads = [threading.Thread(target=work) for _ in range(8)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
libc = ctypes.CDLL(None)
libc.fdopen.restype = ctypes.c_void_p
libc.fflush.argtypes = [ctypes.c_void_p]
stream = ctypes.c_void_p(libc.fdopen(1, b"w"))
libc.malloc_info(0, stream)
libc.fflush(stream)
"""


@pytest.mark.parametrize(("environment", "expected"), [({}, 2), ({"MALLOC_ARENA_MAX": "5"}, 5)])
def test_threads_share_heaps_unless_the_operator_says_otherwise(
    environment: dict[str, str], expected: int
) -> None:
    answer = subprocess.run(
        [sys.executable, "-c", _MANY_THREADS], env=environment, capture_output=True, text=True, check=True
    )
    assert answer.stdout.count("<heap nr=") == expected
