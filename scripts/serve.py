"""Serve Label Studio: gunicorn, one process with threads, so that one copy of each model is loaded."""

from __future__ import annotations

import ipaddress
import socket
import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer
from flask import Flask
from gunicorn.app.base import BaseApplication

from backend.app import create_app
from backend.errors import SettingsError
from backend.settings import Settings
from backend.wsgi import application
from scripts.options import errors_to_exit
from scripts.worker_process import WorkerProcess


class Server(BaseApplication):
    """gunicorn around an application that is built inside the worker, after the fork."""

    def __init__(self, settings: Settings, build: Callable[[Settings], Flask] = create_app) -> None:
        self._settings = settings
        self._build = build
        self._worker = WorkerProcess()
        super().__init__()

    def load_config(self) -> None:
        """Hand our settings to gunicorn."""
        values: dict[str, Any] = {
            "bind": _bind_address(self._settings),
            "workers": 1,
            "worker_class": "gthread",
            "threads": self._settings.threads,
            "timeout": 120,  # Label Studio gives up on /predict after 100 s
            "graceful_timeout": 30,  # what was handed over is written before the end, however busy the disk
            "keepalive": 30,
            "control_socket_disable": True,  # a file in the home folder that two servers would share
            "loglevel": self._settings.log_level.lower(),
            "worker_tmp_dir": "/dev/shm" if sys.platform == "linux" else None,  # heartbeat without disk
        }
        for key, value in values.items():
            self.cfg.set(key, value)

    def load(self) -> Flask:  # type: ignore[override] # the stubs' WSGI type is narrower than PEP 3333
        """Build the application, and start the process that trains beside it."""
        app = application(self._settings, self._build)
        if self._settings.worker:
            self._worker.start()
        return app


def _bind_address(settings: Settings) -> str:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"{host}:{settings.port}"


def _check_port(settings: Settings) -> None:
    """Gunicorn retries a taken port for seconds and then ends without saying what to do."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            raise SettingsError(
                f"Cannot listen on {_bind_address(settings)}: {error.strerror}. "
                "Choose another with --host/--port or MASKLOOP_HOST/MASKLOOP_PORT."
            ) from None


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def main(
    host: Annotated[str | None, typer.Option(help="Address to listen on; default MASKLOOP_HOST.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; default MASKLOOP_PORT.")] = None,
) -> None:
    """Serve Label Studio's ML-backend protocol until interrupted.

    Everything else is set by MASKLOOP_* variables; `python -m scripts.show_settings` lists them.
    """
    with errors_to_exit():
        settings = Settings.from_environment()
        given = {key: value for key, value in (("host", host), ("port", port)) if value is not None}
        settings = settings.model_copy(update=given)
        _check_port(settings)
        create_app(
            settings
        )  # wrong settings end here with a message, not in a worker that dies and is reborn
    if settings.basic_auth_user is None and not _is_loopback(settings.host):
        print(
            f"Warning: anybody who reaches {_bind_address(settings)} can use this service. "
            "Set MASKLOOP_BASIC_AUTH_USER and MASKLOOP_BASIC_AUTH_PASSWORD.",
            file=sys.stderr,
        )
    Server(settings).run()


if __name__ == "__main__":
    typer.run(main)
