"""Servers that a command starts beside itself, and always stops again."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType, TracebackType

import httpx

from scripts.errors import StartError

ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Signals with which people and service managers end a command."""
_POLL_S = 0.2
_ANSWER_S = 10.0
_STOP_S = 10.0
_TAIL_LINES = 25


def free_port() -> int:
    """A TCP port of the loopback address on which nothing listens at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def clean_environment(*dropped_prefixes: str) -> dict[str, str]:
    """This process's environment for a server that is to be reached on the loopback address.

    Args:
        dropped_prefixes: Variables beginning so are left out: the caller's own settings must not leak in.

    Returns:
        A new mapping, in which no proxy is used for the loopback address.
    """
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(tuple(dropped_prefixes))
    }
    for name in ("no_proxy", "NO_PROXY"):
        environment[name] = ",".join(filter(None, [environment.get(name), "127.0.0.1", "localhost"]))
    return environment


@contextmanager
def endings_deferred() -> Iterator[None]:
    """Let signals that end the program wait for the end of the block.

    A KeyboardInterrupt between the birth of a process and the moment its number is known would leave it
    behind. Signals are not blocked, because the new process would inherit that. Only the main thread
    receives signals; elsewhere this does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    received: list[int] = []
    handlers = {
        ending: signal.signal(ending, lambda number, _frame: received.append(number)) for ending in ENDINGS
    }
    try:
        yield
    finally:
        for ending, handler in handlers.items():
            signal.signal(ending, handler)
        if received:
            signal.raise_signal(received[0])


@contextmanager
def endings_interrupt() -> Iterator[Callable[[], None]]:
    """Let every signal that ends the program raise KeyboardInterrupt inside the block; main thread only.

    Code of others may swallow it: the SDK has `except:` where it reads answers. Who repeats something in
    the block therefore asks in between whether the end was wanted.

    Yields:
        What raises KeyboardInterrupt if a signal has come.
    """
    received: list[int] = []

    def interrupt(number: int, _frame: FrameType | None) -> None:
        received.append(number)
        raise KeyboardInterrupt

    def check() -> None:
        if received:
            raise KeyboardInterrupt

    handlers = {ending: signal.signal(ending, interrupt) for ending in ENDINGS}
    try:
        yield check
    finally:
        for ending, handler in handlers.items():
            signal.signal(ending, handler)


class ChildProcess:
    """A server process in a process group of its own. Used by one thread.

    The group means that a Ctrl-C in the terminal reaches only the command that started the server, and
    that stopping reaches everything the server started itself.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        health_url: str,
        log_path: Path,
        start_timeout_s: float,
        working_dir: Path | None = None,
    ) -> None:
        """Prepare a server; nothing runs before `start`.

        Args:
            name: What messages call it.
            command: Program and arguments.
            environment: All of its environment variables.
            health_url: Address that answers 2xx as soon as the server works.
            log_path: File that receives its output; overwritten.
            start_timeout_s: Longest wait for the health address.
            working_dir: Folder it runs in; the caller's if None.
        """
        self.name = name
        self._command = list(command)
        self.environment = dict(environment)
        self._health_url = health_url
        self.log_path = log_path
        self._start_timeout_s = start_timeout_s
        self._working_dir = working_dir
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, on_wait: Callable[[float], None] | None = None) -> None:
        """Start the server and wait until it is healthy.

        Args:
            on_wait: Called several times a second with the seconds waited so far.

        Raises:
            StartError: The program is missing, it ended, or it was not healthy in time. It is stopped then.
        """
        self.log_path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with self.log_path.open("wb") as log, endings_deferred():
                self._process = subprocess.Popen(
                    self._command,
                    env=self.environment,
                    cwd=self._working_dir,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
        except OSError as error:
            raise StartError(f"{self.name} cannot be started: {error}") from error
        try:
            self._wait_until_healthy(self._process, on_wait)
        except BaseException:  # Ctrl-C while waiting must not leave the server behind
            self.stop()
            raise

    def _wait_until_healthy(
        self, process: subprocess.Popen[bytes], on_wait: Callable[[float], None] | None
    ) -> None:
        started = time.monotonic()
        with httpx.Client(timeout=_ANSWER_S, trust_env=False) as client:
            while (waited := time.monotonic() - started) < self._start_timeout_s:
                if on_wait is not None:
                    on_wait(waited)
                if process.poll() is not None:
                    raise StartError(self._failure(f"ended with exit status {process.returncode}"))
                try:
                    if client.get(self._health_url).is_success:
                        return
                except httpx.TransportError:
                    pass  # not listening yet
                time.sleep(_POLL_S)
        raise StartError(self._failure(f"did not answer within {self._start_timeout_s:.0f} s"))

    def _failure(self, what: str) -> str:
        return f"{self.name} {what}. The end of {self.log_path}:\n{self.log_tail()}"

    def log_tail(self) -> str:
        """The last lines of the log."""
        with self.log_path.open(errors="replace") as log:
            return "".join(deque(log, maxlen=_TAIL_LINES))

    @property
    def running(self) -> bool:
        """Whether the server was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        """Ask the whole group to end, and kill what is left after some seconds; harmless when repeated."""
        if self._process is None:
            return
        group = self._process.pid
        for signal_number, patience_s in ((signal.SIGTERM, _STOP_S), (signal.SIGKILL, _STOP_S)):
            try:
                os.killpg(group, signal_number)
            except ProcessLookupError:
                break  # the group is empty
            if self._group_ended(group, patience_s):
                break
        self._process.wait()
        self._process = None

    def _group_ended(self, group: int, patience_s: float) -> bool:
        deadline = time.monotonic() + patience_s
        while time.monotonic() < deadline:
            if self._process is not None:
                self._process.poll()  # reap the leader, or its entry would keep the group alive
            try:
                os.killpg(group, 0)
            except ProcessLookupError:
                return True
            time.sleep(0.05)
        return False

    def __enter__(self) -> ChildProcess:
        if self._process is None:
            self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
