"""What scripts.evaluate_selection says: learning curves, areas under them, labels that are enough."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from scripts.click_report import check_plots
from scripts.selection_runs import EVERYTHING

Row = Mapping[str, Any]

ENOUGH = 0.95
"""Share of the score of all labels that counts as enough."""
BASELINES = ("random", "foreground-aware-random")
_RESAMPLES = 10_000


@dataclass(frozen=True)
class Curve:
    """One simulated project.

    Attributes:
        selector: Its name.
        seed: Its seed.
        n_labels: Annotated pictures after each round, ascending.
        annotator_s: What they cost.
        scores: What was reached.
    """

    selector: str
    seed: int
    n_labels: tuple[int, ...]
    annotator_s: tuple[float, ...]
    scores: tuple[float, ...]

    @property
    def area(self) -> float:
        """Area under the curve over its length, in [0, 1]; the score itself for a single round."""
        if len(self.n_labels) < 2:
            return self.scores[0]
        return float(np.trapezoid(self.scores, self.n_labels) / (self.n_labels[-1] - self.n_labels[0]))

    def needed(self, score: float, costs: Sequence[float]) -> float:
        """What reaching a score cost, between two rounds in proportion; infinite if it was not reached.

        Args:
            score: To reach.
            costs: After each round: `n_labels` or `annotator_s`.
        """
        for place, reached in enumerate(self.scores):
            if reached >= score:
                if not place:
                    return float(costs[0])
                before = self.scores[place - 1]
                share = (score - before) / (reached - before)
                return float(costs[place - 1] + share * (costs[place] - costs[place - 1]))
        return float("inf")


def curves_of(rows: Sequence[Row], measure: str) -> list[Curve]:
    """The curve of each simulated project; those of all labels are points."""
    curves = []
    for selector, seed in dict.fromkeys((row["selector"], row["seed"]) for row in rows):
        own = [row for row in rows if (row["selector"], row["seed"]) == (selector, seed)]
        own.sort(key=lambda row: row["n_labels"])
        columns = (tuple(row[name] for row in own) for name in ("n_labels", "annotator_s", measure))
        curves.append(Curve(selector, seed, *columns))
    return curves


def full_score(curves: Sequence[Curve]) -> float | None:
    """What all labels reach, the mean over the seeds; None if that was not measured."""
    scores = [curve.scores[-1] for curve in curves if curve.selector == EVERYTHING]
    return float(np.mean(scores)) if scores else None


def paired_difference(
    curves: Sequence[Curve], selector: str, baseline: str
) -> tuple[float, float, float] | None:
    """Mean difference of the areas of the same seeds, with the ends of its 95 % bootstrap interval."""
    areas = {(curve.selector, curve.seed): curve.area for curve in curves}
    seeds = [seed for name, seed in areas if name == selector and (baseline, seed) in areas]
    if not seeds:
        return None
    differences = np.array([areas[selector, seed] - areas[baseline, seed] for seed in seeds])
    drawn = np.random.default_rng(0).integers(len(seeds), size=(_RESAMPLES, len(seeds)))
    low, high = np.quantile(differences[drawn].mean(1), [0.025, 0.975])
    return float(differences.mean()), float(low), float(high)


def table(curves: Sequence[Curve], title: str, measure: str) -> Table:
    """A line for each selector: mean ± standard deviation over the seeds."""
    chosen = [curve for curve in curves if curve.selector != EVERYTHING]
    counts = sorted({count for curve in chosen for count in curve.n_labels})
    full = full_score(curves)
    columns = [f"{measure.replace('_', ' ')}, {count}" for count in counts]
    against = [f"area − {name}" for name in BASELINES]
    enough = [f"labels to {ENOUGH:.0%}", f"minutes to {ENOUGH:.0%}"] if full is not None else []
    found = Table("selector", "seeds", *columns, "area", *against, *enough, title=title)
    for selector in dict.fromkeys(curve.selector for curve in chosen):
        own = [curve for curve in chosen if curve.selector == selector]
        cells = [
            _spread([c.scores[c.n_labels.index(count)] for c in own if count in c.n_labels])
            for count in counts
        ]
        cells.append(_spread([curve.area for curve in own]))
        cells += [_difference(paired_difference(curves, selector, name)) for name in BASELINES]
        if full is not None:
            cells.append(_mean_needed([c.needed(ENOUGH * full, c.n_labels) for c in own]))
            cells.append(_mean_needed([c.needed(ENOUGH * full, c.annotator_s) / 60 for c in own]))
        found.add_row(selector, str(len(own)), *cells)
    if full is not None:
        everything = next(curve for curve in curves if curve.selector == EVERYTHING)
        found.caption = f"All {everything.n_labels[-1]} labels: {full:.3f}"
    return found


def draw(path: Path, curves: Sequence[Curve], title: str, measure: str) -> None:
    """Draw the curves, with bands of one standard deviation over the seeds.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    check_plots()
    from matplotlib.figure import Figure  # an extra, and slow to import

    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.subplots()
    for selector in dict.fromkeys(c.selector for c in curves if c.selector != EVERYTHING):
        own = [curve for curve in curves if curve.selector == selector]
        counts = own[0].n_labels
        scores = np.array([curve.scores for curve in own if curve.n_labels == counts])
        axes.plot(counts, scores.mean(0), marker=".", label=selector)
        axes.fill_between(counts, scores.mean(0) - scores.std(0), scores.mean(0) + scores.std(0), alpha=0.15)
    full = full_score(curves)
    if full is not None:
        axes.axhline(full, color="black", linestyle="--", linewidth=1, label=EVERYTHING)
    axes.set(xlabel="annotated pictures", ylabel=measure.replace("_", " "), title=title)
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=120)


def _spread(values: Sequence[float]) -> str:
    if len(values) < 2:
        return f"{np.mean(values):.3f}" if values else "–"
    return f"{np.mean(values):.3f} ± {np.std(values, ddof=1):.3f}"


def _difference(value: tuple[float, float, float] | None) -> str:
    return "–" if value is None else f"{value[0]:+.3f} ({value[1]:+.3f}–{value[2]:+.3f})"


def _mean_needed(values: Sequence[float]) -> str:
    reached = [value for value in values if np.isfinite(value)]
    mean = f"{np.mean(reached):.0f}" if reached else "not reached"
    return mean if len(reached) in (0, len(values)) else f"{mean} ({len(reached)} of {len(values)} seeds)"
