import os
from collections.abc import Iterator

import pytest
import torch

from backend.state.torch_threads import torch_thread_limit


@pytest.fixture(autouse=True)
def restore() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def test_a_given_number_of_threads_is_used() -> None:
    torch_thread_limit(3, slots=2)()
    assert torch.get_num_threads() == 3


@pytest.mark.parametrize(("slots", "expected"), [(1, 6), (2, 3), (4, 1), (50, 1)])
def test_without_one_the_processors_are_shared_among_the_slots(
    monkeypatch: pytest.MonkeyPatch, slots: int, expected: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _process: set(range(6)), raising=False)
    torch_thread_limit(0, slots)()
    assert torch.get_num_threads() == expected
