import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from backend.single_flight import SingleFlight


def test_simultaneous_callers_of_one_key_share_one_computation() -> None:
    shared: list[None] = []
    flights: SingleFlight[str, int] = SingleFlight(lambda: shared.append(None))
    computed: list[int] = []
    started, release = threading.Event(), threading.Event()

    def compute() -> int:
        started.set()
        release.wait(60)
        computed.append(1)
        return 7

    with ThreadPoolExecutor(8) as pool:
        first = pool.submit(flights.run, "key", compute)
        assert started.wait(60)
        others = [pool.submit(flights.run, "key", compute) for _ in range(7)]
        while len(shared) < 7:
            time.sleep(0.001)
        release.set()
        assert [first.result(60), *(other.result(60) for other in others)] == [7] * 8
    assert computed == [1]


def test_nothing_is_kept_once_the_computation_has_ended() -> None:
    flights: SingleFlight[str, int] = SingleFlight()
    assert [flights.run("key", lambda: 1), flights.run("key", lambda: 2)] == [1, 2]


def test_different_keys_do_not_wait_for_each_other() -> None:
    flights: SingleFlight[str, str] = SingleFlight()

    def outer() -> str:
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(flights.run, "inner", lambda: "inner").result(60)

    assert flights.run("outer", outer) == "inner"


def test_an_error_reaches_the_caller_and_the_next_call_computes_again() -> None:
    flights: SingleFlight[str, int] = SingleFlight()

    def fail() -> int:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        flights.run("key", fail)
    assert flights.run("key", lambda: 3) == 3


def test_a_call_under_way_is_left_alone_by_those_who_do_not_want_to_wait() -> None:
    flights: SingleFlight[str, int] = SingleFlight()
    tries: list[bool] = []

    def compute() -> int:
        tries.append(flights.run_if_free("key", lambda: 2))
        return 1

    assert flights.run("key", compute) == 1
    assert flights.run_if_free("key", lambda: 2)
    assert tries == [False]
