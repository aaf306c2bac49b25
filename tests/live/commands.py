"""Commands as people run them beside Label Studio and the service."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from scripts.child_process import clean_environment
from scripts.label_studio_server import API_KEY
from tests.live.conftest import ROOT


def run_command(name: str, *arguments: str | Path, exit_code: int = 0, **settings: str | Path) -> str:
    """Run a command of `scripts` in a process of its own, with the key of the live Label Studio.

    Args:
        name: Of the module, such as "select_tasks".
        arguments: Its arguments.
        exit_code: With which it must end.
        settings: The service's settings by their names in capitals, without prefix.

    Returns:
        What it printed.
    """
    environment = {f"MASKLOOP_{key}": str(value) for key, value in settings.items()}
    done = subprocess.run(
        [sys.executable, "-m", f"scripts.{name}", *map(str, arguments)],
        cwd=ROOT,
        env=clean_environment("MASKLOOP_") | {"MASKLOOP_LABEL_STUDIO_API_KEY": API_KEY} | environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == exit_code, done.stdout + done.stderr
    return done.stdout
