"""The service in a process of its own, started and stopped by a command that measures it."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.process import BaseProcess
from pathlib import Path

from flask import Flask

from backend.app import create_app
from backend.settings import Settings
from scripts.child_process import endings_deferred, free_port
from scripts.serve import Server
from scripts.service_client import ServiceClient

_START_S = 120.0  # models of some hundred megabytes are loaded
_STOP_S = 15.0


def private_settings(folder: Path, model: str) -> Settings:
    """Settings of a service that nobody else uses: on a free port, its state and its pictures in one folder.

    Args:
        folder: Exists; pictures belong into its sub-folder `files`, which is made.
        model: The interactive model.

    Returns:
        The environment's settings but for these.

    Raises:
        SettingsError: The environment has a wrong setting.
    """
    files = folder / "files"
    files.mkdir()
    settings = Settings.from_environment()
    return settings.model_copy(
        update={
            "host": "127.0.0.1",
            "port": free_port(),
            "state_dir": folder / "state",
            "database_url": None,
            "basic_auth_user": None,
            "basic_auth_password": None,
            "label_studio_url": "http://127.0.0.1:9",  # nothing listens there: pictures come from the folder
            "label_studio_api_key": None,
            "local_files_root": files,
            "interactive_model": model,
            "sam_checkpoint": str(
                settings.model_options["sam"]["checkpoint"]
            ),  # lies in the real state folder
            "worker": False,  # a training would be measured as well
            "log_level": "WARNING",
        }
    )


@contextmanager
def local_service(
    settings: Settings, build: Callable[[Settings], Flask] = create_app
) -> Iterator[tuple[ServiceClient, int]]:
    """Run the service for the length of a block.

    Args:
        settings: Its settings; the port must be free.
        build: Makes the application, inside the process; a function of a module.

    Returns:
        A client, and the number of the process; what really serves is a child of it.

    Raises:
        StartError: It did not become ready.
    """
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(settings, build))
    try:
        with endings_deferred():
            process.start()
        client = ServiceClient(f"http://{settings.host}:{settings.port}")
        client.wait_until_ready(_START_S, process.is_alive)
        yield client, process.pid or 0
    finally:
        _stop(process)


def _stop(process: BaseProcess) -> None:
    if process.pid is not None:
        process.terminate()
        process.join(_STOP_S)
        with suppress(ProcessLookupError):  # a worker that is still there has the group that _serve made
            os.killpg(process.pid, signal.SIGKILL)
        process.join()


def _serve(settings: Settings, build: Callable[[Settings], Flask]) -> None:
    os.setsid()  # a Ctrl-C in the terminal is for the command, which may still want answers
    Server(settings, build).run()
