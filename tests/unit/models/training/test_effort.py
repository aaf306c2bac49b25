from types import SimpleNamespace

import pytest
import torch

from models.training.effort import Effort


@pytest.mark.parametrize(("cores", "seconds"), [(1.0, 9.0), (0.8, 7.2), (0.1, 6.0), (1.5, 9.0)])
def test_time_counts_in_which_the_threads_have_their_cores(
    monkeypatch: pytest.MonkeyPatch, cores: float, seconds: float
) -> None:
    wall, cpu = iter([100.0, 109.0]), iter([5.0, 5.0 + 9.0 * cores * torch.get_num_threads()])
    clock = SimpleNamespace(monotonic=lambda: next(wall), process_time=lambda: next(cpu))
    monkeypatch.setattr("models.training.effort.time", clock)
    assert Effort().seconds() == pytest.approx(seconds)
