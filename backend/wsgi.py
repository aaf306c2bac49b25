"""The WSGI entry: `gunicorn "backend.wsgi:application()"`."""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask

from backend.allocator import limit_arenas
from backend.app import create_app, warm_up
from backend.observability import configure_logging
from backend.settings import Settings


def application(settings: Settings | None = None, build: Callable[[Settings], Flask] = create_app) -> Flask:
    """Build the application in the process that serves it and start loading its models.

    Args:
        settings: Read from the environment by default.
        build: Makes the application.

    Raises:
        SettingsError: A variable is wrong; the message names it.
    """
    settings = settings or Settings.from_environment()
    limit_arenas()
    configure_logging(settings.log_level, as_json=settings.log_json)
    app = build(settings)
    warm_up(app)
    return app
