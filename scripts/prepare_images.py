"""Folders of TIFF, DICOM, NIfTI, deep PNG and videos as pictures that Label Studio can show, with tasks.

Ctrl-C or a kill stops it; the same command goes on. What is done, from unchanged files, is not done again.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import cv2
import typer
from rich.console import Console
from rich.progress import TextColumn

from backend.settings import Settings
from models.errors import MaskloopError
from models.preprocess import PRE_PROCESSORS
from models.training.atomic_files import write_atomically
from scripts.child_process import endings_interrupt
from scripts.machine import usable_cores
from scripts.options import errors_to_exit
from scripts.preparing.contact_sheet import chosen, contact_sheet
from scripts.preparing.places import LOCAL_FILES, Addresses
from scripts.preparing.record import Record
from scripts.preparing.round import (
    RECORD,
    SHEET,
    TASKS,
    Found,
    PrepareOptions,
    Preparing,
    find,
    kinds,
    make_folder,
    write_tasks,
)
from scripts.preparing.steps import Recipe
from scripts.progress import counting_bar
from scripts.source_files.base import SourceOptions

_INTERRUPTED = 130
"""Exit status of a program that Ctrl-C ended."""
_MOST_WORKERS = 4
_NAMES_SHOWN = 5
_TEMPLATE = "scripts/templates/side-by-side.xml"


def main(
    source: Annotated[
        Path, typer.Argument(exists=True, file_okay=False, help="Folder of the originals, with all in it.")
    ],
    target: Annotated[
        Path,
        typer.Argument(file_okay=False, help="Folder for the pictures, tasks.json and the contact sheet."),
    ],
    steps: Annotated[
        list[str] | None,
        typer.Option(
            help="Steps in order, as name or name:option=value; may be repeated. Without it, what suits each "
            f"picture. Names: {', '.join(PRE_PROCESSORS.names)}.",
        ),
    ] = None,
    side_by_side: Annotated[
        bool,
        typer.Option("--side-by-side", help=f"Show the plain picture beside it ({_TEMPLATE}); steps: clahe."),
    ] = False,
    jpeg: Annotated[
        bool, typer.Option("--jpeg", help="Write JPEG, which is smaller and not exact, instead of PNG.")
    ] = False,
    every: Annotated[int, typer.Option(min=1, help="Of videos, every so many frames one.")] = 1,
    axis: Annotated[int, typer.Option(min=0, max=2, help="Of volumes, the axis along which to slice.")] = 2,
    url_prefix: Annotated[
        str | None,
        typer.Option(help="What addresses of the pictures begin with; default Label Studio's local files."),
    ] = None,
    original_prefix: Annotated[str | None, typer.Option(help="The same for the originals.")] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help=f"Files at the same time; default up to {_MOST_WORKERS}.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, and write nothing.")
    ] = False,
) -> None:
    """Make pictures that Label Studio can show, and a file of tasks to import.

    The pictures have the size of their originals, so masks drawn on them fit these; export_masks writes
    such masks. Files that cannot be read are listed at the end, and tried again the next time. Settings:
    MASKLOOP_LOCAL_FILES_ROOT is Label Studio's LOCAL_FILES_DOCUMENT_ROOT (default: the folder above the
    target), MASKLOOP_MAX_IMAGE_PIXELS bounds pictures.
    """
    console = Console(soft_wrap=True, highlight=False)
    try:
        with errors_to_exit(), endings_interrupt():
            settings = Settings.from_environment()
            root = (settings.local_files_root or target.resolve().parent).resolve()
            options = PrepareOptions(
                Addresses(source.resolve(), target, root, url_prefix, original_prefix),
                Recipe(None if steps is None else ",".join(steps), side_by_side),
                SourceOptions(settings.max_image_pixels, axis, every),
                jpeg,
                workers or min(_MOST_WORKERS, usable_cores()),
            )
            n_problems = _run(console, options, dry_run=dry_run)
    except KeyboardInterrupt:
        console.print("Stopped. The same command goes on; what is written is kept.")
        raise typer.Exit(_INTERRUPTED) from None
    if n_problems:
        raise typer.Exit(1)


def _run(console: Console, options: PrepareOptions, *, dry_run: bool) -> int:
    """Do what is wanted; returns how many files could not be prepared."""
    _keep_libraries_quiet()
    options.recipe.check()
    options.addresses.check()
    target = options.addresses.target
    with console.status("Listing files"):
        found = find(options)
    of_kinds = ", ".join(f"{count} {kind}" for kind, count in kinds(found.sources).most_common())
    console.print(f"Files with pictures: {of_kinds or 'none'}; {found.n_others} others.", markup=False)
    if not dry_run:
        make_folder(target)
    with Record(target / RECORD, looking=dry_run) as record:
        preparing = Preparing(options, record)
        problems = dict(found.problems)
        problems |= _foretell(console, preparing, found) if dry_run else _prepare(console, preparing, found)
        if not dry_run:
            _finish(console, options, preparing, found)
    _list_problems(console, problems)
    return len(problems)


def _keep_libraries_quiet() -> None:
    """What is wrong with a file is told once, at the end; OpenCV's threads would be one too many."""
    warnings.simplefilter("ignore")
    for name in ("pydicom", "nibabel", "tifffile"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    cv2.setLogLevel(0)
    cv2.setNumThreads(1)


def _foretell(console: Console, preparing: Preparing, found: Found) -> dict[str, str]:
    problems = {}
    n_done = n_pictures = 0
    with counting_bar(console) as bar:
        line = bar.add_task("Looking into files", total=len(found.sources))
        for source in found.sources:
            try:
                n_done += preparing.is_done(source)
                n_pictures += preparing.count(source)
            except MaskloopError as error:
                problems[source.name] = str(error)
            bar.advance(line)
    console.print(f"Pictures: {n_pictures}. Files that are done: {n_done} of {len(found.sources)}.")
    return problems


def _prepare(console: Console, preparing: Preparing, found: Found) -> dict[str, str]:
    waiting = [source for source in found.sources if not preparing.is_done(source)]
    console.print(f"Done already: {len(found.sources) - len(waiting)} of {len(found.sources)} files.")
    problems = {}
    written = 0
    with counting_bar(console, TextColumn("files, {task.fields[pictures]} pictures")) as bar:
        line = bar.add_task("Preparing", total=len(waiting), pictures=0)

        def count_picture() -> None:
            nonlocal written
            written += 1
            bar.update(line, pictures=written)

        for source, problem in preparing.prepare(waiting, count_picture):
            if problem:
                problems[source.name] = problem
            bar.advance(line)
    return problems


def _finish(console: Console, options: PrepareOptions, preparing: Preparing, found: Found) -> None:
    """Write the tasks and the contact sheet, and say what to do with them."""
    target = options.addresses.target
    pictures = preparing.tasks(found.sources)
    write_tasks(target / TASKS, pictures)
    console.print(f"{len(pictures)} tasks: {target / TASKS}", markup=False)
    if not pictures:
        return
    with console.status("Drawing the contact sheet"):
        cells = [pictures[number] for number in chosen(len(pictures))]
        sheet = contact_sheet(
            [(str(each["files"][0]), [target / file for file in each["files"]]) for each in cells]
        )
        write_atomically(target / SHEET, cv2.imencode(".jpg", sheet)[1].tobytes())
    console.print(f"Contact sheet: {target / SHEET}", markup=False)
    if options.addresses.shown("").startswith(LOCAL_FILES):
        console.print(
            f"Label Studio serves the pictures if its LOCAL_FILES_DOCUMENT_ROOT is {options.addresses.root}, "
            "LOCAL_FILES_SERVING_ENABLED is true, and the project has a local storage for "
            f"{target.resolve()}.",
            markup=False,
        )


def _list_problems(console: Console, problems: Mapping[str, str]) -> None:
    """Say what is wrong, each thing once with the first files."""
    if problems:
        console.print(f"Files that could not be prepared: {len(problems)}")
    for problem in dict.fromkeys(problems.values()):
        names = [name for name, said in problems.items() if said == problem]
        more = f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else ""
        console.print(f"{', '.join(names[:_NAMES_SHOWN])}{more}: {problem}", markup=False)


if __name__ == "__main__":
    typer.run(main)
