"""Write `constraints.txt`: the exact versions that installations of this project use.

Every supported Python resolves the project with its development tools; the answers are merged into one
file, with environment markers where a newest version no longer supports an older Python.

Torch's CUDA libraries are left out: it names their exact versions itself, and its CPU builds need none.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

ROOT = Path(__file__).resolve().parent.parent
HEADER = """\
# Exact versions for Python {pythons}. Do not edit by hand; regenerate (needs pip >= 25.1 in each Python) with
#   python -m scripts.pin_versions {commands}
"""
_OF_TORCH = ("cuda-", "nvidia-", "triton")

Pins = Mapping[str, str]


def merge(pins_of: Mapping[str, Pins]) -> list[str]:
    """One constraint line per package and version.

    Args:
        pins_of: For each Python ("3.10"), oldest first, the version of every package.

    Returns:
        Lines sorted by package; a marker names the Pythons only where versions differ between them.
    """
    pythons = list(pins_of)
    lines = []
    for package in sorted({package for pins in pins_of.values() for package in pins}):
        pythons_of: dict[str, list[str]] = {}
        for python in pythons:
            if package in pins_of[python]:
                pythons_of.setdefault(pins_of[python][package], []).append(python)
        for version, users in pythons_of.items():
            marker = "" if len(pythons_of) == 1 else f" ; {_marker(users, pythons)}"
            lines.append(f"{package}=={version}{marker}")
    return lines


def _marker(users: list[str], pythons: list[str]) -> str:
    """The shortest marker that holds for these Pythons and no others."""
    if users == pythons[: len(users)]:
        return f'python_version <= "{users[-1]}"'
    if users == pythons[-len(users) :]:
        return f'python_version >= "{users[0]}"'
    return " or ".join(f'python_version == "{python}"' for python in users)


def resolve(python: Path, held: Sequence[str] = ()) -> tuple[str, dict[str, str]]:
    """Ask one Python's pip what it would install for this project with its extras and development tools.

    Args:
        python: An interpreter with pip 25.1 or newer.
        held: Requirements that keep packages from their newest version, such as "torch==2.13.0".

    Returns:
        The Python's "major.minor", and the version of every package.

    Raises:
        subprocess.CalledProcessError: pip found no solution; its output is on the screen.
    """
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [str(python), "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed"]
        command += [
            "--report",
            str(report),
            f"{ROOT}[all]",
            "--group",
            f"{ROOT / 'pyproject.toml'}:dev",
            *held,
        ]
        subprocess.run(command, check=True)
        answer = json.loads(report.read_text())
    return answer["environment"]["python_version"], versions(answer)


def versions(report: Mapping[str, list[dict[str, dict[str, str]]]]) -> dict[str, str]:
    """Package versions of a pip installation report, without the project itself and torch's CUDA libraries.

    A build's own suffix ("2.13.0+cpu") is dropped: the pin then fits the CPU and the GPU builds.
    """
    packages = [item["metadata"] for item in report["install"]]
    found = {package["name"].lower().replace("_", "-"): package["version"] for package in packages}
    return {
        name: version.partition("+")[0]
        for name, version in found.items()
        if name != "maskloop" and not name.startswith(_OF_TORCH)
    }


def document(pins_of: Mapping[str, Pins], held: Sequence[str] = ()) -> str:
    """The whole file.

    Args:
        pins_of: As for `merge`.
        held: As for `resolve`.
    """
    commands = " ".join([f"python{python}" for python in pins_of] + [f"--hold {pin}" for pin in held])
    return HEADER.format(pythons=", ".join(pins_of), commands=commands) + "\n".join(merge(pins_of)) + "\n"


def _sorted(answers: Iterable[tuple[str, Pins]]) -> dict[str, Pins]:
    return dict(sorted(answers, key=lambda answer: tuple(map(int, answer[0].split(".")))))


def main(
    pythons: Annotated[list[Path], typer.Argument(help="One interpreter per supported Python version.")],
    hold: Annotated[
        list[str] | None, typer.Option(help="Requirement that keeps a package from its newest version.")
    ] = None,
    output: Annotated[Path, typer.Option(help="File to write.")] = ROOT / "constraints.txt",
) -> None:
    """Resolve the project in each Python and write the merged constraints."""
    console = Console()
    answers = []
    for python in pythons:
        with console.status(f"{python} resolves the dependencies"):
            answers.append(resolve(python, hold or []))
    output.write_text(document(_sorted(answers), hold or []))
    console.print(f"{output} written")


if __name__ == "__main__":
    typer.run(main)
