import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra
from torch import Tensor

from models.networks.geodesic import FARTHEST, distances, step_costs


def exact(costs: tuple[Tensor, Tensor], cell: tuple[int, int]) -> NDArray[np.float64]:
    """Dijkstra on the grid's graph."""
    down, across = costs[0][0].numpy(), costs[1][0].numpy()
    height, width = down.shape
    numbers = np.arange(height * width).reshape(height, width)
    starts = np.concatenate([numbers[:-1].ravel(), numbers[:, :-1].ravel()])
    ends = np.concatenate([numbers[1:].ravel(), numbers[:, 1:].ravel()])
    weights = np.concatenate([down[1:].ravel(), across[:, 1:].ravel()])
    graph = coo_array((weights, (starts, ends)), shape=(height * width,) * 2)
    found = dijkstra(graph, directed=False, indices=numbers[cell])
    return np.asarray(found.reshape(height, width))


def field(image: Tensor, cell: tuple[int, int]) -> NDArray[np.float64]:
    cells = torch.tensor([[cell]])
    return distances(step_costs(image), cells, torch.tensor([[True]]))[0].double().numpy()


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 10_000), height=st.integers(2, 9), width=st.integers(2, 9))
def test_distances_are_never_too_short_and_right_where_paths_are_straight(
    seed: int, height: int, width: int
) -> None:
    image = torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(seed))
    cell = (seed % height, seed % width)
    found, truth = field(image, cell), exact(step_costs(image), cell)

    assert (found >= truth - 1e-4).all()
    assert found[cell] == pytest.approx(0, abs=1e-5)
    assert np.median(found - truth) < 1e-3


def test_an_edge_is_farther_than_flat_colour() -> None:
    image = torch.zeros(1, 3, 8, 8)
    image[:, :, :, 5:] = 1
    found = field(image, (4, 2))

    assert found[4, 5] - found[4, 4] > 5 * (found[4, 4] - found[4, 3])


def test_where_no_click_is_everything_is_farthest() -> None:
    costs = step_costs(torch.rand(2, 3, 5, 6))
    found = distances(costs, torch.zeros(2, 3, 2, dtype=torch.long), torch.zeros(2, 3, dtype=torch.bool))

    assert (found == FARTHEST).all()


def test_pictures_of_a_batch_do_not_mix() -> None:
    images = torch.rand(2, 3, 6, 7)
    cells = torch.tensor([[[1, 1]], [[4, 5]]])
    used = torch.ones(2, 1, dtype=torch.bool)
    together = distances(step_costs(images), cells, used)
    alone = [distances(step_costs(images[i : i + 1]), cells[i : i + 1], used[:1])[0] for i in (0, 1)]

    assert torch.allclose(together, torch.stack(alone))
