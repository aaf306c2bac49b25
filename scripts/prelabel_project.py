"""Pre-labels for all tasks of a project at once, so that nobody waits when a task is opened.

Ctrl-C or a kill stops a round; the same command goes on with it.
"""

from __future__ import annotations

import re
from typing import Annotated

import typer
from rich.console import Console

from backend.labelstudio.task_listing import TaskChoice
from backend.settings import Settings
from scripts.child_process import endings_interrupt
from scripts.options import errors_to_exit

_INTERRUPTED = 130
"""Exit status of a program that Ctrl-C ended."""
_NUMBERS = re.compile(r"([0-9]{1,18})(?:-([0-9]{1,18}))?")
_WIDEST_RANGE = 1_000_000


def main(
    project: Annotated[int, typer.Argument(help="Label Studio's number of the project.")],
    tasks: Annotated[str, typer.Option(help="unlabelled, all, or numbers such as 3,7,20-90.")] = "unlabelled",
    limit: Annotated[
        int | None, typer.Option(min=1, help="At most so many tasks, of those without these pre-labels.")
    ] = None,
    delete_old: Annotated[
        bool, typer.Option("--delete-old", help="Delete older pre-labels once every open task has new ones.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, and change nothing.")
    ] = False,
) -> None:
    """Pre-label tasks, import all pre-labels together, and show them to annotators.

    The address and key of Label Studio, and everything that decides about pre-labels, are the service's:
    MASKLOOP_LABEL_STUDIO_URL, MASKLOOP_LABEL_STUDIO_API_KEY and the other settings. Tasks that have
    pre-labels of the version in use are left out, so running it again only adds what is missing. Tasks that
    fail are listed at the end, and tried again the next time.
    """
    console = Console(soft_wrap=True, highlight=False)
    choice = parse_tasks(tasks)
    try:
        with errors_to_exit(), endings_interrupt():
            settings = Settings.from_environment()
            # Imported here: the SDK takes two seconds, --help and wrong arguments should not.
            from scripts.prelabel_round import RoundOptions, run_round

            options = RoundOptions(choice, limit, delete_old=delete_old, dry_run=dry_run)
            n_problems = run_round(console, settings, project, options)
    except KeyboardInterrupt:
        console.print("Stopped. The same command goes on; what was computed is kept.")
        raise typer.Exit(_INTERRUPTED) from None
    if n_problems:
        raise typer.Exit(1)


def parse_tasks(text: str) -> TaskChoice:
    """Read the option that chooses tasks.

    Raises:
        BadParameter: It is neither a word that is known nor a list of numbers.
    """
    if text in ("unlabelled", "all"):
        return TaskChoice(unfinished=text == "unlabelled")
    numbers: set[int] = set()
    for part in text.split(","):
        match = _NUMBERS.fullmatch(part.strip())
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if not 0 <= last - first < _WIDEST_RANGE:
            raise typer.BadParameter(f"--tasks {part!r}: give unlabelled, all, or numbers such as 3,7,20-90.")
        numbers.update(range(first, last + 1))
    return TaskChoice(numbers=frozenset(numbers))


if __name__ == "__main__":
    typer.run(main)
