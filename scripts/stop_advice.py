"""Whether more annotations of a project are worth it, with the figures that say so."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console

from backend.labelstudio.annotated_tasks import AnnotatedTasks
from backend.labelstudio.label_config import LabelConfig
from backend.labelstudio.payloads import Task
from backend.labelstudio.rest import LabelStudioApi
from backend.labelstudio.task_listing import TaskChoice, chosen_tasks
from backend.observability import Metrics
from backend.parts import image_loader, needed_label_studio_api
from backend.services.learning_curve import LearningCurve, fitted_curve
from backend.services.measured_effort import measured_effort
from backend.services.prediction_change import PredictionChange, fixed_sample
from backend.services.project_models import KIND
from backend.services.stop_advice import (
    Advice,
    Thresholds,
    advise,
    little_doubt,
    plateau,
    stable_predictions,
    worthwhile,
)
from backend.services.stop_evidence import JudgedVersion, judged_versions
from backend.settings import Settings
from backend.state.active_versions import ActiveVersions
from backend.state.click_log import ClickLog
from backend.state.database import open_database
from backend.state.model_store import ModelStore, VersionInfo
from backend.state.task_figures import TaskFigures
from models.prelabel.unet import UNet
from scripts.click_report import check_plots
from scripts.options import errors_to_exit, in_existing_folder
from scripts.progress import counting_bar

_FOLDER = "stop-advice"
_DEFAULT = Thresholds()


def main(
    project: Annotated[int, typer.Option(help="Label Studio's number of the project.")],
    rounds: Annotated[
        int, typer.Option(min=2, help="Latest versions that count for gains and changes.")
    ] = _DEFAULT.rounds,
    least_gain: Annotated[
        float, typer.Option(min=0, help="A version that gains less has gained nothing.")
    ] = _DEFAULT.gain,
    most_change: Annotated[
        float, typer.Option(min=0, max=1, help="1 - Dice between versions that say the same.")
    ] = _DEFAULT.change,
    most_error: Annotated[
        float, typer.Option(min=0, max=1, help="Expected 1 - Dice of the rest that is good enough.")
    ] = _DEFAULT.expected_error,
    gain_per_hour: Annotated[
        float, typer.Option(min=0, help="What an hour of annotation should bring.")
    ] = _DEFAULT.gain_per_hour,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    plot: Annotated[
        Path | None, typer.Option(help="Draw the curve into this file.", callback=in_existing_folder)
    ] = None,
) -> None:
    """Advise to stop or to continue: four criteria and their majority, with one sentence each.

    What versions say about a fixed sample of unannotated tasks is computed the first time and kept. Where too
    little is known to decide, the advice says what is missing.
    """
    console = Console(soft_wrap=True, highlight=False, stderr=as_json)
    thresholds = Thresholds(rounds, least_gain, most_change, most_error, gain_per_hour)
    with errors_to_exit():
        if plot is not None:
            check_plots()
        settings = Settings.from_environment()
        versions, curve, advice, n_remaining = _advice(console, settings, project, thresholds)
        if plot is not None:
            draw(plot, versions, curve, n_remaining, f"Project {project}: {advice.verdict}")
    if as_json:
        typer.echo(json.dumps(_json(versions, curve, advice), indent=1))
        return
    words = {"unknown": "Too little is known."}
    console.print(words.get(advice.verdict, advice.verdict.capitalize() + ".") + " " + advice.sentence)
    for criterion in advice.criteria:
        console.print(f"  {criterion.verdict:8} {criterion.name}: {criterion.sentence}", markup=False)


def _advice(
    console: Console, settings: Settings, project: int, thresholds: Thresholds
) -> tuple[list[JudgedVersion], LearningCurve | None, Advice, int]:
    api = needed_label_studio_api(settings)
    engine = open_database(settings.resolved_database_url)
    store = ModelStore(settings.versions_dir)
    versions = judged_versions(store.versions(project), KIND)
    with console.status("Reading the project"):
        remaining = list(chosen_tasks(api, project, TaskChoice(unfinished=True)))
        log = ClickLog(engine, keep_days=settings.click_log_days)
        effort = measured_effort(api, log, project)
        log.close()
    sample = fixed_sample(remaining)
    changes = _changes(console, settings, api, project, versions, sample, thresholds.rounds)
    curve = fitted_curve([version.point for version in versions if version.point is not None])
    active = ActiveVersions(engine).active(project, KIND)
    qualities = _qualities(TaskFigures(engine), project, active, remaining)
    gains = [version.gain for version in versions if version.gain is not None]
    criteria = (
        plateau(gains, thresholds),
        stable_predictions(changes, len(sample), thresholds),
        little_doubt(qualities, len(remaining), thresholds),
        worthwhile(
            curve,
            len(versions[-1].info.trained_on) if versions else 0,
            len(remaining),
            effort.assisted_minutes or effort.minutes,
            thresholds,
        ),
    )
    return versions, curve, advise(criteria), len(remaining)


def _changes(
    console: Console,
    settings: Settings,
    api: LabelStudioApi,
    project: int,
    versions: Sequence[JudgedVersion],
    sample: Sequence[Task],
    rounds: int,
) -> list[float]:
    """Mean change between consecutive versions that passed the gate, the last pairs of them."""
    passed = [version.info for version in versions if version.passed][-rounds - 1 :]
    if len(passed) < 2 or not sample:
        return []
    store = ModelStore(settings.versions_dir)

    def opened(info: VersionInfo) -> UNet:
        model = UNet(store.folder(info), info.name)
        model.load()
        return model

    compared = PredictionChange(
        LabelConfig.parse(AnnotatedTasks(api).label_config(project)),
        image_loader(settings, Metrics()),
        opened,
        settings.resolved_state_dir / _FOLDER / f"{project}.json",
    )
    means = []
    with counting_bar(console) as progress:
        bar = progress.add_task("Comparing versions", total=(len(passed) - 1) * len(sample))
        for older, newer in pairwise(passed):
            found = compared.between(older, newer, sample, lambda: progress.advance(bar))
            means += [float(np.mean(found))] if found else []
    return means


def _qualities(
    figures: TaskFigures, project: int, version: str | None, remaining: Sequence[Task]
) -> list[float]:
    """Expected Dice coefficients of the remaining tasks that the version has looked at."""
    if version is None:
        return []
    numbers = np.array(sorted(task.id for task in remaining if task.id is not None), dtype=np.int64)
    pages = figures.pages(project, version, numbers)
    return [look.figures.quality for page in pages for look in page if look.figures is not None]


def draw(
    path: Path,
    versions: Sequence[JudgedVersion],
    curve: LearningCurve | None,
    n_remaining: int,
    title: str,
) -> None:
    """Draw the scores of versions by what they learned from, the fitted curve, and where it leads.

    Args:
        path: File to write.
        versions: The oldest first.
        curve: Fitted to them, if it could be.
        n_remaining: Tasks that could still be annotated.
        title: Above the curve.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    check_plots()
    from matplotlib.figure import Figure  # an extra, and slow to import

    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.subplots()
    points = [version.point for version in versions if version.point is not None]
    axes.scatter([point.n_labels for point in points], [point.score for point in points], label="versions")
    if curve is not None and points:
        first, last = min(p.n_labels for p in points), max(p.n_labels for p in points)
        labels = np.linspace(first, last + n_remaining, 200)
        axes.plot(labels, [curve.score(n) for n in labels], label="fitted curve")
        axes.axhline(curve.ceiling, color="black", linestyle="--", linewidth=1, label="its ceiling")
        axes.axvline(last, color="grey", linestyle=":", label="today")
    axes.set(xlabel="annotated pictures learned from", ylabel="score on others", title=title, ylim=(0, 1))
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=120)


def _json(
    versions: Sequence[JudgedVersion], curve: LearningCurve | None, advice: Advice
) -> dict[str, object]:
    return asdict(advice) | {
        "curve": None if curve is None else asdict(curve),
        "versions": [
            {
                "name": version.info.name,
                "created_at": version.info.created_at.isoformat(),
                "passed": version.passed,
                "point": None if version.point is None else asdict(version.point),
                "gain": None if version.gain is None else asdict(version.gain),
            }
            for version in versions
        ],
    }


if __name__ == "__main__":
    typer.run(main)
