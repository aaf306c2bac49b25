import builtins
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from backend.errors import JobQueueError
from backend.state import job_queue
from backend.state.job_queue import JobQueue
from models.errors import MissingExtraError
from tests.fakes.deliveries import deliver
from tests.fakes.job_handlers import Woken


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state" / "jobs.db"


def test_what_one_process_sends_another_one_does(file: Path) -> None:
    sender = JobQueue(None, file)
    assert sender.look(7) and sender.run()
    worker = Woken(file)
    assert deliver(worker.queue) == 2
    assert worker.seen == ["look 7", "run"]
    assert deliver(worker.queue) == 0


def test_a_later_look_comes_later(file: Path) -> None:
    worker = Woken(file)
    JobQueue(None, file).look(7, delay_s=3600)
    deliver(worker.queue)
    deliver(worker.queue, after_s=3500)
    assert worker.seen == []
    deliver(worker.queue, after_s=3601)
    assert worker.seen == ["look 7"]


def test_a_look_is_asked_for_once_while_one_is_coming(file: Path) -> None:
    sender = JobQueue(None, file)
    assert [sender.look(7, delay_s=500) for _ in range(100)].count(True) == 1
    assert sender.look(8, delay_s=500)
    assert sender.look(7), "a look at once is not replaced by a later one"


def test_a_later_look_is_left_out_when_a_sooner_one_is_coming_and_not_the_other_way(file: Path) -> None:
    sender = JobQueue(None, file)
    assert sender.look(7, delay_s=500)
    assert not sender.look(7, delay_s=600)
    assert sender.look(7, delay_s=200)


def test_messages_are_text_that_runs_no_code(file: Path) -> None:
    JobQueue(None, file).look(7, delay_s=1)
    with sqlite3.connect(file) as connection:
        [(data,)] = connection.execute("SELECT data FROM task").fetchall()
    connection.close()
    assert bytes(data).startswith(b'{"id":')


def test_a_service_without_a_worker_does_not_fill_the_disk(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_queue, "_MOST_WAITING", 3)
    sender = JobQueue(None, file)
    assert [sender.look(number) for number in range(5)] == [True, True, True, False, False]


def test_a_queue_that_fails_says_so(file: Path) -> None:
    sender = JobQueue(None, file)
    with sqlite3.connect(file) as connection:
        connection.execute("DROP TABLE task")
    connection.close()
    with pytest.raises(JobQueueError, match="cannot be reached"):
        sender.run()


def test_a_file_that_cannot_be_opened_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(JobQueueError, match="MASKLOOP_STATE_DIR"):
        JobQueue(None, tmp_path / "file" / "jobs.db")


def test_redis_that_does_not_answer_is_said(file: Path) -> None:
    with pytest.raises(JobQueueError, match="MASKLOOP_QUEUE_URL"):
        JobQueue("redis://127.0.0.1:9/0", file).run()


def test_a_url_of_something_else_is_refused_without_its_password(file: Path) -> None:
    with pytest.raises(JobQueueError, match=r"redis://.*not 'amqp'") as caught:
        JobQueue("amqp://user:hush@host", file)
    assert "hush" not in str(caught.value)


def test_redis_without_its_package_says_what_to_install(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huey.storage.Redis", None)
    with pytest.raises(MissingExtraError, match="redis"):
        JobQueue("redis://127.0.0.1:9/0", file)


def test_failures_are_known_without_the_redis_package(monkeypatch: pytest.MonkeyPatch) -> None:
    real_import = builtins.__import__

    def without_redis(name: str, *arguments: Any, **keywords: Any) -> Any:
        if name.startswith("redis"):
            raise ImportError(name)
        return real_import(name, *arguments, **keywords)

    monkeypatch.setattr(builtins, "__import__", without_redis)
    assert job_queue._failures() == (sqlite3.Error, OSError)
