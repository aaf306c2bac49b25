"""Every command line says what it does, and ends with a message instead of a traceback."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = sorted(
    path.stem
    for path in (ROOT / "scripts").glob("*.py")
    if 'if __name__ == "__main__"' in path.read_text(encoding="utf-8")
)


def run(name: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {key: value for key, value in os.environ.items() if not key.startswith("MASKLOOP_")}
    return subprocess.run(
        [sys.executable, "-m", f"scripts.{name}", *arguments],
        cwd=ROOT,
        env=clean | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("name", COMMANDS)
def test_help_says_what_the_command_does(name: str) -> None:
    result = run(name, "--help")
    assert result.returncode == 0, result.stderr
    assert "Usage" in result.stdout
    assert len(result.stdout.split()) > 20


def test_the_settings_are_shown_without_secrets() -> None:
    result = run(
        "show_settings",
        MASKLOOP_PORT="9191",
        MASKLOOP_BASIC_AUTH_USER="me",
        MASKLOOP_BASIC_AUTH_PASSWORD="hush-hush",
        COLUMNS="200",
    )
    assert "9191" in result.stdout
    assert "hush" not in result.stdout + result.stderr


@pytest.mark.parametrize("name", ["serve", "show_settings"])
def test_a_misspelt_setting_stops_a_command_with_its_name(name: str) -> None:
    result = run(name, MASKLOOP_PROT="9090")
    assert result.returncode == 1
    assert "MASKLOOP_PROT: no such setting" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_taken_port_is_said_at_once(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = run("serve", "--port", str(taken.getsockname()[1]), MASKLOOP_STATE_DIR=str(tmp_path))
    assert result.returncode == 1
    assert "Choose another with --host/--port" in result.stderr


def test_an_unknown_component_is_said_at_start_not_by_a_dying_worker(tmp_path: Path) -> None:
    result = run("serve", MASKLOOP_INTERACTIVE_MODEL="sma", MASKLOOP_STATE_DIR=str(tmp_path))
    assert result.returncode == 1
    assert "no interactive model called 'sma'" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "MASKLOOP_LABEL_STUDIO_URL"),
        (("--extra-params", "{"), "--extra-params is not JSON"),
        (("--extra-params", "[]"), "--extra-params must be a JSON object"),
        (
            ("--label-studio-url", "http://127.0.0.1:9", "--api-key", "0" * 40),
            "127.0.0.1:9 cannot be reached",
        ),
    ],
)
def test_connecting_without_what_it_needs_says_what_to_give(arguments: tuple[str, ...], message: str) -> None:
    given = {"MASKLOOP_LABEL_STUDIO_URL": "http://127.0.0.1:9", "MASKLOOP_LABEL_STUDIO_API_KEY": "0" * 40}
    result = run("connect", "--project", "1", *arguments, **(given if "--extra-params" in arguments else {}))
    assert result.returncode == 1
    assert message in result.stderr
    assert "Traceback" not in result.stderr
