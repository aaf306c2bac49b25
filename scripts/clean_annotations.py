"""Cleaner masks of what was submitted, as predictions that people review beside the annotations.

Ctrl-C or a kill stops a round; the same command goes on with it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from models.chain_text import build_chain
from models.postprocess import POST_PROCESSORS
from scripts.child_process import endings_interrupt
from scripts.options import errors_to_exit, in_existing_folder

_INTERRUPTED = 130
"""Exit status of a program that Ctrl-C ended."""


def main(
    project: Annotated[int, typer.Option(help="Label Studio's number of the project.")],
    steps: Annotated[
        list[str] | None,
        typer.Option(
            help="Post-processors in order, as name or name:option=value; default those of the project."
        ),
    ] = None,
    least_change: Annotated[
        float, typer.Option(min=0, max=1, help="Leave alone what overlaps with its old self but for so much.")
    ] = 0.01,
    json_file: Annotated[
        Path | None,
        typer.Option("--json", callback=in_existing_folder, help="Write what changed here, by task."),
    ] = None,
    show: Annotated[
        bool, typer.Option("--show", help="Make the project show these predictions when a task is opened.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, and change nothing.")
    ] = False,
    clear: Annotated[
        bool, typer.Option("--clear", help="Delete the predictions of all such rounds instead.")
    ] = False,
) -> None:
    """Run post-processors over the masks of submitted annotations, for review.

    Annotations are never changed. Where a mask changed by more than --least-change, the task gets a
    prediction of a version called cleaned-1, cleaned-2, ..., with a note at each region that says what was
    done to it: a tab beside the annotation. Running it again looks only at annotations that changed since.
    """
    console = Console(soft_wrap=True, highlight=False)
    try:
        with errors_to_exit(), endings_interrupt():
            build_chain(POST_PROCESSORS, steps or ())
            # Imported here: the SDK takes two seconds, --help and wrong arguments should not.
            from backend.settings import Settings
            from scripts.clean_round import CleanOptions, run_clear, run_round

            settings = Settings.from_environment()
            if clear:
                run_clear(console, settings, project, dry_run=dry_run)
                return
            chain = None if steps is None else ",".join(steps)
            options = CleanOptions(chain, least_change, json_file, show=show, dry_run=dry_run)
            n_problems = run_round(console, settings, project, options)
    except KeyboardInterrupt:
        console.print("Stopped. The same command goes on; what was found is kept.")
        raise typer.Exit(_INTERRUPTED) from None
    if n_problems:
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
