"""What scripts.evaluate_clicks found: as a table, as JSON, as curves."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from models.errors import MissingExtraError
from models.training.click_evaluation import THRESHOLDS
from models.training.click_statistics import ClickedObject, ClickFigures, Estimate, click_figures
from scripts.click_runs import PictureResult
from scripts.machine import describe_machine

_CURVE_CLICKS = 10


@dataclass(frozen=True)
class Timing:
    """Milliseconds; None where nothing was timed."""

    median: float
    p95: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Timing | None:
        """Summarise waiting times; None if there are none."""
        if not seconds:
            return None
        median, p95 = np.percentile(np.asarray(seconds) * 1000, [50, 95])
        return cls(float(median), float(p95))


@dataclass(frozen=True)
class Column:
    """One measured thing.

    Attributes:
        title: What the table calls it.
        figures: Clicks and IoUs.
        encode: Encoding a picture; None when it cannot be told from the first click.
        first_click: Encoding included.
        click: Later clicks, and first clicks on pictures that are encoded already.
        objects: Everything that was clicked, by picture and number.
    """

    title: str
    figures: ClickFigures
    encode: Timing | None
    first_click: Timing | None
    click: Timing | None
    objects: tuple[ClickedObject, ...]


def make_column(title: str, results: Sequence[PictureResult], max_clicks: int) -> Column:
    """Summarise the results of one model.

    Args:
        title: What the table calls it.
        results: At least one.
        max_clicks: The cap.
    """
    encode, first, later = [], [], []
    for result in results:
        seconds = [value for item in result.objects for value in item.trace.seconds]
        if result.encode_s is not None:
            encode.append(result.encode_s)
        first.append((result.encode_s or 0.0) + seconds[0])
        later += seconds[1:] if result.encode_s is None else seconds
    ordered = sorted(results, key=lambda result: result.number)
    objects = tuple(item for result in ordered for item in result.objects)
    figures = click_figures(objects, max_clicks)
    return Column(title, figures, Timing.of(encode), Timing.of(first), Timing.of(later), objects)


def table(columns: Sequence[Column], title: str) -> Table:
    """The figures side by side; intervals are 95 %, over groups of pictures."""
    result = Table("", *(column.title for column in columns), title=title)

    def add(name: str, cells: Sequence[str]) -> None:
        result.add_row(name, *cells)

    add("objects (pictures)", [f"{c.figures.n_objects} ({c.figures.n_pictures})" for c in columns])
    for threshold in THRESHOLDS:
        add(f"NoC@{threshold:.0%}".rstrip("%"), [_estimate(c.figures.noc[threshold]) for c in columns])
    for threshold in THRESHOLDS:
        add(f"failed@{threshold:.0%}".rstrip("%"), [f"{c.figures.failed[threshold]:.1%}" for c in columns])
    for n_clicks in range(1, min(_CURVE_CLICKS, len(columns[0].figures.iou_after)) + 1):
        add(f"IoU@{n_clicks}", [f"{c.figures.iou_after[n_clicks - 1]:.3f}" for c in columns])
    add("encode, ms (p95)", [_timing(c.encode) for c in columns])
    add("first click, ms (p95)", [_timing(c.first_click) for c in columns])
    add("click, ms (p95)", [_timing(c.click) for c in columns])
    return result


def write_json(path: Path, columns: Sequence[Column], how: Mapping[str, Any]) -> None:
    """Write everything, one row per object included.

    Args:
        path: File to write.
        columns: What was found.
        how: What was measured, as JSON values.
    """
    content = {"machine": describe_machine(), **how, "models": [asdict(column) for column in columns]}
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def check_plots() -> None:
    """Make sure that curves can be drawn, before anything is measured.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    try:
        import matplotlib  # noqa: F401 # only asked for
    except ImportError:
        raise MissingExtraError("--plot", "plots") from None


def draw_curves(path: Path, columns: Sequence[Column], title: str) -> None:
    """Draw mean IoU and share of found objects by clicks.

    Args:
        path: PNG, SVG or PDF to write.
        columns: What was found.
        title: Of the picture.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    check_plots()
    from matplotlib.figure import Figure  # an extra, and slow to import

    figure = Figure(figsize=(9, 4), layout="constrained")
    iou_axes, found_axes = figure.subplots(1, 2)
    for column in columns:
        clicks = range(1, len(column.figures.iou_after) + 1)
        iou_axes.plot(clicks, column.figures.iou_after, marker=".", label=column.title)
        found_axes.plot(clicks, column.figures.found_after, marker=".", label=column.title)
    for axes, label in ((iou_axes, "mean IoU"), (found_axes, f"share at IoU ≥ {THRESHOLDS[-1]:.2f}")):
        axes.set(xlabel="clicks", ylabel=label, ylim=(0, 1))
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.3)
        axes.legend()
    figure.suptitle(title)
    figure.savefig(path, dpi=120)


def _estimate(value: Estimate) -> str:
    return f"{value.mean:.2f} ({value.low:.2f}–{value.high:.2f})"


def _timing(value: Timing | None) -> str:
    return "–" if value is None else f"{value.median:.1f} ({value.p95:.1f})"
