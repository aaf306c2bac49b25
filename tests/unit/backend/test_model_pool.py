import threading
from concurrent.futures import ThreadPoolExecutor
from typing import ClassVar

import pytest

from backend.state.model_pool import ModelPool
from models.errors import UnknownNameError, WeightsNotFoundError
from models.registry import Registry


class Quick:
    name: ClassVar[str] = "quick"
    version: ClassVar[str] = "quick-1"
    loads: ClassVar[list[int]] = []

    def load(self) -> None:
        threading.Event().wait(0.01)
        self.loads.append(1)


class Missing:
    name: ClassVar[str] = "missing"
    version: ClassVar[str] = "missing-1"

    def load(self) -> None:
        raise WeightsNotFoundError("no weights at /weights; fetch them")


def test_a_model_is_loaded_once_however_many_ask_at_once() -> None:
    Quick.loads.clear()
    announced: list[Quick] = []
    pool = ModelPool(Registry("model", [Quick]), on_load=announced.append)
    with ThreadPoolExecutor(8) as threads:
        models = [future.result(60) for future in [threads.submit(pool.get, "quick") for _ in range(8)]]
    assert len({id(model) for model in models}) == 1
    assert Quick.loads == [1]
    assert announced == [models[0]]


def test_the_version_is_known_without_loading() -> None:
    pool = ModelPool(Registry("model", [Quick]), on_load=lambda _model: None)
    assert pool.version("quick") == "quick-1"
    assert not pool.is_loaded("quick")


def test_a_model_is_made_with_its_own_options_and_names_its_version_after_loading() -> None:
    class Sized:
        name: ClassVar[str] = "sized"
        version = "sized-1"

        def __init__(self, *, size: int = 3) -> None:
            self._size = size

        def load(self) -> None:
            self.version = f"sized-1-{self._size}"

    pool = ModelPool(
        Registry("model", [Sized]),
        on_load=lambda _model: None,
        options={"sized": {"size": 5}, "other": {"size": 6}},
    )
    assert pool.version("sized") == "sized-1"
    assert pool.get("sized").version == "sized-1-5"
    assert pool.version("sized") == "sized-1-5"


def test_a_problem_says_why_a_model_is_not_there() -> None:
    pool = ModelPool(Registry("model", [Missing]), on_load=lambda _model: None)
    assert pool.problem("missing") == "model 'missing': no weights at /weights; fetch them"
    with pytest.raises(WeightsNotFoundError):
        pool.get("missing")


def test_a_model_that_is_being_loaded_is_a_problem_without_waiting() -> None:
    started, release = threading.Event(), threading.Event()

    class Slow(Quick):
        name: ClassVar[str] = "slow"

        def load(self) -> None:
            started.set()
            release.wait(60)

    pool = ModelPool(Registry("model", [Slow]), on_load=lambda _model: None)
    with ThreadPoolExecutor(1) as threads:
        loading = threads.submit(pool.get, "slow")
        assert started.wait(60)
        assert pool.problem("slow") == "model 'slow' is being loaded"
        release.set()
        loading.result(60)
    assert pool.problem("slow") is None


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    pool = ModelPool(Registry("model", [Quick]), on_load=lambda _model: None)
    with pytest.raises(UnknownNameError, match="Known names: quick"):
        pool.get("quikc")
