import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from backend.errors import BusyError
from backend.state.device_gate import DeviceGate


def test_only_as_many_run_as_there_are_slots() -> None:
    gate = DeviceGate(2, 20, on_wait=lambda _seconds: None)
    running, most = 0, 0
    lock = threading.Lock()

    def work() -> None:
        nonlocal running, most
        with gate.admit():
            with lock:
                running += 1
                most = max(most, running)
            threading.Event().wait(0.01)
            with lock:
                running -= 1

    with ThreadPoolExecutor(10) as pool:
        for future in [pool.submit(work) for _ in range(10)]:
            future.result(5)
    assert most == 2


def test_the_one_too_many_is_refused_at_once_and_a_place_comes_free_again() -> None:
    gate = DeviceGate(1, 0, on_wait=lambda _seconds: None)
    with gate.admit(), pytest.raises(BusyError), gate.admit():
        pass
    with gate.admit():
        pass


def test_a_wait_ends_with_an_error_after_its_time() -> None:
    gate = DeviceGate(1, 1, on_wait=lambda _seconds: None, timeout_s=0.01)
    with gate.admit(), pytest.raises(BusyError, match=r"0\.01 s"), gate.admit():
        pass
    with gate.admit():
        pass


def test_an_error_inside_gives_the_slot_back_and_waits_are_reported() -> None:
    waits: list[float] = []
    gate = DeviceGate(1, 0, on_wait=waits.append)
    with pytest.raises(ValueError, match="inside"), gate.admit():
        raise ValueError("inside")
    with gate.admit():
        pass
    assert len(waits) == 2
