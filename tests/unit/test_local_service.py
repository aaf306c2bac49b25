import os
import signal
from pathlib import Path

import pytest
from flask import Flask

from backend.app import create_app
from backend.settings import Settings
from scripts.errors import StartError
from scripts.local_service import local_service, private_settings


def test_a_private_service_shares_only_weights_with_the_real_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MASKLOOP_STATE_DIR", str(tmp_path / "real"))
    monkeypatch.setenv("MASKLOOP_DATABASE_URL", "postgresql://real/database")
    monkeypatch.setenv("MASKLOOP_LABEL_STUDIO_API_KEY", "0" * 40)
    monkeypatch.setenv("MASKLOOP_COMPUTE_SLOTS", "3")
    real = Settings.from_environment()

    private = private_settings(tmp_path, "graphcut")

    assert private.resolved_database_url == f"sqlite:///{tmp_path / 'state' / 'maskloop.sqlite3'}"
    assert private.label_studio_api_key is None
    assert private.local_files_root == tmp_path / "files"
    assert private.port != real.port
    assert private.compute_slots == 3
    assert private.model_options == real.model_options


def stubborn(settings: Settings) -> Flask:
    """Builds the service in a process that does not listen when it is asked to end."""
    os.kill(os.getppid(), signal.SIGSTOP)  # gunicorn's own process
    return create_app(settings)


def test_a_service_that_does_not_end_is_killed_with_all_its_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scripts.local_service._STOP_S", 0.5)

    with local_service(private_settings(tmp_path, "graphcut"), stubborn) as (client, _):
        assert client.send("GET", "/health")[0] == 200

    with pytest.raises(ConnectionError):
        client.send("GET", "/health")


def test_a_service_that_cannot_start_is_said_at_once(tmp_path: Path) -> None:
    settings = private_settings(tmp_path, "no such model")

    with pytest.raises(StartError, match="ended"), local_service(settings):
        pass
