from __future__ import annotations

import pytest
from rich.console import Console

from scripts.selection_report import Curve, curves_of, full_score, paired_difference, table
from scripts.selection_runs import EVERYTHING


def row(selector: str, seed: int, count: int, dice: float) -> dict[str, object]:
    return {"selector": selector, "seed": seed, "n_labels": count, "annotator_s": 10.0 * count, "dice": dice}


ROWS = [
    *(row("random", seed, count, 0.4 + 0.01 * count) for seed in (0, 1) for count in (20, 10)),
    *(row("auto", seed, count, 0.5 + 0.01 * count + 0.1 * seed) for seed in (0, 1) for count in (10, 20)),
    row(EVERYTHING, 0, 90, 0.8),
    row(EVERYTHING, 1, 90, 0.7),
]


def test_a_curve_is_one_project_in_order_of_its_labels() -> None:
    curves = curves_of(ROWS, "dice")
    assert [(curve.selector, curve.seed) for curve in curves][:2] == [("random", 0), ("random", 1)]
    assert curves[0].n_labels == (10, 20)
    assert curves[0].scores == pytest.approx((0.5, 0.6))
    assert full_score(curves) == pytest.approx(0.75)
    assert full_score(curves[:4]) is None


def test_the_area_is_the_mean_height_of_the_curve() -> None:
    curve = Curve("auto", 0, (10, 20, 40), (0.0, 0.0, 0.0), (0.2, 0.4, 0.6))
    assert curve.area == pytest.approx((10 * 0.3 + 20 * 0.5) / 30)
    assert Curve("auto", 0, (10,), (0.0,), (0.2,)).area == 0.2


def test_what_is_needed_lies_between_two_rounds() -> None:
    curve = Curve("auto", 0, (10, 20, 40), (100.0, 150.0, 400.0), (0.2, 0.4, 0.6))
    assert curve.needed(0.5, curve.n_labels) == pytest.approx(30)
    assert curve.needed(0.3, curve.annotator_s) == pytest.approx(125)
    assert curve.needed(0.1, curve.n_labels) == 10
    assert curve.needed(0.7, curve.n_labels) == float("inf")


def test_differences_are_those_of_the_same_seeds() -> None:
    mean, low, high = paired_difference(curves_of(ROWS, "dice"), "auto", "random") or (0, 0, 0)
    assert (mean, low, high) == pytest.approx((0.15, 0.1, 0.2))
    assert paired_difference(curves_of(ROWS, "dice"), "auto", "sequential") is None


def test_the_table_says_who_reached_enough_and_what_all_labels_reach() -> None:
    console = Console(width=200, record=True)
    console.print(table(curves_of(ROWS, "dice"), "drawn", "dice"))
    text = console.export_text()
    assert "All 90 labels: 0.750" in text
    assert "not reached" in text
    assert "+0.150 (+0.100–+0.200)" in text
    (line,) = (each for each in text.splitlines() if "auto" in each)
    assert "0.600 ± 0.0" not in line
    assert "0.650 ± 0.071" in line
