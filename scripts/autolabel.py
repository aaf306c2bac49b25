"""Let the model label what people need not: predictions for all the rest, or annotations where it is sure.

Ctrl-C or a kill stops it; the same command goes on with it.
"""

from __future__ import annotations

from contextlib import closing
from typing import Annotated

import typer
from rich.console import Console

from backend.errors import SettingsError
from backend.labelstudio.annotated_tasks import AnnotatedTasks
from backend.labelstudio.label_config import LabelConfig
from backend.labelstudio.queue_settings import read_queue_settings
from backend.labelstudio.task_listing import TaskChoice
from backend.parts import needed_label_studio_api
from backend.services.automatic_labelling import AutomaticLabelling
from backend.services.project_models import KIND
from backend.settings import Settings
from backend.state.active_versions import ActiveVersions
from backend.state.database import open_database
from scripts.child_process import endings_interrupt
from scripts.options import errors_to_exit
from scripts.progress import counting_bar

_INTERRUPTED = 130
"""Exit status of a program that Ctrl-C ended."""


def main(
    project: Annotated[int, typer.Option(help="Label Studio's number of the project.")],
    as_annotations: Annotated[
        bool, typer.Option("--as-annotations", help="Make annotations of predictions that are sure enough.")
    ] = False,
    least_confidence: Annotated[
        float, typer.Option(min=0, max=1, help="Expected Dice coefficient from which one is sure enough.")
    ] = 0.9,
    undo: Annotated[
        bool, typer.Option("--undo", help="Delete the annotations it made that nobody has changed.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, and change nothing.")
    ] = False,
) -> None:
    """Write predictions for all tasks that need annotations, and only if asked annotations.

    Annotations belong to the user of the key, are no ground truth, took 0 s, and have a note at each region.
    Nothing is learned from them until a person changes or updates them. Tasks with a draft are left alone.
    """
    console = Console(soft_wrap=True, highlight=False)
    if undo and as_annotations:
        raise typer.BadParameter("--undo and --as-annotations exclude each other.")
    n_problems = 0
    try:
        with errors_to_exit(), endings_interrupt():
            settings = Settings.from_environment()
            api = needed_label_studio_api(settings)
            config = LabelConfig.parse(AnnotatedTasks(api).label_config(project))
            labelling = AutomaticLabelling(api, project, config)
            if undo:
                _undo(console, labelling, dry_run=dry_run)
                return
            # Imported here: the SDK takes two seconds, --help and wrong arguments should not.
            from scripts.prelabel_round import RoundOptions, run_round

            version = _trained_version(settings, project) if as_annotations else None
            options = RoundOptions(TaskChoice(unfinished=True), None, delete_old=False, dry_run=dry_run)
            n_problems = run_round(console, settings, project, options)
            if version is not None:
                _annotate(console, settings, labelling, version, least_confidence, dry_run=dry_run)
    except KeyboardInterrupt:
        console.print("Stopped. The same command goes on; what was done is kept.")
        raise typer.Exit(_INTERRUPTED) from None
    if n_problems:
        raise typer.Exit(1)


def _trained_version(settings: Settings, project: int) -> str:
    version = ActiveVersions(open_database(settings.resolved_database_url)).active(project, KIND)
    if version is None:
        raise SettingsError(
            f"No version that was trained on the annotations of project {project} is in use, so nothing was "
            "measured about what pre-labels expect of themselves. Leave --as-annotations out."
        )
    return version


def _annotate(
    console: Console,
    settings: Settings,
    labelling: AutomaticLabelling,
    version: str,
    least_confidence: float,
    *,
    dry_run: bool,
) -> None:
    shown = read_queue_settings(needed_label_studio_api(settings), labelling.project_id).model_version
    if shown != version and dry_run:
        console.print(f"How many tasks are sure enough is known when {version} has predicted them.")
        return
    if shown != version:
        raise SettingsError(
            f"The trained version {version} cannot be used now, so project {labelling.project_id} shows "
            f"{shown}. No annotation was made of that: nothing was measured about what it expects of itself."
        )
    with console.status("Listing tasks"):
        choice = labelling.choose(version, least_confidence)
    console.print(
        f"Tasks: {len(choice.sure)} are sure enough, {choice.unsure} are not, {choice.drafted} have a draft, "
        f"{choice.unpredicted} have no prediction."
    )
    if dry_run:
        console.print(f"Annotations that would be made: {len(choice.sure)}")
        return
    n_made = 0
    with (
        counting_bar(console) as progress,
        closing(labelling.annotate(choice.sure, version)) as annotated,
    ):
        bar = progress.add_task("Annotating", total=len(choice.sure))
        for was_made in annotated:
            n_made += was_made
            progress.advance(bar)
    console.print(f"Annotations made: {n_made}; --undo deletes them.")


def _undo(console: Console, labelling: AutomaticLabelling, *, dry_run: bool) -> None:
    with console.status("Listing annotations"):
        made = labelling.made()
    if dry_run:
        console.print(f"Annotations that would be deleted: {len(made)}")
        return
    n_removed = 0
    with counting_bar(console) as progress, closing(labelling.remove(made)) as removed:
        bar = progress.add_task("Deleting", total=len(made))
        for was_removed in removed:
            n_removed += was_removed
            progress.advance(bar)
    console.print(f"Annotations deleted: {n_removed}")


if __name__ == "__main__":
    typer.run(main)
