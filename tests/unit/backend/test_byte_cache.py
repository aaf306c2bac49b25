import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from backend.byte_cache import ByteCache


def make_cache(max_bytes: int, lookups: list[bool], ttl_s: float = float("inf")) -> ByteCache[str, bytes]:
    return ByteCache(max_bytes, size_of=len, on_lookup=lookups.append, ttl_s=ttl_s)


def test_a_value_is_made_once_and_look_ups_are_reported() -> None:
    lookups: list[bool] = []
    cache = make_cache(100, lookups)
    values = iter([b"first", b"second", b"third"])
    made = [cache.get_or_create("key", lambda: next(values)) for _ in range(3)]
    assert made == [b"first"] * 3
    assert lookups == [False, True, True]


def test_the_least_recently_used_value_makes_room() -> None:
    cache = make_cache(100, [])
    cache.get_or_create("old", lambda: bytes(60))
    cache.get_or_create("used", lambda: bytes(40))
    cache.get_or_create("old", lambda: bytes(60))
    cache.get_or_create("new", lambda: bytes(40))
    assert cache.nbytes == 100
    assert cache.get_or_create("old", lambda: b"made anew") == bytes(60)
    assert cache.get_or_create("used", lambda: b"made anew") == b"made anew"


def test_a_value_larger_than_the_cache_is_served_and_evicts_nothing() -> None:
    cache = make_cache(100, [])
    cache.get_or_create("small", lambda: bytes(10))
    assert cache.get_or_create("large", lambda: bytes(101)) == bytes(101)
    assert cache.nbytes == 10


def test_a_value_is_made_anew_when_it_is_too_old() -> None:
    cache = make_cache(100, [], ttl_s=0.01)
    cache.get_or_create("key", lambda: b"old")
    time.sleep(0.02)
    assert cache.get_or_create("key", lambda: b"new") == b"new"


def test_a_failure_is_not_kept() -> None:
    cache = make_cache(100, [])

    def fail() -> bytes:
        raise OSError("no")

    with pytest.raises(OSError, match="no"):
        cache.get_or_create("key", fail)
    assert cache.get_or_create("key", lambda: b"now") == b"now"


def test_a_missing_value_can_be_made_ahead_without_counting_as_a_look_up() -> None:
    lookups: list[bool] = []
    cache = make_cache(100, lookups)
    assert "key" not in cache
    assert [cache.create_if_missing("key", lambda: b"ahead") for _ in range(2)] == [True, False]
    assert "key" in cache
    assert cache.get_or_create("key", lambda: b"late") == b"ahead"
    assert lookups == [True]


def test_who_asks_for_a_value_that_is_made_ahead_waits_for_it() -> None:
    cache = make_cache(100, [])
    started, release = threading.Event(), threading.Event()

    def make() -> bytes:
        started.set()
        assert release.wait(60)
        return b"ahead"

    with ThreadPoolExecutor(2) as pool:
        ahead = pool.submit(cache.create_if_missing, "key", make)
        assert started.wait(60)
        assert not cache.create_if_missing("key", lambda: b"twice")
        asked = pool.submit(cache.get_or_create, "key", lambda: b"twice")
        release.set()
        assert ahead.result(60)
        assert asked.result(60) == b"ahead"
