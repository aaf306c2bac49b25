"""Commands of `scripts` within the tests' own process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import typer
from typer.testing import CliRunner, Result


def invoke(
    main: Callable[..., Any], *arguments: str | Path, env: Mapping[str, str | None] | None = None
) -> Result:
    app = typer.Typer()
    app.command()(main)
    return CliRunner().invoke(app, [str(argument) for argument in arguments], env=env)
