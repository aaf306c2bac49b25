"""The progress bar of commands that go through a known number of things, and what they say of failures."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.progress import Task as Bar
from rich.text import Text

_PROBLEMS_SHOWN = 50


def counting_bar(console: Console, *more: ProgressColumn) -> Progress:
    """A bar that counts, tells the time that is left, and leaves nothing behind.

    Args:
        console: Where it is drawn; nothing is drawn where that is no terminal.
        more: Columns between the count and the time.
    """
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        *more,
        TimeRemainingColumn(),
        console=console,
        transient=True,
    )


def list_problems(
    console: Console, problems: Mapping[int, str], what: str = "Tasks without pre-labels"
) -> None:
    """Say why tasks failed, the first of them.

    Args:
        console: Told.
        problems: Why, by the number of the task.
        what: What they are called.
    """
    if not problems:
        return
    console.print(f"{what}: {len(problems)}")
    for number, problem in sorted(problems.items())[:_PROBLEMS_SHOWN]:
        console.print(f"  Task {number}: {problem}", markup=False)
    if len(problems) > _PROBLEMS_SHOWN:
        console.print(f"  and {len(problems) - _PROBLEMS_SHOWN} more.")


class SpeedColumn(ProgressColumn):
    """Tasks per second."""

    def render(self, task: Bar) -> Text:
        """The mean over the last half minute."""
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:.1f} tasks/s")
