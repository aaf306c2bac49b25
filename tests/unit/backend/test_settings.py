import os
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from backend.errors import SettingsError
from backend.settings import Settings


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("MASKLOOP_")]:
        monkeypatch.delenv(name)


def test_defaults_work_without_any_variable() -> None:
    settings = Settings.from_environment()
    assert settings.host == "127.0.0.1"
    assert settings.resolved_database_url == f"sqlite:///{Path.home() / '.maskloop' / 'maskloop.sqlite3'}"


def test_values_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MASKLOOP_PORT", "9191")
    monkeypatch.setenv("MASKLOOP_ALLOWED_HOSTS", "a.example.com, *.b.example.com")
    monkeypatch.setenv("MASKLOOP_LABEL_STUDIO_URL", "http://ls.example.com/sub/")
    settings = Settings.from_environment()
    assert settings.port == 9191
    assert settings.allowed_hosts == ("a.example.com", "*.b.example.com")
    assert settings.label_studio_url == "http://ls.example.com/sub"


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("MASKLOOP_PROT", "9090", "MASKLOOP_PROT: no such setting"),
        ("MASKLOOP_PORT", "many", "MASKLOOP_PORT: "),
        ("MASKLOOP_PORT", "0", "MASKLOOP_PORT: "),
        ("MASKLOOP_LABEL_STUDIO_URL", "ls.example.com", "must begin with http"),
        ("MASKLOOP_BASIC_AUTH_USER", "me", "must be set together"),
        ("MASKLOOP_LOG_LEVEL", "LOUD", "MASKLOOP_LOG_LEVEL: "),
    ],
)
def test_a_wrong_variable_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, message: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=message):
        Settings.from_environment()


def test_secrets_are_never_shown() -> None:
    settings = Settings(
        basic_auth_user="me",
        basic_auth_password=SecretStr("hush-1"),
        label_studio_api_key=SecretStr("hush-2"),
    )
    assert "hush" not in repr(settings) + str(settings) + settings.model_dump_json()


def test_settings_are_frozen_and_every_field_is_described() -> None:
    settings = Settings()
    with pytest.raises(ValidationError, match="frozen"):
        settings.port = 1
    assert all(field.description for field in Settings.model_fields.values())
