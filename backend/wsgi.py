"""The WSGI entry: `gunicorn "backend.wsgi:application()"`."""

from flask import Flask

from backend.app import create_app, warm_up
from backend.observability import configure_logging
from backend.settings import Settings


def application() -> Flask:
    """Build the application from the environment and start loading its models.

    Raises:
        SettingsError: A variable is wrong; the message names it.
    """
    settings = Settings.from_environment()
    configure_logging(settings.log_level, as_json=settings.log_json)
    app = create_app(settings)
    warm_up(app)
    return app
