"""Annotations as masks on the grid of the originals: one PNG per picture, and what its numbers mean."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import cv2
import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console

from backend.labelstudio.annotated_tasks import AnnotatedTasks
from backend.labelstudio.label_config import LabelConfig
from backend.labelstudio.submissions import AnnotatedTask, annotated_task
from backend.settings import Settings
from models.errors import MaskloopError
from models.training.atomic_files import write_atomically
from scripts.child_process import endings_interrupt
from scripts.errors import PrepareError
from scripts.options import errors_to_exit
from scripts.preparing.masks import MaskMaker
from scripts.preparing.round import make_folder
from scripts.progress import counting_bar

LEGEND = "legend.json"
_INTERRUPTED = 130
"""Exit status of a program that Ctrl-C ended."""
_PROBLEMS_SHOWN = 50
_EIGHT_BIT = 255


def main(
    target: Annotated[Path, typer.Argument(file_okay=False, help="Folder for the masks.")],
    project: Annotated[int | None, typer.Option(help="Label Studio's number of the project.")] = None,
    export: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="Or a JSON export of it,")
    ] = None,
    config: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="with its labelling config.")
    ] = None,
    objects: Annotated[
        bool, typer.Option("--objects", help="A number for each object, not for each label.")
    ] = False,
) -> None:
    """Write a mask for each annotated picture, with the size and orientation of its original.

    A mask is called like the original, with the page, slice or frame; tasks that prepare_images did not make
    are called by their numbers, and their masks lie on the picture as it is shown. 0 is nothing; legend.json
    says what the other numbers mean. Of several annotations the ground truth counts, else the newest. With
    --project, MASKLOOP_LABEL_STUDIO_URL and MASKLOOP_LABEL_STUDIO_API_KEY say where it is.
    """
    console = Console(soft_wrap=True, highlight=False)
    try:
        with errors_to_exit(), endings_interrupt():
            if project is not None and export is None and config is None:
                annotated = _of_project(project)
            elif project is None and export is not None and config is not None:
                annotated = _of_export(export, config)
            else:
                raise typer.BadParameter("Give --project, or --export together with --config.")
            n_problems = _run(console, target, annotated, objects=objects)
    except KeyboardInterrupt:
        console.print("Stopped. The same command writes all masks again.")
        raise typer.Exit(_INTERRUPTED) from None
    if n_problems:
        raise typer.Exit(1)


@dataclass(frozen=True)
class _Annotated:
    """The annotated tasks of a project; `count` is None if nobody knows how many there are."""

    config: LabelConfig
    tasks: Iterable[AnnotatedTask]
    count: int | None


def _of_project(project: int) -> _Annotated:
    # Imported here: it brings torch, which takes seconds.
    from backend.parts import needed_label_studio_api

    reader = AnnotatedTasks(needed_label_studio_api(Settings.from_environment()))
    return _Annotated(LabelConfig.parse(reader.label_config(project)), reader.tasks(project), None)


def _of_export(export: Path, config: Path) -> _Annotated:
    tasks = _exported(export)
    return _Annotated(LabelConfig.parse(config.read_text(encoding="utf-8")), tasks, len(tasks))


def _exported(path: Path) -> list[AnnotatedTask]:
    """The tasks of an export.

    Raises:
        PrepareError: It is something else.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(content, list):
            raise TypeError("no list of tasks")
        return [annotated_task(int(task["id"]), task, task["annotations"]) for task in content]
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise PrepareError(f"{path} is no export in Label Studio's format JSON ({error!r:.100}).") from error


def _run(console: Console, target: Path, annotated: _Annotated, *, objects: bool) -> int:
    maker = MaskMaker(annotated.config, objects=objects)
    make_folder(target)
    problems: list[str] = []
    legends: dict[str, dict[int, str]] = {}
    with counting_bar(console) as bar:
        line = bar.add_task("Writing masks", total=annotated.count)
        for task in annotated.tasks:
            try:
                for mask in maker.masks(task):
                    if mask.name in legends:
                        raise PrepareError(f"There is a mask called {mask.name} already, of another task.")
                    _write(target / f"{mask.name}.png", mask.numbers)
                    legends[mask.name] = dict(mask.labels)
            except MaskloopError as error:
                problems.append(f"Task {task.id}: {error}")
            bar.advance(line)
    write_atomically(target / LEGEND, json.dumps(_legend(maker, legends, objects), indent=1).encode())
    console.print(f"{len(legends)} masks; what their numbers mean: {target / LEGEND}", markup=False)
    for problem in problems[:_PROBLEMS_SHOWN]:
        console.print(problem, markup=False)
    if len(problems) > _PROBLEMS_SHOWN:
        console.print(f"and {len(problems) - _PROBLEMS_SHOWN} more")
    return len(problems)


def _legend(maker: MaskMaker, legends: dict[str, dict[int, str]], objects: bool) -> dict[str, Any]:
    if objects:
        return {"numbers": "objects", "masks": legends}
    return {"numbers": "labels", "labels": {number: label for label, number in maker.classes.items()}}


def _write(path: Path, numbers: NDArray[np.uint16]) -> None:
    """A PNG of 8 bit where that is enough, else of 16."""
    values = numbers.astype(np.uint8) if numbers.max() <= _EIGHT_BIT else numbers
    make_folder(path.parent)
    write_atomically(path, cv2.imencode(".png", values)[1].tobytes())


if __name__ == "__main__":
    typer.run(main)
