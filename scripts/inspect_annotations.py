"""Which annotations to look at, where, and why: inspects a project and writes warnings to its tasks.

Ctrl-C or a kill stops it; the same command goes on with it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from backend.inspection import RULES
from backend.settings import Settings
from backend.state.inspections import ALL_RULES
from scripts.child_process import endings_interrupt
from scripts.options import errors_to_exit, in_existing_folder

_INTERRUPTED = 130
"""Exit status of a program that Ctrl-C ended."""
_DISMISSED = re.compile(r"([0-9]{1,18})(?::(.+))?")


def parse_rules(text: str | None) -> str | None:
    """Check names of rules with commas between them.

    Raises:
        BadParameter: There is none of that name.
    """
    for name in () if text is None else text.split(","):
        if name not in RULES.names:
            raise typer.BadParameter(f"{name!r} is none of {', '.join(RULES.names)}.")
    return text


def parse_dismissals(texts: list[str]) -> list[str]:
    """Check tasks, each with a rule after a colon or without one.

    Raises:
        BadParameter: One is neither.
    """
    for text in texts:
        match = _DISMISSED.fullmatch(text)
        if match is None:
            raise typer.BadParameter(
                f"{text!r} is no task such as 12, and no task and rule such as 12:holes."
            )
        parse_rules(match[2])
    return texts


def main(
    project: Annotated[int, typer.Option(min=1, help="Label Studio's number of the project.")],
    rules: Annotated[
        str | None,
        typer.Option(callback=parse_rules, help="Names of rules with commas between them; all by default."),
    ] = None,
    json_file: Annotated[
        Path | None,
        typer.Option("--json", callback=in_existing_folder, help="Write all that was found to this file."),
    ] = None,
    csv_file: Annotated[
        Path | None, typer.Option("--csv", callback=in_existing_folder, help="The same as a table.")
    ] = None,
    html_file: Annotated[
        Path | None,
        typer.Option(
            "--html", callback=in_existing_folder, help="Write a page to look through, the worst first."
        ),
    ] = None,
    most: Annotated[int, typer.Option(min=1, help="Tasks on that page.")] = 200,
    review: Annotated[
        bool,
        typer.Option(
            "--review", help="Also put the regions that are meant beside the annotations, as predictions."
        ),
    ] = False,
    dismiss: Annotated[
        list[str],
        typer.Option(
            callback=parse_dismissals,
            metavar="TASK[:RULE]",
            help="Accept this task as it is, or only what one rule says of it; may be repeated.",
        ),
    ] = [],  # noqa: B006 # typer copies it
    clear: Annotated[
        bool, typer.Option("--clear", help="Take all warnings away, and the tab; what was accepted stays so.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, and change nothing in Label Studio.")
    ] = False,
) -> None:
    """Inspect what people annotated, and write a warning to each doubtful task.

    What was inspected before and has not changed is not looked at again. Warnings are in the tasks' meta, in
    their data where the labelling config shows them, and in a tab called "Warnings", the worst first.
    Annotations are never touched. One that is marked as ground truth is beyond doubt.
    """
    if clear and dismiss:
        raise typer.BadParameter("--clear and --dismiss do not go together.")
    console = Console(soft_wrap=True, highlight=False)
    try:
        with errors_to_exit(), endings_interrupt():
            settings = Settings.from_environment()
            # Imported here: PyTorch takes seconds, --help and wrong arguments should not.
            from scripts.inspect_round import RoundOptions, accept, clear_warnings, run_round

            if clear:
                clear_warnings(console, settings, project, dry_run=dry_run)
                return
            if dismiss:
                accept(console, settings, project, [_dismissed(text) for text in dismiss])
                return
            judging = None if rules is None else tuple(rules.split(","))
            options = RoundOptions(judging, json_file, csv_file, html_file, most, review, dry_run)
            n_problems = run_round(console, settings, project, options)
    except KeyboardInterrupt:
        console.print("Stopped. The same command goes on; what was measured is kept.")
        raise typer.Exit(_INTERRUPTED) from None
    if n_problems:
        raise typer.Exit(1)


def _dismissed(text: str) -> tuple[int, str]:
    number, _, rule = text.partition(":")
    return int(number), rule or ALL_RULES


if __name__ == "__main__":
    typer.run(main)
