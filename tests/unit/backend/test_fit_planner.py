from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import Engine, event

from backend.services.fit_planner import FitPlanner
from backend.services.projects import ProjectOptions
from backend.state.database import open_database
from backend.state.event_inbox import EventInbox
from backend.state.job_queue import Handlers, JobQueue
from backend.state.jobs import JobStore
from backend.state.unread_events import UnreadEvents
from tests.fakes.deliveries import deliver

OPTIONS = ProjectOptions("watershed", "clicknet", (), fit_after=3, fit_quiet_s=60)


class Project:
    """Project 7, its inbox, and the worker that looks at it; the clock stands still unless it is moved."""

    def __init__(self, folder: Path) -> None:
        self.engine: Engine = open_database(f"sqlite:///{folder / 'db.sqlite3'}")
        self.jobs = JobStore(self.engine)
        self.options = OPTIONS
        self.later_s = 0.0
        self.runs = 0
        self.queue = JobQueue(
            None, folder / "jobs.db", Handlers(self.look, lambda: None, self.count_run, self.look)
        )
        self.planner = FitPlanner(
            UnreadEvents(self.engine), self.jobs, lambda number: self.options, self.queue, self.now
        )

    def now(self) -> datetime:
        return datetime.now(timezone.utc) + timedelta(seconds=self.later_s)

    def look(self, project_id: int = 7) -> None:
        self.planner.look(project_id)

    def count_run(self) -> None:
        self.runs += 1

    def happens(self, action: str, *annotations: int, skipped: bool = False, project_id: int = 7) -> None:
        EventInbox(self.engine).add(
            action=action,
            project_id=project_id,
            task_ids=(),
            annotation_ids=annotations,
            skipped=skipped,
            body={},
        )

    def states(self) -> list[str]:
        return [job.state for job in self.jobs.newest(20)]

    def finish(self, state: str = "done") -> None:
        job = self.jobs.take()
        assert job is not None
        self.jobs.finish(job, state, "")  # type: ignore[arg-type] # a literal in every call


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_enough_annotations_make_one_job_and_wake_the_worker(project: Project) -> None:
    for number in range(5):
        project.happens("ANNOTATION_CREATED", number)
        project.look()
    assert project.states() == ["queued"]
    deliver(project.queue)
    assert project.runs == 1


@pytest.mark.parametrize(
    "events",
    [
        [("ANNOTATION_CREATED", (1,)), ("ANNOTATION_UPDATED", (1,)), ("ANNOTATION_UPDATED", (1,))],
        [("TASKS_CREATED", ()), ("PROJECT_UPDATED", ()), ("TASKS_DELETED", ())],
    ],
    ids=["one annotation changed often", "other events"],
)
def test_what_is_not_many_annotations_is_not_counted_as_many(
    project: Project, events: list[tuple[str, tuple[int, ...]]]
) -> None:
    for action, annotations in events:
        project.happens(action, *annotations)
    project.look()
    assert project.states() == []


def test_a_list_of_annotations_counts_as_many(project: Project) -> None:
    project.happens("ANNOTATIONS_CREATED", 1, 2, 3)
    project.look()
    assert project.states() == ["queued"]


def test_skips_do_not_count(project: Project) -> None:
    for number in range(9):
        project.happens("ANNOTATION_CREATED", number, skipped=True)
    project.later_s = 1000
    project.look()
    assert project.states() == []


def test_deletions_count(project: Project) -> None:
    project.happens("ANNOTATIONS_DELETED", 1)
    project.later_s = 61
    project.look()
    assert project.states() == ["queued"]


def test_fewer_annotations_are_looked_at_again_after_the_quiet_time(project: Project) -> None:
    project.happens("ANNOTATION_CREATED", 1)
    project.look()
    assert project.states() == []
    project.later_s = 61
    deliver(project.queue)
    deliver(project.queue, after_s=61)
    assert project.states() == ["queued"]


def test_what_a_training_has_seen_does_not_count_again(project: Project) -> None:
    project.happens("ANNOTATIONS_CREATED", 1, 2, 3)
    project.look()
    project.finish()
    project.later_s = 1000
    project.look()
    assert project.states() == ["done"]
    project.happens("ANNOTATION_CREATED", 4)
    project.later_s = 2000
    project.look()
    assert project.states() == ["queued", "done"]


def test_the_button_works_with_nothing_new_and_once_per_press(project: Project) -> None:
    for _ in range(2):
        project.happens("START_TRAINING")
        project.look()
        project.look()
        assert project.states()[0] == "queued"
        project.finish()
        project.look()
    assert project.states() == ["done", "done"]


def test_a_press_during_a_training_makes_another_one(project: Project) -> None:
    project.happens("START_TRAINING")
    project.look()
    running = project.jobs.take()
    project.happens("START_TRAINING")
    project.look()
    assert running is not None and project.states() == ["queued", "running"]


def test_a_failed_training_is_tried_again_later_and_not_at_once(project: Project) -> None:
    project.happens("START_TRAINING")
    project.happens("ANNOTATIONS_CREATED", 1, 2, 3)
    project.look()
    project.finish("failed")
    project.look()
    assert project.states() == ["failed"]
    project.later_s = 301
    project.look()
    assert project.states() == ["queued", "failed"]


def test_a_cancelled_training_does_not_come_back_by_itself(project: Project) -> None:
    project.happens("ANNOTATIONS_CREATED", 1, 2, 3)
    project.look()
    project.finish("cancelled")
    project.later_s = 10_000
    project.look()
    assert project.states() == ["cancelled"]


def test_a_project_that_does_not_learn_is_left_alone(project: Project) -> None:
    project.options = replace(OPTIONS, learn=False)
    project.happens("START_TRAINING")
    project.happens("ANNOTATIONS_CREATED", 1, 2, 3)
    project.look()
    assert project.states() == []


def test_a_round_finds_what_a_lost_wake_up_would_have_lost(project: Project) -> None:
    project.happens("ANNOTATIONS_CREATED", 1, 2, 3)
    project.happens("ANNOTATIONS_CREATED", 4, 5, 6, project_id=9)
    project.happens("PROJECT_UPDATED", project_id=12)
    project.planner.look_at_all()
    assert sorted(job.project_id for job in project.jobs.in_state("queued")) == [7, 9]


def test_a_look_goes_by_the_index_from_the_last_training_on(project: Project) -> None:
    for number in range(200):
        project.happens("ANNOTATION_CREATED", number)
    statements: list[str] = []
    event.listen(project.engine, "before_cursor_execute", lambda *call: statements.append(call[2]))
    project.look()
    with project.engine.connect() as connection:
        read = [text for text in statements if "FROM events" in text and text.startswith("SELECT")]
        plans = [
            connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", (7, 0) + ("",) * (text.count("?") - 2))
            for text in read
        ]
        assert plans
        for plan in plans:
            assert "ix_events_project_id (project_id=? AND rowid>?)" in plan.fetchall()[0][-1]
