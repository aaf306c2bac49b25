import threading
from pathlib import Path

import pytest

from backend.labelstudio.payloads import WebhookEvent, parse_webhook
from backend.services.fit_triggers import FitTriggers
from backend.state.job_queue import Handlers, JobQueue
from tests.fakes.deliveries import deliver


def webhook(action: str, project_id: int | None = 7, *, skipped: bool = False) -> WebhookEvent:
    body: dict[str, object] = {"action": action, "annotation": {"id": 1, "was_cancelled": skipped}}
    return parse_webhook(body | ({} if project_id is None else {"project": {"id": project_id}}))


class Looks:
    def __init__(self, file: Path) -> None:
        self.seen: list[int] = []
        self.queue = JobQueue(
            None, file, Handlers(self.seen.append, lambda: None, lambda: None, lambda project: None)
        )
        self.triggers = FitTriggers(self.queue)

    def after(self, *events: WebhookEvent, later_s: float = 5) -> list[int]:
        for event in events:
            self.triggers.notice(event)
        self.wait()
        deliver(self.queue)
        deliver(self.queue, after_s=later_s)
        return self.seen

    def wait(self) -> None:
        for thread in threading.enumerate():
            if thread.name == "fit-triggers":
                thread.join(60)


@pytest.fixture
def looks(tmp_path: Path) -> Looks:
    return Looks(tmp_path / "jobs.db")


@pytest.mark.parametrize(
    "action",
    [
        "START_TRAINING",
        "ANNOTATION_CREATED",
        "ANNOTATION_UPDATED",
        "ANNOTATIONS_CREATED",
        "ANNOTATIONS_DELETED",
    ],
)
def test_a_change_or_the_button_makes_the_worker_look(looks: Looks, action: str) -> None:
    assert looks.after(webhook(action)) == [7]


@pytest.mark.parametrize(
    "event",
    [
        webhook("TASKS_CREATED"),
        webhook("PROJECT_UPDATED"),
        webhook("ANNOTATION_CREATED", skipped=True),
        webhook("ANNOTATION_CREATED", None),
    ],
    ids=["tasks", "project", "skip", "no project"],
)
def test_other_events_do_not(looks: Looks, event: WebhookEvent) -> None:
    assert looks.after(event) == []


def test_many_events_at_once_make_one_look_at_each_project(
    looks: Looks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.services.fit_triggers._COLLECT_S", 600.0)  # slow machines take a while
    events = [webhook("ANNOTATION_CREATED", project_id) for _ in range(200) for project_id in (7, 8)]
    assert sorted(looks.after(*events, later_s=601)) == [7, 8]


def test_a_queue_that_fails_is_logged_and_hurts_nobody(
    looks: Looks, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    looks.queue.huey.storage.close()
    looks.queue.huey.storage.filename = str(tmp_path / "missing" / "jobs.db")
    looks.triggers.notice(webhook("START_TRAINING"))
    looks.wait()
    assert "has to wait" in caplog.text
