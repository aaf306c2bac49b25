import numpy as np
import pytest
from skimage import data

from models.prelabel.looks import Looks


@pytest.fixture(scope="module")
def looks() -> Looks:
    return Looks()


def test_a_picture_looks_like_a_part_of_itself_more_than_like_another(looks: Looks) -> None:
    tissue, cat = data.immunohistochemistry(), data.chelsea()
    whole, part, other = (looks.embedding(each) for each in (tissue, tissue[60:, 40:], cat))
    assert whole.shape == (416,)
    assert np.linalg.norm(whole) == pytest.approx(1, abs=1e-5)
    assert whole @ part > whole @ other + 0.1


def test_any_size_is_described(looks: Looks) -> None:
    for size in ((1, 1), (3, 900), (17, 23)):
        assert np.isfinite(looks.embedding(np.full((*size, 3), 128, dtype=np.uint8))).all()
