import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from backend.errors import BusyError
from backend.state.device_gate import DeviceGate


def test_only_as_many_run_as_there_are_slots() -> None:
    gate = DeviceGate(2, 20, on_wait=lambda _seconds: None)
    running, most = 0, 0
    lock, two = threading.Lock(), threading.Barrier(2, timeout=60)

    def work() -> None:
        nonlocal running, most
        with gate.admit():
            with lock:
                running += 1
                most = max(most, running)
            two.wait()
            threading.Event().wait(0.01)
            with lock:
                running -= 1

    with ThreadPoolExecutor(10) as pool:
        for future in [pool.submit(work) for _ in range(10)]:
            future.result(60)
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


def test_those_who_wait_are_admitted_in_order_of_arrival() -> None:
    gate = DeviceGate(1, 20, on_wait=lambda _seconds: None)
    order: list[int] = []

    def work(number: int) -> None:
        with gate.admit():
            order.append(number)

    with ThreadPoolExecutor(8) as pool:
        with gate.admit():
            for number in range(8):
                pool.submit(work, number)
                while gate.waiting <= number:
                    threading.Event().wait(0.001)
    assert order == list(range(8))


def test_who_is_refused_is_counted() -> None:
    refused: list[None] = []
    gate = DeviceGate(1, 0, on_wait=lambda _seconds: None, on_refused=lambda: refused.append(None))
    with gate.admit(), pytest.raises(BusyError), gate.admit():
        pass
    assert len(refused) == 1


def test_idle_work_waits_until_nobody_computes_and_gives_up_when_its_patience_ends() -> None:
    gate = DeviceGate(2, 5, on_wait=lambda _seconds: None)
    with gate.admit():
        with gate.admit_when_idle(0.01) as idle:
            assert not idle
        with gate.admit():
            pass
    with gate.admit_when_idle(0.01) as idle:
        assert idle


def test_idle_work_never_runs_twice_and_makes_nobody_wait_while_there_is_another_slot() -> None:
    gate = DeviceGate(2, 0, on_wait=lambda _seconds: None)
    with gate.admit_when_idle(0) as first, gate.admit_when_idle(0) as second, gate.admit():
        assert first
        assert not second
    with gate.admit(), gate.admit():
        pass


def test_idle_work_begins_as_soon_as_the_device_is_idle() -> None:
    gate = DeviceGate(1, 5, on_wait=lambda _seconds: None)

    def idle_work() -> bool:
        with gate.admit_when_idle(120) as idle:  # longer than the test waits
            return idle

    with ThreadPoolExecutor(1) as pool:
        with gate.admit():
            waiting = pool.submit(idle_work)
            assert not waiting.done()
        assert waiting.result(60)


def test_each_computations_thread_is_prepared() -> None:
    prepared: list[int] = []
    gate = DeviceGate(
        2, 5, on_wait=lambda _seconds: None, prepare_thread=lambda: prepared.append(threading.get_ident())
    )

    def work() -> int:
        with gate.admit():
            return threading.get_ident()

    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(work).result(60)
    with gate.admit_when_idle(1):
        pass
    assert prepared == [other, threading.get_ident()]
