"""The selectors beside those of scikit-activeml, an independent implementation of the same papers."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from skactiveml.pool import CoreSet as TheirCoreSet
from skactiveml.pool import TypiClust as TheirTypiClust
from skactiveml.pool import uncertainty_scores

from backend.selection.base import Numbers
from backend.selection.core_set import CoreSet
from backend.selection.typiclust import typicality
from models.label_schema import LabelSchema
from models.prelabel.analysis import Analysis
from models.prelabel.figures import PictureFigures, picture_figures
from tests.fakes.analyses import analysis_of
from tests.fakes.situations import situation


@pytest.fixture(scope="module")
def analysis() -> Analysis:
    drawn = analysis_of(np.zeros((24, 32), dtype=np.intp), n_classes=3)
    probabilities = np.random.default_rng(0).dirichlet([0.5] * 4, (24, 32)).transpose(2, 0, 1)
    drawn.probabilities[:] = probabilities
    return drawn


@pytest.fixture(scope="module")
def figures(analysis: Analysis) -> PictureFigures:
    return picture_figures(analysis, LabelSchema(("a", "b", "c")), quality=0.5)


def theirs(analysis: Analysis, method: str) -> Numbers:
    per_place: NDArray[np.float64] = analysis.probabilities.reshape(4, -1).T.astype(np.float64)
    per_place /= per_place.sum(1, keepdims=True)
    return np.asarray(uncertainty_scores(per_place, method=method))


@pytest.mark.parametrize(
    ("figure", "method", "greatest"),
    [
        ("least_confidence", "least_confident", 1.0),
        ("margin", "margin_sampling", 1.0),
        ("entropy", "entropy", np.log(4)),
    ],
)
def test_uncertainty_is_the_mean_of_theirs_over_the_places(
    analysis: Analysis, figures: PictureFigures, figure: str, method: str, greatest: float
) -> None:
    assert getattr(figures, figure) == pytest.approx(theirs(analysis, method).mean() / greatest, abs=1e-5)


def test_k_center_greedy_chooses_as_theirs_does() -> None:
    among = situation(60, 5, seed=4)
    pictures = np.concatenate([among.labelled.embeddings, among.candidates.embeddings])
    marks = np.full(len(pictures), np.nan)
    marks[:5] = 0
    expected = TheirCoreSet(random_state=0).query(pictures, marks, batch_size=12) - 5
    ours = CoreSet().select(among, 12, np.random.default_rng(0))
    assert list(ours) == list(expected)


def test_the_most_typical_picture_of_a_cluster_is_theirs() -> None:
    among = situation(40, 0, seed=4)
    embeddings = among.candidates.embeddings
    query = TheirTypiClust(random_state=0, k=20)
    chosen, values = query.query(
        embeddings, np.full(len(embeddings), np.nan), batch_size=1, return_utilities=True
    )
    ours = typicality(embeddings)
    assert int(chosen[0]) == int(np.argmax(ours))
    assert np.corrcoef(values[0], ours)[0, 1] > 0.999
