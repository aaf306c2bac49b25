from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models.label_schema import LabelSchema, Question
from models.prelabel.figures import disagreement_of, entropy_of, mutual_information_of, picture_figures
from tests.fakes.analyses import analysis_of

CELLS = LabelSchema(("cell", "debris"))
DISC = np.hypot(*np.mgrid[-20:20, -30:30]) < 8


def answers(*probabilities: float) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.array(probabilities, dtype=np.float32)


def test_shares_and_entropies_are_those_of_the_predicted_classes() -> None:
    figures = picture_figures(analysis_of(DISC, n_classes=2, sure=0.8), CELLS, quality=0.7)
    entropy = -(0.8 * np.log(0.8) + 2 * 0.1 * np.log(0.1)) / np.log(3)
    assert figures.foreground == pytest.approx(DISC.mean())
    assert figures.class_shares == pytest.approx((DISC.mean(), 0))
    assert figures.class_entropy == pytest.approx((entropy, 0))
    assert figures.least_confidence == pytest.approx(0.2)
    assert figures.margin == pytest.approx(0.3)
    assert figures.entropy == pytest.approx(entropy)
    assert (figures.quality, figures.mutual_information) == (0.7, None)


def test_uncertainty_far_from_objects_is_not_selected() -> None:
    analysis = analysis_of(DISC, sure=0.9)
    analysis.probabilities[:, :, -5:] = 0.5
    figures = picture_figures(analysis, LabelSchema(("cell",)), quality=0.5)
    assert figures.selective_entropy == pytest.approx(entropy_of(np.array([[0.9], [0.1]]))[0], abs=1e-6)
    assert figures.entropy > figures.selective_entropy


def test_without_objects_all_places_are_selected() -> None:
    figures = picture_figures(analysis_of(np.zeros_like(DISC)), LabelSchema(("cell",)), quality=0.5)
    assert figures.selective_entropy == pytest.approx(figures.entropy)


def test_answers_that_exclude_each_other_share_their_uncertainty() -> None:
    schema = LabelSchema((), (Question("light", ("dark", "bright", "none")),))
    analysis = replace(analysis_of(np.zeros((4, 4))), answers=(answers(0.6, 0.3, 0.1),))
    figures = picture_figures(analysis, schema, quality=0.6)
    entropy = entropy_of(np.array([[0.6], [0.3], [0.1]]))[0]
    assert figures.class_shares == pytest.approx((0.6, 0.3, 0.1))
    assert figures.class_entropy == pytest.approx((entropy,) * 3)
    assert (figures.least_confidence, figures.margin) == pytest.approx((0.4, 0.7))
    assert (figures.entropy, figures.foreground) == pytest.approx((entropy, 1.0))


def test_answers_that_may_all_hold_have_their_own() -> None:
    schema = LabelSchema((), (Question("seen", ("fold", "ink"), multiple=True),))
    analysis = replace(analysis_of(np.zeros((4, 4))), answers=(answers(0.5, 1.0),))
    figures = picture_figures(analysis, schema, quality=0.5)
    assert figures.class_entropy == pytest.approx((1.0, 0.0), abs=1e-6)
    assert figures.entropy == pytest.approx(0.5)


def test_objects_and_questions_count_half_each() -> None:
    schema = LabelSchema(("cell",), (Question("seen", ("fold",)),))
    analysis = replace(analysis_of(DISC, sure=1 - 1e-9), answers=(answers(0.5),))
    figures = picture_figures(analysis, schema, quality=0.5)
    assert figures.entropy == pytest.approx(0.5, abs=1e-3)
    assert len(figures.class_shares) == len(figures.class_entropy) == 2


def test_mutual_information_is_disagreement_and_not_doubt() -> None:
    unsure = np.full((2, 9), 0.5)
    yes, no = unsure.copy(), unsure.copy()
    yes[0], yes[1], no[0], no[1] = 0, 1, 1, 0
    assert mutual_information_of([unsure, unsure]) == pytest.approx(0, abs=1e-6)
    assert mutual_information_of([yes, no]) == pytest.approx(1, abs=1e-6)


def test_disagreement_is_one_minus_dice_over_the_classes_that_occur() -> None:
    half = np.zeros((4, 4), dtype=np.intp)
    half[:2] = 1
    quarter = half.copy()
    quarter[1] = 0
    assert disagreement_of([half, half]) == 0
    assert disagreement_of([half, 2 * half]) == 1
    assert disagreement_of([half, quarter]) == pytest.approx(1 - 2 * 4 / 12)
    assert disagreement_of([half]) == disagreement_of([0 * half, 0 * half]) == 0
