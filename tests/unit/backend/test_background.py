import threading
from collections.abc import Callable

import pytest

from backend.state.background import Background


class Blocked:
    """A background whose first job waits until it is told to go on."""

    def __init__(self, limit: int) -> None:
        self.background = Background("test", limit)
        self.go_on = threading.Event()
        self.done: list[str] = []
        started = threading.Event()

        def wait() -> None:
            started.set()
            assert self.go_on.wait(60)

        self.background.submit("first", wait)
        assert started.wait(60)

    def note(self, what: str) -> Callable[[], None]:
        return lambda: self.done.append(what)

    def finish(self) -> list[str]:
        finished = threading.Event()
        self.background.submit("last", finished.set)
        self.go_on.set()
        assert finished.wait(60)
        return self.done


def test_jobs_run_one_after_the_other_in_order() -> None:
    blocked = Blocked(10)
    for name in "abc":
        blocked.background.submit(name, blocked.note(name))
    assert blocked.finish() == ["a", "b", "c"]


def test_a_job_that_waits_already_is_not_put_in_line_twice() -> None:
    blocked = Blocked(10)
    for name in ("a", "b", "a"):
        blocked.background.submit(name, blocked.note(name))
    assert blocked.finish() == ["a", "b"]


def test_of_too_many_jobs_the_oldest_are_dropped() -> None:
    blocked = Blocked(3)
    for name in "abcd":
        blocked.background.submit(name, blocked.note(name))
    assert blocked.finish() == ["c", "d"]


def test_a_job_that_fails_is_logged_and_the_next_one_runs(caplog: pytest.LogCaptureFixture) -> None:
    blocked = Blocked(3)

    def fail() -> None:
        raise ValueError("broken job")

    blocked.background.submit("fail", fail)
    blocked.background.submit("a", blocked.note("a"))
    assert blocked.finish() == ["a"]
    assert "broken job" in caplog.text


def test_the_thread_ends_with_the_last_job_and_a_later_job_gets_a_new_one() -> None:
    background = Background("short-lived", 3)
    threads: list[threading.Thread] = []
    for number in range(2):
        background.submit(number, lambda: threads.append(threading.current_thread()))
        while len(threads) <= number:
            threading.Event().wait(0.001)
        threads[number].join(60)
        assert not threads[number].is_alive()
    assert threads[0] is not threads[1]


def test_closing_waits_for_the_running_job_and_drops_the_others() -> None:
    blocked = Blocked(3)
    blocked.background.submit("a", blocked.note("a"))
    closing = threading.Thread(target=blocked.background.close, args=(60,))
    closing.start()
    while not blocked.background.stopping:
        threading.Event().wait(0.001)
    assert closing.is_alive()
    blocked.go_on.set()
    closing.join(60)
    blocked.background.submit("b", blocked.note("b"))
    assert not closing.is_alive()
    assert blocked.done == []
