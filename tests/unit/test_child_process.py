"""Starting and stopping servers, with small real processes."""

import os
import signal
import sys
from pathlib import Path

import httpx
import pytest

from scripts.child_process import (
    ENDINGS,
    ChildProcess,
    clean_environment,
    endings_deferred,
    endings_interrupt,
    free_port,
)
from scripts.errors import StartError
from tests.fakes.processes import eventually, lives

# Serves the empty folder it runs in, and starts a process of its own that ignores SIGTERM.
STUBBORN = """
import subprocess, sys, pathlib
sleeper = "import signal as s, time; s.signal(s.SIGTERM, s.SIG_IGN); print('on', flush=True); time.sleep(600)"
child = subprocess.Popen([sys.executable, "-c", sleeper], stdout=subprocess.PIPE)
child.stdout.readline()
pathlib.Path(sys.argv[2]).write_text(str(child.pid))
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), SimpleHTTPRequestHandler).serve_forever()
"""


def server(tmp_path: Path, *command: str, port: int = 1, timeout_s: float = 120.0) -> ChildProcess:
    return ChildProcess(
        "Test server",
        command,
        environment=clean_environment(),
        health_url=f"http://127.0.0.1:{port}/",
        log_path=tmp_path / "logs" / "server.log",
        start_timeout_s=timeout_s,
    )


def test_a_server_is_up_after_start_and_gone_after_the_block(tmp_path: Path) -> None:
    port = free_port()
    child = server(tmp_path, sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1", port=port)
    with child:
        assert child.running
        assert httpx.get(f"http://127.0.0.1:{port}/", trust_env=False, timeout=60).is_success
    assert not child.running
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://127.0.0.1:{port}/", trust_env=False)


def test_stopping_ends_what_the_server_started_even_if_that_refuses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scripts.child_process._STOP_S", 1.0)
    port, pid_file = free_port(), tmp_path / "pid"
    with server(tmp_path, sys.executable, "-c", STUBBORN, str(port), str(pid_file), port=port):
        grandchild = int(pid_file.read_text())
        assert lives(grandchild)
    eventually(lambda: not lives(grandchild))  # a killed process may take a moment to end


def test_a_server_that_ends_at_once_is_reported_with_the_end_of_its_log(tmp_path: Path) -> None:
    child = server(tmp_path, sys.executable, "-c", "raise SystemExit('no such database')")
    with pytest.raises(StartError, match=r"(?s)exit status 1.*no such database"):
        child.start()


def test_a_server_that_never_answers_is_stopped_and_reported(tmp_path: Path) -> None:
    child = server(tmp_path, sys.executable, "-c", "import time; time.sleep(60)", timeout_s=0.5)
    with pytest.raises(StartError, match="did not answer"):
        child.start()
    assert not child.running


def test_a_missing_program_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="Test server cannot be started"):
        server(tmp_path, str(tmp_path / "nothing-here")).start()


def test_an_interrupt_while_waiting_stops_the_server(tmp_path: Path) -> None:
    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    child = server(tmp_path, sys.executable, "-c", "import time; time.sleep(60)")
    with pytest.raises(KeyboardInterrupt):
        child.start(on_wait=interrupt)
    assert not child.running


def test_stopping_twice_or_before_the_start_is_harmless(tmp_path: Path) -> None:
    child = server(tmp_path, "true")
    child.stop()
    child.stop()


def test_the_environment_loses_the_callers_settings_and_proxies_for_loopback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MASKLOOP_PORT", "1")
    monkeypatch.setenv("NO_PROXY", "example.com")
    environment = clean_environment("MASKLOOP_")
    assert "MASKLOOP_PORT" not in environment
    assert environment["NO_PROXY"] == "example.com,127.0.0.1,localhost"
    assert environment["PATH"] == os.environ["PATH"]


def test_an_ending_signal_waits_until_the_process_is_known() -> None:
    reached: list[str] = []
    with pytest.raises(KeyboardInterrupt), endings_deferred():
        signal.raise_signal(signal.SIGINT)
        reached.append("end of the block")
    assert reached == ["end of the block"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_swallowed_signal_is_not_forgotten(ending: signal.Signals) -> None:
    with endings_interrupt() as end_if_wanted:
        end_if_wanted()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(ending)
        with pytest.raises(KeyboardInterrupt):
            end_if_wanted()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
