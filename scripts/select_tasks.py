"""The most valuable tasks first: orders a project's tasks so that Label Studio asks them in that order.

Ctrl-C or a kill stops a round; the same command goes on with it.
"""

from __future__ import annotations

import re
import time
from typing import Annotated

import typer
from rich.console import Console

from backend.selection import SELECTORS
from backend.settings import Settings
from backend.state.queue_rounds import BUDGET
from models.errors import MaskloopError
from scripts.child_process import endings_interrupt
from scripts.options import errors_to_exit

_INTERRUPTED = 130
"""Exit status of a program that Ctrl-C ended."""
_DURATION = re.compile(r"([0-9]{1,6})([smh])")
_UNITS = {"s": 1, "m": 60, "h": 3600}


def parse_duration(text: str) -> int:
    """Read a duration such as 90s, 30m or 2h; the answer is in seconds.

    Raises:
        BadParameter: It is none.
    """
    match = _DURATION.fullmatch(text.strip())
    seconds = int(match[1]) * _UNITS[match[2]] if match else 0
    if not seconds:
        raise typer.BadParameter(f"{text!r} is no duration; give one such as 90s, 30m or 2h.")
    return seconds


def parse_selector(text: str | None) -> str | None:
    """Check the name of a selector.

    Raises:
        BadParameter: There is none of that name.
    """
    if text is not None and text not in SELECTORS.names:
        raise typer.BadParameter(f"{text!r} is none of {', '.join(SELECTORS.names)}.")
    return text


def main(
    project: Annotated[int, typer.Option(min=1, help="Label Studio's number of the project.")],
    selector: Annotated[
        str | None,
        typer.Option(
            callback=parse_selector,
            help=f"What decides: {', '.join(SELECTORS.names)}. The default is the project's, else "
            "MASKLOOP_SELECTOR.",
        ),
    ] = None,
    budget: Annotated[
        int,
        typer.Option(
            min=1, help="Tasks chosen together, so that they are not alike; the rest follow by their utility."
        ),
    ] = BUDGET,
    seed: Annotated[int, typer.Option(min=0, help="Of all chance.")] = 0,
    every: Annotated[
        str | None, typer.Option(help="Do it again and again, such as 30m, until Ctrl-C.", metavar="DURATION")
    ] = None,
    delete_old: Annotated[
        bool, typer.Option("--delete-old", help="Delete the predictions of earlier rounds in the end.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, and change nothing.")
    ] = False,
    restore: Annotated[
        bool, typer.Option("--restore", help="Put everything back as it was before the first round.")
    ] = False,
    explain: Annotated[
        int | None, typer.Option(min=1, help="Only say why this task stands where it does.", metavar="TASK")
    ] = None,
) -> None:
    """Look at all tasks that need annotations, order them, and let Label Studio ask them in that order.

    Each task's pre-label is imported once more, with the task's place as its score; then the project asks
    the lowest score first. A tab called "Queue" shows the same order. Pictures are looked at once by each
    version; doing it again when nothing has changed changes nothing. Tasks with a draft are left alone.
    """
    if sum((every is not None, dry_run, restore, explain is not None)) > 1:
        raise typer.BadParameter("--every, --dry-run, --restore and --explain do not go together.")
    pause_s = None if every is None else parse_duration(every)
    console = Console(soft_wrap=True, highlight=False)
    try:
        with errors_to_exit(), endings_interrupt() as end_if_wanted:
            settings = Settings.from_environment()
            # Imported here: the SDK takes two seconds, --help and wrong arguments should not.
            from scripts.select_round import RoundOptions, explain_task, put_back, run_round

            if explain is not None:
                explain_task(console, settings, project, explain)
                return
            if restore:
                put_back(console, settings, project, delete_old=delete_old)
                return
            options = RoundOptions(selector, budget, seed, delete_old=delete_old, dry_run=dry_run)
            n_problems = run_round(console, settings, project, options)
            while pause_s is not None:
                end_if_wanted()
                console.print(f"The next round begins in {every}. Ctrl-C ends this.")
                time.sleep(pause_s)
                try:
                    n_problems = run_round(console, settings, project, options)
                except MaskloopError as error:  # Label Studio may be back the next time
                    console.print(f"Error: {error}", markup=False)
    except KeyboardInterrupt:
        console.print("Stopped. The same command goes on; what was computed is kept.")
        raise typer.Exit(_INTERRUPTED) from None
    if n_problems:
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
