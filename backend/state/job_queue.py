"""Wake-ups for those who do the jobs: huey, in a SQLite file by default, in Redis by URL.

A message says no more than "look at project 7" or "see whether a job waits"; what is to be done is in the
database. So a message may come twice or late, and one that is lost costs at most a minute: then the worker
looks at everything anyway. Messages are JSON, not huey's pickles: whoever can write to a shared Redis must
not be able to run code here.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from huey import Huey, RedisHuey, SqliteHuey, crontab
from huey.exceptions import ConfigurationError
from huey.registry import Message
from huey.serializer import Serializer

from backend.errors import JobQueueError
from models.errors import MissingExtraError

_NAME = "maskloop"
_MOST_WAITING = 1000
"""Messages that may lie unread, so that a service without any worker does not fill the disk."""
_TIMES = ("eta", "expires_resolved")


@dataclass(frozen=True)
class Handlers:
    """What a worker does when it is woken.

    Attributes:
        look: Look at one project.
        look_at_all: Look at all projects; called every minute and at the start.
        run: See whether a job waits, and do it.
        inspect: Inspect what has changed in one project.
    """

    look: Callable[[int], None]
    look_at_all: Callable[[], None]
    run: Callable[[], None]
    inspect: Callable[[int], None]


class JobQueue:
    """Sends wake-ups. Safe between threads; every process has its own over the same file or server.

    Args:
        url: `redis://...`, or None for the file.
        file: The SQLite file; its folder is made.
        handlers: What to do; None in processes that only send.

    Raises:
        JobQueueError: The URL is not one of Redis, or the file cannot be opened.
        MissingExtraError: Redis is wanted and its package is not installed.
    """

    def __init__(self, url: str | None, file: Path, handlers: Handlers | None = None) -> None:
        self.huey = _open(url, file)
        self._lock = threading.Lock()
        self._looks: dict[int, float] = {}  # when the look that was asked for last comes, time.monotonic()
        self._handlers = handlers
        self._look = self.huey.task(name="look")(self._do_look)
        self._run = self.huey.task(name="run")(self._do_run)
        self._inspect = self.huey.task(name="inspect")(self._do_inspect)
        self.huey.periodic_task(crontab(minute="*"), name="look_at_all")(self._do_look_at_all)

    def look(self, project_id: int, delay_s: float = 0.0) -> bool:
        """Ask for a look at a project, unless this process asked for one that comes sooner.

        Args:
            project_id: Which one.
            delay_s: The look comes about this much later.

        Returns:
            Whether a message was sent.

        Raises:
            JobQueueError: It could not be sent.
        """
        now = time.monotonic()
        with self._lock:
            if now < self._looks.get(project_id, now) <= now + delay_s:
                return False
            self._looks[project_id] = now + delay_s
        return self._send(self._look, (project_id,), delay_s)

    def run(self, delay_s: float = 0.0) -> bool:
        """Ask the worker to see whether a job waits.

        Raises:
            JobQueueError: The message could not be sent.
        """
        return self._send(self._run, (), delay_s)

    def inspect(self, project_id: int) -> bool:
        """Ask the worker to inspect what has changed in a project.

        Raises:
            JobQueueError: The message could not be sent.
        """
        return self._send(self._inspect, (project_id,), 0.0)

    def _send(self, task: Any, arguments: tuple[int, ...], delay_s: float) -> bool:
        try:
            if self.huey.pending_count() + self.huey.scheduled_count() >= _MOST_WAITING:
                return False
            if delay_s > 0:
                task.schedule(arguments, delay=delay_s)
            else:
                task(*arguments)
        except _failures() as error:
            raise JobQueueError(
                f"The job queue cannot be reached: {error}. Check MASKLOOP_QUEUE_URL."
            ) from error
        return True

    def _do_look(self, project_id: int) -> None:  # huey names a task after this module and the given name
        if self._handlers is not None:
            self._handlers.look(project_id)

    def _do_run(self) -> None:
        if self._handlers is not None:
            self._handlers.run()

    def _do_inspect(self, project_id: int) -> None:
        if self._handlers is not None:
            self._handlers.inspect(project_id)

    def _do_look_at_all(self) -> None:
        if self._handlers is not None:
            self._handlers.look_at_all()


class _Json(Serializer):  # type: ignore[misc] # huey ships no type information
    """Messages as JSON."""

    def _serialize(self, data: Any) -> bytes:
        return json.dumps(data._asdict(), default=datetime.isoformat).encode()

    def _deserialize(self, data: bytes) -> Any:
        fields = json.loads(bytes(data))
        for name in _TIMES:
            if fields.get(name) is not None:
                fields[name] = datetime.fromisoformat(fields[name])
        known = {name: value for name, value in fields.items() if name in Message._fields}
        return Message(**known | {"args": tuple(fields["args"])})


def _open(url: str | None, file: Path) -> Huey:
    if url is None:
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            return SqliteHuey(_NAME, filename=str(file), results=False, serializer=_Json(), fsync=False)
        except (OSError, sqlite3.Error) as error:
            raise JobQueueError(
                f"The job queue {file} cannot be opened: {error}. Check MASKLOOP_STATE_DIR."
            ) from error
    if not url.startswith(("redis://", "rediss://", "unix://")):
        raise JobQueueError(
            f"MASKLOOP_QUEUE_URL must begin with redis:// or rediss://, not {url.split(':')[0]!r}."
        )
    try:
        return RedisHuey(_NAME, url=url, results=False, serializer=_Json())
    except ConfigurationError as error:
        raise MissingExtraError("A job queue in Redis", "redis") from error


def _failures() -> tuple[type[Exception], ...]:
    """What a queue that cannot be reached raises."""
    try:
        from redis.exceptions import RedisError
    except ImportError:
        return (sqlite3.Error, OSError)
    return (sqlite3.Error, OSError, RedisError)
